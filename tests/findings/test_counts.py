"""Every list is as long as it is said to be, for whoever asks; and how long is counted without reading what it lists."""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from layers.documents.models import Document
from layers.facilities.models import Place
from layers.findings.lists import finding, findings
from layers.ledger.models import Customer
from layers.orgs.models import User
from layers.people.lists import LISTS, counts, found, rows_of
from layers.rules.models import Rule
from layers.rules.presets import take_over
from layers.staff.models import Absence, Post, StaffItem, StaffSettings
from layers.streets.models import Building
from tests.factories import (
    SIDE,
    AssignmentFactory,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    StaffFactory,
    published,
    square_plan,
)
from tests.rules.places import at
from tests.staff.town import Town, build, today

pytestmark = pytest.mark.django_db
LOOKERS = ("boss", "admin", "chief", "worker", "auditor", "stranger", "regulator")


def crowded(seed: int) -> Town:
    """A town in which chance has put people, things and rules, so that most lists have something in them."""
    chance, town = Random(seed), build(levels=3)
    other = InstitutionFactory(name="二支行", parent=town.head, kind="branch")
    if seed % 2:
        published(square_plan(2, institution=other))
    for key in ("zg05", "zg07", "la01", "la03", "sm06", "hy04", "oc03"):
        take_over(town.head, key)
    StaffSettings.objects.create(
        institution=town.head,
        needed_items=["agreement", "card"],
        term_roles=["chief"],
        persons_per_household=chance.choice([None, 2.5]),
        meeting_days=chance.choice([0, 365]),
    )
    StaffSettings.objects.create(institution=other, needed_items=[], needed_by=["teller"], most_grids=2)
    Document.objects.create(
        institution=other, kind="meeting", number="1", title="会", partner="村委会", content="商定", signed_on=today(-3)
    )

    def somewhere() -> object:
        return at(chance.randrange(-SIDE // 8, SIDE), chance.randrange(SIDE))

    people = list(town.people.values())
    for _ in range(12):
        holder = chance.choice([town.head, town.branch, other])
        kind = chance.choice(["full_time", "part_time", "teller"])
        boss = chance.choice([None, *people])
        people.append(StaffFactory(institution=holder, kind=kind, geom=somewhere(), supervisor=boss))
    grids = list(town.plan.grids.order_by("code"))
    for number in range(8):
        holder = chance.choice([town.branch, other])
        post = Post.objects.create(
            institution=holder,
            kind="shop",
            code=f"p{number}",
            name=f"点{number}",
            geom=somewhere(),
            restricted=number < 2,
        )
        OutletFactory(
            institution=holder,
            kind=chance.choice(["staffed", "station", "exchange"]),
            geom=somewhere(),
            attributes=chance.choice([{}, {"tellers": 3}]),
        )
        MachineFactory(institution=holder, geom=somewhere())
        Customer.objects.create(institution=holder, code=str(number), name="客户", kind="resident", geom=somewhere())
        Place.objects.create(institution=holder, code=str(number), name="市场", kind="market", geom=somewhere())
        Building.objects.create(institution=holder, households=chance.randrange(400), geom=somewhere())
        if chance.random() < 0.5:
            AssignmentFactory(staff=chance.choice(people), grid=None, post=post, role="point_chief")
    for code in ("001001", "001002"):
        town.serve("c", code)
    for _ in range(40):
        try:
            with transaction.atomic():
                AssignmentFactory(
                    staff=chance.choice(people),
                    grid=chance.choice(grids),
                    role=chance.choice(["worker", "worker", "chief"]),
                    kind=chance.choice(["main", "main", "backup", "member"]),
                    status=chance.choice(["approved", "approved", "proposed"]),
                    valid_from=today(-chance.randrange(100)),
                    valid_to=chance.choice([None, None, today()]),
                )
        except IntegrityError:
            pass  # somebody is in charge there already
    for one in people:
        if chance.random() < 0.4:
            Absence.objects.create(staff=one, first_day=today(-1), last_day=today(chance.randrange(3)))
        for kind in chance.sample(["agreement", "certificate", "card"], k=chance.randrange(4)):
            until = chance.choice([None, today(-1), today()])
            StaffItem.objects.create(staff=one, kind=kind, number="1", issued_on=dt.date(2025, 1, 1), valid_until=until)
    return town


@pytest.mark.parametrize("seed", range(4))
def test_a_list_is_as_long_as_it_is_said_to_be(seed: int) -> None:
    town = crowded(seed)
    for who in LOOKERS:
        user = User.objects.get(pk=town.users[who].pk)
        said = {one["id"]: one["count"] for one in counts(user)}
        assert said == {key: len(rows_of(key, user)) for key in LISTS}, who
        if who in {"stranger", "regulator"}:
            continue
        _plan, lists = findings(user, town.plan.pk)
        for one in lists:
            whole = finding(user, one.id, town.plan.pk)[1]
            assert one.to_json() == whole.to_json(), (who, one.id)
            assert len(whole.rows) == one.to_json()["count"], (who, one.id)


def test_pages_of_a_list_are_all_of_it_in_order() -> None:
    town = crowded(1)
    boss = town.users["boss"]
    for key in LISTS:
        whole, parts = rows_of(key, boss), found(key, boss)
        assert [row for start in range(0, len(whole), 3) for row in parts[start : start + 3]] == whole, key


def test_most_lists_have_something_in_them() -> None:
    """Else the tests above prove nothing."""
    filled = {one["id"] for seed in range(4) for one in counts(crowded(seed).users["boss"]) if one["count"]}
    assert filled >= LISTS.keys() - {"unfiled"}


def test_no_list_asks_more_where_there_is_more() -> None:
    town = crowded(2)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            counts(town.users["boss"])
        return len(queries)

    def opened() -> int:
        with CaptureQueriesContext(connection) as queries:
            for key in ("far-households-air", "people-unpaired", "people-absent", "people-rules"):
                finding(town.users["boss"], key, town.plan.pk)
        return len(queries)

    Rule.objects.filter(measure="outlet_distance_km").update(high=0.0001)
    before, before_opened = asked(), opened()
    for number in range(5):
        far = at(SIDE // 8 * (2 * number % 8 + 1), SIDE // 8 * (2 * (number // 4) + 1))
        Building.objects.create(institution=town.head, households=1, geom=far)
        holder = InstitutionFactory(parent=town.head, kind="branch")
        OutletFactory(institution=holder, kind="staffed", attributes={"tellers": 3})
        Absence.objects.create(
            staff=AssignmentFactory(
                staff=StaffFactory(institution=holder), grid=town.grid("001001"), kind="backup"
            ).staff,
            first_day=today(),
            last_day=today(),
        )
    assert (asked(), opened()) == (before, before_opened)

"""Each list shows exactly what it is about, and nothing that the user may not see."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from layers.grids.models import SRID, GridCount
from layers.people.checks import of_grids, of_institutions, of_staff
from layers.people.lists import LISTS, counts, own_grids, rows_of
from layers.rules.evaluate import evaluate
from layers.rules.measures import measure
from layers.rules.presets import take_over
from layers.staff.models import Absence, Assignment, Post, StaffItem, StaffSettings
from tests.factories import AssignmentFactory, InstitutionFactory, StaffFactory, UserFactory, published, square_plan
from tests.staff.town import Town, today


def codes(town: Town, key: str, user: str = "boss") -> list[str]:
    return [row.grid.code[6:] for row in rows_of(key, town.users[user]) if row.grid]


def people(town: Town, key: str, user: str = "boss") -> list[str]:
    return [row.staff.name for row in rows_of(key, town.users[user]) if row.staff]


@pytest.fixture
def full(town: Town) -> Town:
    """a serves 001 and 002, b 003 with c behind; 004 is vacant."""
    town.serve("a", "001")
    town.serve("a", "002")
    town.serve("b", "003")
    town.serve("c", "003", kind="backup")
    return town


@pytest.mark.domain("ZG07")
def test_vacant_grids_double_holders_and_people_without_a_grid(full: Town) -> None:
    assert codes(full, "vacant") == ["004"]
    [row] = rows_of("double", full.users["boss"])
    assert row.staff == full.people["a"] and [one.grid.code[6:] for one in row.held] == ["001", "002"]
    assert "负责 2 个网格" in row.text and all(one.grid.name in row.text for one in row.held)
    assert row.geom is not None and row.geom.num_geom == 2
    assert people(full, "idle") == []
    StaffFactory(institution=full.branch, name="闲人")
    StaffFactory(institution=full.branch, name="离岗", left_on=today())
    assert people(full, "idle") == ["闲人"]
    StaffSettings.objects.create(institution=full.head, most_grids=2)
    assert people(full, "double") == []


def test_a_branch_sees_the_vacancies_of_its_own_grids_only(full: Town) -> None:
    """Of the head office's plan: what people of the branch serve, served last, or lead from above; not the other branch's."""
    other = InstitutionFactory(parent=full.head, kind="branch")
    AssignmentFactory(staff=StaffFactory(institution=other), grid=full.grid("004"), role="chief")
    neighbour = full.users["neighbour"] = UserFactory(institution=other, role="manager")
    assert codes(full, "vacant") == ["004"] == codes(full, "vacant", "neighbour")
    assert codes(full, "vacant", "chief") == [] == codes(full, "unpaired", "neighbour")
    assert codes(full, "unpaired", "chief") == ["001", "002"] == codes(full, "unpaired")
    assert codes(full, "unpaired", "worker") == ["001", "002"] and codes(full, "vacant", "worker") == []
    Assignment.objects.filter(grid=full.grid("003")).update(valid_to=today())
    assert codes(full, "vacant", "chief") == ["003"] and "003" not in codes(full, "vacant", "neighbour")
    # Who leads the whole area answers for all of it.
    root = full.plan.grids.get(level=0)
    AssignmentFactory(staff=full.people["b"], grid=root, role="manager")
    assert codes(full, "vacant", "chief") == ["003", "004"]
    # A plan of the branch's own is all its own; and rules are looked at in own grids, too.
    take_over(full.head, "zg07")
    assert set(codes(full, "rules", "neighbour")) <= {"004"} < set(codes(full, "rules"))
    own = square_plan(2, institution=other)
    assert set(own_grids(neighbour, today()).values_list("plan", flat=True)) == {full.plan.pk}
    published(own)
    assert own_grids(neighbour, today()).filter(plan=own).count() == own.grids.count()


def test_a_chief_or_a_proposal_does_not_fill_a_vacancy(full: Town) -> None:
    full.serve("b", "004", role="chief")
    AssignmentFactory(staff=full.people["b"], grid=full.grid("004"), status="proposed")
    full.serve("c", "004", valid_from=today(1))
    assert codes(full, "vacant") == ["004"]


@pytest.mark.domain("LA03")
def test_absent_without_a_backup_who_is_there(full: Town) -> None:
    Absence.objects.create(staff=full.people["b"], first_day=today(-1), last_day=today())
    assert codes(full, "absent") == []
    Absence.objects.create(staff=full.people["c"], first_day=today(), last_day=today(2))
    assert codes(full, "absent") == ["003"] and people(full, "absent") == ["员工b"]
    assert codes(full, "unpaired") == ["001", "002"]


def test_people_whose_base_is_outside_their_grid(full: Town) -> None:
    inside, far = full.grid("003").geom.point_on_surface, full.grid("004").geom.point_on_surface
    for who, place in (("b", inside), ("a", far)):
        full.people[who].geom = place
        full.people[who].save()
    assert codes(full, "outside") == ["001", "002"]


@pytest.mark.domain("YL08")
def test_who_lacks_an_agreement_a_certificate_or_a_card(full: Town) -> None:
    assert people(full, "items") == []
    StaffSettings.objects.create(institution=full.head, needed_items=["agreement", "card"])
    give = [("a", "agreement", None, None), ("a", "card", None, None), ("b", "agreement", today(-1), None)]
    give += [("b", "card", None, None), ("c", "agreement", None, today()), ("c", "card", None, None)]
    for who, kind, until, back in give:
        StaffItem.objects.create(
            staff=full.people[who],
            kind=kind,
            number=f"{who}{kind}",
            issued_on=dt.date(2026, 1, 1),
            valid_until=until,
            returned_on=back,
        )
    assert people(full, "items") == ["员工b", "员工c"]
    assert {row.text for row in rows_of("items", full.users["boss"])} == {"缺: 协议"}


def post(town: Town, code: str, **more: object) -> Post:
    place = Point(113.001, 30.001, srid=SRID)
    return Post.objects.create(
        **{"institution": town.branch, "kind": "shop", "code": code, "name": code, "geom": place} | more
    )


@pytest.mark.domain("GB01", "GB02")
def test_every_post_has_somebody_or_is_listed(town: Town) -> None:
    held, alone = post(town, "1"), post(town, "2", kind="toilet")
    post(town, "3", is_active=False)
    AssignmentFactory(staff=town.people["a"], grid=None, post=held, role="point_chief")
    assert [row.post for row in rows_of("posts", town.users["boss"])] == [alone]
    assert rows_of("posts", town.users["boss"])[0].text == "厕长"
    with pytest.raises(IntegrityError, match="one_in_charge_of_a_post"), transaction.atomic():
        AssignmentFactory(staff=town.people["b"], grid=None, post=held, role="point_chief")
    with pytest.raises(IntegrityError, match="to_a_grid_or_a_post"):
        AssignmentFactory(staff=town.people["b"], grid=town.grid("001"), post=held)


@pytest.mark.domain("XF03")
def test_shops_that_guard_each_other_and_a_section_of_road(town: Town) -> None:
    one, other = post(town, "1"), post(town, "2")
    one.partners.add(other)
    assert list(other.partners.all()) == [one]
    road = post(town, "3", kind="section", geom=LineString((113, 30), (113.01, 30), srid=SRID))
    assert rows_of("posts", town.users["boss"])[2].at is not None and road.geom.geom_type == "LineString"
    with pytest.raises(IntegrityError, match="point_or_a_line"):
        post(town, "4", geom=Point(113, 30, srid=SRID).buffer(0.01))


@pytest.mark.domain("HY10")
def test_a_restricted_post_is_for_its_holders_and_their_managers(town: Town) -> None:
    secret = post(town, "1", restricted=True)
    AssignmentFactory(staff=town.people["a"], grid=None, post=secret, role="point_chief")

    def seen_by(name: str) -> bool:
        return Post.objects.visible_to(town.users[name]).filter(pk=secret.pk).exists()

    sees = {name: seen_by(name) for name in town.users}
    assert sees == {
        "boss": True, "admin": True, "chief": True, "worker": True,
        "auditor": False, "stranger": False, "regulator": False,
    }  # fmt: skip


@pytest.mark.domain("LA02")
def test_chiefs_who_are_not_filed(town: Town) -> None:
    StaffSettings.objects.create(institution=town.head, term_roles=["chief"])
    town.serve("a", "001", role="chief")
    town.serve("b", "002", role="chief", filing="备 7")
    assert codes(town, "unfiled") == ["001"]


def test_another_bank_and_the_regulator_find_nothing(full: Town) -> None:
    post(full, "1")
    for user in ("stranger", "regulator"):
        assert [rows_of(key, full.users[user]) for key in LISTS] == [[]] * len(LISTS)
    assert {one["id"]: one["count"] for one in counts(full.users["boss"])}["vacant"] == 1


def test_a_branch_does_not_see_the_people_of_another(full: Town) -> None:
    full.people["a"].institution = full.head
    full.people["a"].save()
    assert people(full, "double", "chief") == [] and set(people(full, "double")) == {"员工a"}


@pytest.mark.domain("HY04", "OC03", "OC02", "LA04", "HG02")
def test_structures_and_ratios_of_the_source_plans(full: Town) -> None:
    for key in ("hy04", "hg02", "oc03"):
        take_over(full.head, key)
    leaves = [full.grid(code) for code in ("001", "003")]
    broken = {(fault.grid, fault.domain): fault.value for fault in of_grids(leaves)}
    # Two people serve 003 and one serves 001; chiefs are asked of villages and townships only.
    assert broken == {(leaves[0].pk, "HG02"): 1}
    root = full.grid("")
    faults = {(fault.measure, fault.value) for fault in of_grids([root])}
    assert faults == {("chiefs", 0), ("deputies", 0), ("managers", 0)}
    full.serve("a", "", role="chief")
    full.serve("b", "", role="deputy")
    full.serve("c", "", role="manager", kind="backup")
    assert of_grids([root]) == []

    a, b, c = (full.people[name] for name in "abc")
    c.supervisor = b
    c.save()
    found = {(fault.staff, fault.measure, fault.value) for fault in of_staff([a, b, c])}
    # b is one step up: her one subordinate is too few. Without households nothing is said of 10–15; c has no grid of her own.
    assert (b.pk, "subordinates", 1) in found and (c.pk, "households_per_person", 0) in found
    assert not any(staff == a.pk and name == "households_per_person" for staff, name, _value in found)


@pytest.mark.domain("GC04")
def test_volunteers_are_counted_by_grid(full: Town) -> None:
    for who in "ab":
        full.serve(who, "004", role="volunteer", kind="member")
    grid = full.grid("004").pk
    assert measure([grid], ["volunteers"])[grid]["volunteers"].value == 2
    assert codes(full, "vacant") == ["004"]


def test_eighteen_per_ten_thousand_needs_to_know_how_many_live_in_a_household(full: Town) -> None:
    root = full.grid("").pk
    assert measure([root], ["workers_per_10000"])[root]["workers_per_10000"].value is None
    StaffSettings.objects.create(institution=full.head, persons_per_household=2.5)
    for leaf in full.plan.grids.filter(level=1):
        GridCount.objects.create(grid=leaf, measure="households", value=200, as_of=dt.date(2026, 1, 1))
    got = measure([root], ["workers_per_10000"])[root]["workers_per_10000"]
    # Two different people in charge of grids, 4 × 200 × 2.5 residents.
    assert got.value == pytest.approx(10) and got.estimated


def test_rules_on_people_say_nothing_of_drafts(full: Town) -> None:
    take_over(full.head, "zg07")
    draft = square_plan(2, institution=full.head)
    assert evaluate(draft) == []
    assert {one.grid.code[6:] for one in evaluate(full.plan)} == {"004"}


@pytest.mark.domain("SM06")
def test_outlets_short_of_staff(full: Town) -> None:
    take_over(full.head, "sm06")

    def broken() -> set[tuple[str, float]]:
        return {(fault.measure, fault.value) for fault in of_institutions([full.head, full.branch])}

    assert broken() == set()  # nobody works at the counter there: nothing to judge
    for kind in ("teller", "teller", "non_cash_teller"):
        StaffFactory(institution=full.branch, kind=kind)
    assert broken() == {("hall_managers", 0), ("marketing_share", 0)}
    for kind in ("hall_manager", "account_manager", "account_manager"):
        StaffFactory(institution=full.branch, kind=kind)
    assert broken() == set()
    assert {row.staff.kind for row in rows_of("idle", full.users["boss"])} == {"account_manager"}


def test_rules_ask_once_for_all_institutions(full: Town) -> None:
    for key in ("zg07", "sm06"):
        take_over(full.head, key)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            rows_of("rules", full.users["boss"])
        return len(queries)

    StaffFactory(institution=full.branch, kind="teller")
    before = asked()
    for _ in range(3):
        branch = InstitutionFactory(parent=full.head, kind="branch")
        StaffFactory(institution=branch, kind="teller")
    assert asked() == before

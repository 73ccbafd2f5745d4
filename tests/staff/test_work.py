"""How people work: desk days by turns, subsidies by month, the four ones, outlets short of a standard, and whose the customers are."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client

from layers.audit.models import Entry
from layers.documents.models import Document
from layers.facilities.models import OutletMonth, OutletStandard
from layers.grids.models import SRID, GridCount
from layers.ledger.models import Customer
from layers.people import outlets, roster
from layers.people.lists import rows_of
from layers.people.ownership import customers_owned, customers_per_person
from layers.people.subsidies import by_unit, due
from layers.rules.measures import measure
from layers.staff.faults import BadPerson
from layers.staff.models import Absence, Assessment, DeskDay, StaffItem, StaffSettings
from tests.factories import FIRST_DAY, InstitutionFactory, OutletFactory, StaffFactory
from tests.staff.town import Town, today

MONDAY = dt.date(2026, 11, 23)


def page(town: Town, who: str) -> Client:
    client = Client()
    client.force_login(town.users[who])
    return client


def texts(town: Town, key: str, who: str = "boss") -> list[str]:
    return [row.text for row in rows_of(key, town.users[who])]


@pytest.mark.domain("LA03")
def test_people_sit_at_the_desk_by_turns_and_are_in_the_grids_on_other_days(town: Town) -> None:
    chief, kind = town.users["chief"], town.people["a"].kind
    Absence.objects.create(staff=town.people["b"], first_day=MONDAY, last_day=MONDAY + dt.timedelta(days=1))
    client = page(town, "chief")
    form = {"do": "fill", "kind": kind, "first_day": MONDAY, "last_day": MONDAY + dt.timedelta(days=8), "at_desk": 1}
    assert client.post(f"/people/roster/?day={MONDAY}", form).status_code == 302
    sat = [(one.staff.name[-1], (one.day - MONDAY).days) for one in DeskDay.objects.select_related("staff")]
    # Whoever is away is passed over, and sits as soon as she is back; Saturday and Sunday are free.
    assert sat == [("a", 0), ("c", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 7), ("a", 8)]
    # The next turn begins with whoever has waited longest.
    roster.fill(chief, town.branch, MONDAY + dt.timedelta(days=9), MONDAY + dt.timedelta(days=9), kind=kind, at_desk=1)
    assert DeskDay.objects.latest("day").staff == town.people["c"]
    text = client.get(f"/people/roster/?day={MONDAY}").content.decode()
    assert text.count("坐岗</button>") == 5 and "缺勤" in text
    client.post(f"/people/roster/?day={MONDAY}", {"do": town.people["a"].pk, "day": MONDAY})
    assert not DeskDay.objects.filter(day=MONDAY).exists()
    for at_desk in (0, 4):
        with pytest.raises(BadPerson):
            roster.fill(chief, town.branch, MONDAY, MONDAY, kind=kind, at_desk=at_desk)
    with pytest.raises(PermissionDenied):
        roster.fill(town.users["auditor"], town.branch, MONDAY, MONDAY, kind=kind, at_desk=1)
    assert page(town, "worker").get("/people/roster/").status_code == 403
    assert page(town, "chief").get("/people/roster/?day=x").status_code == 404


@pytest.mark.domain("LA03")
def test_18_per_10000_is_counted_of_residents(town: Town) -> None:
    root, leaf = town.plan.grids.get(level=0), town.grid("001")
    town.serve("a", "001")
    GridCount.objects.create(grid=leaf, measure="households", value=200, as_of=today())
    spot = leaf.geom.point_on_surface
    Customer.objects.create(
        institution=town.branch, code="1", name="户", kind="resident", geom=Point(spot.x, spot.y, srid=SRID), attributes={"members": 4}
    )  # fmt: skip
    # Registered residents where nothing is estimated; else households times persons.
    assert measure([root.pk], ["workers_per_10000"])[root.pk]["workers_per_10000"].value == 1e4 / 4
    StaffSettings.objects.create(institution=town.head, persons_per_household=2.5)
    assert measure([leaf.pk], ["workers_per_10000"])[leaf.pk]["workers_per_10000"].value == pytest.approx(20)


@pytest.mark.domain("LA04")
def test_subsidies_are_due_by_post_and_month_and_summed_by_unit(town: Town) -> None:
    StaffSettings.objects.create(institution=town.head, subsidy=500)
    town.serve("a", "001", role="group_leader", valid_from=dt.date(2026, 1, 1))
    town.serve("b", "002", role="group_leader", valid_from=dt.date(2026, 11, 16))
    town.people["c"].subsidy = 300
    town.people["c"].save()
    town.serve("c", "003", role="group_leader", valid_from=dt.date(2026, 1, 1), valid_to=dt.date(2026, 11, 11))
    town.serve("c", "004", role="chief", valid_from=dt.date(2026, 1, 1))
    town.serve("a", "004", role="group_leader", status="proposed")
    november = due(town.users["boss"], dt.date(2026, 11, 5))
    assert [(one.assignment.staff.name, one.days, one.amount) for one in november] == [
        ("员工a", 30, 500.0),
        ("员工b", 15, 250.0),
        ("员工c", 10, 100.0),
    ]
    assert by_unit(november) == [(town.branch, 3, 850.0)]
    assert [one.amount for one in due(town.users["chief"], dt.date(2026, 12, 1))] == [500.0, 500.0]
    text = page(town, "chief").get("/people/subsidies/?month=2026-11").content.decode()
    assert "850.00" in text
    table = page(town, "chief").get("/people/subsidies/?month=2026-11&format=csv").getvalue().decode("utf-8-sig")
    assert "员工b" in table and "250" in table
    for who in ("worker", "regulator"):
        assert page(town, who).get("/people/subsidies/").status_code == 403
    assert due(town.users["stranger"], dt.date(2026, 11, 1)) == []
    StaffSettings.objects.update(subsidy=2000)
    assert "3,100.00" in page(town, "chief").get("/people/subsidies/?month=2026-11").content.decode()
    StaffSettings.objects.update(subsidy=500)
    # A branch may pay another amount.
    StaffSettings.objects.create(institution=town.branch, subsidy=600)
    assert due(town.users["boss"], dt.date(2026, 11, 5))[0].amount == 600.0


@pytest.mark.domain("LA04")
def test_a_subsidy_depends_on_the_assessment_of_the_month(town: Town) -> None:
    a, november = town.people["a"], dt.date(2026, 11, 1)
    StaffSettings.objects.create(institution=town.head, subsidy=500)
    town.serve("a", "001", role="group_leader", valid_from=dt.date(2026, 1, 1))
    town.serve("b", "002", role="group_leader", valid_from=dt.date(2026, 11, 16))
    chief, address = page(town, "chief"), f"/people/subsidies/?month=2026-11&staff={a.pk}"
    assert "没有考核的按 100%" in chief.get(address).content.decode()
    for values in ({"percent": 201, "note": "x"}, {"percent": -1, "note": "x"}, {"percent": 80, "note": ""}):
        assert chief.post(address, values).status_code == 200 and not Assessment.objects.exists()
    assert chief.post(address, {"percent": 80, "note": "走访不足"}).status_code == 302
    assert chief.post(address, {"percent": 90, "note": "走访不足, 已补"}).status_code == 302
    assert [(one.assessed.percent, one.amount) for one in due(town.users["boss"], november)] == [
        (90, 450.0),
        (100, 250.0),
    ]
    assert due(town.users["boss"], dt.date(2026, 10, 1))[0].amount == 500.0
    table = chief.get("/people/subsidies/?month=2026-11&format=csv").getvalue().decode("utf-8-sig")
    assert "考核结果" in table and "走访不足, 已补" in table and ",90," in table
    written = Entry.objects.filter(table_name="assessment", username=town.users["chief"].username)
    assert written.count() == 2
    # Neither oneself, nor what has not begun; and only those of the own subtree.
    for who, status in (("auditor", 403), ("worker", 403), ("stranger", 404)):
        assert page(town, who).post(address, {"percent": 1, "note": "x"}).status_code == status
    a.user = town.users["chief"]
    a.save()
    assert "不能登记自己的考核" in chief.post(address, {"percent": 200, "note": "x"}).content.decode()
    later = f"/people/subsidies/?month={today(40):%Y-%m}&staff={town.people['b'].pk}"
    assert "还没有开始" in chief.post(later, {"percent": 50, "note": "x"}).content.decode()
    assert Assessment.objects.get().percent == 90
    assert chief.get(f"/people/subsidies/?month=2026-11&institution={town.head.pk}").status_code == 404


@pytest.mark.domain("YL08")
def test_the_four_ones_are_a_meeting_a_grid_a_registered_person_and_a_card(town: Town) -> None:
    StaffSettings.objects.create(institution=town.head, needed_by=[town.people["a"].kind], meeting_days=100)
    StaffFactory(institution=town.head, kind="teller")
    town.serve("a", "001")
    for kind in ("agreement", "certificate", "card"):
        StaffItem.objects.create(staff=town.people["a"], kind=kind, number="1", issued_on=FIRST_DAY)
    StaffItem.objects.create(
        staff=town.people["b"], kind="card", number="2", issued_on=FIRST_DAY, valid_until=today(-1)
    )
    assert texts(town, "fours") == ["缺: 会", "缺: 会、网、人、卡", "缺: 会、网、人、卡"]
    # The minutes are registered beside agreements and regulations, and say with whom and what.
    form = {
        "institution": town.branch.pk,
        "kind": "meeting",
        "number": "纪要 1",
        "title": "对接会",
        "signed_on": today(-3),
    }
    answer = page(town, "chief").post("/documents/new/", form)
    assert answer.status_code == 400 and "须填写" in answer.content.decode()
    page(town, "chief").post("/documents/new/", form | {"partner": "社区", "content": "对接网格员"})
    assert texts(town, "fours") == ["缺: 网、人、卡", "缺: 网、人、卡"]
    with pytest.raises(IntegrityError, match="meeting"), transaction.atomic():
        Document.objects.update(partner="")
    Document.objects.update(signed_on=today(-101))
    assert texts(town, "fours")[0] == "缺: 会"
    StaffSettings.objects.update(meeting_days=0)
    assert len(texts(town, "fours")) == 2 and texts(town, "fours", "stranger") == []


@pytest.mark.domain("SM06")
def test_outlets_short_of_a_standard_are_listed_with_what_they_lack(town: Town) -> None:
    staff = {"tellers": 2, "lobby_managers": 1, "marketers": 2, "non_cash_tellers": 1}
    good = OutletFactory(institution=town.branch, code="A", kind="staffed", attributes=staff)
    fine = OutletFactory(institution=town.branch, code="B", kind="staffed", attributes=staff | {"fine": True})
    poor = OutletFactory(
        institution=town.branch, code="C", kind="staffed", attributes=staff | {"marketers": 0, "non_cash_tellers": 0}
    )
    OutletFactory(institution=town.branch, code="D", kind="staffed")
    OutletFactory(institution=InstitutionFactory(), code="E", kind="staffed", attributes=staff | {"tellers": 9})

    def short(who: str = "boss") -> dict[str, str]:
        return {row.outlet.code if row.outlet else "": row.text for row in rows_of("outlets", town.users[who])}

    assert short() == {
        "B": "大堂经理 1 名, 应 ≥ 2",
        "C": "非现金柜员 0 名, 应 ≥ 1; 营销占比 33%, 应 ≥ 50%",
    }
    client = page(town, "chief")
    form = {"month": f"{today():%Y-%m}", "satisfaction": 84.5, "referral": 30, "on_duty": 100, "trained": 20}
    assert client.post(f"/people/outlets/{good.pk}/", form).status_code == 302
    month = f"{today():%Y-%m}"
    assert short()["A"] == f"{month} 满意度 84.5%, 应 ≥ 85%; {month} 导入率 30%, 应 > 30%"
    assert short()[""] == f"{today().year} 年轮训 20 人次, 应 ≥ 500"
    client.post(f"/people/outlets/{good.pk}/", form | {"satisfaction": 85, "referral": 30.1, "trained": 500})
    assert OutletMonth.objects.count() == 1 and set(short()) == {"B", "C"}
    # The limits are settings.
    admin = page(town, "admin")
    values = {"marketing": 30, "hall_managers": 1, "non_cash_tellers": 0, "more_at_fine": 0, "on_duty": 100}
    values |= {"satisfaction": 86, "referral": 30, "trained": 100}
    admin.post("/people/settings/", {"do": "standard"} | {f"standard-{name}": value for name, value in values.items()})
    assert OutletStandard.of(town.branch).satisfaction == 86 and set(short()) == {"A"}
    assert client.get(f"/people/outlets/{poor.pk}/").status_code == 200
    assert "86" in client.get(f"/people/outlets/{good.pk}/").content.decode()
    assert client.post(f"/people/outlets/{fine.pk}/", {"month": "2026-13"}).status_code == 200
    for who, status in (("worker", 404), ("stranger", 404), ("regulator", 403)):
        assert page(town, who).get(f"/people/outlets/{good.pk}/").status_code == status
    with pytest.raises(PermissionDenied):
        outlets.report(town.users["auditor"], good, today(), satisfaction=99)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutletMonth.objects.create(outlet=good, month=dt.date(2026, 11, 2))


@pytest.mark.domain("OB02")
def test_customers_count_for_people_and_outlets_by_the_recorded_shares(town: Town) -> None:
    helper = InstitutionFactory(parent=town.head, kind="branch")
    spot = town.grid("001").geom.point_on_surface
    for n, (share, by) in enumerate(((0, None), (0, None), (0.4, helper))):
        Customer.objects.create(
            institution=town.branch, code=str(n), name="户", kind="merchant", geom=Point(spot.x, spot.y, srid=SRID),
            served_share=share, served_by=by,
        )  # fmt: skip
    town.serve("a", "001", share=30)
    town.serve("b", "", role="account_manager", share=70)
    town.serve("c", "", role="chief")
    people = [town.people[name].pk for name in "abc"]

    def shares() -> list[float]:
        counted = customers_per_person(people)
        return [round(counted[one].value, 3) for one in people]

    # 2.6 customers are the branch's; the worker below has 30 % of them, the account manager above 70 %, a chief owns none.
    assert shares() == [0.78, 1.82, 0]
    town.people["a"].assignments.update(share=100)
    assert shares() == [pytest.approx(2.6 * 100 / 170, abs=1e-3), pytest.approx(2.6 * 70 / 170, abs=1e-3), 0]
    owned = customers_owned([town.branch.pk, helper.pk, town.head.pk])
    assert [round(owned[one.pk].value, 3) for one in (town.branch, helper, town.head)] == [2.6, 0.4, 0]
    assert [text.split(":")[0] for text in texts(town, "ownership")] == [town.branch.name, helper.name]
    Customer.objects.create(
        institution=town.branch, code="gone", name="户", kind="merchant", geom=Point(spot.x, spot.y, srid=SRID),
        is_active=False,
    )  # fmt: skip
    assert round(customers_owned([town.branch.pk])[town.branch.pk].value, 3) == 2.6
    assert shares()[0] == pytest.approx(2.6 * 100 / 170, abs=1e-3)
    assert "折算 2.6 户" in texts(town, "ownership")[0] and texts(town, "ownership", "worker") == []
    assert "归属客户" in page(town, "boss").get(f"/people/{people[0]}/").content.decode()

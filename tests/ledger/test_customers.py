"""Customers are private: who sees them, how, and what is written down of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from layers.audit.models import Entry
from layers.grids.models import SRID, Grid, Plan
from layers.ledger.models import Care, Customer
from layers.orgs.models import Institution
from tests.api.world import bearer
from tests.factories import (
    SIDE,
    AssignmentFactory,
    InstitutionFactory,
    StaffFactory,
    UserFactory,
    published,
    square_plan,
)

STEP = SIDE // 4
NAME, PHONE = "演示户·甲子001", "0728-0123456"


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(name="甲行")


@pytest.fixture
def plan(bank: Institution) -> Plan:
    return published(square_plan(2, levels=3, institution=bank))


def customer(institution: Institution, column: int, row: int, **fields: object) -> Customer:
    place = Point(113 + (column + 0.5) * STEP / 1e7, 30 + (row + 0.5) * STEP / 1e7, srid=SRID)
    values = {"code": f"C{column}{row}", "name": NAME, "kind": "resident", "phone": PHONE} | fields
    made = Customer.objects.create(institution=institution, geom=place, **values)
    made.refresh_from_db()
    return made


def names(client: Client) -> list[str]:
    answer = client.get("/api/layers/customers").json()
    return [feature["properties"]["name"] for feature in answer["features"]]


def user_of(institution: Institution, role: str) -> Client:
    return bearer(UserFactory(institution=institution, role=role))


def test_customers_stay_in_the_subtree(bank: Institution, plan: Plan) -> None:
    branch, sister = (InstitutionFactory(parent=bank, kind="branch") for _ in range(2))
    customer(branch, 0, 0, kind="merchant", name="演示商店")
    seen = {
        "head": names(user_of(bank, "manager")),
        "own": names(user_of(branch, "manager")),
        "sister": names(user_of(sister, "manager")),
        "other bank": names(user_of(InstitutionFactory(), "administrator")),
        "regulator": names(user_of(InstitutionFactory(kind="regulator"), "regulator")),
    }
    assert seen == {"head": ["演示商店"], "own": ["演示商店"], "sister": [], "other bank": [], "regulator": []}


@pytest.mark.domain("HY10")
def test_a_field_worker_sees_those_in_the_own_grids(bank: Institution, plan: Plan) -> None:
    user = UserFactory(institution=bank, role="worker")
    mine, other = customer(bank, 0, 0), customer(bank, 3, 3, name="演示户·乙丑002")
    person = StaffFactory(institution=bank, user=user)
    client = bearer(user)
    assert names(client) == []
    AssignmentFactory(staff=person, grid=Grid.objects.get(plan=plan, code=mine.grid_code))
    assert names(client) == [NAME]
    assert client.get(f"/api/customers/{other.pk}").status_code == 404
    # In charge of the grid above, she sees what lies below it.
    above = Grid.objects.get(plan=plan, code=other.grid_code).parent
    AssignmentFactory(staff=person, grid=above)
    assert len(names(client)) == 2


def test_names_and_telephones_are_masked_until_asked_for_with_a_reason(bank: Institution, plan: Plan) -> None:
    household = customer(bank, 0, 0)
    client = user_of(bank, "manager")
    assert names(client) == ["演" + "*" * (len(NAME) - 1)]
    shown = client.get(f"/api/customers/{household.pk}")
    assert NAME not in shown.content.decode() and PHONE not in shown.content.decode()
    address = f"/api/customers/{household.pk}/unmask"
    wish = {"fields": ["phone"], "reason": ""}
    assert client.post(address, wish, content_type="application/json").status_code == 400
    wish["reason"] = "电话核实地址"
    assert client.post(address, wish, content_type="application/json").json() == {"phone": PHONE}
    entry = Entry.objects.filter(kind=Entry.Kind.UNMASK).get()
    assert (entry.table_name, entry.keys) == ("customer", [str(household.pk)])


def test_an_auditor_unmasks_nothing(bank: Institution, plan: Plan) -> None:
    household = customer(bank, 0, 0)
    wish = {"fields": ["phone"], "reason": "核对台账"}
    answer = user_of(bank, "auditor").post(
        f"/api/customers/{household.pk}/unmask", wish, content_type="application/json"
    )
    assert answer.status_code == 403 and PHONE not in answer.content.decode()


@pytest.mark.domain("HY10", "OC09")
def test_care_is_a_restricted_register(bank: Institution, plan: Plan) -> None:
    """Workers of the grid, managers and administrators; nobody else, and each look is written down."""
    household = customer(bank, 0, 0)
    Care.objects.create(customer=household, category="empty_nest", since=dt.date(2026, 3, 1))
    worker = UserFactory(institution=bank, role="worker")
    AssignmentFactory(
        staff=StaffFactory(institution=bank, user=worker), grid=Grid.objects.get(plan=plan, code=household.grid_code)
    )
    counts = {
        role: user_of(bank, role).get("/api/cares").json()["numberMatched"]
        for role in ("administrator", "manager", "planner", "auditor", "worker")
    }
    assert counts == {"administrator": 1, "manager": 1, "planner": 0, "auditor": 0, "worker": 0}
    looks = Entry.objects.filter(kind=Entry.Kind.READ, table_name="care").count()
    [care] = bearer(worker).get("/api/cares").json()["cares"]
    assert (care["category"], care["customer"]["name"]) == ("空巢老人", NAME)
    assert Entry.objects.filter(kind=Entry.Kind.READ, table_name="care").count() == looks + 1
    hidden = user_of(bank, "planner").get(f"/api/customers/{household.pk}").json()
    assert hidden["cares"] == []


@pytest.mark.domain("OB02")
def test_a_customer_taken_up_keeps_the_outlet_that_serves_it(bank: Institution, plan: Plan) -> None:
    """Ownership moves up; who serves on has a share, and a share is somebody's."""
    branch = InstitutionFactory(parent=bank, kind="branch", name="甲一支行")
    firm = customer(bank, 0, 0, kind="leading_firm", name="演示集团", served_by=branch, served_share=0.4)
    shown = user_of(bank, "manager").get(f"/api/customers/{firm.pk}").json()
    assert (shown["institution"], shown["served_by"]) == ("甲行", {"name": "甲一支行", "share": 0.4})

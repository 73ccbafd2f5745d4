"""Customers counted by grid: by class and attribute, and only those of the own subtree (YL02, ZG16, LA06, OC09)."""

from __future__ import annotations

from typing import Any

import pytest

from layers.grids.models import Grid
from layers.ledger.models import Customer
from layers.orgs.models import Institution
from tests.api.world import bearer
from tests.factories import SIDE, InstitutionFactory, UserFactory, published, square_plan
from tests.rules.places import at

pytestmark = pytest.mark.django_db
SPOT = at(SIDE // 4, SIDE // 4)


def customer(owner: Institution, number: int, kind: str = "resident", **attributes: Any) -> None:
    Customer.objects.create(
        institution=owner, code=f"K{number}", name=f"客户{number}", kind=kind, geom=SPOT, attributes=attributes
    )


def value(client: Any, name: str) -> float | None:
    answer = client.get(f"/api/measures/{name}?level=1").json()
    return next(row["value"] for row in answer["rows"] if row["code"] == "429005001")


@pytest.mark.domain("ZG16", "LA06", "OC09")
def test_classes_rates_and_channels() -> None:
    bank = InstitutionFactory()
    published(square_plan(2, institution=bank))
    customer(bank, 1, members=3, profiled=True, wechat_group=True, channels=["手机银行", "微信银行"])
    customer(bank, 2, "farm_household", members=4, profiled=False, wechat_group=False, channels=["手机银行"])
    customer(bank, 3, "merchant", profiled=True)
    customer(bank, 4, "cooperative")
    manager = bearer(UserFactory(institution=bank, role="manager"))
    names = ("customers", "customers_resident", "customers_merchant", "residents", "registration_rate", "wechat_rate")
    assert [value(manager, name) for name in names] == [4, 1, 1, 7, 50, 50]
    assert [value(manager, f"channel_{n}") for n in (1, 2, 3, 4)] == [0, 50, 25, 0]
    row = manager.get("/api/measures/registration_rate?level=1").json()["rows"][0]
    behind = manager.get(row["rows"][0]).json()
    assert behind["numberMatched"] == 4


@pytest.mark.domain("YL02")
def test_each_of_the_five_classes_has_its_contact_and_those_without_can_be_listed() -> None:
    """五个对接五个全覆盖: a rate for each class by its own event, and the customers still to be contacted."""
    bank = InstitutionFactory()
    published(square_plan(2, institution=bank))
    classes = ("farm_household", "large_grower", "cooperative", "leading_firm", "family_farm")
    for number, kind in enumerate(classes):
        customer(bank, 10 * number, kind, service_event=True)
        for more in range(number):
            customer(bank, 10 * number + more + 1, kind, service_event=False)
    manager = bearer(UserFactory(institution=bank, role="manager"))
    rates = [value(manager, f"contact_rate_{kind}") for kind in classes]
    assert rates == [100, 50, pytest.approx(33.3, abs=0.1), 25, 20]
    names = {one["id"]: one["name"] for one in manager.get("/api/measures").json()}
    assert names["contact_rate_farm_household"] == "农户对接率 (支农联系卡)"
    open_ones = manager.get("/api/layers/customers?kind=cooperative&attributes.service_event=否").json()
    assert open_ones["numberMatched"] == 2


def test_a_branch_counts_its_own_customers_only() -> None:
    bank = InstitutionFactory()
    ours, theirs = (InstitutionFactory(parent=bank, kind="branch") for _ in range(2))
    published(square_plan(2, institution=bank))
    for number, owner in enumerate((ours, ours, theirs)):
        customer(owner, number)
    for owner, role, seen in ((bank, "manager", 3), (ours, "manager", 2), (theirs, "planner", 1)):
        assert value(bearer(UserFactory(institution=owner, role=role)), "customers") == seen
    # What a branch may not see is no data, and never zero; what it sees is said to be its own.
    branch = bearer(UserFactory(institution=theirs, role="manager"))
    for name in ("customers", "register_person", "registration_rate"):
        rows = branch.get(f"/api/measures/{name}?level=1").json()["rows"]
        known, none = ([row for row in rows if (row["value"] is None) == empty] for empty in (False, True))
        assert len(known) == 1 and "只计本机构的" in known[0]["source"], name
        assert len(none) == 3 and {row["source"] for row in none} == {"本机构没有登记; 其他机构的无权查看"}, name
    # Not a branch alone: a regulator sees none, a head office all.
    head, regulator = (
        UserFactory(institution=one, role=role)
        for one, role in ((bank, "manager"), (InstitutionFactory(kind="regulator"), "regulator"))
    )
    grid = Grid.objects.get(level=0).pk
    for user, partial in ((head, False), (regulator, True)):
        [person] = bearer(user).get(f"/api/grids/{grid}/registers?only=person").json()
        assert (person["partial"], person["count"] > 0) == (partial, not partial)
    worker = bearer(UserFactory(institution=ours, role="worker"))
    assert worker.get("/api/measures/customers?level=1").status_code == 403
    assert "customers" not in {one["id"] for one in worker.get("/api/measures").json()}

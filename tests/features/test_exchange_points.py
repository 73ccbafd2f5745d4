"""积分兑换点: where they stand, who pays, accounts that everybody may read; where the next ones go (DD05)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from layers.grids.models import GridCount, Plan
from layers.orgs.models import Institution
from tests.api.world import assert_fault, bearer
from tests.factories import InstitutionFactory, UserFactory, grid, published, square_plan

pytestmark = pytest.mark.django_db
WHOLE = {"site": "村部", "funded_by": ["集体拿一点", "银行出一点"], "ledger_public": True, "ledger_at": "村务公开栏"}


@pytest.fixture
def bank() -> Institution:
    return InstitutionFactory(code="QJ", name="潜江农商行")


@pytest.fixture
def plan(bank: Institution) -> Plan:
    plan = published(square_plan(2, levels=3, institution=bank))
    GridCount.objects.create(grid=grid(plan, "004001"), measure="households", value=300, as_of="2026-06-30")
    return plan


@pytest.fixture
def planner(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="planner"))


def add(client: Client, layer: str = "outlets", **values: Any) -> Any:
    given = {"kind": "exchange", "lon": 113.001, "lat": 30.001} | values
    return client.post(f"/api/layers/{layer}", given, content_type="application/json")


@pytest.mark.domain("DD05")
def test_exchange_points_whose_accounts_are_public_are_listed_for_everybody(planner: Client, plan: Plan):
    assert Client().get("/public/exchange-points/QJ/").status_code == 404
    evil = "<img src=x onerror=alert(1)>小卖部"
    assert add(planner, code="D1", name=evil, attributes=WHOLE).status_code == 201
    assert add(planner, code="D2", name="电商站兑换点", attributes={"site": "电商站"}).status_code == 201
    assert_fault(add(planner, code="D3", name="x", attributes={"site": "茶馆"}), 400, "invalid_attributes")
    page = Client().get("/public/exchange-points/QJ/")
    text = page.content.decode()
    assert "集体拿一点" in text or "银行出一点、集体拿一点" in text
    assert "村务公开栏" in text and "电商站兑换点" not in text and "&lt;img" in text and "<img src=x" not in text
    assert "public" in page["Cache-Control"] and not page.cookies
    english = Client().get("/public/exchange-points/QJ/", headers={"accept-language": "en"}).content.decode()
    assert "Points exchanges" in english and "公示" not in english.replace("村务公开栏", "")
    assert Client().get("/public/exchange-points/NONE/").status_code == 404
    [lacking] = planner.get("/api/findings/exchange-points").json()["rows"]
    assert lacking["name"] == "电商站兑换点" and "资金来源" in lacking["text"] and lacking["at"]
    of_fund = planner.get("/api/layers/outlets", {"attributes.funded_by": "银行出一点"}).json()
    assert of_fund["numberMatched"] == 1


@pytest.mark.domain("DD05")
def test_the_next_exchange_point_is_sited_at_a_shop(planner: Client, plan: Plan):
    for code, x, y in (("S1", 0.001, 0.001), ("S2", 0.0081, 0.0081)):
        place = {"lon": 113 + x, "lat": 30 + y, "name": f"小卖部{code}", "kind": "shop", "code": code}
        assert add(planner, "places", **place).status_code == 201
    wish = {"grid": grid(plan, "").pk, "layer": "outlets", "kind": "exchange", "candidates": "places:shop", "k": 1}
    found = planner.post("/api/siting", wish | {"radius_m": 800}, content_type="application/json").json()
    assert [one["properties"]["code"] for one in found["chosen"]] == ["S2"] and found["covered"]["after"] == 300


@pytest.mark.domain("OB04")
def test_stations_and_points_are_planned_by_community(planner: Client, plan: Plan):
    """One plan: which communities have none, where the next goes, and then it is off the list."""
    place = {"lon": 113.001, "lat": 30.001, "name": "回收站", "kind": "recycling", "code": "R1"}
    assert add(planner, "places", **place, attributes={"tier": "站"}).status_code == 201
    found = planner.get("/api/findings/rule-ob04-1").json()
    assert [row["code"] for row in found["rows"]] == ["429005002", "429005003", "429005004"]
    assert found["domain"] == "OB04" and "按预设" in found["demand"]
    wish = {"grid": grid(plan, "").pk, "layer": "places", "kind": "recycling", "k": 1, "radius_m": 1000}
    proposal = planner.post("/api/siting", wish, content_type="application/json").json()
    [chosen] = proposal["chosen"]
    assert chosen["properties"]["code"] == "429005004" and len(proposal["existing"]) == 1
    lon, lat = chosen["geometry"]["coordinates"]
    point = {"lon": lon, "lat": lat, "name": "回收点", "kind": "recycling", "code": "R2"}
    assert add(planner, "places", **point, attributes={"tier": "点"}).status_code == 201
    rows = planner.get("/api/findings/rule-ob04-1").json()["rows"]
    assert [row["code"] for row in rows] == ["429005002", "429005003"]

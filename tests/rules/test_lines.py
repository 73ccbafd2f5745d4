"""The rows behind numbers that no layer has: each adds up to its number, and is for those who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from layers.grids.models import GridCount, Plan
from layers.orgs.models import Institution
from layers.streets.models import Building
from tests.api.world import bearer
from tests.editing.test_editing import Desk
from tests.editing.test_overlapping_edits import LITTLE
from tests.factories import SIDE, InstitutionFactory, OutletFactory, UserFactory, grid, published, square_plan
from tests.rules.places import at, diagonal_plan

QUARTER = SIDE // 4


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(name="潜江农商行")


@pytest.fixture
def manager(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="manager"))


def row_of(client: Client, name: str, code: str, plan: Plan, level: int) -> dict[str, Any]:
    """The row of a grid of a measure."""
    rows = client.get(f"/api/measures/{name}?plan={plan.pk}&level={level}").json()["rows"]
    [found] = [row for row in rows if row["code"].endswith(code)]
    return found


def behind(client: Client, row: dict[str, Any]) -> list[dict[str, Any]]:
    """What the addresses of a row answer, one after the other."""
    answers = [client.get(address) for address in row["rows"]]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    return [answer.json() for answer in answers]


def test_pieces_are_told_one_by_one(manager: Client, bank: Institution):
    plan = diagonal_plan(bank)
    row = row_of(manager, "pieces", "001", plan, 1)
    [found] = behind(manager, row)
    assert found["count"] == len(found["lines"]) == row["value"] == 2
    # Of two equal pieces the northern one is the smaller: meridians converge.
    south, north = found["lines"]
    assert south["name"] == "第 1 块" and "平方公里, 周长" in south["text"] and south["at"][1] < north["at"][1]
    compact = row_of(manager, "compactness", "001", plan, 1)
    assert compact["source"].startswith("4πA/P² (A = ") and behind(manager, compact) == [found]


def test_grids_directly_below_and_beside(manager: Client, bank: Institution):
    plan = square_plan(2, levels=3, institution=bank)
    for code, households in (("001001", 100), ("001002", 300), ("001003", 200), ("001004", 200)):
        GridCount.objects.create(grid=grid(plan, code), measure="households", value=households, as_of="2026-06-30")
    row = row_of(manager, "children", "005001", plan, 1)
    [below] = behind(manager, row)
    assert below["count"] == row["value"] == 4 and {line["code"][:-3] for line in below["lines"]} == {row["code"]}
    assert [line["grid"] for line in below["lines"]] == list(
        plan.grids.filter(parent=row["id"]).order_by("code").values_list("pk", flat=True)
    )
    deviation = row_of(manager, "workload_deviation", "001002", plan, 2)
    assert deviation["value"] == 50 and "同级平均 200.0 分" in deviation["source"]
    [beside] = behind(manager, deviation)
    assert [line["text"] for line in beside["lines"]] == [f"工作量 {n} 分" for n in (100, 300, 200, 200)]


def test_who_overlaps_and_by_how_much(db: None):
    desk = Desk(square_plan(2, levels=3, kind="urban", policy="bounded_overlap", overlap_limit=0.1))
    desk.do("extend", ring=LITTLE, grid=desk.grid("001001").pk)
    row = row_of(desk.client, "overlap_share", "001001", desk.plan, 2)
    [found] = behind(desk.client, row)
    [line] = found["lines"]
    assert line["code"].endswith("001002") and f"占本网格的 {row['value']:.2f}%" in line["text"]
    strict = row_of(desk.client, "overlap_share", "002001", desk.plan, 2)
    assert behind(desk.client, strict)[0]["count"] == strict["value"] == 0


def test_the_outlet_that_a_distance_leads_to(manager: Client, bank: Institution):
    plan = square_plan(2, levels=3, institution=bank)
    OutletFactory(institution=bank, kind="staffed", name="远支行", geom=at(SIDE * 9, 0))
    OutletFactory(institution=bank, kind="staffed", name="近支行", geom=at(QUARTER, QUARTER))
    row = row_of(manager, "outlet_distance_km", "001001", plan, 2)
    [found] = behind(manager, row)
    [line] = found["lines"]
    assert line["name"] == "近支行" and line["text"].startswith(f"{row['value']:.2f} 公里, 直线距离")
    assert line["at"] == list(at(QUARTER, QUARTER).coords)


def test_homes_add_up_to_the_households_and_to_the_far_of_them(manager: Client, bank: Institution):
    plan = published(square_plan(2, levels=3, institution=bank))
    for code, households, x in (("a", 3, 1000), ("=b", 5, 2000), ("c", 7, QUARTER + 1000)):
        Building.objects.create(institution=bank, code=code, households=households, geom=at(x, 1000))
    OutletFactory(institution=bank, kind="staffed", name="远支行", geom=at(SIDE * 100, 0))
    row = row_of(manager, "households", "001001", plan, 2)
    [homes] = behind(manager, row)
    assert row["value"] == 8 and [(line["code"], line["text"]) for line in homes["lines"]] == [
        ("=b", "5 户"),
        ("a", "3 户"),
    ]
    far = row_of(manager, "far_households", "001001", plan, 2)
    [homes] = behind(manager, far)
    assert far["value"] == 8 and [line["code"] for line in homes["lines"]] == ["a", "=b"]
    assert all("公里到 远支行" in line["text"] for line in homes["lines"])
    # Above a leaf, the leaves; each leads on to its homes.
    [leaves] = behind(manager, row_of(manager, "far_households", "005001", plan, 1))
    assert sum(one["value"] or 0 for one in leaves["rows"]) == 15
    assert all(one["rows"] for one in leaves["rows"])


def test_counts_of_grids_have_no_homes(manager: Client, bank: Institution):
    plan = square_plan(2, levels=3, institution=bank)
    GridCount.objects.create(grid=grid(plan, "001001"), measure="households", value=40, as_of="2026-01-01")
    assert behind(manager, row_of(manager, "households", "001001", plan, 2))[0]["count"] == 0


def test_a_regulator_is_not_told_who_lives_where(bank: Institution):
    plan = published(square_plan(2, levels=3, institution=bank))
    Building.objects.create(institution=bank, code="a", households=3, geom=at(1000, 1000))
    regulator = bearer(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    row = row_of(regulator, "households", "001001", plan, 2)
    assert row["value"] == 3 and row["rows"] == []
    for name in ("homes", "far_homes"):
        assert regulator.get(f"/api/grids/{row['id']}/lines/{name}").status_code == 403
    assert regulator.get(f"/api/grids/{row['id']}/lines/pieces").status_code == 200
    assert regulator.get(f"/api/grids/{row['id']}/lines/beauty").status_code == 404

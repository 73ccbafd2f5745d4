"""Plans as the field makes them: two to five levels, urban and rural, small grids inside big ones, all covering exactly."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.db import IntegrityError, connection, transaction
from django.test import Client
from shapely.geometry.base import BaseGeometry

from layers.grids.coverage import CoverageBroken, audit, exact_cover
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from tests.factories import (
    CORNER,
    SIDE,
    AssignmentFactory,
    InstitutionFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
    grid,
    polygon,
    published,
    square,
    square_plan,
    square_records,
)
from tests.sql.client import ewkb

pytestmark = pytest.mark.django_db


def locate(plan: Plan, x: float, y: float, user: User | None = None) -> dict[str, Any]:
    """What the API says of a place given in lattice steps from the corner of the service area."""
    client = Client()
    client.force_login(user or UserFactory(institution=plan.institution))
    answer = client.get("/api/locate", {"lon": (CORNER[0] + x) / 1e7, "lat": (CORNER[1] + y) / 1e7, "plan": plan.pk})
    return answer.json() | {"status": answer.status_code}


@pytest.mark.domain("XF03", "SY01")
@pytest.mark.parametrize("levels", [2, 3, 4, 5])
def test_a_plan_has_two_to_five_levels_and_a_place_lies_in_one_grid_of_each(levels: int):
    """XF03: 区 › 街道 › 社区 › 责任片区 › 楼院."""
    plan = square_plan(2, levels=levels)
    found = locate(plan, SIDE / 3, SIDE / 3)
    codes = [step["code"] for step in found["chain"]]
    assert [step["level"] for step in found["chain"]] == list(range(levels))
    assert [step["level_name"] for step in found["chain"]] == plan.level_names
    assert all(lower.startswith(upper) for upper, lower in itertools.pairwise(codes))
    assert audit(plan) == []


def test_there_is_no_sixth_level():
    plan = square_plan(2, levels=5)
    leaf = Grid.objects.filter(plan=plan, level=4).first()
    with pytest.raises(IntegrityError, match="grid_level_counts_from_the_root"), transaction.atomic():
        Grid.objects.create(plan=plan, parent=leaf, level=5, code="x", geom=leaf.geom)
    with pytest.raises(IntegrityError, match="plan_has_two_to_five_levels"), transaction.atomic():
        PlanFactory(level_names=list("abcdef"))


def uneven_plan(names: list[str], widths: list[list[int]]) -> Plan:
    """Strips inside strips: `widths[level]` gives how many strips each unit of the level above is cut into, in turn."""
    plan = PlanFactory(level_names=names)
    units = [("429005", None, 0, SIDE)]
    levels = [units]
    for counts in widths:
        below = []
        for (code, _, low, high), count in zip(levels[-1], counts, strict=True):
            edges = [low + (high - low) * i // count for i in range(count + 1)]
            below += [(f"{code}{i:03}", code, a, b) for i, (a, b) in enumerate(itertools.pairwise(edges), 1)]
        levels.append(below)
    nodes = sorted({x for level in levels for _, _, low, high in level for x in (low, high)})

    def strip(low: int, high: int) -> BaseGeometry:
        inner = [x for x in nodes if low <= x <= high]
        return polygon(*[(x, 0) for x in inner], *[(x, SIDE) for x in reversed(inner)])

    records = [
        GridRecord(code, parent, code, level, "rural", strip(low, high))
        for level, units in enumerate(levels)
        for code, parent, low, high in units
    ]
    load_grids(plan, records)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return plan


@pytest.mark.domain("GC01", "OC10")
@pytest.mark.parametrize(
    "names", [["全区", "街道", "社区", "片区"], ["社区", "两委责任区", "居民小组", "楼栋"]], ids=["GC01", "OC10"]
)
def test_four_levels_with_names_of_their_own_and_uneven_numbers(names: list[str]):
    plan = uneven_plan(names, [[3], [2, 4, 1], [1, 3, 2, 5, 2, 1, 4]])
    assert list(Grid.objects.filter(plan=plan).order_by("level").values_list("level").distinct()) == [
        (0,),
        (1,),
        (2,),
        (3,),
    ]
    assert [step["level_name"] for step in locate(plan, SIDE * 0.7, SIDE / 2)["chain"]] == names
    assert audit(plan) == []


@pytest.mark.domain("SY01")
def test_a_branch_may_end_earlier_than_another():
    """SY01: an industrial park stands beside irrigation districts with three more levels below them."""
    plan = square_plan(2, levels=4)
    park = grid(plan, "003")
    Grid.objects.filter(plan=plan, level=3, parent__parent=park).delete()
    Grid.objects.filter(plan=plan, parent=park).delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert [step["code"] for step in locate(plan, SIDE / 4, SIDE * 0.7)["chain"]] == ["429005", "429005003"]
    assert len(locate(plan, SIDE / 4, SIDE / 5)["chain"]) == 4


@pytest.mark.domain("HY01")
def test_140_grids_of_a_street_without_a_gap_and_adjusted_as_things_change():
    """HY01: 华阳街道, 140 grids, 街巷定界, 无缝覆盖, 动态调整."""
    plan = PlanFactory(level_names=["街道", "网格"])
    columns, rows = 14, 10
    dx, dy = SIDE // columns, SIDE // rows
    width, height = dx * columns, dy * rows
    outline = [(x * dx, 0) for x in range(columns)] + [(width, y * dy) for y in range(rows)]
    outline += [(x * dx, height) for x in range(columns, 0, -1)] + [(0, y * dy) for y in range(rows, 0, -1)]
    records = [GridRecord("429005001", None, "街道", 0, "urban", polygon(*outline))]
    for n in range(columns * rows):
        x, y = n % columns * dx, n // columns * dy
        records.append(
            GridRecord(f"429005001{n + 1:03}", "429005001", f"{n + 1}", 1, "urban", square(x, y, x + dx, y + dy))
        )
    with exact_cover(plan):
        load_grids(plan, records)
    assert Grid.objects.filter(plan=plan, level=1).count() == 140

    moved = {"001": square(0, 0, dx, dy), "002": square(dx, 0, 2 * dx, dy)}
    joined = polygon((0, 0), (dx, 0), (2 * dx, 0), (2 * dx, dy), (dx, dy), (0, dy))
    with exact_cover(plan):
        Grid.objects.filter(plan=plan, code="429005001002").delete()
        Grid.objects.filter(plan=plan, code="429005001001").update(geom=_geos(joined))
    assert audit(plan) == []
    with pytest.raises(CoverageBroken) as caught, exact_cover(plan):
        Grid.objects.filter(plan=plan, code="429005001001").update(geom=_geos(moved["001"]))
    assert [feature["properties"]["kind"] for feature in caught.value.where["features"]] == ["gap"]


def _geos(shape: BaseGeometry) -> GEOSGeometry:
    return GEOSGeometry(ewkb(shape))


@pytest.mark.domain("ZG01", "ZG02")
def test_urban_and_rural_grids_stand_side_by_side_each_with_small_grids_inside():
    """ZG01, ZG02: 城区以社区、农村以村为大网格, 内划若干网格单元."""
    plan = PlanFactory(level_names=["县", "大网格", "网格"])
    urban = ("429005001", "429005002")
    load_grids(
        plan, [replace(r, kind="urban" if r.code.startswith(urban) else "rural") for r in square_records(2, levels=3)]
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    kinds = {(row.level, row.kind): 0 for row in Grid.objects.filter(plan=plan)}
    for row in Grid.objects.filter(plan=plan):
        kinds[row.level, row.kind] += 1
    assert kinds == {(0, "rural"): 1, (1, "urban"): 2, (1, "rural"): 2, (2, "urban"): 8, (2, "rural"): 8}
    assert locate(plan, SIDE / 4, SIDE / 5)["grid"]["kind"] == "urban"
    assert locate(plan, SIDE / 4, SIDE * 0.9)["grid"]["kind"] == "rural"


@pytest.mark.domain("ZG03", "MY01")
def test_not_one_place_of_the_service_area_is_in_no_grid_or_in_two():
    """ZG03: 不重复、不遗漏; each point of a raster over the area, borders and corners included, lies in exactly one leaf."""
    plan = square_plan(3, levels=3)
    leaves = Grid.objects.filter(plan=plan, level=2)
    root = grid(plan, "429005")
    assert sum(leaf.geom.area for leaf in leaves) == pytest.approx(root.geom.area, rel=1e-12)
    assert leaves[0].geom.union(leaves[1].geom).area == pytest.approx(leaves[0].geom.area + leaves[1].geom.area)
    user = UserFactory(institution=plan.institution)
    for x in range(0, 4):
        for y in range(0, 4):
            found = locate(plan, x * SIDE / 3, y * SIDE / 3, user)
            assert found["status"] == 200 and len(found["chain"]) == 3
    outside = locate(plan, -1, SIDE / 2, user)
    assert outside["status"] == 404 and outside["code"] == "outside_every_grid"
    assert outside["where"]["type"] == "Point"
    assert outside["details"]["nearest_grid"]["distance_m"] == pytest.approx(0.0096, abs=0.002)


@pytest.mark.domain("ZG06")
def test_three_levels_of_service_each_with_its_own_people():
    """ZG06: 一级支行 › 二级支行 › 客户经理和外聘网格员, one net, and each grid has those in charge of it."""
    bank = InstitutionFactory()
    branch = InstitutionFactory(parent=bank, kind=Institution.Kind.BRANCH)
    sub_branch = InstitutionFactory(parent=branch, kind=Institution.Kind.SUB_BRANCH)
    plan = published(square_plan(2, levels=3, institution=bank))
    for code, place, kind in (
        ("", bank, "full_time"),
        ("001", branch, "full_time"),
        ("001001", sub_branch, "external"),
    ):
        AssignmentFactory(
            staff=StaffFactory(institution=place, kind=kind, name=f"员工 {code}"), grid=grid(plan, "429005" + code)
        )
    client = Client()
    client.force_login(UserFactory(institution=bank))
    for code in ("", "001", "001001"):
        [person] = client.get(f"/api/grids/{grid(plan, '429005' + code).pk}").json()["responsible"]
        assert person["name"] == f"员工 {code}"
    assert [person["staff_kind_label"] for person in locate(plan, 10, 10)["responsible"]] == ["外聘网格员"]

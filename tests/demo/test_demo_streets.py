"""The made-up streets and houses of the demo county."""

from __future__ import annotations

import pytest
import shapely
from django.db.models import Count, F, Sum
from django.test import Client

from gis.lattice import is_on_lattice
from gis.streets import StreetNetwork
from layers.demo.areas import _with_kinds
from layers.demo.county import Division, GridRow, build_county
from layers.demo.streets import make_houses, make_streets
from layers.grids.models import Grid, Plan
from layers.orgs.models import ApiToken, User
from layers.streets.models import Building, Street


@pytest.fixture(scope="module")
def rows() -> list[GridRow]:
    county = Division("429005", "县", None)
    towns = [Division("429005001", "甲街道", "429005"), Division("429005100", "乙镇", "429005")]
    villages = [
        Division(f"{town.code}{number:03}", f"{number}{'社区' if town.name == '甲街道' else '村'}", town.code)
        for town in towns
        for number in range(1, 6)
    ]
    return build_county(shapely.box(112.9, 30.4, 113.0, 30.5), [county, *towns, *villages], seed=7)


def test_the_streets_are_one_connected_network_on_the_lattice(rows: list[GridRow]):
    streets = make_streets(rows)
    network = StreetNetwork.of(street.line for street in streets)
    assert network.component.max() == 0
    assert all(is_on_lattice(street.line) and street.line.is_valid for street in streets)
    assert {street.kind for street in streets} == {"primary", "secondary", "residential", "lane"}


def test_lanes_lead_across_the_grids_and_other_streets_along_the_borders(rows: list[GridRow]):
    streets = make_streets(rows)
    leaves = [row.geometry for row in rows if row.level == 3]
    borders = shapely.union_all([leaf.boundary for leaf in leaves])
    crossed = 0
    for street in streets:
        if street.kind == "lane":
            [leaf] = [leaf for leaf in leaves if leaf.covers(street.line)]
            crossed += len(shapely.get_parts(shapely.ops.split(leaf, street.line))) == 2
        else:
            assert borders.covers(street.line)
    assert crossed >= 0.8 * len(leaves)


def test_the_households_of_the_houses_add_up_to_the_grids(rows: list[GridRow]):
    streets = make_streets(rows)
    houses = make_houses(rows, streets)
    for leaf in (row for row in rows if row.level == 3):
        mine = [house for house in houses if house.code.startswith(f"{leaf.code}-")]
        assert sum(house.households for house in mine) == leaf.households and len(mine) <= 12
        assert all(leaf.geometry.contains_properly(house.shape) and house.households > 0 for house in mine)
    shapes = [house.shape for house in houses]
    tree = shapely.STRtree([street.line for street in streets])
    assert not tree.query(shapes, predicate="intersects").size


def test_the_same_seed_gives_the_same(rows: list[GridRow]):
    assert make_streets(rows) == make_streets(rows)
    assert make_houses(rows, make_streets(rows)) == make_houses(rows, make_streets(rows))
    assert make_streets(rows, seed=1) != make_streets(rows, seed=2)


def test_communities_of_a_street_office_are_urban_with_their_grids():
    shape = shapely.box(120, 30, 120.1, 30.1)
    names = {
        "1": "区",
        "11": "甲街道",
        "12": "乙镇",
        "111": "一社区",
        "112": "一村",
        "121": "二社区",
        "1111": "一社区第一网格",
        "1211": "二社区第一网格",
    }
    rows = [GridRow(code, code[:-1] or None, name, len(code) - 1, "rural", shape, 1) for code, name in names.items()]
    assert [row.code for row in _with_kinds(rows) if row.kind == "urban"] == ["11", "111", "1111"]


@pytest.mark.django_db
def test_the_demo_has_streets_and_houses_of_one_bank(demo_site: None):
    for model in (Street, Building):
        assert set(model.objects.values_list("institution__code", "synthetic")) == {("QJ", True)}
    assert Street.objects.count() < 8_000 and Building.objects.count() < 18_000
    leaves = Grid.objects.filter(plan__name="2026 年网格划分", level=3)
    assert Building.objects.aggregate(n=Sum("households"))["n"] == leaves.aggregate(n=Sum("counts__value"))["n"]
    some = leaves.annotate(n=Count("pk"), households=F("counts__value")).order_by("code")[:40]
    for grid in some:
        inside = Building.objects.filter(geom__within=grid.geom)
        assert inside.aggregate(n=Sum("households"))["n"] == grid.households


@pytest.mark.django_db
def test_the_draft_departs_from_the_plan_in_force(demo_site: None):
    draft = Plan.objects.get(institution__code="QJ", name="2027 年调整")
    assert draft.base == Plan.objects.get(institution__code="QJ", name="2026 年网格划分")


@pytest.mark.django_db
def test_a_planner_traces_a_way_across_a_grid_of_the_demo(demo_site: None):
    lane = Street.objects.filter(kind="lane").order_by("pk").first()
    ends = [list(lane.geom.coords[0]), list(lane.geom.coords[-1])]
    client = Client(headers={"authorization": f"Bearer {ApiToken.issue(User.objects.get(username='planner'), 'x')}"})
    answer = client.post("/api/streets/trace", {"points": ends}, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["path"][0] == ends[0] and answer.json()["path"][-1] == ends[1]

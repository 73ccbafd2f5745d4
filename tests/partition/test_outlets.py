"""Grids round outlets: through the API and the command, and what is refused."""

from __future__ import annotations

import io

import pytest
import shapely
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command

from layers.facilities.models import Outlet
from layers.grids.coverage import audit, shape_of
from layers.grids.models import SRID, Grid
from layers.rules.models import Rule
from tests.api.world import assert_fault
from tests.factories import OutletFactory
from tests.partition.test_dividing import Town, degrees

PLACES = {"东风": (1.8, 0.5), "镇中": (1.2, 0.3), "北街": (1.25, 0.8)}


@pytest.fixture
def town(db: None) -> Town:
    """The town with three staffed outlets in village 002, and what is not to count: a machine room, another bank's outlet."""
    town = Town()
    home = town.plan.institution
    for name, place in PLACES.items():
        OutletFactory(institution=home, name=name, geom=Point(*degrees(*place), srid=SRID))
    OutletFactory(institution=home, kind="self_service", name="自助", geom=Point(*degrees(1.5, 0.6), srid=SRID))
    OutletFactory(name="他行", geom=Point(*degrees(1.5, 0.5), srid=SRID))
    return town


@pytest.mark.domain("ZG05", "OB04")
def test_each_outlet_has_its_grid_and_the_table_says_how_far_it_serves(town: Town) -> None:
    """以网点为中心划分: 一站一片, 每片恰有一个网点."""
    village = town.village(2)
    proposal = town.done("partition", grid=village.pk, around="outlets", radius_km=1)
    assert not village.children.exists()
    rows = proposal["table"]
    assert [[one["name"] for one in row["outlets"]] for row in rows] == [["镇中"], ["北街"], ["东风"]]
    assert all(row["radius_km"] == 1 and row["reach_km"] > 0 and 0 <= row["within_radius"] <= 1 for row in rows)
    assert not proposal["summary"]["notes"], "even parts were not asked for"
    town.done("edits", **proposal["operation"], base_revision=1)
    grids = {each.name: shape_of(each) for each in village.children.all()}
    assert not audit(town.plan) and grids.keys() == PLACES.keys()
    for name, place in PLACES.items():
        assert grids[name].contains(shapely.Point(degrees(*place)))
    # Nearly all households have the outlet of their grid as their nearest.
    spots = {name: shapely.Point(degrees(*place)) for name, place in PLACES.items()}
    there = near = 0
    for house in town.houses:
        point = shapely.from_wkb(bytes(house.geom.wkb)).representative_point()
        inside = next((name for name, shape in grids.items() if shape.contains(point)), None)
        if inside:
            there += house.households
            near += house.households * (spots[inside].distance(point) == min(s.distance(point) for s in spots.values()))
    assert near > 0.85 * there > 0
    assert sum(row["weight"] for row in rows) == pytest.approx(there, abs=8)


@pytest.mark.domain("LA12")
def test_near_first_then_even(town: Town) -> None:
    """就近就便、相对均衡."""
    body = {"grid": town.village(2).pk, "around": "outlets"}
    near = town.done("partition", **body)["summary"]
    even = town.done("partition", **body, even=True, tolerance=0.1, apply=True, base_revision=1)
    assert even["summary"]["max_deviation"] <= 0.1 < near["max_deviation"]
    for child in town.village(2).children.all():
        assert shape_of(child).contains(shapely.Point(degrees(*PLACES[child.name]))), "the outlet stays in its grid"
    assert not audit(town.plan)


@pytest.mark.domain("ZG05")
def test_the_radius_comes_from_the_planner_else_from_the_rule(town: Town) -> None:
    grid = town.village(2)
    far = Outlet.objects.get(name="东风")
    one = town.done("partition", grid=grid.pk, around="outlets", radius_km=1)["table"]
    more = town.done("partition", grid=grid.pk, around="outlets", radius_km=1, radii={far.pk: 3})["table"]
    assert more[-1]["radius_km"] == 3 and more[-1]["area_km2"] > one[-1]["area_km2"]
    Rule.objects.create(
        institution=town.plan.institution, name="半径", measure="outlet_distance_km", kind=grid.kind, high=0.02
    )
    ruled = town.done("partition", grid=grid.pk, around="outlets")["table"]
    assert {row["radius_km"] for row in ruled} == {0.02}
    assert sum(row["within_radius"] for row in ruled) < sum(row["within_radius"] for row in one)


def test_two_outlets_in_one_building_share_a_grid_and_locked_grids_stay(town: Town) -> None:
    home, village = town.plan.institution, town.village(2)
    x, y = degrees(*PLACES["东风"])
    OutletFactory(institution=home, name="东风二", geom=Point(x + 1e-7, y, srid=SRID))
    found = town.done("partition", grid=village.pk, around="outlets", apply=True, base_revision=1)
    assert [len(row["outlets"]) for row in found["table"]] == [1, 1, 2] and "东风二" in found["summary"]["notes"][0]
    kept = village.children.get(name="北街")
    Grid.objects.filter(pk=kept.pk).update(locked=True)
    again = town.done("partition", grid=village.pk, around="outlets", apply=True, base_revision=2)
    assert [row["outlets"][0]["name"] for row in again["table"]] == ["镇中", "东风"]
    assert village.children.filter(pk=kept.pk).exists() and not audit(town.plan)


def test_what_is_refused(town: Town) -> None:
    assert_fault(town.post("partition", grid=town.village(3).pk, around="outlets"), 400, "no_outlets")
    village = town.village(2).pk
    assert_fault(town.post("partition", grid=village, around="outlets", radii={0: 2}), 400, "bad_arguments")
    for wrong in ({"radius_km": 0}, {"radius_km": -1}, {"around": "banks"}, {"radii": {"x": 1}}):
        assert town.post("partition", **{"grid": village, "around": "outlets"} | wrong).status_code == 422


@pytest.mark.domain("ZG05")
def test_the_command(town: Town) -> None:
    out = io.StringIO()
    arguments = (str(town.plan.pk), "--grid", town.village(2).code, "--user", town.user.username)
    call_command("plan_grids", *arguments, "--around-outlets", "--radius", "2", stdout=out)
    assert "镇中" in out.getvalue() and "2 km" in out.getvalue() and town.village(2).children.count() == 3
    for wrong in (("--around-outlets", "--radius", "-1"), ("--count", "0")):
        with pytest.raises(CommandError) as error:
            call_command("plan_grids", *arguments, *wrong, "--dry-run")
        assert error.value.returncode == 2

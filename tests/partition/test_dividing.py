"""A grid divided, evened out and added to through the API and the command, and what is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry, Point
from django.core.management import CommandError, call_command
from django.test import Client

from layers.editing.models import Edit
from layers.grids.coverage import audit, shape_of
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.rules.measures import measure
from layers.rules.models import MeasureSettings
from layers.streets.models import Building, Street
from tests.api.world import assert_fault, bearer
from tests.factories import CORNER, SIDE, MachineFactory, UserFactory, grid, square_plan

S = SIDE // 2
"""Side of a village."""
ROUNDING = 1e-10
"""Square degrees, about 1 m²: what nodes on the lattice may move a border by, a centimetre at most along hundreds of metres."""


def degrees(x: float, y: float) -> tuple[float, float]:
    return (CORNER[0] + round(x * S)) / 1e7, (CORNER[1] + round(y * S)) / 1e7


def geos(shape: shapely.Geometry) -> GEOSGeometry:
    return GEOSGeometry(memoryview(shape.wkb), srid=SRID)


class Town:
    """A draft of four villages; the first has a street grid and houses, the second houses only."""

    def __init__(self) -> None:
        self.plan: Plan = square_plan(2, levels=2)
        self.user = UserFactory(institution=self.plan.institution)
        self.client: Client = bearer(self.user)
        rng = np.random.default_rng(5)
        home = self.plan.institution
        for k in range(1, 8):
            for line in (((k / 8, -0.1), (k / 8 + 0.01, 1.1)), ((-0.1, k / 8), (1.1, k / 8 - 0.01))):
                Street.objects.create(
                    institution=home,
                    name=f"街 {k}",
                    geom=geos(shapely.LineString([degrees(*p) for p in line])),
                    synthetic=True,
                )
        self.houses = []
        for x0 in (0, 1):
            for x, y in rng.uniform(0.02, 0.98, (160, 2)):
                place = shapely.Point(degrees(x + x0, y))
                shape = place.buffer(6e-5, cap_style="square") if x0 == 0 else place
                self.houses.append(
                    Building(institution=home, households=int(rng.integers(1, 9)), geom=geos(shape), synthetic=True)
                )
        Building.objects.bulk_create(self.houses)

    def post(self, path: str, client: Client | None = None, **body: Any) -> Any:
        return (client or self.client).post(f"/api/plans/{self.plan.pk}/{path}", body, content_type="application/json")

    def done(self, path: str, **body: Any) -> Any:
        answer = self.post(path, **body)
        assert answer.status_code == 200, answer.json()
        return answer.json()

    def village(self, number: int) -> Grid:
        return grid(self.plan, f"{number:03}")

    def households_in(self, shape: shapely.Geometry) -> int:
        return sum(
            house.households
            for house in self.houses
            if shape.contains(shapely.from_wkb(bytes(house.geom.wkb)).representative_point())
        )


@pytest.fixture
def town(db: None) -> Town:
    return Town()


@pytest.mark.domain("HY01", "OC06")
def test_a_village_is_divided_along_its_streets_into_grids_of_equal_households(town: Town) -> None:
    village = town.village(1)
    proposal = town.done("partition", grid=village.pk, count=6)
    assert not village.children.exists() and not Edit.objects.exists()
    again = town.done("partition", grid=village.pk, count=6, apply=True, base_revision=1)
    assert again["parts"] == proposal["parts"], "the same seed gives the same parts"
    summary = again["summary"]
    assert summary["balanced"] and summary["contiguous"] and not summary["estimated"] and summary["street_share"] > 0.6
    children = list(village.children.order_by("code"))
    assert len(children) == 6 and not audit(town.plan)
    assert [child.code[-3:] for child in children] == [f"{n:03}" for n in range(1, 7)]
    for child, row in zip(children, again["table"], strict=True):
        assert town.households_in(shape_of(child)) == row["weight"]
        assert row["weight"] / summary["target"] - 1 == pytest.approx(row["deviation"], abs=1e-4)
    outlines = [shapely.from_wkb(bytes(house.geom.wkb)).buffer(-1e-6) for house in town.houses[:160]]
    for outline in outlines:
        assert sum(shape_of(child).intersects(outline) for child in children) <= 1, "a building is cut"
    west = [shape_of(child).centroid.x for child in children]
    assert west == sorted(west)


@pytest.mark.domain("LA01")
def test_grids_of_a_size(town: Town) -> None:
    answer = town.done("partition", grid=town.village(2).pk, low=100, high=150)
    assert all(100 <= row["weight"] <= 150 for row in answer["table"]), answer["table"]
    assert answer["summary"]["band"] == [100, 150]


@pytest.mark.parametrize("weight", ["households", "buildings", "area", "workload"])
def test_a_village_without_data_is_divided_by_area_and_says_so(town: Town, weight: str) -> None:
    village = town.village(3)
    answer = town.done("partition", grid=village.pk, count=5, weight=weight, apply=True, base_revision=1)
    assert answer["summary"]["balanced"] and answer["summary"]["estimated"] == (weight != "area")
    assert bool(answer["summary"]["notes"]) == (weight != "area")
    assert village.children.count() == 5 and not audit(town.plan)


def test_counts_of_the_grid_are_spread_over_its_area(town: Town) -> None:
    GridCount.objects.create(grid=town.village(3), measure="households", value=900, as_of="2026-06-30")
    Building.objects.all().delete()
    summary = town.done("partition", grid=town.village(3).pk, low=200, high=300)["summary"]
    assert summary["total"] == pytest.approx(900) and summary["estimated"] and summary["count"] in (3, 4)


@pytest.mark.domain("HG01")
def test_chosen_grids_are_evened_out_and_the_others_stay(town: Town) -> None:
    town.done("partition", grid=town.village(1).pk, count=4, weight="area", apply=True, base_revision=1)
    grids = list(town.village(1).children.order_by("code"))
    before = {each.pk: each.geom.wkb for each in grids}
    pair = max(
        (
            [a, b]
            for i, a in enumerate(grids)
            for b in grids[i + 1 :]
            if shape_of(a).intersection(shape_of(b)).length > 1e-4
        ),
        key=lambda two: abs(town.households_in(shape_of(two[0])) - town.households_in(shape_of(two[1]))),
    )
    old = [town.households_in(shape_of(each)) for each in pair]
    answer = town.done("rebalance", grids=[each.pk for each in pair], tolerance=0.03, apply=True, base_revision=2)
    new = [town.households_in(shape_of(Grid.objects.get(pk=each.pk))) for each in pair]
    assert abs(new[0] - new[1]) < abs(old[0] - old[1]) and sum(new) == sum(old)
    assert [(row["grid"], row["code"]) for row in answer["table"]] == [
        (each.pk, each.code) for each in pair
    ] and not audit(town.plan)
    codes = {each.pk: each.code for each in grids}
    for each in Grid.objects.filter(pk__in=before):
        assert each.code == codes[each.pk]
        difference = shapely.from_wkb(bytes(before[each.pk])).symmetric_difference(shape_of(each)).area
        assert (difference > ROUNDING) == (each.pk in {one.pk for one in pair})


@pytest.mark.domain("HG01")
def test_twelve_households_from_next_door(town: Town) -> None:
    town.done("partition", grid=town.village(2).pk, count=2, apply=True, base_revision=1)
    to, source = town.village(2).children.order_by("code")
    old = [town.households_in(shape_of(each)) for each in (to, source)]
    body = {"to": to.pk, "from": source.pk, "households": 12, "apply": True, "base_revision": 2}
    answer = town.done("rebalance", **body)
    new = [town.households_in(shape_of(Grid.objects.get(pk=each.pk))) for each in (to, source)]
    assert new[0] - old[0] == old[1] - new[1] == answer["summary"]["moved"]
    assert abs(answer["summary"]["moved"] - 12) <= 4 and not audit(town.plan)


def test_households_from_next_door_in_another_village(town: Town) -> None:
    for revision, number in ((1, 1), (2, 2)):
        town.done("partition", grid=town.village(number).pk, count=2, apply=True, base_revision=revision)
    to, source = next(
        (a, b)
        for a in town.village(1).children.order_by("code")
        for b in town.village(2).children.order_by("code")
        if shape_of(a).intersection(shape_of(b)).length > 1e-3
    )
    old = [town.households_in(shape_of(each)) for each in (to, source)]
    answer = town.done("rebalance", **{"to": to.pk, "from": source.pk, "households": 12})
    assert answer["operation"]["op"] == "transfer" and answer["summary"]["moved"] > 0
    town.done("edits", **answer["operation"], base_revision=3)
    new = [town.households_in(shape_of(Grid.objects.get(pk=each.pk))) for each in (to, source)]
    assert new[0] - old[0] == old[1] - new[1] == answer["summary"]["moved"] and not audit(town.plan)


def test_locked_grids_stay_as_they_are(town: Town) -> None:
    town.done("partition", grid=town.village(1).pk, count=4, apply=True, base_revision=1)
    kept = town.village(1).children.order_by("code").first()
    Grid.objects.filter(pk=kept.pk).update(locked=True)
    answer = town.done("partition", grid=town.village(1).pk, count=6, apply=True, base_revision=2)
    assert town.village(1).children.count() == 6 and answer["summary"]["count"] == 5 and not audit(town.plan)
    stayed = Grid.objects.get(pk=kept.pk)
    assert stayed.code == kept.code and shape_of(stayed).symmetric_difference(shape_of(kept)).area < ROUNDING
    Grid.objects.filter(parent=town.village(1)).update(locked=True)
    assert_fault(town.post("partition", grid=town.village(1).pk, count=5), 403, "grid_locked")


@pytest.mark.domain("LA12")
def test_the_workload_is_the_formula_of_the_institution(town: Town) -> None:
    home = town.plan.institution
    MeasureSettings.objects.create(institution=home, household_weight=2, cash_point_weight=100, km2_weight=50)
    place = Point(*degrees(0.3, 0.3), srid=SRID)
    MachineFactory(institution=home, kind="cash_point", geom=place)
    village = town.village(1)
    answer = town.done("partition", grid=village.pk, count=4, weight="workload", apply=True, base_revision=1)
    assert answer["summary"]["balanced"] and not answer["summary"]["estimated"]
    for child, row in zip(village.children.order_by("code"), answer["table"], strict=True):
        there = measure([child.pk], ["workload"])[child.pk]["workload"].value
        assert row["weight"] == pytest.approx(there, rel=1e-3)


def test_what_is_refused(town: Town) -> None:
    village = town.village(2)
    assert_fault(town.post("partition", grid=0, count=3), 404, "no_such_grid")
    assert_fault(town.post("partition", grid=village.pk), 400, "bad_arguments")
    assert_fault(town.post("partition", grid=village.pk, count=2, apply=True), 400, "bad_arguments")
    assert_fault(town.post("partition", grid=village.pk, low=9, high=3), 400, "bad_arguments")
    assert_fault(town.post("partition", grid=village.pk, count=300), 400, "too_few_units")
    assert_fault(town.post("rebalance", grids=[village.pk]), 400, "not_neighbours")
    assert_fault(town.post("rebalance", grids=[town.village(1).pk, town.village(4).pk]), 400, "not_neighbours")
    assert_fault(town.post("rebalance"), 400, "bad_arguments")
    assert town.post("partition", grid=village.pk, count=0).status_code == 422
    assert not Edit.objects.exists()


def test_rights_to_divide(town: Town) -> None:
    stranger = UserFactory()
    worker = UserFactory(institution=town.plan.institution, role="worker")
    for user, status in ((stranger, 404), (worker, 403)):
        for path in ("partition", "rebalance"):
            assert town.post(path, bearer(user), grid=town.village(1).pk, count=2).status_code == status


@pytest.mark.domain("HY01")
def test_the_command_lists_saves_and_can_be_undone(town: Town) -> None:
    village, out = town.village(1), io.StringIO()
    arguments = (str(town.plan.pk), "--grid", village.code, "--households", "100-150", "--user", town.user.username)
    call_command("plan_grids", *arguments, "--dry-run", stdout=out)
    assert "未保存" in out.getvalue() and not village.children.exists()
    call_command("plan_grids", *arguments, stdout=out)
    assert village.children.count() > 3 and not audit(town.plan)
    assert town.post("undo", base_revision=2).status_code == 200 and not village.children.exists()
    for wrong in (("0", "--grid", "x", "--count", "2"), (str(town.plan.pk), "--grid", "x", "--count", "2")):
        with pytest.raises(CommandError) as error:
            call_command("plan_grids", *wrong)
        assert error.value.returncode == 2

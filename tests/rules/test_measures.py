"""Measures against rows in PostGIS: exact where they can be, marked as estimates where not, and of one grid only."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry, Point
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from gis.measure import area_m2, length_m
from layers.grids.coverage import exact_cover, shape_of
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.rules.measures import OF_GRIDS, REGISTRY, NoSuchMeasure, measure
from layers.rules.models import MeasureSettings
from layers.streets.models import Building
from tests.factories import (
    SIDE,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    PlanFactory,
    grid,
    published,
    square,
    square_plan,
    square_records,
)
from tests.rules.places import HALF, at, diagonal_plan

DAY = dt.date(2026, 6, 30)


def build(plan: Plan, households: int, x: int, y: int) -> None:
    Building.objects.create(institution=plan.institution, households=households, geom=at(x, y))


def count(plan: Plan, **values: int) -> None:
    GridCount.objects.bulk_create(
        GridCount(grid=grid(plan, code.strip("_")), measure="households", value=value, as_of=DAY)
        for code, value in values.items()
    )


def one(cell: Grid, name: str = "households"):
    return measure([cell.pk], [name])[cell.pk][name]


def from_base(base: Plan, records: list[GridRecord]) -> Plan:
    plan = PlanFactory(institution=base.institution, base=base, level_names=base.level_names)
    load_grids(plan, records)
    return plan


@pytest.mark.django_db
def test_every_measure_of_every_grid():
    plan = square_plan(2, levels=3)
    ids = list(plan.grids.values_list("pk", flat=True))
    found = measure(ids)
    assert set(found) == set(ids)
    quick = {key for key, one in REGISTRY.items() if one.of == "grid" and one.is_quick}
    assert all(set(row) == quick for row in found.values())
    every = [key for key, one in REGISTRY.items() if one.of in OF_GRIDS]
    assert all(set(row) == set(every) for row in measure(ids, every).values())
    assert all(REGISTRY[key].name and REGISTRY[key].domain is not None for key in every)
    root = found[grid(plan, "429005").pk]
    assert root["children"].value == 4 and root["pieces"].value == 1
    assert measure([]) == {} and measure([-1]) == {}
    with pytest.raises(NoSuchMeasure):
        measure(ids, ["no such"])


@pytest.mark.django_db
def test_no_data_is_not_zero():
    cell = grid(square_plan(2), "001")
    for name in ("households", "customers", "workload", "outlet_distance_km"):
        assert one(cell, name).value is None
        assert one(cell, name).source
    assert one(cell, "cash_points").value == 0


@pytest.mark.django_db
def test_area_and_compactness_are_those_of_the_spheroid():
    cell = grid(square_plan(2), "001")
    area, length = area_m2([shape_of(cell)])[0], length_m([shape_of(cell)])[0]
    assert one(cell, "area_km2").value == pytest.approx(area / 1e6, rel=1e-6)
    assert one(cell, "compactness").value == pytest.approx(4 * math.pi * area / length**2, rel=1e-5)


@pytest.mark.django_db
def test_a_building_on_a_border_counts_in_the_leaf_with_the_smallest_code():
    plan = square_plan(2, levels=3)
    build(plan, 7, HALF, HALF)  # where all four grids of level 1 meet
    counted = {cell.code: one(cell).value for cell in plan.grids.all()}
    assert {code for code, value in counted.items() if value} == {"429005", "429005001", "429005001004"}
    assert set(counted.values()) == {0, 7}


@pytest.mark.django_db
def test_on_a_border_ancestors_follow_the_leaf_whatever_their_codes():
    """After a transfer codes no longer say where a grid stands."""
    plan = PlanFactory()
    low, high = square(0, 0, HALF, SIDE, step=HALF), square(HALF, 0, SIDE, SIDE, step=HALF)
    load_grids(
        plan,
        [
            GridRecord("429005", None, "潜江", 0, "rural", square(0, 0, SIDE, SIDE, step=HALF)),
            GridRecord("429005001", "429005", "西", 1, "rural", low),
            GridRecord("429005002", "429005", "东", 1, "rural", high),
            GridRecord("429005002001", "429005001", "原属东", 2, "rural", low),
            GridRecord("429005001001", "429005002", "原属西", 2, "rural", high),
        ],
    )
    build(plan, 5, HALF, HALF // 3)
    assert [one(grid(plan, code)).value for code in ("001", "002", "002001", "001001")] == [0, 5, 0, 5]


@pytest.mark.django_db
def test_only_the_banks_own_buildings_and_machines_count():
    plan = square_plan(2)
    branch = InstitutionFactory(parent=plan.institution)
    MachineFactory(institution=branch, geom=at(10, 10))
    MachineFactory(institution=branch, geom=at(20, 10), kind="atm")
    MachineFactory(geom=at(30, 10))
    build(plan, 40, 10, 10)
    Building.objects.create(institution=InstitutionFactory(), households=1000, geom=at(10, 10))
    cell = grid(plan, "001")
    assert one(cell, "cash_points").value == 1
    assert one(cell).value == 40


@pytest.mark.django_db
def test_an_outline_counts_where_its_inner_point_is():
    plan = square_plan(2)
    outline = shapely.box(113 + (HALF - 30) / 1e7, 30.001, 113 + (HALF + 10) / 1e7, 30.0012)
    Building.objects.create(
        institution=plan.institution, households=12, geom=GEOSGeometry(memoryview(outline.wkb), srid=SRID)
    )
    assert [one(grid(plan, code)).value for code in ("001", "002")] == [12, 0]


@pytest.mark.django_db
@pytest.mark.domain("ZG05")
def test_distance_to_the_nearest_staffed_outlet_of_the_bank():
    plan = square_plan(2)
    cell = grid(plan, "001")
    OutletFactory(institution=plan.institution, kind="self_service", geom=at(HALF // 2, HALF // 2))
    OutletFactory(geom=at(HALF // 2, HALF // 2))
    assert one(cell, "outlet_distance_km").value is None
    spot = cell.geom.point_on_surface
    OutletFactory(institution=plan.institution, geom=Point(spot.x, spot.y + 0.01, srid=SRID))
    OutletFactory(institution=plan.institution, geom=Point(spot.x + 0.0105, spot.y, srid=SRID))
    # 0.0105° east is 1.01 km at 30° N, 0.01° north 1.11 km: degrees alone would choose the wrong one.
    assert one(cell, "outlet_distance_km").value == pytest.approx(1.0137, abs=2e-3)


@pytest.mark.django_db
def test_workload_by_the_formula_of_the_nearest_institution():
    bank = InstitutionFactory()
    plan = square_plan(2, institution=InstitutionFactory(parent=bank))
    MachineFactory(institution=bank, geom=at(10, 10))
    build(plan, 40, 10, 10)
    cell = grid(plan, "001")
    assert one(cell, "workload").value == 40
    MeasureSettings.objects.create(institution=bank, household_weight=2, cash_point_weight=30)
    assert one(cell, "workload").value == 110
    MeasureSettings.objects.create(institution=plan.institution, household_weight=0, km2_weight=10)
    assert one(cell, "workload").value == pytest.approx(10 * one(cell, "area_km2").value)
    assert "10×" in one(cell, "workload").source


@pytest.mark.django_db
def test_counts_of_the_plan_itself():
    plan = published(square_plan(2, levels=3))
    count(plan, _001001=100, _001002=50)
    assert one(grid(plan, "001001")).value == 100 and not one(grid(plan, "001001")).estimated
    village = one(grid(plan, "001"))
    assert village.value == 150 and village.estimated and "部分" in village.source
    assert one(grid(plan, "002")).value is None


@pytest.mark.django_db
def test_the_newest_count_is_taken():
    plan = published(square_plan(2))
    count(plan, _001=100)
    GridCount.objects.create(grid=grid(plan, "001"), measure="households", value=120, as_of=DAY + dt.timedelta(days=1))
    assert one(grid(plan, "001")).value == 120


@pytest.mark.django_db
def test_where_borders_moved_households_are_spread_by_area_and_called_an_estimate():
    base = square_plan(2)
    count(base, _001=100, _002=50, _003=8, _004=4)
    published(base)
    third = HALF // 3
    parts = {
        "001": square(0, 0, HALF - third, HALF, step=SIDE),
        "002": shapely.union_all([square(HALF - third, 0, HALF, HALF), square(HALF, 0, SIDE, HALF)]),
        "003": square(0, HALF, HALF, SIDE),
        "004": square(HALF, HALF, SIDE, SIDE),
    }
    draft = from_base(base, matched(parts))
    first, second, third_one = (one(grid(draft, code)) for code in ("001", "002", "003"))
    assert first.value == pytest.approx(100 * 2 / 3) and first.estimated and "按面积分摊" in first.source
    assert second.value == pytest.approx(50 + 100 / 3) and second.estimated
    assert not third_one.estimated and third_one.value == 8
    assert one(grid(draft, "429005")).value == pytest.approx(162) and not one(grid(draft, "429005")).estimated


@pytest.mark.django_db
def test_grids_merged_whole_have_the_sum_which_is_no_estimate():
    base = square_plan(2)
    count(base, _001=100, _002=50, _003=8, _004=4)
    published(base)
    parts = {
        "001": square(0, 0, SIDE, HALF),
        "003": square(0, HALF, HALF, SIDE),
        "004": square(HALF, HALF, SIDE, SIDE),
    }
    merged = one(grid(from_base(base, matched(parts)), "001"))
    assert merged.value == pytest.approx(150) and not merged.estimated


@pytest.mark.django_db
def test_measures_read_the_rows_as_they_are_now():
    plan = square_plan(2)
    build(plan, 40, HALF - 10, 10)
    before = [one(grid(plan, code)).value for code in ("001", "002")]
    with exact_cover(plan):
        west, east = grid(plan, "001"), grid(plan, "002")
        west.geom, east.geom = east.geom, west.geom
        west.save(update_fields=["geom"])
        east.save(update_fields=["geom"])
        assert [one(grid(plan, code)).value for code in ("001", "002")] == before[::-1] == [0, 40]


@pytest.mark.django_db
def test_the_source_of_households_can_be_set_while_buildings_are_being_registered():
    plan = published(square_plan(2))
    count(plan, _001=100)
    build(plan, 3, 10, 10)
    assert one(grid(plan, "001")).value == 3
    MeasureSettings.objects.create(institution=plan.institution, households_from="counts")
    assert one(grid(plan, "001")).value == 100


@pytest.mark.django_db
def test_pieces_that_touch_at_a_point_are_separate():
    plan = diagonal_plan(InstitutionFactory())
    assert one(grid(plan, "001"), "pieces").value == 2


def matched(parts: dict[str, shapely.Polygon]) -> list[GridRecord]:
    """Records of the service area and these grids, every vertex of one on all that share the border."""
    shapes = [square(0, 0, SIDE, SIDE), *parts.values()]
    vertices = shapely.multipoints(np.unique(shapely.get_coordinates(shapes), axis=0))
    snapped = [with_vertices(shape, vertices) for shape in shapes]
    return [
        GridRecord("429005", None, "潜江", 0, "rural", snapped[0]),
        *(
            GridRecord(f"429005{code}", "429005", code, 1, "rural", shape)
            for code, shape in zip(parts, snapped[1:], strict=True)
        ),
    ]


def with_vertices(shape: shapely.Polygon, vertices: shapely.MultiPoint) -> shapely.Polygon:
    ring = shapely.get_coordinates(shape.normalize().exterior)
    points = shapely.get_coordinates(vertices)
    result = []
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        on = [
            (x, y)
            for x, y in points
            if min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by) and (x, y) != (bx, by)
        ]
        result += sorted(on, key=lambda p: (p[0] - ax) ** 2 + (p[1] - ay) ** 2)
    return shapely.Polygon(result)


def lines_across() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, 107), min_size=1, max_size=3, unique=True).map(
        lambda cuts: [0, *(cut * SIDE // 108 for cut in sorted(cuts)), SIDE]
    )


def tiles(xs: list[int], ys: list[int]) -> list[GridRecord]:
    """An exact partition of the service area by lines across it."""
    root = shapely.Polygon(
        [(113 + x / 1e7, 30) for x in xs]
        + [(113 + SIDE / 1e7, 30 + y / 1e7) for y in ys[1:]]
        + [(113 + x / 1e7, 30 + SIDE / 1e7) for x in reversed(xs[:-1])]
        + [(113, 30 + y / 1e7) for y in reversed(ys[1:-1])]
    )
    records = [GridRecord("429005", None, "潜江", 0, "rural", root)]
    number = 0
    for y0, y1 in itertools.pairwise(ys):
        for x0, x1 in itertools.pairwise(xs):
            number += 1
            records.append(GridRecord(f"429005{number:03}", "429005", str(number), 1, "rural", square(x0, y0, x1, y1)))
    return records


class AnyPartition(TestCase):
    """However an area is divided, its households are divided, not multiplied or lost."""

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(
        lines_across(),
        lines_across(),
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 90)), max_size=20),
    )
    def test_buildings_sum_exactly(self, xs, ys, houses):
        plan = PlanFactory(level_names=["县", "镇"])
        load_grids(plan, tiles(xs, ys))
        Building.objects.bulk_create(
            Building(institution=plan.institution, households=n, geom=at(x * SIDE // 12, y * SIDE // 12))
            for x, y, n in houses
        )
        leaves = plan.grids.filter(level=1)
        values = [row["households"].value for row in measure([leaf.pk for leaf in leaves], ["households"]).values()]
        total = sum(n for _x, _y, n in houses)
        if total:
            assert sum(values) == total == one(grid(plan, "429005")).value
        else:
            assert set(values) == {None}

    @settings(max_examples=12, suppress_health_check=list(HealthCheck))
    @given(lines_across(), lines_across(), st.lists(st.integers(0, 900), min_size=4, max_size=4))
    def test_counts_spread_by_area_sum_up_to_rounding(self, xs, ys, counts):
        base = square_plan(2)
        count(base, **{f"_00{i}": n for i, n in enumerate(counts, start=1)})
        published(base)
        draft = from_base(base, tiles(xs, ys))
        rows = measure([leaf.pk for leaf in draft.grids.filter(level=1)], ["households"])
        assert sum(row["households"].value for row in rows.values()) == pytest.approx(sum(counts), rel=1e-6)
        assert one(grid(draft, "429005")).value == pytest.approx(sum(counts), rel=1e-6)


def test_the_sides_divide_as_the_tests_suppose():
    assert Fraction(SIDE, 12).denominator == Fraction(SIDE, 108).denominator == 1
    assert square_records(2)

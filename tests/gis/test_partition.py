"""Dividing a grid: exact, contiguous, the same for the same seed, and its figures are true; whatever streets and houses."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coverage import is_exact_cover
from gis.lattice import snap, to_degrees
from gis.measure import area_m2
from gis.partition import (
    CannotDivide,
    Graph,
    NoSuchCount,
    Places,
    Units,
    count_in_band,
    cut,
    improve,
    quality_of,
    take,
    units_of,
)

CORNER = np.array([1_130_000_000, 300_000_000])
SIDE = 100_000
"""About a kilometre."""


def world(seed: int, *, streets: int, houses: int, hole: bool = False):
    """A grid with a ragged border, streets across it (some along its border), and houses, some with outlines."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.random(rng.integers(4, 40))) * 2 * np.pi
    angles = np.concatenate([angles, [0, 2.1, 4.2]])
    angles.sort()
    radius = SIDE * (0.5 + 0.5 * rng.random(len(angles)))
    xy = np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None]
    grid = shapely.Polygon(np.rint(xy))
    if hole:
        grid = grid.difference(shapely.Polygon(np.rint(xy * 0.1 + 7)))
    grid = shapely.get_parts(shapely.make_valid(grid))
    grid = max(grid, key=lambda part: part.area)
    lines = [shapely.LineString(rng.normal(scale=SIDE * 0.6, size=(rng.integers(2, 5), 2))) for _ in range(streets)]
    if streets > 2:
        ring = shapely.get_coordinates(grid.exterior)
        lines.append(shapely.LineString(ring[: max(2, len(ring) // 2)]))
        lines.append(shapely.LineString(ring[: max(2, len(ring) // 2)] + rng.normal(scale=0.6, size=2)))
    spots = shapely.points(rng.normal(scale=SIDE * 0.4, size=(houses, 2)))
    shapes = [
        shapely.box(*spot.coords[0], spot.x + 700, spot.y + 900) if rng.random() < 0.6 else spot for spot in spots
    ]

    def degrees(geometry):
        return shapely.transform(geometry, lambda xy: to_degrees(np.rint(xy) + CORNER))

    return (
        degrees(grid),
        [degrees(line) for line in lines],
        Places.of([degrees(shape) for shape in shapes], rng.integers(0, 30, houses)),
    )


worlds = st.builds(
    world, st.integers(0, 10**6), streets=st.integers(0, 12), houses=st.integers(0, 120), hole=st.booleans()
)


def units(grid, streets, places, count: int) -> Units:
    area = float(area_m2([grid])[0])
    return units_of(
        grid,
        streets,
        places,
        per_unit=float(places.weight.sum()) / count / 20 or None,
        unit_area_m2=area / count / 20,
        area_weight=0.0 if places.weight.sum() else 1.0,
    )


@settings(max_examples=40, deadline=None)
@given(worlds, st.integers(1, 9), st.integers(0, 5))
def test_parts_cover_the_grid_exactly_and_the_figures_are_true(place, count: int, seed: int) -> None:
    grid, streets, places = place
    found = units(grid, streets, places, count)
    part = cut(found.graph, count, seed=seed)
    parts = found.parts(part, count)
    whole = shapely.coverage_union_all(parts)
    assert is_exact_cover(list(parts), whole)
    # Nodes lie on the border of the grid; not one of its own vertices is gone, and none moved.
    own, now = (set(map(tuple, shapely.get_coordinates(shape))) for shape in (grid, whole))
    assert own <= now
    assert shapely.hausdorff_distance(grid.boundary, whole.boundary) <= 1.01e-7
    assert all(shape.geom_type == "Polygon" for shape in parts)
    quality = quality_of(found.graph, part, count)
    assert quality.contiguous and found.graph.is_contiguous(part, count)
    assert quality.area_m2 == pytest.approx(area_m2(list(parts)), rel=1e-6)
    tree = shapely.STRtree(parts)
    inside = shapely.intersects(grid, shapely.point_on_surface(places.shapes)) if len(places.shapes) else []
    if places.weight[inside].sum():
        expected = np.zeros(count)
        for shape, weight in zip(places.shapes[inside], places.weight[inside], strict=True):
            (at, *_) = sorted(tree.query(shapely.point_on_surface(shape), predicate="intersects").tolist())
            expected[at] += weight
        assert quality.weight.sum() == pytest.approx(expected.sum())
        assert quality.deviation == pytest.approx(quality.weight / expected.mean() - 1)
    assert (cut(found.graph, count, seed=seed) == part).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_no_building_is_cut(seed: int, count: int) -> None:
    grid, streets, places = world(seed, streets=6, houses=80)
    found = units(grid, streets, places, count)
    parts = found.parts(cut(found.graph, count), count)
    inner = shapely.union_all([part.boundary for part in parts]).difference(grid.boundary.buffer(3e-7))
    outlines = places.shapes[shapely.get_dimensions(places.shapes) == 2]
    assert not shapely.intersects(shapely.buffer(outlines, -3e-7), inner).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(1, 200))
def test_taking_and_balancing_keep_parts_in_one_piece(seed: int, count: int, amount: float) -> None:
    found = units(*world(seed, streets=5, houses=100), count)
    graph = found.graph
    part = cut(graph, count, seed=seed)
    after = take(graph, part, to=0, source=1, amount=amount)
    assert graph.is_contiguous(after, count)
    moved = after != part
    assert set(part[moved]) <= {1} and set(after[moved]) <= {0}
    gained = graph.weight[moved].sum()
    assert gained <= max(2 * amount, 0)
    again = improve(graph, after, count)
    assert graph.is_contiguous(again, count)
    spread = [np.abs(quality_of(graph, each, count).deviation).max() for each in (after, again)]
    assert spread[1] <= max(spread[0], 0.05) + 1e-9


def test_a_town_of_blocks_is_balanced_along_its_streets() -> None:
    grid = snap(shapely.box(113, 30, 113.03, 30.03))
    at = np.arange(1, 30) * 0.001
    streets = [shapely.LineString([(112.99, 30 + y), (113.04, 30 + y)]) for y in at]
    streets += [shapely.LineString([(113 + x, 29.99), (113 + x, 30.04)]) for x in at]
    rng = np.random.default_rng(3)
    places = Places.of(list(shapely.points(113 + rng.random(4000) * 0.03, 30 + rng.random(4000) * 0.03)), np.ones(4000))
    found = units_of(grid, streets, places, per_unit=20)
    part = cut(found.graph, 20, seed=1)
    quality = quality_of(found.graph, part, 20)
    assert np.abs(quality.deviation).max() <= 0.05
    assert quality.compactness.mean() >= 0.40
    assert quality.inner_street_m >= 0.95 * quality.inner_m


def test_islands_count_as_beside_the_nearest_land() -> None:
    grid = snap(shapely.MultiPolygon([shapely.box(113, 30, 113.01, 30.01), shapely.box(113.02, 30, 113.025, 30.005)]))
    found = units_of(grid, unit_area_m2=20_000, area_weight=1)
    for count in (1, 2, 5):
        part = cut(found.graph, count)
        assert found.graph.is_contiguous(part, count)
        assert is_exact_cover(list(found.parts(part, count)), shapely.coverage_union_all(found.parts(part, count)))


def test_too_many_parts_are_refused() -> None:
    found = units_of(snap(shapely.box(113, 30, 113.01, 30.01)))
    with pytest.raises(CannotDivide):
        cut(found.graph, 2)


def test_parts_that_are_empty_or_in_pieces_are_mended() -> None:
    n = 12
    pairs = np.array([(i, i + 1) for i in range(n - 1)])
    ones = np.ones(n)
    graph = Graph(ones, ones, pairs, np.ones(n - 1), np.zeros(n - 1), ones, np.column_stack([np.arange(n), ones]))
    mended = improve(graph, np.array([0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1]), 3)
    assert graph.is_contiguous(mended, 3)
    assert np.bincount(mended).tolist() == [4, 4, 4]


def test_the_count_that_fits_a_band() -> None:
    assert count_in_band(1250, 100, 150) == 10
    assert count_in_band(149, 100, 150) == 1
    for total, low, high in ((90, 100, 150), (170, 100, 120), (100, 0, 10), (100, 20, 10), (100, 1, float("inf"))):
        with pytest.raises(NoSuchCount):
            count_in_band(total, low, high)

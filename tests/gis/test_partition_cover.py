"""Partitions of random grids with random streets and points: exact, whole, truthful, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gis.coverage import is_exact_cover
from gis.edit import Grid, Sheet, divide
from gis.edit.chain import chain_of
from gis.lattice import snap, to_degrees
from gis.measure import area_m2, segment_length_m
from gis.partition import Load, PartitionWish, TooFewUnits, around, count_for, partition, rebalance, take
from gis.partition.nodes import without_idle_nodes
from tests.gis.strategies import CORNER, make_tree

SPAN = 200_000


def _scene(seed: int, streets: int, things: int) -> tuple[shapely.Geometry, np.ndarray, Load]:
    """A random grid of some 2 km (holes, islands, parts that touch at a point), streets across it, points and outlines."""
    rng = np.random.default_rng(seed)
    region = make_tree(seed, points=25, units=3, levels=2, span=SPAN).geometries[0][0]
    ends = to_degrees(rng.integers(-SPAN // 5, SPAN * 6 // 5, (streets, 3, 2)) + CORNER.corner)
    lines = np.array(list(shapely.linestrings(ends)), dtype=object)
    spots = shapely.points(to_degrees(rng.integers(0, SPAN, (things, 2)) + CORNER.corner))
    outlines = np.where(rng.random(things) < 0.5, shapely.buffer(spots, 5e-5, cap_style="square"), spots)
    return region, lines, Load(outlines.astype(object), rng.integers(1, 9, things).astype(float), 1e-6)


def _divided(region: shapely.Geometry, parts: list[shapely.Geometry]) -> Sheet:
    sheet = Sheet.of([Grid(1, None, 0, chain_of(region))])
    return divide(sheet, 1, [(part, "") for part in parts])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 8), st.integers(0, 60), st.integers(2, 6))
@example(21208, 7, 6, 6)  # a node on both edges of a sharp corner
@example(4121335400, 1, 19, 5)  # such a node, at which nothing else begins
def test_parts_cover_the_grid_exactly_and_hang_together(seed: int, streets: int, things: int, count: int) -> None:
    region, lines, load = _scene(seed, streets, things)
    wish = PartitionWish(count, 0.1, seed=seed % 100, seeds=2)
    try:
        found = partition(region, wish, load, lines)
    except TooFewUnits:
        return
    shapes = [part.geometry for part in found.parts]
    sheet = _divided(region, shapes)
    new = [grid.geometry for key, grid in sheet.grids.items() if key != 1]
    assert is_exact_cover(new, sheet.grids[1].geometry)
    islands = shapely.get_num_geometries(region)
    assert found.contiguous and sum(part.pieces for part in found.parts) <= count + islands - 1
    assert [part.geometry.wkb for part in partition(region, wish, load, lines).parts] == [one.wkb for one in shapes]
    # What is reported is what is there.
    spots = shapely.point_on_surface(load.things)
    for part in found.parts:
        inside = float(load.weight[shapely.contains(part.geometry, spots)].sum())
        inside += 1e-6 * float(area_m2([part.geometry])[0])
        on_border = float(load.weight[shapely.dwithin(part.geometry.boundary, spots, 2e-7)].sum())
        assert abs(part.weight - inside) <= on_border + 1e-4 * (1 + inside)
    walls = shapely.buffer(load.things[shapely.get_dimensions(load.things) == 2], -1e-6)
    walls = walls[shapely.covers(region, walls)]
    # One that reaches out of the grid and in again is not cut here, but by the border.
    touched = shapely.STRtree(shapes).query(walls, predicate="intersects")[0]
    assert (np.bincount(touched, minlength=1) <= 1).all(), "a building is cut"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6))
def test_rebalanced_grids_cover_what_they_did(seed: int, streets: int) -> None:
    region = shapely.box(113, 30, 113.02, 30.02)
    rng = np.random.default_rng(seed)
    middle = 113.01 + round(float(rng.uniform(-0.004, 0.004)), 7)
    grids = [snap(shapely.box(113, 30, middle, 30.02)), snap(shapely.box(middle, 30, 113.02, 30.02))]
    ends = rng.uniform([112.99, 29.99], [113.03, 30.03], (streets, 2, 2))
    lines = np.array(list(shapely.linestrings(ends)), dtype=object)
    points = shapely.points(rng.uniform([113, 30], [113.02, 30.02], (150, 2)))
    load = Load(points, np.ones(150))
    found = rebalance(grids, load, lines, tolerance=0.05)
    sheet = _divided(region, [part.geometry for part in found.parts])
    assert is_exact_cover([sheet.grids[key].geometry for key in sheet.grids if key != 1], sheet.grids[1].geometry)
    before = abs(int(shapely.contains(grids[0], points).sum()) - 75)
    assert abs(found.parts[0].weight - 75) <= max(before, 75 * 0.05) and found.contiguous
    taken = take(*grids, 12, load, lines)
    assert 0 <= taken.moved < 24
    assert abs(taken.result.parts[0].weight - shapely.contains(grids[0], points).sum() - taken.moved) < 1e-6


@given(st.floats(1, 1e6), st.floats(1, 1000), st.floats(1, 3))
def test_the_number_of_grids_keeps_the_mean_in_the_band_if_any_does(total: float, low: float, ratio: float) -> None:
    high = low * ratio
    count, tolerance = count_for(total, low, high)
    assert count >= 1 and tolerance > 0
    possible = any(low <= total / n <= high for n in {max(1, int(total / high)), int(total / high) + 1})
    assert not possible or low * (1 - 1e-9) <= total / count <= high * (1 + 1e-9)


def test_too_few_units_is_said() -> None:
    region = shapely.box(113, 30, 113.01, 30.01)
    point = np.array([shapely.Point(113.005, 30.005)], dtype=object)
    try:
        partition(region, PartitionWish(3), Load(point, np.ones(1)))
    except TooFewUnits as error:
        assert "3" in error.zh and error.details["units"] == 1
    else:
        raise AssertionError("three parts of one building")


def _places(region: shapely.Geometry, seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    west, south, east, north = region.bounds
    spots = rng.uniform([west, south], [east, north], (200, 2))
    return spots[shapely.contains_xy(region, spots)][:count]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(0, 60), st.integers(1, 6), st.booleans())
def test_service_areas_cover_the_grid_exactly_each_round_its_places(
    seed: int, streets: int, things: int, count: int, even: bool
) -> None:
    region, lines, load = _scene(seed, streets, things)
    # In a spike some steps wide the end of a cell's border can pinch the region itself; then the edit refuses (docs/partition.md).
    assume(shapely.minimum_clearance(region) > 2e-6)
    places = _places(region, seed, count)
    found = around(region, places, load, lines, radius_m=np.full(len(places), 400.0), even=even)
    shapes = [part.geometry for part in found.result.parts]
    sheet = _divided(region, shapes)
    new = [grid.geometry for key, grid in sheet.grids.items() if key != 1]
    assert is_exact_cover(new, sheet.grids[1].geometry) and found.result.contiguous
    assert sorted(one for those in found.sites for one in those) == list(range(len(places)))
    for shape, those, reach in zip(shapes, found.sites, found.reach_m, strict=True):
        assert all(shape.distance(shapely.Point(places[one])) < 2e-7 for one in those)
        corners = shapely.get_coordinates(shape)
        ends = np.hstack([np.broadcast_to(places[those[0]], corners.shape), corners])
        assert reach == segment_length_m(ends).max()


def test_without_streets_land_goes_to_the_nearest_place_and_a_larger_radius_reaches_farther() -> None:
    square = snap(shapely.box(113.0, 30.0, 113.04, 30.04))
    places = np.array([[113.01, 30.02], [113.03, 30.02]])
    for radii, border in (([1.0, 1.0], 113.02), ([3.0, 1.0], 113.025)):
        found = around(square, places, Load(per_m2=1.0), radius_m=np.array(radii) * 1000)
        west, _east = (part.geometry for part in found.result.parts)
        at = west.intersection(shapely.LineString([(113.0, 30.02), (113.04, 30.02)])).bounds[2]
        assert abs(at - border) < 0.002, (radii, at)
    even = around(square, places, Load(per_m2=1.0), radius_m=np.array([3000.0, 1000.0]), even=True, tolerance=0.05)
    assert even.result.max_deviation <= 0.05


def test_a_ring_keeps_the_nodes_without_which_it_would_be_none() -> None:
    triangle = np.array([shapely.Polygon([(0, 0), (9, 0), (0, 9)])], dtype=object)
    assert shapely.equals_exact(without_idle_nodes(triangle, frozenset({(0.0, 0.0)})), triangle).all()

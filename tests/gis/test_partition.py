"""Dividing grids with ragged borders, streets that run along or within a centimetre of them, and houses that are never cut."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coverage import is_exact_cover
from gis.edit import Grid, Sheet, divide
from gis.edit.chain import chain_of
from gis.lattice import snap, to_degrees
from gis.measure import area_m2
from gis.partition import Load, PartitionWish, TooFewUnits, UnitGraph, cut, partition

CORNER = np.array([1_130_000_000, 300_000_000])
SIDE = 100_000
"""About a kilometre."""


def world(seed: int, *, streets: int, houses: int, hole: bool):
    """A grid with a ragged border, streets across it (two along its border, one a step off), and houses, some with outlines."""
    rng = np.random.default_rng(seed)
    angles = np.sort(np.concatenate([rng.random(rng.integers(4, 40)) * 2 * np.pi, [0, 2.1, 4.2]]))
    radius = SIDE * (0.5 + 0.5 * rng.random(len(angles)))
    xy = np.column_stack([np.cos(angles), np.sin(angles)]) * radius[:, None]
    grid = shapely.Polygon(np.rint(xy))
    if hole:
        grid = grid.difference(shapely.Polygon(np.rint(xy * 0.1 + 7)))
    grid = max(shapely.get_parts(shapely.make_valid(grid)), key=lambda part: part.area)
    lines = [shapely.LineString(rng.normal(scale=SIDE * 0.6, size=(rng.integers(2, 5), 2))) for _ in range(streets)]
    if streets > 2:
        stretch = shapely.get_coordinates(grid.exterior)[: max(2, len(angles) // 2)]
        lines += [shapely.LineString(stretch), shapely.LineString(stretch + rng.normal(scale=0.6, size=2))]
    spots = shapely.points(rng.normal(scale=SIDE * 0.4, size=(houses, 2)))
    shapes = [shapely.box(spot.x, spot.y, spot.x + 700, spot.y + 900) if rng.random() < 0.6 else spot for spot in spots]

    def degrees(geometries):
        moved = [shapely.transform(each, lambda xy: to_degrees(np.rint(xy) + CORNER)) for each in geometries]
        result = np.empty(len(moved), dtype=object)
        result[:] = moved
        return result

    return degrees([grid])[0], degrees(lines), Load(degrees(shapes), rng.integers(0, 30, houses).astype(float), 1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 100), st.booleans(), st.integers(1, 6))
def test_parts_take_the_place_of_the_grid_and_cut_no_house(
    seed: int, streets: int, houses: int, hole: bool, count: int
) -> None:
    grid, lines, load = world(seed, streets=streets, houses=houses, hole=hole)
    try:
        found = partition(grid, PartitionWish(count, seeds=1), load, lines)
    except TooFewUnits:
        return
    parts = [part.geometry for part in found.parts]
    whole = shapely.coverage_union_all(parts)
    assert is_exact_cover(parts, whole)
    own, now = (set(map(tuple, shapely.get_coordinates(shape).tolist())) for shape in (grid, whole))
    assert own <= now
    assert shapely.hausdorff_distance(grid.boundary, whole.boundary) <= 2.01e-7
    sheet = divide(Sheet.of([Grid(1, None, 0, chain_of(grid))]), 1, [(part, "") for part in parts])
    assert len(sheet.grids) == count + 1
    assert found.contiguous and all(part.geometry.geom_type in ("Polygon", "MultiPolygon") for part in found.parts)
    assert [part.area_m2 for part in found.parts] == pytest.approx(area_m2(parts).tolist(), rel=1e-9)
    inner = shapely.union_all(shapely.boundary(parts)).difference(shapely.buffer(grid.boundary, 6e-7))
    outlines = load.things[shapely.get_dimensions(load.things) == 2]
    assert not shapely.intersects(shapely.buffer(outlines, -6e-7), inner).any()


def test_a_town_of_blocks_is_balanced_along_its_streets() -> None:
    grid = snap(shapely.box(113, 30, 113.03, 30.03))
    at = np.arange(1, 30) * 0.001
    lines = [shapely.LineString([(112.99, 30 + y), (113.04, 30 + y)]) for y in at]
    lines += [shapely.LineString([(113 + x, 29.99), (113 + x, 30.04)]) for x in at]
    rng = np.random.default_rng(3)
    houses = shapely.points(113 + rng.random(4000) * 0.03, 30 + rng.random(4000) * 0.03)
    wish = PartitionWish(20, tolerance=0.05, seeds=1)
    found = partition(grid, wish, Load(houses, np.ones(4000)), np.array(lines, dtype=object))
    assert found.max_deviation <= 0.05 and found.contiguous
    assert found.mean_compactness >= 0.40
    assert found.street_share is not None and found.street_share >= 0.95


def lattice_graph(side: int, weight: np.ndarray) -> UnitGraph:
    """Square units of 100 m, `side` by `side`; every fifth column line is a street."""
    number = np.arange(side * side).reshape(side, side)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    up = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    pairs = np.concatenate([across, up])
    length = np.full(len(pairs), 100.0)
    street = np.where((pairs[:, 1] % side % 5 == 0) & (np.arange(len(pairs)) < len(across)), 100.0, 0.0)
    outer = 400.0 - np.bincount(pairs.ravel(), np.repeat(length, 2))
    return UnitGraph(weight, np.full(side * side, 1e4), outer, pairs, length, street)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60))
def test_a_large_graph_is_cut_whole_in_balance_and_the_same_again(seed: int, count: int) -> None:
    weight = np.random.default_rng(seed).integers(0, 30, 42 * 42).astype(float)
    graph = lattice_graph(42, weight)
    found = cut(graph, count, tolerance=0.05, seed=seed)
    assert sorted(set(found.label.tolist())) == list(range(count))
    assert len(np.unique(graph.components(found.label))) == count
    loads = np.bincount(found.label, weight, count)
    assert found.worst == pytest.approx(np.abs(loads / loads.mean() - 1).max())
    assert found.worst <= 0.05
    assert (cut(graph, count, tolerance=0.05, seed=seed).label == found.label).all()

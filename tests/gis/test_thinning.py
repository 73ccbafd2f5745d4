"""Fewer vertices for drawing: neighbours stay together, and what is broken stays where it is."""

from __future__ import annotations

import numpy as np
import shapely

from gis.thinning import thinned

SIDE, PIECES = 0.1, 400
RNG = np.random.default_rng(1)


def wavy(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """A line from a to b, without b, that keeps within 5 m of straight."""
    share = np.linspace(0, 1, PIECES, endpoint=False)[1:]
    straight = np.outer(1 - share, a) + np.outer(share, b)
    return [a, *map(tuple, np.round(straight + RNG.uniform(-4e-5, 4e-5, straight.shape), 7).tolist())]


CORNERS = [[(x * SIDE, y * SIDE) for x in range(4)] for y in range(4)]
ACROSS = [[wavy(CORNERS[y][x], CORNERS[y][x + 1]) for x in range(3)] for y in range(4)]
UP = [[wavy(CORNERS[y][x], CORNERS[y + 1][x]) for x in range(4)] for y in range(3)]


def back(line: list[tuple[float, float]], end: tuple[float, float]) -> list[tuple[float, float]]:
    return [end, *line[:0:-1]]


def squares() -> list[shapely.Polygon]:
    """3 × 3 squares with wavy borders, an exact coverage; the one in the middle begins on the middle of a border."""
    result = []
    for y in range(3):
        for x in range(3):
            ring = [
                *ACROSS[y][x],
                *UP[y][x + 1],
                *back(ACROSS[y + 1][x], CORNERS[y + 1][x + 1]),
                *back(UP[y][x], CORNERS[y + 1][x]),
            ]
            turn = PIECES // 2 if x == y == 1 else 0
            result.append(shapely.Polygon(ring[turn:] + ring[:turn]))
    return result


def test_an_exact_coverage_stays_one() -> None:
    given = squares()
    assert shapely.coverage_is_valid(np.array(given))
    thin = thinned(given, 400)
    assert thin.vertices == shapely.get_num_coordinates(thin.geometries).sum() <= 400
    assert shapely.coverage_is_valid(np.array(thin.geometries, dtype=object))
    assert 0 < thin.tolerance < 1e-4
    assert max(map(shapely.hausdorff_distance, given, thin.geometries)) <= thin.tolerance


def test_levels_stay_on_each_other() -> None:
    given = squares()
    thin = thinned([*given, shapely.coverage_union_all(given)], 400)
    assert shapely.equals(shapely.coverage_union_all(np.array(thin.geometries[:9])), thin.geometries[9])


def test_a_gap_and_what_is_around_it_stays_as_it_is() -> None:
    given = squares()
    ring = shapely.get_coordinates(given[4])
    bitten = np.delete(ring, slice(100, 110), axis=0)
    bitten[-1] = bitten[0]
    given[4] = shapely.Polygon(bitten)
    gap = shapely.difference(shapely.box(0, 0, 3 * SIDE, 3 * SIDE), shapely.union_all(given))
    gap = max(shapely.get_parts(shapely.intersection(gap, shapely.box(0.05, 0.05, 0.25, 0.25))), key=shapely.area)
    west, south, east, north = gap.bounds
    box = (west - 1e-3, south - 1e-3, east + 1e-3, north + 1e-3)
    thin = thinned(given, 1000, exact=[box])
    inside = shapely.box(*box)
    vertices = shapely.multipoints(shapely.get_coordinates(given))
    kept = shapely.multipoints(shapely.get_coordinates(thin.geometries))
    assert thin.vertices < 2000
    assert shapely.equals(shapely.intersection(vertices, inside), shapely.intersection(kept, inside))
    assert shapely.difference(gap, shapely.union_all(thin.geometries)).area >= 0.999 * gap.area


def test_islands_holes_and_few_vertices() -> None:
    lake = shapely.Polygon(
        shapely.get_coordinates(shapely.box(0, 0, 1, 1)),
        [shapely.get_coordinates(shapely.Point(0.5, 0.5).buffer(0.2, quad_segs=500))],
    )
    island = shapely.Polygon(lake.interiors[0])
    triangle = shapely.Polygon([(2, 0), (2.00001, 0), (2, 0.00001)])
    both = shapely.MultiPolygon([triangle, shapely.Polygon([(3, 0), (4, 0), (3, 1)])])
    thin = thinned([lake, island, both], 100)
    assert thin.vertices < 200
    assert shapely.equals(shapely.Polygon(thin.geometries[0].interiors[0]), thin.geometries[1])
    assert shapely.equals(thin.geometries[2], both)
    assert thinned([both], 100).geometries == [both] and thinned([], 10).geometries == []

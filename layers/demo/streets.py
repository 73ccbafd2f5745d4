"""Made-up streets and houses of the demo: streets along most inner borders and lanes across the grids, houses beside them.

Every function is pure; the same arguments give the same answer. Nothing here is the street or house of any real place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon

from gis.lattice import FloatArray, IntArray, to_degrees, to_lattice
from gis.streets import StreetNetwork
from layers.demo.county import GRID, TOWNSHIP, VILLAGE, GridRow

BY_LEVEL = {TOWNSHIP: ("primary", "大道"), VILLAGE: ("secondary", "路"), GRID: ("residential", "街")}
"""Kind and last word of the name of a street along a border, by the highest level that the border divides."""
LANE = ("lane", "巷")
SHARE_OF_GRID_BORDERS = 0.8
"""The other borders between grids of a village have no street."""
CHORDS = 24
BEND = 0.08
"""How far from straight a lane is, of its length."""
HOUSES_A_GRID = 12
CANDIDATES = 72
CELL = 2_000
"""Lattice steps, some 20 m: no two houses of a grid stand in one cell of this size."""
HALF_HOUSE, JITTER = 500, 300
CLEARANCE = 1.6e-4
"""Degrees, some 15 m, that the middle of a house keeps from streets and borders where there is room."""
FLOORS = {"urban": (6, 18), "rural": (1, 4)}


class DemoStreet(NamedTuple):
    """A street: EPSG:4490 on the lattice."""

    name: str
    kind: str
    line: LineString


class DemoHouse(NamedTuple):
    """A house in a grid: an outline, or a point where there is no room for one; EPSG:4490 on the lattice."""

    code: str
    households: int
    floors: int
    shape: Polygon | Point


def make_streets(rows: Sequence[GridRow], *, seed: int = 20260101) -> list[DemoStreet]:
    """A connected network: streets along inner borders, and up to three lanes in each grid that has room for them."""
    rng = np.random.default_rng(seed)
    leaves = [row for row in rows if row.level == GRID]
    lines: list[tuple[str, str, LineString]] = []
    for level, borders in _inner_borders(rows, leaves).items():
        kind, word = BY_LEVEL[level]
        if level == GRID:
            borders = [line for line in borders if rng.random() < SHARE_OF_GRID_BORDERS]
        lines += [(kind, word, line) for line in borders]
    for leaf in leaves:
        lines += [(*LANE, line) for line in _lanes(_main_part(leaf.geometry), rng)]
    network = StreetNetwork.of(line for *_, line in lines)
    part = network.component[network.edges[:, 0]]
    connected = np.unique(network.street[part == np.bincount(part).argmax()])
    numbers: dict[str, int] = defaultdict(int)
    streets = []
    for index in connected.tolist():
        kind, word, line = lines[index]
        numbers[word] += 1
        streets.append(DemoStreet(f"演示{numbers[word]}{word}", kind, line))
    return streets


def make_houses(rows: Sequence[GridRow], streets: Sequence[DemoStreet], *, seed: int = 20260102) -> list[DemoHouse]:
    """Houses of each grid; their households add up to the grid's."""
    rng = np.random.default_rng(seed)
    lines = np.array([street.line for street in streets], dtype=object)
    tree = shapely.STRtree(lines)
    houses = []
    for leaf in rows:
        if leaf.level != GRID or not leaf.households:
            continue
        near = lines[tree.query(leaf.geometry)]
        spots, clearance = _spots(leaf.geometry, near, rng)
        count = min(HOUSES_A_GRID, leaf.households, len(spots))
        shares = rng.multinomial(leaf.households - count, rng.dirichlet(np.full(count, 3.0))) + 1
        low, high = FLOORS[leaf.kind]
        floors = rng.integers(low, high + 1, count)
        for i in range(count):
            houses.append(
                DemoHouse(
                    f"{leaf.code}-{i + 1:02}", int(shares[i]), int(floors[i]), _house(spots[i], float(clearance[i]))
                )
            )
    return houses


def _inner_borders(rows: Sequence[GridRow], leaves: Sequence[GridRow]) -> dict[int, list[LineString]]:
    """The borders between leaves, by the highest level that they divide."""
    parents = {row.code: row.parent_code for row in rows}
    villages = [parents[leaf.code] for leaf in leaves]
    towns = [parents[village or ""] for village in villages]
    parts, of_part = shapely.get_parts([leaf.geometry for leaf in leaves], return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    lattice = to_lattice(xy)
    real = ring[:-1] == ring[1:]
    edges = np.stack([lattice[:-1][real], lattice[1:][real]], axis=1)
    owner = of_part[of_ring[ring[:-1][real]]]
    turned = (edges[:, 0, 0] > edges[:, 1, 0]) | (
        (edges[:, 0, 0] == edges[:, 1, 0]) & (edges[:, 0, 1] > edges[:, 1, 1])
    )
    edges[turned] = edges[turned][:, ::-1]
    unique, edge = np.unique(edges.reshape(-1, 4), axis=0, return_inverse=True)
    order = np.argsort(edge, kind="stable")
    twice = np.flatnonzero(edge[order][:-1] == edge[order][1:])
    found: dict[int, list[IntArray]] = {TOWNSHIP: [], VILLAGE: [], GRID: []}
    for first in twice.tolist():
        a, b = owner[order[first]], owner[order[first + 1]]
        level = TOWNSHIP if towns[a] != towns[b] else VILLAGE if villages[a] != villages[b] else GRID
        found[level].append(unique[edge[order[first]]])
    return {
        level: shapely.get_parts(
            shapely.line_merge(
                shapely.multilinestrings(shapely.linestrings(to_degrees(np.array(segments).reshape(-1, 2, 2))))
            )
        ).tolist()
        for level, segments in found.items()
        if segments
    }


def _main_part(area: Polygon | MultiPolygon) -> Polygon:
    return max(shapely.get_parts(area), key=lambda part: part.area)


def _lanes(area: Polygon, rng: np.random.Generator) -> list[LineString]:
    """A lane from border to border past the middle, and one from there to each side: between vertices of the border."""
    corners = shapely.get_coordinates(area.exterior)[:-1]
    shapely.prepare(area)
    pairs = rng.integers(0, len(corners), (CHORDS, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    chords = shapely.linestrings(corners[pairs])
    chords = chords[_crosses(area, chords)]
    if not len(chords):
        return []
    chord = chords[np.argmin(shapely.distance(chords, area.centroid) - 0.2 * shapely.length(chords))]
    start, end = shapely.get_coordinates(chord)
    middle = _bent(area, start, end, rng)
    lanes = [LineString([start, middle, end])]
    spurs = shapely.linestrings([(middle, corner) for corner in corners[rng.integers(0, len(corners), CHORDS)]])
    spurs = spurs[_crosses(area, spurs) & (shapely.distance(shapely.get_point(spurs, 1), chord) > chord.length / 5)]
    run = end - start
    for side in (1, -1):
        for spur in spurs:
            x, y = shapely.get_coordinates(spur)[1] - start
            if (run[0] * y - run[1] * x) * side > 0 and spur.intersection(lanes[0]).geom_type == "Point":
                lanes.append(spur)
                break
    return lanes


def _bent(area: Polygon, start: FloatArray, end: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A lattice point beside the middle of a chord, such that the way by it stays inside; else the middle itself."""
    middle, sideways = (start + end) / 2, np.array([start[1] - end[1], end[0] - start[0]])
    for share in (rng.uniform(-BEND, BEND), 0):
        at = to_degrees(to_lattice(middle + share * sideways))
        if _crosses(area, np.array([LineString([start, at, end])]))[0]:
            return at
    return to_degrees(to_lattice(middle))


def _crosses(area: Polygon, lines: np.ndarray) -> np.ndarray:
    """Whether each line runs inside the area all the way, meeting its border at ends only."""
    inside = shapely.covers(area, lines)
    met = shapely.intersection(area.boundary, lines[inside])
    inside[inside] = (shapely.get_dimensions(met) == 0) & (shapely.get_num_geometries(met) <= 2)
    return inside


def _spots(area: Polygon | MultiPolygon, streets: np.ndarray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Places for houses (lattice) and how far, in degrees, each is from borders and streets: the roomy ones first."""
    west, south, east, north = area.bounds
    places = [rng.uniform((west, south), (east, north), (CANDIDATES, 2))]
    if len(streets):
        beside = shapely.line_interpolate_point(
            streets[rng.integers(0, len(streets), CANDIDATES)], rng.random(CANDIDATES), normalized=True
        )
        places.append(shapely.get_coordinates(beside) + rng.normal(0, 2.5 * CLEARANCE, (CANDIDATES, 2)))
    lattice = to_lattice(np.concatenate(places))
    cells = rng.permutation(np.unique(lattice // CELL, axis=0))
    lattice = cells * CELL + CELL // 2 + rng.integers(-JITTER, JITTER + 1, cells.shape)
    middle = to_lattice(shapely.get_coordinates(area.point_on_surface()))
    shapely.prepare(area)
    inside = shapely.contains_properly(area, shapely.points(to_degrees(lattice)))
    lattice = lattice[inside] if inside.any() else middle
    points = shapely.points(to_degrees(lattice))
    edges = shapely.multilinestrings([*shapely.get_parts(area.boundary), *streets])
    clearance = shapely.distance(points, edges)
    order = np.argsort(-np.minimum(clearance, CLEARANCE), kind="stable")
    return lattice[order], clearance[order]


def _house(middle: IntArray, clearance: float) -> Polygon | Point:
    half = min(HALF_HOUSE, int(clearance * 1e7 / 2))
    if half < 20:
        return Point(to_degrees(middle))
    return shapely.box(*to_degrees(middle - half), *to_degrees(middle + half))

"""A border moved onto the street that runs beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from shapely.ops import substring

from gis.lattice import FloatArray, IntArray, to_degrees, to_lattice
from gis.measure import segment_length_m

if TYPE_CHECKING:
    from gis.streets.network import StreetNetwork

MOST_SAMPLES = 4000
SHORTEST_SHARE, LONGEST_SHARE = 0.5, 2.0
"""A way along streets replaces a stretch only if it is about as long: a street that merely crosses is not beside it."""
STRAIGHT_ON_M = 1.0
"""A street this near the end of a path is entered at its next vertex, without a jog onto it."""


class Aligned(NamedTuple):
    """A path after alignment: degrees on the lattice; the farthest move in metres; the share of its length on streets."""

    path: FloatArray
    moved_m: float
    share: float


class _Run(NamedTuple):
    """A stretch with a street beside it, by its places along the path, and the street's vertices for it."""

    start: float
    end: float
    way: FloatArray


def align(network: StreetNetwork, path: FloatArray, tolerance_m: float) -> Aligned:
    """Replace what lies between the ends of a path, in degrees, by the street line near it.

    A stretch without a street within the tolerance stays as it is; so does one where the street only crosses, and one
    whose replacement would make the path cross itself. The ends never move.
    """
    lattice = to_lattice(path)
    line = shapely.LineString(network.frame.of(lattice))
    same = Aligned(to_degrees(lattice), 0.0, 0.0)
    if not len(network.edges) or line.length == 0:
        return same
    near = network.tree.query(line, predicate="dwithin", distance=tolerance_m)
    pieces = shapely.get_parts(shapely.intersection(network.tree.geometries[near], shapely.buffer(line, tolerance_m)))
    pieces = pieces[(shapely.get_dimensions(pieces) == 1) & ~shapely.is_empty(pieces)]
    if not len(pieces):
        return same
    in_degrees = shapely.transform(pieces, lambda xy: to_degrees(network.frame.to_lattice(xy)))
    corridor = type(network).of(in_degrees.tolist(), tolerance_m=0)
    if not len(corridor.edges):
        return same
    was_simple = line.is_simple
    accepted: list[_Run] = []
    for run in _runs(network, corridor, line, tolerance_m):
        moved = _with_runs(network, line, lattice, [*accepted, run])
        if len(moved) > 1 and (not was_simple or shapely.LineString(moved).is_simple):
            accepted.append(run)
    result = _with_runs(network, line, lattice, accepted)
    new_line = shapely.LineString(network.frame.of(result))
    on_streets = sum(_length_m(run.way) for run in accepted)
    total = _length_m(to_degrees(result))
    moved_m = shapely.hausdorff_distance(*shapely.segmentize([line, new_line], _step(line, tolerance_m)))
    return Aligned(to_degrees(result), round(float(moved_m), 2), round(min(1.0, on_streets / total), 4))


def _step(line: shapely.LineString, tolerance_m: float) -> float:
    return max(tolerance_m / 2, float(line.length) / MOST_SAMPLES)


def _runs(network: StreetNetwork, corridor: StreetNetwork, line: shapely.LineString, tolerance_m: float) -> list[_Run]:
    """Stretches of the path beside which connected streets lead all the way."""
    count = max(2, int(np.ceil(line.length / _step(line, tolerance_m))) + 1)
    along = np.linspace(0, line.length, count)
    samples = shapely.line_interpolate_point(line, along)
    places = to_degrees(network.frame.to_lattice(shapely.get_coordinates(samples)))
    snapped = corridor.snap(places)
    part = corridor.component[corridor.edges[snapped.edge, 0]]
    part = np.where(snapped.distance_m <= tolerance_m, part, -1)
    breaks = np.flatnonzero(np.diff(part)) + 1
    runs = []
    for first, last in zip([0, *breaks], [*(breaks - 1), count - 1], strict=True):
        if part[first] < 0 or first == last:
            continue
        stops = [first, last]
        if line.is_closed and last - first == count - 1:
            stops = [0, count // 3, 2 * count // 3, count - 1]
        way = corridor.trace(places[stops], within_m=np.inf)
        beside = shapely.LineString(network.frame.of(to_lattice(way.path)))
        length = along[last] - along[first]
        if not SHORTEST_SHARE * length <= way.length_m <= LONGEST_SHARE * length:
            continue
        if not shapely.dwithin(samples[first : last + 1], beside, 1.5 * tolerance_m).all():
            continue
        vertices = way.path
        if beside.is_closed and beside.length > 4 * tolerance_m:
            # Not there and back between the end of the path and one place of the street.
            open_way = substring(beside, tolerance_m, beside.length - tolerance_m)
            vertices = to_degrees(network.frame.to_lattice(shapely.get_coordinates(open_way)))
        runs.append(_Run(along[first], along[last], vertices))
    return runs


def _with_runs(network: StreetNetwork, line: shapely.LineString, lattice: IntArray, runs: list[_Run]) -> IntArray:
    """The vertices of the path outside the runs, and of the streets within them."""
    metres = network.frame.of(lattice)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(metres, axis=0).T))])
    along[-1] = line.length
    inner = np.arange(1, len(lattice) - 1)
    parts, reached = [lattice[:1]], 0.0
    for run in runs:
        parts.append(lattice[inner[(along[inner] > reached) & (along[inner] < run.start)]])
        parts.append(_entered(network, to_lattice(run.way), lattice, run, float(line.length)))
        reached = run.end
    if reached < line.length:
        parts.append(lattice[inner[along[inner] > reached]])
    vertices = np.concatenate([*parts, lattice[-1:]])
    new = np.ones(len(vertices), dtype=bool)
    new[1:] = (vertices[1:] != vertices[:-1]).any(axis=1)
    return vertices[new]


def _entered(network: StreetNetwork, way: IntArray, lattice: IntArray, run: _Run, length: float) -> IntArray:
    """The way, less a first or last vertex that is all but the end of the path itself."""
    if run.start == 0 and np.hypot(*(network.frame.of(way[0]) - network.frame.of(lattice[0]))) <= STRAIGHT_ON_M:
        way = way[1:]
    if (
        run.end == length
        and len(way)
        and np.hypot(*(network.frame.of(way[-1]) - network.frame.of(lattice[-1]))) <= STRAIGHT_ON_M
    ):
        way = way[:-1]
    return way


def _length_m(path: FloatArray) -> float:
    return float(segment_length_m(np.hstack([path[:-1], path[1:]])).sum())

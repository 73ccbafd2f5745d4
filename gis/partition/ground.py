"""From a grid, streets and buildings to units: the faces of one arrangement on the lattice, no building in two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from shapely.geometry.base import BaseGeometry

from gis.arrangement import OUTSIDE, Arrangement, Frame, dissolve
from gis.errors import JingtianError
from gis.lattice import FloatArray, IntArray
from gis.measure import area_m2, segment_length_m
from gis.partition.cells import cell_borders, even_spread, grouped
from gis.partition.graph import UnitGraph
from gis.partition.nodes import Corner, without_idle_nodes

Objects = npt.NDArray[np.object_]
Bools = npt.NDArray[np.bool_]

ON_STREET = 2.0
"""In steps: a border this near to a street line runs along it; snap rounding moves either by less."""
WALL = 3.0
"""In steps: how far a border may reach into a building's outline by rounding; more cuts it."""
SAMPLE_M = 4.0
"""A building's outline counts as places so far apart when cells are drawn."""
SAME = 5.0
"""In steps: a street's vertex this near to a vertex of the border is that vertex."""
THIN = 2.0
"""In steps, area over perimeter: in thinner faces rounding decides on which side of a border a point lies."""
STRIP = 0.3
"""Polsby–Popper below which a unit with nothing in it is a strip."""
MOST_CELLS = 30_000


class TooFewUnits(JingtianError):
    """There is less to be divided than parts asked for."""

    code = "too_few_units"


def _no_objects() -> Objects:
    return np.empty(0, dtype=object)


@dataclass(frozen=True)
class Load:
    """What is to be balanced: things with a weight each, and a weight for each m².

    Attributes
    ----------
    things : (n,) Points and outlines (Polygon, MultiPolygon) in degrees; outlines are never cut.
    weight : (n,) of each.
    per_m2 : of the area.
    """

    things: Objects = field(default_factory=_no_objects)
    weight: FloatArray = field(default_factory=lambda: np.empty(0))
    per_m2: float = 0.0


@dataclass(frozen=True)
class Ground:
    """Faces of an arrangement, and the units that they make up.

    Attributes
    ----------
    frame, arrangement
    unit : (faces,) unit of each face; negative outside the region.
    graph : of the units.
    street : (segments,) whether a segment runs along a street.
    home : (units,) index of the `within` that a unit lies in; 0 when the region is one.
    cells : how many big blocks were divided into cells.
    corners : the vertices that the region had before, in steps.
    """

    frame: Frame
    arrangement: Arrangement
    unit: IntArray
    graph: UnitGraph
    street: Bools
    home: IntArray
    cells: int
    corners: frozenset[Corner]

    @classmethod
    def of(
        cls,
        within: Sequence[BaseGeometry],
        *,
        streets: Objects | None = None,
        load: Load,
        cell_weight: float | None = None,
        cell_m2: float | None = None,
        parts: int = 2,
        tolerance: float = 0.1,
    ) -> Ground:
        """Make units of grids.

        Parameters
        ----------
        within
            Polygons or MultiPolygons in degrees, on the lattice, exact neighbours of each other: borders that units do not cross.
        streets
            Lines in degrees.
        cell_weight
            Blocks heavier than this are divided into cells; None: by the number of parts and the tolerance.
        cell_m2
            If given, blocks larger than this are divided into even cells instead, whatever they weigh.
        """
        regions = np.array(list(within), dtype=object)
        frame = Frame.around(regions)
        in_steps = frame.to_steps(regions)
        whole = shapely.coverage_union_all(in_steps) if len(in_steps) > 1 else in_steps[0]
        shapely.prepare(whole)
        aspect = _aspect(regions)
        lines = _street_lines(frame, whole, streets)
        things = _Things.inside(frame, whole, load)
        crossed = _crossed_outlines(things, lines)
        rings = shapely.get_rings(shapely.get_parts(in_steps))
        base = np.concatenate([rings, lines, shapely.get_rings(shapely.get_parts(crossed))])
        blocks = Arrangement.of(base, snap_rounded=True)
        total = float(things.weight.sum()) + load.per_m2 * float(area_m2(regions).sum())
        limit = cell_weight if cell_weight is not None else total / max(parts, 1) * min(max(tolerance, 0.02), 0.5) / 2
        by, per_m2 = things, load.per_m2
        if cell_m2 is not None:
            by, per_m2 = replace(things, weight=np.zeros(len(things.weight))), 1.0
            total, limit = float(area_m2(regions).sum()), cell_m2
        inner, divided = _cells(blocks, frame, whole, by, per_m2, max(limit, total / MOST_CELLS), aspect)
        if len(inner):
            segments = shapely.linestrings(blocks.segments.reshape(-1, 2, 2))
            blocks = Arrangement.of(np.concatenate([segments, inner]), snap_rounded=True)
        return cls._with_units(frame, blocks, in_steps, things, load.per_m2, lines, divided)

    @classmethod
    def _with_units(
        cls,
        frame: Frame,
        arrangement: Arrangement,
        regions: Objects,
        things: _Things,
        per_m2: float,
        streets: Objects,
        cells: int,
    ) -> Ground:
        points = arrangement.points()
        region_of = _regions_of(arrangement.faces, points, regions)
        joined = _joined_by_outlines(arrangement, region_of, things.walls())
        unit = np.full(len(points), OUTSIDE, dtype=np.int64)
        inside = np.flatnonzero(region_of != OUTSIDE)
        unit[inside] = np.unique(joined[inside], return_inverse=True)[1]
        area = area_m2(frame.to_degrees(arrangement.faces))
        at = _face_of(arrangement.faces[inside], things.points)
        placed = at >= 0
        weight = np.bincount(inside[at[placed]], weights=things.weight[placed], minlength=len(unit)) + area * per_m2
        street = _along(arrangement.segments, streets)
        graph = _graph(frame, arrangement, unit, area, weight, street)
        thing_count = np.bincount(unit[inside[at[placed]]], minlength=len(graph))
        merged = _tidy(graph, thing_count, region_of, unit)
        unit[inside] = merged[unit[inside]]
        graph = _linked(_graph(frame, arrangement, unit, area, weight, street), arrangement, unit)
        home = np.zeros(len(graph), dtype=np.int64)
        home[unit[inside]] = region_of[inside]
        corners = frozenset((x, y) for x, y in shapely.get_coordinates(regions).tolist())
        return cls(frame, arrangement, unit, graph, street, home, cells, corners)

    def unit_at(self, points: Objects) -> IntArray:
        """The unit (n,) in which each point (degrees) lies; negative outside."""
        inside = np.flatnonzero(self.unit >= 0)
        at = _face_of(self.arrangement.faces[inside], np.asarray(self.frame.to_steps(points), dtype=object))
        return np.where(at >= 0, self.unit[inside][at], OUTSIDE)

    def centres(self) -> FloatArray:
        """The centroid (units, 2) of each unit, in degrees."""
        inside = np.flatnonzero(self.unit >= 0)
        faces = self.arrangement.faces[inside]
        xy, area = shapely.get_coordinates(shapely.centroid(faces)), shapely.area(faces)
        of = self.unit[inside]
        total = np.bincount(of, weights=area, minlength=len(self.graph))
        sums = [np.bincount(of, weights=area * xy[:, axis], minlength=len(self.graph)) for axis in (0, 1)]
        return np.asarray((np.column_stack(sums) / total[:, None] + self.frame.corner) / 1e7, dtype=np.float64)

    def parts(self, label: IntArray, count: int) -> Objects:
        """The union (degrees) of the units of each part 0…count-1."""
        part = np.where(self.unit >= 0, label[np.maximum(self.unit, 0)], OUTSIDE)
        shapes = dissolve(self.arrangement.faces, part, count)
        return self.frame.to_degrees(without_idle_nodes(shapes, self.corners))


@dataclass(frozen=True)
class _Things:
    """Things of a load inside a region, in steps."""

    shapes: Objects
    points: Objects
    weight: FloatArray

    @classmethod
    def inside(cls, frame: Frame, whole: BaseGeometry, load: Load) -> _Things:
        if not len(load.things):
            return cls(_no_objects(), _no_objects(), np.empty(0))
        shapes = np.asarray(
            shapely.transform(np.asarray(load.things, dtype=object), lambda xy: (xy * 1e7) - frame.corner), dtype=object
        )
        points = np.asarray(shapely.point_on_surface(shapes), dtype=object)
        chosen = shapely.intersects(whole, points) | (
            (shapely.get_dimensions(shapes) == 2) & shapely.intersects(whole, shapes)
        )
        belongs = shapely.intersects(whole, points[chosen])
        weight = np.where(belongs, np.asarray(load.weight, dtype=np.float64)[chosen], 0.0)
        return cls(shapes[chosen], points[chosen], weight)

    def walls(self) -> Objects:
        """The outlines, less what rounding may touch."""
        outlines = self.shapes[shapely.get_dimensions(self.shapes) == 2]
        shrunk = np.asarray(shapely.buffer(outlines, -WALL, join_style="mitre"), dtype=object)
        return np.asarray(shrunk[~shapely.is_empty(shrunk)], dtype=object)

    def sites(self, block: BaseGeometry, aspect: float) -> tuple[FloatArray, IntArray, IntArray]:
        """The things of a block: places (k, 2) that stand for them, the thing of each place, and the things."""
        own = np.flatnonzero(shapely.intersects(block, self.points))
        outlines = own[shapely.get_dimensions(self.shapes[own]) == 2]
        along = shapely.segmentize(self.shapes[outlines], SAMPLE_M * 90)
        xy, of = shapely.get_coordinates(along, return_index=True)
        plain = np.setdiff1d(own, outlines)
        places = np.concatenate([xy, shapely.get_coordinates(self.points[plain])])
        return places, np.concatenate([outlines[of], plain]).astype(np.int64), own


def _regions_of(faces: Objects, points: Objects, regions: Objects) -> IntArray:
    """The region (faces,) that each face lies in, OUTSIDE for none; of strips as thin as the rounding, by the greater area."""
    result = np.full(len(points), OUTSIDE, dtype=np.int64)
    region, face = shapely.STRtree(points).query(regions, predicate="contains")
    result[face] = region
    thin = np.flatnonzero(shapely.area(faces) < THIN * shapely.length(faces))
    at, region = shapely.STRtree(regions).query(faces[thin])
    result[thin] = OUTSIDE
    if len(at):
        common = shapely.area(shapely.intersection(faces[thin[at]], regions[region]))
        order = np.lexsort((-region, common))
        at, region, common = at[order], region[order], common[order]
        most = common >= shapely.area(faces[thin[at]]) / 2
        result[thin[at[most]]] = region[most]
    return result


def _aspect(regions: Objects) -> float:
    south, north = shapely.total_bounds(regions)[[1, 3]]
    return float(np.cos(np.radians((south + north) / 2)))


def _street_lines(frame: Frame, whole: BaseGeometry, streets: Objects | None) -> Objects:
    if streets is None or not len(streets):
        return _no_objects()
    lines = shapely.get_parts(frame.to_steps(np.asarray(streets, dtype=object)))
    # A street that the border was drawn along is the border there, not a strip beside it in which rounding eats corners.
    corners = shapely.get_coordinates(whole)
    xy = shapely.get_coordinates(lines)
    near, corner = KDTree(corners).query(xy, distance_upper_bound=SAME)
    xy[np.isfinite(near)] = corners[corner[np.isfinite(near)]]
    lines = shapely.set_coordinates(lines, xy)
    lines = lines[shapely.length(lines) > 0]
    return np.asarray(lines[shapely.intersects(whole, lines)], dtype=object)


def _crossed_outlines(things: _Things, lines: Objects) -> Objects:
    """The outlines that streets run through: their walls become borders, so that only the building is one unit."""
    outlines = things.shapes[shapely.get_dimensions(things.shapes) == 2]
    if not len(outlines) or not len(lines):
        return _no_objects()
    hit = np.unique(shapely.STRtree(lines).query(outlines, predicate="crosses")[0])
    return np.asarray(outlines[hit], dtype=object)


def _cells(
    blocks: Arrangement,
    frame: Frame,
    whole: BaseGeometry,
    things: _Things,
    per_m2: float,
    limit: float,
    aspect: float,
) -> tuple[Objects, int]:
    """The borders of cells inside the blocks that weigh more than the limit, and the number of these blocks."""
    faces = blocks.faces
    inside = np.flatnonzero(shapely.contains(whole, blocks.points()))
    area = area_m2(frame.to_degrees(faces[inside])) * per_m2
    at = _face_of(faces[inside], things.points)
    weight = area + np.bincount(at[at >= 0], weights=things.weight[at >= 0], minlength=len(inside))
    lines: list[Objects] = []
    big = np.flatnonzero(weight > limit)
    for index in big.tolist():
        block = faces[inside[index]]
        shapely.prepare(block)
        wanted = int(np.ceil(weight[index] / max(limit, 1e-12)))
        places, thing, own = things.sites(block, aspect)
        if area[index] > weight[index] / 2 or len(own) < 2:
            if area[index] <= 0:
                continue
            places = even_spread(block, wanted, aspect)
            group = np.arange(len(places))
        else:
            xy = shapely.get_coordinates(things.points[own]) * [aspect, 1.0]
            groups = grouped(xy, things.weight[own], wanted)
            group = groups[np.searchsorted(own, thing)]
        lines.append(cell_borders(block, places, group, aspect))
    return (np.concatenate(lines) if lines else _no_objects()), len(big)


def _face_of(faces: Objects, points: Objects) -> IntArray:
    """The face (n,) that each point lies in, the first if on a border; negative for none."""
    result = np.full(len(points), -1, dtype=np.int64)
    if len(points) and len(faces):
        point, face = shapely.STRtree(faces).query(points, predicate="intersects")
        order = np.lexsort((-face, point))
        result[point[order]] = face[order]
    return result


def _joined_by_outlines(arrangement: Arrangement, region_of: IntArray, walls: Objects) -> IntArray:
    """A number (faces,) that is the same for faces of a region between which only a building lies."""
    left, right = arrangement.left, arrangement.right
    inner = np.flatnonzero((left != OUTSIDE) & (right != OUTSIDE) & (left != right))
    inner = inner[(region_of[left[inner]] == region_of[right[inner]]) & (region_of[left[inner]] != OUTSIDE)]
    through = inner[:0]
    if len(walls) and len(inner):
        segments = shapely.linestrings(arrangement.segments[inner].reshape(-1, 2, 2))
        through = inner[np.unique(shapely.STRtree(segments).query(walls, predicate="intersects")[1])]
    count = len(arrangement.faces)
    ends = (left[through], right[through])
    matrix = coo_array((np.ones(len(through), dtype=bool), ends), shape=(count, count))
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _along(segments: FloatArray, streets: Objects) -> Bools:
    result = np.zeros(len(segments), dtype=bool)
    if len(streets) and len(segments):
        middles = shapely.points((segments[:, :2] + segments[:, 2:]) / 2)
        hit = shapely.STRtree(streets).query(middles, predicate="dwithin", distance=ON_STREET)[0]
        result[hit] = True
    return result


def _graph(
    frame: Frame, arrangement: Arrangement, unit: IntArray, area: FloatArray, weight: FloatArray, street: Bools
) -> UnitGraph:
    count = int(unit.max()) + 1
    known = np.append(unit, OUTSIDE)
    left, right = known[arrangement.left], known[arrangement.right]
    ends = (arrangement.segments.reshape(-1, 2) + frame.corner) / 1e7
    length = segment_length_m(ends.reshape(-1, 4))
    one_side = (left < 0) != (right < 0)
    outer = np.bincount(np.maximum(left, right)[one_side], weights=length[one_side], minlength=count)
    between = (left >= 0) & (right >= 0) & (left != right)
    low, high = np.minimum(left, right)[between], np.maximum(left, right)[between]
    key, index = np.unique(low * count + high, return_inverse=True)
    inside = unit >= 0
    return UnitGraph(
        np.bincount(unit[inside], weights=weight[inside], minlength=count).astype(np.float64),
        np.bincount(unit[inside], weights=area[inside], minlength=count).astype(np.float64),
        outer.astype(np.float64),
        np.column_stack(np.divmod(key, count)).astype(np.int64),
        np.bincount(index, weights=length[between], minlength=len(key)).astype(np.float64),
        np.bincount(index, weights=(length * street)[between], minlength=len(key)).astype(np.float64),
    )


def _tidy(graph: UnitGraph, things: IntArray, region_of: IntArray, unit: IntArray) -> IntArray:
    """Units (n,) renumbered, strips and crumbs without things merged into the neighbour with the longest border."""
    ring = graph.outer + np.bincount(graph.pairs.ravel(), np.repeat(graph.length, 2), minlength=len(graph))
    # The ground between the lanes of a road: on its own it would string parts together.
    is_strip = 4 * np.pi * graph.area < STRIP * np.maximum(ring, 1e-9) ** 2
    small = (things == 0) & ((graph.area < 0.05 * graph.area.mean()) | (is_strip & (graph.area < graph.area.mean())))
    home = np.zeros(len(graph), dtype=np.int64)
    inside = unit >= 0
    home[unit[inside]] = region_of[inside]
    merged = np.arange(len(graph))
    best = np.zeros(len(graph))
    for (a, b), length in zip(graph.pairs.tolist(), graph.length.tolist(), strict=True):
        for one, other in ((a, b), (b, a)):
            if small[one] and not small[other] and home[one] == home[other] and length > best[one]:
                merged[one], best[one] = other, length
    return np.asarray(np.unique(merged, return_inverse=True)[1], dtype=np.int64)


def _linked(graph: UnitGraph, arrangement: Arrangement, unit: IntArray) -> UnitGraph:
    """The graph with pairs of no length that link islands to the nearest unit of the rest."""
    component = graph.components()
    if component.max() == 0:
        return graph
    inside = np.flatnonzero(unit >= 0)
    extra = []
    main = int(np.bincount(component).argmax())
    linked = component[unit[inside]] == main
    for island in sorted(set(component.tolist()) - {main}):
        faces = inside[component[unit[inside]] == island]
        rest = inside[linked]
        tree = shapely.STRtree(arrangement.faces[rest])
        pair, distance = tree.query_nearest(arrangement.faces[faces], return_distance=True, all_matches=False)
        best = int(distance.argmin())
        a, b = sorted((int(unit[faces[pair[0][best]]]), int(unit[rest[pair[1][best]]])))
        extra.append((a, b))
        linked |= component[unit[inside]] == island
    none = np.zeros(len(extra))
    return UnitGraph(
        graph.weight,
        graph.area,
        graph.outer,
        np.concatenate([graph.pairs, np.array(extra, dtype=np.int64)]),
        np.concatenate([graph.length, none]),
        np.concatenate([graph.street, none]),
    )

"""The units that grids are made of: blocks between streets, and in big blocks the cells of buildings or of a lattice.

Everything is noded on the lattice at once, so units share their borders exactly. No unit border runs through a building:
where a line would, the units on both sides of it are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi
from shapely.geometry.base import BaseGeometry

from gis.arrangement import OUTSIDE, Arrangement, Frame, Objects, dissolve
from gis.border import directed_edges, net_edges
from gis.errors import JingtianError
from gis.lattice import FloatArray, IntArray, is_on_lattice, to_degrees
from gis.measure import area_m2, segment_length_m
from gis.partition.cut import Graph

BoolArray = npt.NDArray[np.bool_]

ON_STREET = 1.5
"""In steps: so far from a street a border still runs along it; noding moves lines by less than one."""
SLIVER_SHARE = 0.02
"""Of the mean area of a unit: a block smaller than this belongs to its neighbour."""
WALL_SPACING_M = 6.0
"""Between the points of a building's wall from which its cell is made."""
TOUCHING_M = 0.5
"""Buildings nearer to each other than this share a cell."""
MAX_SEEDS = 200_000


class NotPlanar(JingtianError):
    """The lines given do not divide the grid cleanly."""

    code = "cannot_divide"


@dataclass(frozen=True)
class Places:
    """What has weight: points or outlines in degrees.

    Attributes
    ----------
    shapes : (n,) Points, Polygons or MultiPolygons.
    weight : (n,)
    """

    shapes: Objects = field(default_factory=lambda: np.empty(0, dtype=object))
    weight: FloatArray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, shapes: Sequence[BaseGeometry], weight: npt.ArrayLike) -> Places:
        array = np.empty(len(shapes), dtype=object)
        array[:] = list(shapes)
        return cls(array, np.asarray(weight, dtype=np.float64))


@dataclass(frozen=True)
class Corners:
    """Points (steps) that stay vertices whatever becomes of the borders at them: those of the grid's own border."""

    keys: frozenset[tuple[float, float]]


@dataclass(frozen=True)
class Units:
    """The units of a grid, and their graph.

    Attributes
    ----------
    graph : weights, areas, and common borders of the units.
    place_unit : (n,) the unit in which each place lies, -1 for those outside the grid.
    points : (units, 2) a point in each unit, in degrees.
    """

    graph: Graph
    place_unit: IntArray
    points: FloatArray
    _frame: Frame
    _faces: Objects
    _unit: IntArray
    _corners: Corners

    def parts(self, part: IntArray, count: int) -> Objects:
        """The polygons, in degrees, of the parts that units are assigned to; edge-matched, no node more than is needed."""
        shapes = dissolve(self._faces, part[self._unit], count)
        return self._frame.to_degrees(_without_idle_nodes(shapes, self._corners))

    def shapes(self) -> Objects:
        """The units as polygons in degrees."""
        return self._frame.to_degrees(dissolve(self._faces, self._unit, len(self.graph.weight)))

    def contains(self, geometries: Sequence[BaseGeometry]) -> IntArray:
        """(units,) which of some disjoint geometries in degrees each unit lies in, -1 for none."""
        tree = shapely.STRtree(list(geometries))
        unit, index = tree.query(shapely.points(self.points), predicate="intersects")
        result = np.full(len(self.points), -1, dtype=np.int64)
        result[unit[::-1]] = index[::-1]
        return result


def units_of(
    grid: BaseGeometry,
    streets: Sequence[BaseGeometry] = (),
    places: Places | None = None,
    *,
    per_unit: float | None = None,
    unit_area_m2: float | None = None,
    area_weight: float = 0.0,
    borders: Sequence[BaseGeometry] = (),
) -> Units:
    """Cut a grid into units.

    Parameters
    ----------
    grid
        Polygon or MultiPolygon in degrees, on the lattice.
    streets, borders
        Lines in degrees; units end at them. Only streets are cheap to have a border along.
    places
        What has weight. Outlines are never cut.
    per_unit
        A block with more weight than this is cut into cells.
    unit_area_m2
        A block with more area than this is, too.
    area_weight
        Weight of a km², in addition to that of the places.
    """
    places = places or Places()
    if not is_on_lattice(grid) or not grid.is_valid:
        raise NotPlanar("网格的范围不在坐标格上或无效。", "The grid is not a valid polygon on the lattice.")
    frame = Frame.around([grid])
    inside = frame.to_steps(np.array([grid], dtype=object))[0]
    scale = _metres_per_step(grid)
    limits = shapely.bounds(inside) + np.array([-10, -10, 10, 10])
    roads = _steps(frame, streets, limits)
    lines = np.concatenate([[inside.boundary], roads, _steps(frame, borders, limits)])
    shapes = frame.to_steps(places.shapes) if len(places.shapes) else places.shapes
    blocks = _inside(Arrangement.of(_lines(lines), snap_rounded=True), inside)
    cells = _cell_lines(blocks.faces, shapes, places.weight, scale, per_unit, unit_area_m2)
    if len(cells):
        blocks = _inside(Arrangement.of(_lines(np.concatenate([lines, cells])), snap_rounded=True), inside)
    return _assembled(grid, inside, frame, blocks, roads, shapes, places.weight, scale, unit_area_m2, area_weight)


def _assembled(
    grid: BaseGeometry,
    inside: BaseGeometry,
    frame: Frame,
    blocks: Arrangement,
    roads: Objects,
    shapes: Objects,
    weight: FloatArray,
    scale: FloatArray,
    unit_area_m2: float | None,
    area_weight: float,
) -> Units:
    faces, segments = blocks.faces, blocks.segments
    both = (blocks.left != OUTSIDE) & (blocks.right != OUTSIDE) & (blocks.left != blocks.right)
    a, b = blocks.left[both], blocks.right[both]
    ends = segments[both]
    absolute = to_degrees(segments + np.tile(frame.corner, 2))
    metres = segment_length_m(absolute)
    lines = shapely.linestrings(ends.reshape(-1, 2, 2))
    cut = _through_outlines(lines, shapes)
    face_area = area_m2(frame.to_degrees(faces))
    count, unit = _joined(len(faces), a[cut], b[cut])
    mean = unit_area_m2 or face_area.sum() / max(count, 1)
    unit = _without_slivers(
        unit, count, face_area, a, b, metres[both], SLIVER_SHARE * min(mean, face_area.sum() / count)
    )
    count = int(unit.max()) + 1
    area = np.bincount(unit, weights=face_area, minlength=count)
    place_face = _face_at(faces, shapes)
    place_unit = np.where(place_face >= 0, unit[place_face], -1) if len(faces) else place_face
    found = place_unit >= 0
    weights = np.bincount(place_unit[found], weights=weight[found], minlength=count) + area_weight * area / 1e6
    along = _along(lines, roads)
    low, high = np.minimum(unit[a], unit[b]), np.maximum(unit[a], unit[b])
    differ = low != high
    key, index = np.unique(low[differ] * count + high[differ], return_inverse=True)
    length = np.bincount(index, weights=metres[both][differ], minlength=len(key))
    street = np.bincount(index, weights=metres[both][differ] * along[differ], minlength=len(key))
    one_side = (blocks.left == OUTSIDE) != (blocks.right == OUTSIDE)
    owner = np.maximum(blocks.left, blocks.right)[one_side]
    outer = np.bincount(unit[owner], weights=metres[one_side], minlength=count)
    biggest = np.zeros(count, dtype=np.int64)
    order = np.argsort(face_area, kind="stable")
    biggest[unit[order]] = order
    spots = shapely.get_coordinates(shapely.point_on_surface(faces[biggest]))
    graph = Graph(weights, area, np.column_stack(np.divmod(key, count)), length, street, outer, spots * scale)
    corners = Corners(frozenset(map(tuple, shapely.get_coordinates(inside).tolist())))
    units = Units(graph, place_unit, to_degrees(spots + frame.corner), frame, faces, unit, corners)
    _check(grid, units)
    return units


def _check(grid: BaseGeometry, units: Units) -> None:
    """Whether the units are the grid, but for nodes on its border."""
    (whole,) = units.parts(np.zeros(len(units.graph.weight), dtype=np.int64), 1)
    if len(net_edges(directed_edges([whole]).ends, directed_edges([grid]).ends)):
        raise NotPlanar(
            "街道与网格边界的交点无法落在坐标格上。请检查沿边界的街道线。",
            "The streets do not meet the border of the grid at points of the lattice. Check the streets along it.",
        )


def _metres_per_step(grid: BaseGeometry) -> FloatArray:
    x, y = shapely.get_coordinates(grid.centroid)[0]
    half = 5e-4
    lengths = segment_length_m(np.array([[x - half, y, x + half, y], [x, y - half, x, y + half]]))
    return np.asarray(lengths / 1e4, dtype=np.float64)


def _steps(frame: Frame, lines: Sequence[BaseGeometry], limits: FloatArray) -> Objects:
    if not len(lines):
        return np.empty(0, dtype=object)
    array = np.empty(len(lines), dtype=object)
    array[:] = list(lines)
    parts = shapely.get_parts(shapely.clip_by_rect(frame.to_steps(array), *limits))
    kept = parts[(shapely.get_dimensions(parts) == 1) & (shapely.length(parts) > 0)]
    return np.asarray(kept, dtype=object)


def _lines(lines: Objects) -> Objects:
    return np.asarray(shapely.get_parts(lines), dtype=object)


def _inside(arrangement: Arrangement, grid: BaseGeometry) -> Arrangement:
    """The arrangement without the faces outside the grid."""
    shapely.prepare(grid)
    within = np.asarray(shapely.intersects(grid, arrangement.points()), dtype=bool)
    number = np.append(np.where(within, np.cumsum(within) - 1, OUTSIDE), OUTSIDE)
    return Arrangement(
        arrangement.faces[within], arrangement.segments, number[arrangement.left], number[arrangement.right]
    )


def _cell_lines(
    blocks: Objects,
    shapes: Objects,
    weight: FloatArray,
    scale: FloatArray,
    per_unit: float | None,
    unit_area_m2: float | None,
) -> Objects:
    """The borders of cells in the blocks that are too big, in steps."""
    block_of = _face_at(blocks, shapes)
    inside = block_of >= 0
    total = np.bincount(block_of[inside], weights=weight[inside], minlength=len(blocks))
    area = shapely.area(blocks) * scale.prod()
    heavy = total > per_unit if per_unit else np.zeros(len(blocks), dtype=bool)
    large = area > 1.5 * unit_area_m2 if unit_area_m2 else np.zeros(len(blocks), dtype=bool)
    found: list[Objects] = []
    order = np.argsort(block_of, kind="stable")
    starts = np.searchsorted(block_of[order], np.arange(len(blocks) + 1))
    for index in np.flatnonzero(heavy | large).tolist():
        members = order[starts[index] : starts[index + 1]]
        seeds, owner = _seeds(shapes[members], scale)
        if large[index] and unit_area_m2:
            filler = _hexagons(blocks[index], (unit_area_m2 / scale.prod()) ** 0.5, scale)
            if len(seeds) and len(filler):
                near = shapely.STRtree(shapely.points(seeds * scale)).query_nearest(
                    shapely.points(filler * scale), return_distance=True, all_matches=False
                )[1]
                filler = filler[near > 0.6 * unit_area_m2**0.5]
            first = int(owner.max(initial=-1)) + 1
            seeds = np.concatenate([seeds, filler])
            owner = np.concatenate([owner, np.arange(first, first + len(filler))])
        if len(seeds) > MAX_SEEDS:
            raise NotPlanar(
                "建筑或面积过多, 请先分成几块。", "There is too much to divide at once: divide it roughly first."
            )
        lines = _between(seeds, owner, scale)
        if len(lines):
            clipped = shapely.get_parts(shapely.intersection(blocks[index], lines))
            found.append(clipped[shapely.get_dimensions(clipped) == 1])
    return np.concatenate(found) if found else np.empty(0, dtype=object)


def _seeds(shapes: Objects, scale: FloatArray) -> tuple[FloatArray, IntArray]:
    """Points on the walls of buildings (steps), and which building, or row of buildings, each belongs to."""
    if not len(shapes):
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    metric = shapely.transform(shapes, lambda xy: xy * scale)
    pairs = shapely.STRtree(metric).query(metric, predicate="dwithin", distance=TOUCHING_M)
    _, cluster = _joined(len(shapes), *pairs)
    is_point = shapely.get_dimensions(metric) == 0
    walls = shapely.segmentize(metric[~is_point], WALL_SPACING_M)
    xy, of_wall = shapely.get_coordinates(walls, return_index=True)
    point_xy, of_point = shapely.get_coordinates(metric[is_point], return_index=True)
    all_xy = np.concatenate([xy, point_xy])
    owner = np.concatenate([cluster[~is_point][of_wall], cluster[is_point][of_point]])
    distinct, first = np.unique(np.round(all_xy / scale, 1), axis=0, return_index=True)
    return distinct, owner[first]


def _hexagons(block: BaseGeometry, spacing: float, scale: FloatArray) -> FloatArray:
    """Points of a triangular lattice inside a block, in steps; `spacing` in steps of the mean scale."""
    mean = scale.prod() ** 0.5
    across, up = spacing * mean / scale[0], spacing * mean / scale[1] * 3**0.5 / 2
    west, south, east, north = shapely.bounds(block)
    ys = np.arange(south + up / 2, north, up)
    xs = np.arange(west + across / 4, east + across, across)
    if len(xs) * len(ys) > MAX_SEEDS * 10:
        raise NotPlanar("格数过多, 请先分成几块。", "There is too much to divide at once: divide it roughly first.")
    grid_x, grid_y = np.meshgrid(xs, ys)
    grid_x = grid_x - np.where(np.arange(len(ys)) % 2, across / 2, 0.0)[:, None]
    xy = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    shapely.prepare(block)
    return np.asarray(xy[shapely.contains_xy(block, xy[:, 0], xy[:, 1])])


def _between(seeds: FloatArray, owner: IntArray, scale: FloatArray) -> Objects:
    """The lines (steps) between the Voronoi cells of points of different owners."""
    if len(np.unique(owner)) < 2:
        return np.empty(0, dtype=object)
    xy = seeds * scale
    middle, span = xy.mean(axis=0), float(np.ptp(xy, axis=0).max()) + 1
    far = middle + span * 1000 * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    diagram = Voronoi(np.concatenate([xy, far]) - middle)
    owners = np.append(owner, [-1, -1, -1, -1])[diagram.ridge_points]
    ends = np.array([ridge if len(ridge) == 2 else (-1, -1) for ridge in diagram.ridge_vertices])
    kept = (owners[:, 0] != owners[:, 1]) & (owners >= 0).all(axis=1) & (ends >= 0).all(axis=1)
    lines = (diagram.vertices[ends[kept]] + middle) / scale
    return np.asarray(shapely.linestrings(lines), dtype=object)


def _face_at(faces: Objects, shapes: Objects) -> IntArray:
    """The face in which each shape lies (its point on the surface), the first of several, or -1."""
    result = np.full(len(shapes), -1, dtype=np.int64)
    if len(shapes) and len(faces):
        shape, face = shapely.STRtree(faces).query(shapely.point_on_surface(shapes), predicate="intersects")
        order = np.lexsort((-face, shape))
        result[shape[order]] = face[order]
    return result


def _through_outlines(lines: Objects, shapes: Objects) -> BoolArray:
    """Which lines run through the inside of an outline."""
    result = np.zeros(len(lines), dtype=bool)
    if len(shapes):
        outlines = shapes[shapely.get_dimensions(shapes) == 2]
        if len(outlines):
            # Walls themselves may be borders; noding moves a line by up to a step.
            inner = shapely.buffer(outlines, -1.5)
            inner = inner[~shapely.is_empty(inner)]
            line, _ = shapely.STRtree(inner).query(lines, predicate="intersects")
            result[line] = True
    return result


def _along(lines: Objects, roads: Objects) -> FloatArray:
    """1 for lines along a street, else 0."""
    result = np.zeros(len(lines))
    if len(roads):
        tree = shapely.STRtree(roads)
        ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
        near = np.ones(len(lines), dtype=bool)
        for share in (0.25, 0.5, 0.75):
            points = shapely.points(ends[:, 0] * (1 - share) + ends[:, 1] * share)
            hit = np.zeros(len(lines), dtype=bool)
            hit[tree.query(points, predicate="dwithin", distance=ON_STREET)[0]] = True
            near &= hit
        result[near] = 1.0
    return result


def _joined(count: int, a: IntArray, b: IntArray) -> tuple[int, IntArray]:
    graph = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    return int(number), np.asarray(label, dtype=np.int64)


def _without_slivers(
    unit: IntArray, count: int, face_area: FloatArray, a: IntArray, b: IntArray, metres: FloatArray, least: float
) -> IntArray:
    """Give units of less than a least area to the neighbour with which they have the longest border."""
    for _ in range(20):
        area = np.bincount(unit, weights=face_area, minlength=count)
        low, high = np.minimum(unit[a], unit[b]), np.maximum(unit[a], unit[b])
        differ = low != high
        key, index = np.unique(low[differ] * count + high[differ], return_inverse=True)
        if not len(key):
            break
        common = np.bincount(index, weights=metres[differ], minlength=len(key))
        first, second = np.divmod(key, count)
        source, target = np.concatenate([first, second]), np.concatenate([second, first])
        length = np.concatenate([common, common])
        small = area[source] < least
        if not small.any():
            break
        source, target, length = source[small], target[small], length[small]
        order = np.lexsort((-target, length, source))
        best = np.full(count, -1, dtype=np.int64)
        best[source[order]] = target[order]
        chosen = np.flatnonzero(best >= 0)
        joined, label = _joined(count, chosen, best[chosen])
        unit, count = label[unit], joined
    return np.unique(unit, return_inverse=True)[1].astype(np.int64)


def _without_idle_nodes(shapes: Objects, corners: Corners) -> Objects:
    """Leave out the nodes on the outer border where nothing begins any more; all other vertices stay."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings = shapely.get_rings(parts)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    ends = np.hstack([xy[:-1], xy[1:]])[same]
    points, index = np.unique(np.vstack([ends[:, :2], ends[:, 2:]]), axis=0, return_inverse=True)
    half = len(ends)
    a, b = index.ravel()[:half], index.ravel()[half:]
    edge, times = np.unique(np.minimum(a, b) * len(points) + np.maximum(a, b), return_counts=True)
    low, high = np.divmod(edge, len(points))
    degree = np.bincount(low, minlength=len(points)) + np.bincount(high, minlength=len(points))
    outer = times == 1
    on_outer = np.bincount(low[outer], minlength=len(points)) + np.bincount(high[outer], minlength=len(points))
    own = np.array([point in corners.keys for point in map(tuple, points.tolist())])
    idle = (degree == 2) & (on_outer == 2) & ~own
    if not idle.any():
        return shapes
    dropped = {tuple(point) for point in points[idle].tolist()}
    slim = [_slim(polygon, dropped) for polygon in parts]
    result = np.empty(len(shapes), dtype=object)
    for number in range(len(shapes)):
        mine = [slim[i] for i in np.flatnonzero(owner == number).tolist()]
        result[number] = mine[0] if len(mine) == 1 else shapely.MultiPolygon(mine)
    return result


def _slim(polygon: BaseGeometry, dropped: set[tuple[float, ...]]) -> BaseGeometry:
    rings = []
    for ring in [polygon.exterior, *polygon.interiors]:
        kept = [point for point in ring.coords[:-1] if tuple(point) not in dropped]
        rings.append([*kept, kept[0]])
    return shapely.Polygon(rings[0], rings[1:])

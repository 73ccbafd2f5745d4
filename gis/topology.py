"""Shared borders of a multi-level coverage: each border once, as an arc, and every polygon as a list of arcs.

An arc is a longest chain of edges between nodes. A node is a vertex where other than two edges of any level meet: at
every other vertex, whatever polygon runs in on one edge runs out on the other, so the polygons on both sides stay the
same. Since borders are edge-matched on every level, one set of arcs serves all levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import JingtianError
from gis.lattice import STEP, BoolArray, FloatArray, IntArray, to_degrees, to_lattice
from gis.measure import segment_length_m

Rings = list[list[int]]
"""One polygon: its shell and then its holes, each a list of arc references."""


class NotEdgeMatched(JingtianError):
    """The borders of one level are not made of the borders of the level below."""

    code = "not_edge_matched"


@dataclass(frozen=True)
class Topology:
    """Arcs, and the units of each level as references to them.

    Attributes
    ----------
    arcs : list of (k, 2) int64
        Vertices in lattice integers, both ends included; a ring without a node is one closed arc.
    levels
        levels[level][unit] is a list of polygons (more than one for a MultiPolygon), each a list of rings, the shell
        first, each a list of arc references: i is arc i, ~i is arc i walked backwards. Inside on the left.
    """

    arcs: list[IntArray]
    levels: list[list[list[Rings]]]


class Neighbours(NamedTuple):
    """Pairs of units of one level that share border: `pairs` (m, 2) int64, the lesser first; `metres` (m,)."""

    pairs: IntArray
    metres: FloatArray


def build_topology(levels: Sequence[Sequence[BaseGeometry]]) -> Topology:
    """The shared-arc topology of an exact coverage, given from the top level down.

    Parameters
    ----------
    levels
        Polygons and MultiPolygons in degrees, on the lattice. A unit need not be subdivided in the level below.
        Vertices that repeat the one before are left out.

    Raises
    ------
    NotEdgeMatched
        The units of a level that are subdivided, taken together, do not have exactly the border of the level below;
        `where` is the edges that one of the two has alone.
    """
    rings = _rings_of([geometry for level in levels for geometry in level])
    if rings.start.size == 0:
        return Topology([], [[[] for _ in level] for level in levels])
    edges = _Edges.of(rings)
    first_unit = np.cumsum([0, *map(len, levels)])
    for upper in range(len(levels) - 1):
        _check_edge_matched(rings, edges, upper, first_unit[upper : upper + 3])
    arcs, references, ring_of_reference = _chain(_rotated(rings, edges))
    polygons = _nested(references, ring_of_reference, rings, int(first_unit[-1]))
    return Topology(arcs, [polygons[a:b] for a, b in pairwise(first_unit.tolist())])


def build_separately(levels: Sequence[Sequence[BaseGeometry]]) -> Topology:
    """The same, each level with arcs of its own: for a coverage that is broken and must be seen to be mended."""
    arcs: list[IntArray] = []
    placed = []
    for level in levels:
        alone = build_topology([level])
        first = len(arcs)
        placed.append(
            [
                [[[ref + first if ref >= 0 else ref - first for ref in ring] for ring in polygon] for polygon in unit]
                for unit in alone.levels[0]
            ]
        )
        arcs += alone.arcs
    return Topology(arcs, placed)


def to_topojson(
    topology: Topology, properties: Sequence[Sequence[Mapping[str, Any]]], names: Sequence[str]
) -> dict[str, Any]:
    """TopoJSON with one object a level, quantised to the lattice and delta-encoded.

    A client computes x * scale + translate in doubles, which is near the lattice; round(… * 1e7) / 1e7 is on it.

    Parameters
    ----------
    properties
        properties[level][unit], JSON-serialisable.
    names
        Name of each level's object.
    """
    if topology.arcs:
        low = np.min([arc.min(axis=0) for arc in topology.arcs], axis=0)
        high = np.max([arc.max(axis=0) for arc in topology.arcs], axis=0)
    else:
        low = high = np.zeros(2, dtype=np.int64)
    return {
        "type": "Topology",
        "bbox": [*to_degrees(low).tolist(), *to_degrees(high).tolist()],
        "transform": {"scale": [STEP, STEP], "translate": to_degrees(low).tolist()},
        "objects": {
            name: {
                "type": "GeometryCollection",
                "geometries": [
                    _topojson_geometry(polygons) | {"properties": dict(facts)}
                    for polygons, facts in zip(units, unit_properties, strict=True)
                ],
            }
            for name, units, unit_properties in zip(names, topology.levels, properties, strict=True)
        },
        "arcs": [np.diff(arc, axis=0, prepend=low[None]).tolist() for arc in topology.arcs],
    }


def neighbours(topology: Topology, level: int) -> Neighbours:
    """Which units of a level share border, and how much of it."""
    sides = np.full((2, len(topology.arcs)), -1, dtype=np.int64)
    for unit, polygons in enumerate(topology.levels[level]):
        references = np.array([arc for polygon in polygons for ring in polygon for arc in ring], dtype=np.int64)
        sides[(references < 0).astype(int), np.where(references < 0, ~references, references)] = unit
    shared = np.flatnonzero((sides >= 0).all(axis=0))
    if shared.size == 0:
        return Neighbours(np.empty((0, 2), dtype=np.int64), np.empty(0))
    pairs, of_arc = np.unique(np.sort(sides[:, shared], axis=0).T, axis=0, return_inverse=True)
    metres = _arc_metres([topology.arcs[arc] for arc in shared])
    shared_metres = np.bincount(of_arc.ravel(), weights=metres, minlength=len(pairs)).astype(np.float64)
    return Neighbours(pairs, shared_metres)


def label_points(geometries: Sequence[BaseGeometry]) -> FloatArray:
    """A good place for a label in each Polygon or MultiPolygon: (n, 2) degrees, in the largest part.

    It is the centre of the largest inscribed circle, as seen at that latitude, to a hundredth of the polygon's extent.
    """
    parts, owner = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    largest = np.lexsort((shapely.area(parts), owner))[np.flatnonzero(np.diff(owner, append=-1))]
    polygons = parts[largest]
    xy, polygon = shapely.get_coordinates(polygons, return_index=True)
    squeeze = np.cos(np.radians(shapely.get_y(shapely.centroid(polygons))))
    seen = shapely.set_coordinates(polygons.copy(), xy * np.column_stack([squeeze[polygon], np.ones(len(xy))]))
    bounds = shapely.bounds(seen)
    tolerance = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) / 100
    centres = shapely.get_coordinates(shapely.get_point(shapely.maximum_inscribed_circle(seen, tolerance=tolerance), 0))
    return cast(FloatArray, centres / np.column_stack([squeeze, np.ones(len(squeeze))]))


@dataclass(frozen=True)
class _Rings:
    """All rings, one after the other, their closing vertex left out.

    `xy` (n, 2) lattice and `ring` (n,) per vertex; `start`, `length`, `polygon` per ring; `owner` per polygon.
    """

    xy: IntArray
    ring: IntArray
    start: IntArray
    length: IntArray
    polygon: IntArray
    owner: IntArray


@dataclass(frozen=True)
class _Edges:
    """For each vertex of `_Rings`, the edge to the next one.

    `a`, `b` are the numbers of its ends, `edge` its own whatever its direction; `is_node` is of end a.
    """

    a: IntArray
    b: IntArray
    edge: IntArray
    is_node: BoolArray

    @classmethod
    def of(cls, rings: _Rings) -> _Edges:
        x, y = (rings.xy + 2**31).astype(np.uint64).T
        vertices, a = np.unique((x << np.uint64(32)) | y, return_inverse=True)
        b = a[_next_vertex(rings)]
        low, high = np.minimum(a, b), np.maximum(a, b)
        edges, edge = np.unique(low * len(vertices) + high, return_inverse=True)
        ends = np.concatenate([edges // len(vertices), edges % len(vertices)])
        degree = np.bincount(ends, minlength=len(vertices))
        return cls(a, b, edge, degree[a] != 2)


def _rings_of(geometries: list[BaseGeometry]) -> _Rings:
    polygons, owner = shapely.get_parts(np.array(geometries, dtype=object), return_index=True)
    rings, polygon = shapely.get_rings(shapely.orient_polygons(polygons), return_index=True)
    degrees, ring = shapely.get_coordinates(rings, return_index=True)
    xy = to_lattice(degrees)
    # The last vertex of a ring repeats its first; so may others, once they are on the lattice.
    kept = (ring[:-1] == ring[1:]) & (xy[:-1] != xy[1:]).any(axis=1)
    xy, ring = xy[:-1][kept], ring[:-1][kept].astype(np.int64)
    length = np.bincount(ring, minlength=len(rings))
    return _Rings(xy, ring, np.cumsum(length) - length, length, polygon.astype(np.int64), owner.astype(np.int64))


def _next_vertex(rings: _Rings) -> IntArray:
    following = np.arange(1, len(rings.ring) + 1)
    lasts = rings.start + rings.length - 1
    following[lasts] = rings.start
    return following


def _check_edge_matched(rings: _Rings, edges: _Edges, upper: int, first_unit: IntArray) -> None:
    """Compare the border of level `upper`'s subdivided units with that of the next level, as directed edges."""
    unit = rings.owner[rings.polygon][rings.ring]
    above = np.flatnonzero((unit >= first_unit[0]) & (unit < first_unit[1]))
    below = np.flatnonzero((unit >= first_unit[1]) & (unit < first_unit[2]))
    forward = edges.a < edges.b
    direction = edges.edge * 2 + forward
    # An edge that runs the same way in the level below has a child inside it.
    subdivided = np.unique(unit[above[np.isin(direction[above], direction[below])]])
    above = above[np.isin(unit[above], subdivided)]
    both = np.concatenate([above, below])
    sign = np.where(forward[both], 1, -1) * np.repeat([1, -1], [len(above), len(below)])
    odd = np.bincount(edges.edge[both], weights=sign) != 0
    if not odd.any():
        return
    alone = both[odd[edges.edge[both]]]
    alone = alone[np.unique(edges.edge[alone], return_index=True)[1]]
    lines = to_degrees(np.stack([rings.xy[alone], rings.xy[_next_vertex(rings)[alone]]], axis=1))
    units = np.unique(unit[alone])
    raise NotEdgeMatched(
        f"第 {upper + 1} 级与第 {upper + 2} 级的边界不一致，共 {len(alone)} 段（见图）。请先修复覆盖，再生成共享边界。",
        f"The borders of level {upper + 1} and level {upper + 2} differ in {len(alone)} edges (see the map). "
        "Repair the coverage first.",
        where={"type": "MultiLineString", "coordinates": lines[:1000].tolist()},
        levels=[upper, upper + 1],
        edges=len(alone),
        upper_units=(units[units < first_unit[1]] - first_unit[0]).tolist(),
        lower_units=(units[units >= first_unit[1]] - first_unit[1]).tolist(),
    )


@dataclass(frozen=True)
class _Walk:
    """The rings' vertices again, each ring from a node on, if it has one."""

    xy: IntArray
    next_xy: IntArray
    ring: IntArray
    edge: IntArray
    forward: BoolArray
    begins_arc: BoolArray


def _rotated(rings: _Rings, edges: _Edges) -> _Walk:
    place = np.arange(len(rings.ring)) - rings.start[rings.ring]
    nodes = np.flatnonzero(edges.is_node)
    with_node, first = np.unique(rings.ring[nodes], return_index=True)
    shift = np.zeros(len(rings.length), dtype=np.int64)
    shift[with_node] = place[nodes[first]]
    order = rings.start[rings.ring] + (place + shift[rings.ring]) % rings.length[rings.ring]
    return _Walk(
        rings.xy[order],
        rings.xy[_next_vertex(rings)[order]],
        rings.ring,
        edges.edge[order],
        (edges.a < edges.b)[order],
        edges.is_node[order] | (place == 0),
    )


def _chain(walk: _Walk) -> tuple[list[IntArray], IntArray, IntArray]:
    """Arcs; arc references of all rings in order; the ring of each reference."""
    begin = np.flatnonzero(walk.begins_arc)
    end = np.append(begin[1:], len(walk.edge))
    # Each undirected edge is part of one arc, so the least number among its edges names the arc.
    least = np.minimum.reduceat(walk.edge, begin)
    stretch = np.repeat(np.arange(len(begin)), end - begin)
    at_least = np.flatnonzero(walk.edge == least[stretch])
    forward = walk.forward[at_least]
    _, first, name = np.unique(least, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    arc = number[name]
    same_way = forward == forward[first][name]
    arcs = [np.vstack([walk.xy[begin[i] : end[i]], walk.next_xy[end[i] - 1]]) for i in np.sort(first)]
    return arcs, np.where(same_way, arc, ~arc), walk.ring[begin]


def _nested(references: IntArray, ring_of_reference: IntArray, rings: _Rings, units: int) -> list[list[Rings]]:
    """References grouped by ring, polygon and unit."""
    per_ring: list[list[int]] = [[] for _ in rings.length]
    for ring, reference in zip(ring_of_reference.tolist(), references.tolist(), strict=True):
        per_ring[ring].append(reference)
    per_polygon: list[Rings] = [[] for _ in rings.owner]
    for polygon, ring_references in zip(rings.polygon.tolist(), per_ring, strict=True):
        per_polygon[polygon].append(ring_references)
    per_unit: list[list[Rings]] = [[] for _ in range(units)]
    for unit, polygon_rings in zip(rings.owner.tolist(), per_polygon, strict=True):
        per_unit[unit].append(polygon_rings)
    return per_unit


def _topojson_geometry(polygons: list[Rings]) -> dict[str, Any]:
    if len(polygons) == 1:
        return {"type": "Polygon", "arcs": polygons[0]}
    return {"type": "MultiPolygon", "arcs": polygons}


def _arc_metres(arcs: list[IntArray]) -> FloatArray:
    degrees = to_degrees(np.vstack(arcs))
    arc = np.repeat(np.arange(len(arcs)), [len(a) for a in arcs])
    within = arc[:-1] == arc[1:]
    metres = segment_length_m(np.hstack([degrees[:-1], degrees[1:]])[within])
    return np.bincount(arc[:-1][within], weights=metres, minlength=len(arcs)).astype(np.float64)

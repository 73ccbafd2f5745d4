"""A grid's border as a chain: the set of its directed edges, the inside on the left.

Chains add: an edge and the same edge turned round cancel. So moving a border is adding the new path and taking away the old
one, merging is adding, and taking an edit back is adding its opposite. A set of edges is a polygon exactly if
`polygons_of` finds one with these edges and no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from gis.border import directed_edges
from gis.edit.faults import EditRefused, LineCrossesBorder, Point, places
from gis.lattice import to_degrees, to_lattice

Edge = tuple[int, int, int, int]
"""ax, ay, bx, by in lattice integers."""
Chain = frozenset[Edge]


def turned(edge: Edge) -> Edge:
    """The same edge walked the other way."""
    return edge[2], edge[3], edge[0], edge[1]


def undirected(edge: Edge) -> Edge:
    """The one of the two directions that stands for both."""
    return edge if edge[:2] < edge[2:] else turned(edge)


def edges_along(path: Sequence[Point]) -> list[Edge]:
    """The edges of a path, those of no length left out."""
    return [(*a, *b) for a, b in pairwise(path) if a != b]


def chain_of(geometry: BaseGeometry) -> Chain:
    """The border of a Polygon or MultiPolygon on the lattice (degrees)."""
    return frozenset(map(tuple, directed_edges([geometry]).ends.tolist()))


def add(*chains: Iterable[Edge], minus: Iterable[Edge] = ()) -> Chain:
    """The sum of chains; of an edge and its opposite nothing is left.

    Raises
    ------
    LineCrossesBorder
        An edge is there twice: two borders lie upon each other and do not cancel.
    """
    count: Counter[Edge] = Counter()
    for chain in chains:
        for edge in chain:
            key = undirected(edge)
            count[key] += 1 if key == edge else -1
    for edge in minus:
        key = undirected(edge)
        count[key] -= 1 if key == edge else -1
    if twice := [edge for edge, n in count.items() if abs(n) > 1]:
        raise LineCrossesBorder(
            "新界线与另一条界线重合 (见图上标出处), 会使网格重叠。请把线移开。",
            "The new border lies on another one (see the map), so that grids would overlap. Move it away.",
            where=places([], [(edge[:2], edge[2:]) for edge in twice[:20]]),
        )
    return frozenset(edge if n > 0 else turned(edge) for edge, n in count.items() if n)


def polygons_of(chain: Collection[Edge]) -> MultiPolygon:
    """The MultiPolygon (degrees, on the lattice) whose border is the chain: the inverse of `chain_of`.

    Raises
    ------
    LineCrossesBorder
        The edges cross, or turn about so that they enclose nothing; `where` shows the places.
    """
    if not chain:
        raise EditRefused("网格的界线没有围出任何范围。", "The border of the grid encloses nothing.")
    edges = np.array(list(chain), dtype=np.int64)
    # Faces of the edges taken as drawn; coordinates stay whole numbers, which doubles hold exactly.
    lines = shapely.linestrings(edges.astype(np.float64).reshape(-1, 2, 2))
    faces = shapely.get_parts(shapely.polygonize(lines))
    faces = shapely.orient_polygons(faces)
    inside = [face for face in faces if _first_edge(face) in chain]
    result = shapely.transform(MultiPolygon(inside), to_degrees)
    if not shapely.is_valid(result) or chain_of(result) != frozenset(chain):
        raise LineCrossesBorder(
            "新界线与网格的边界相交 (见图上标出处)。请把线画到边界上, 或改用“拆分”。",
            "The new border crosses the border of a grid (see the map). End the line on the border, or use Split.",
            where=places(crossings(chain) or _loose_ends(chain)),
        )
    return cast(MultiPolygon, result)


def crossings(edges: Collection[Edge], others: Collection[Edge] | None = None) -> list[Point]:
    """Where edges cross others (or one another) other than at a common vertex; up to 20 places, on the lattice."""
    first, second = list(edges), list(edges if others is None else others)
    if not first or not second:
        return []
    tree = shapely.STRtree(segments(second))
    lines = segments(first)
    pairs = tree.query(lines, predicate="intersects").T.tolist()
    found: dict[Point, None] = {}
    for i, j in pairs:
        common = {first[i][:2], first[i][2:]} & {second[j][:2], second[j][2:]}
        if common or undirected(first[i]) == undirected(second[j]):
            continue
        spot = shapely.get_coordinates(shapely.point_on_surface(lines[i].intersection(tree.geometries[j])))
        x, y = np.rint(spot[0]).astype(int).tolist()
        found[(x, y)] = None
        if len(found) == 20:
            break
    return list(found)


def lattice_path(path: Sequence[Sequence[float]]) -> list[Point]:
    """A drawn path (degrees) on the lattice, vertices that repeat the one before left out."""
    xy: list[list[int]] = to_lattice(np.asarray(path, dtype=np.float64).reshape(-1, 2)).tolist()
    points = [(x, y) for x, y in xy]
    return [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]


def without_spikes(path: Iterable[Point]) -> list[Point]:
    """A path that nowhere goes straight back on itself (a, b, a) and repeats no vertex."""
    result: list[Point] = []
    for point in path:
        if result and result[-1] == point:
            continue
        if len(result) > 1 and result[-2] == point:
            result.pop()
        else:
            result.append(point)
    return result


def segments(edges: Sequence[Edge]) -> list[BaseGeometry]:
    """Edges as lines, in lattice units."""
    return list(shapely.linestrings(np.array(edges, dtype=np.float64).reshape(-1, 2, 2)))


def _first_edge(face: Polygon) -> Edge:
    (ax, ay), (bx, by) = face.exterior.coords[0], face.exterior.coords[1]
    return int(ax), int(ay), int(bx), int(by)


def _loose_ends(chain: Iterable[Edge]) -> list[Point]:
    degree: Counter[Point] = Counter()
    for ax, ay, bx, by in chain:
        degree[ax, ay] += 1
        degree[bx, by] -= 1
    return [point for point, n in degree.items() if n][:20]

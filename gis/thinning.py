"""Fewer vertices for a map that only shows: neighbours stay together, gaps and overlaps stay where they are.

Simplifying polygons one by one opens gaps, and shapely's coverage_simplify wants a coverage that is exact. Here each
vertex is kept or left out for all polygons at once. Vertices where other than two edges meet are always kept, and between
two of them there is one line, whoever's border it is; so a coverage that is broken stays broken in the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, IntArray

Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]
Box = tuple[float, float, float, float]
"""West, south, east, north."""

FIRST_TOLERANCE = 5e-6
"""In degrees; about half a metre."""
COARSER = 2.0
LAST_TOLERANCE = 1e-3
FEWEST = 4
"""Coordinates of a ring, the first one twice."""


@dataclass(frozen=True)
class Thinned:
    """Geometries in the order given, and by how many degrees a border may have moved; 0 if none did."""

    geometries: list[BaseGeometry]
    tolerance: float
    vertices: int


def thinned(geometries: Sequence[BaseGeometry], most: int, *, exact: Sequence[Box] = ()) -> Thinned:
    """Polygons with at most about so many vertices together.

    Parameters
    ----------
    geometries
        Polygons and MultiPolygons in degrees, of one or more levels; they need not be valid.
    most
        Vertices wanted, counted once for every ring. There remain more where the polygons meet in more places than that.
    exact
        Boxes in which every vertex is kept: those with the fewest vertices first, up to half of all that are wanted.
    """
    polygons, unit = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if len(xy) <= most:
        return Thinned(list(geometries), 0.0, len(xy))
    borders = _Borders.of(xy, ring, exact, most // 2)
    tolerance, kept = FIRST_TOLERANCE, borders.kept(FIRST_TOLERANCE)
    while kept.sum() > most and tolerance < LAST_TOLERANCE:
        tolerance *= COARSER
        kept = borders.kept(tolerance)
    simpler = shapely.linearrings(xy[kept], indices=ring[kept])
    return Thinned(_put_together(simpler, polygon, unit, len(geometries)), tolerance, int(kept.sum()))


@dataclass(frozen=True)
class _Borders:
    """Rings as one list of vertices.

    Attributes
    ----------
    xy, ring : (n, 2) coordinates and (n,) ring of each vertex; the last of a ring is its first.
    places : (v,) every place once, as x + iy, in order.
    vertex : (n,) number of the place, the same for all rings that pass there.
    fixed : (v,) which places are kept whatever the tolerance.
    """

    xy: FloatArray
    ring: IntArray
    places: npt.NDArray[np.complex128]
    vertex: IntArray
    fixed: Bools

    @classmethod
    def of(cls, xy: FloatArray, ring: IntArray, exact: Sequence[Box], most_exact: int) -> _Borders:
        places, inverse = np.unique(_as_complex(xy), return_inverse=True)
        vertex = inverse.astype(np.int64)
        real = (ring[:-1] == ring[1:]) & (vertex[:-1] != vertex[1:])
        a, b = vertex[:-1][real], vertex[1:][real]
        edges = np.unique(np.minimum(a, b) * len(places) + np.maximum(a, b))
        fixed = np.bincount(np.concatenate(np.divmod(edges, len(places))), minlength=len(places)) != 2
        if len(exact):
            tree = shapely.STRtree(shapely.points(places.real, places.imag))
            box, place = tree.query(shapely.box(*np.asarray(exact, dtype=float).T))
            size = np.bincount(box, minlength=len(exact))
            order = np.argsort(size, kind="stable")
            few = order[np.cumsum(size[order]) <= most_exact]
            fixed[place[np.isin(box, few)]] = True
        # A ring begins somewhere on a line of its neighbour, which has to end there too.
        fixed[vertex[np.flatnonzero(np.diff(ring, prepend=-1))]] = True
        return cls(xy, ring, places, vertex, fixed)

    def kept(self, tolerance: float) -> Bools:
        """(n,) the vertices that remain when no border moves by more than a tolerance in degrees (Douglas & Peucker 1973)."""
        ends_at = np.flatnonzero(self.fixed[self.vertex])
        first, last = ends_at[:-1], ends_at[1:]
        is_line = (self.ring[first] == self.ring[last]) & (last - first > 1)
        first, last = first[is_line], last[is_line]
        kept = self.fixed.copy()
        if len(first):
            xy, line = self._lines(first, last)
            simple = shapely.simplify(shapely.linestrings(xy, indices=line), tolerance, preserve_topology=False)
            kept[np.searchsorted(self.places, _as_complex(shapely.get_coordinates(simple)))] = True
        few = np.bincount(self.ring[kept[self.vertex]]) < FEWEST
        kept[self.vertex[few[self.ring]]] = True
        return kept[self.vertex]

    def _lines(self, first: IntArray, last: IntArray) -> tuple[FloatArray, IntArray]:
        """Coordinates and number of the lines between vertices; alike for both neighbours, who walk them in opposite directions."""
        begin, end = self.vertex[first], self.vertex[last]
        turned = (begin > end) | ((begin == end) & (self.vertex[first + 1] > self.vertex[last - 1]))
        length = last - first + 1
        line = np.repeat(np.arange(len(first)), length)
        step = np.arange(len(line)) - np.repeat(np.cumsum(length) - length, length)
        return self.xy[np.where(turned[line], last[line] - step, first[line] + step)], line


def _as_complex(xy: FloatArray) -> npt.NDArray[np.complex128]:
    return np.ascontiguousarray(xy + 0.0).view(np.complex128).ravel()


def _put_together(rings: Objects, polygon: IntArray, unit: IntArray, count: int) -> list[BaseGeometry]:
    """Polygons of rings, of which the first is the shell, and of these one geometry a unit."""
    begins = [*np.flatnonzero(np.diff(polygon, prepend=-1)).tolist(), len(rings)]
    parts: list[list[BaseGeometry]] = [[] for _ in range(count)]
    for (begin, end), of_unit in zip(pairwise(begins), unit.tolist(), strict=True):
        parts[of_unit].append(shapely.Polygon(rings[begin], rings[begin + 1 : end]))
    return [of[0] if len(of) == 1 else shapely.MultiPolygon(of) for of in parts]

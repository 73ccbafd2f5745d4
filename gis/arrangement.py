"""The arrangement of a set of lines: the faces into which they cut the plane, and the segments between the faces.

Coordinates are *steps*: lattice units counted from a corner of the data, so that doubles have digits to spare for the
points between lattice points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, IntArray, to_degrees, to_lattice

Objects = npt.NDArray[np.object_]

OUTSIDE = -1
"""Stands for the unbounded face."""


@dataclass(frozen=True)
class Frame:
    """The corner from which steps are counted, in lattice integers."""

    corner: IntArray

    @classmethod
    def around(cls, geometries: Sequence[BaseGeometry] | Objects) -> Frame:
        """The frame at the lower left corner of geometries in degrees."""
        bounds = shapely.total_bounds(np.asarray(geometries, dtype=object))
        return cls(to_lattice(bounds[:2]))

    def to_steps(self, geometries: Objects) -> Objects:
        """Geometries in degrees, each vertex at its nearest lattice point, in steps."""
        moved = shapely.transform(geometries, lambda xy: (to_lattice(xy) - self.corner).astype(np.float64))
        return np.asarray(moved, dtype=object)

    def to_degrees(self, geometries: Objects) -> Objects:
        """Geometries in steps, in degrees; whole steps become exactly the doubles of the lattice."""
        return np.asarray(shapely.transform(geometries, lambda xy: to_degrees(xy + self.corner)), dtype=object)


@dataclass(frozen=True)
class Arrangement:
    """Faces, and the segments that part them.

    Attributes
    ----------
    faces : (n,) Polygons in steps, disjoint; the bounded faces.
    segments : (m, 4) ax, ay, bx, by in steps, each undirected segment once.
    left, right : (m,) index of the face on that side of a→b, or OUTSIDE; OUTSIDE twice if it bounds no face.
    """

    faces: Objects
    segments: FloatArray
    left: IntArray
    right: IntArray

    @classmethod
    def of(cls, lines: Objects, *, snap_rounded: bool) -> Arrangement:
        """Node lines in steps and find the faces.

        Snap-rounded, all coordinates are whole steps and no vertex lies within half a step of a segment it does not
        end, so a line may bend by half a step. Otherwise nodes lie where the lines cross, to floating-point precision.
        """
        noded = shapely.unary_union(lines, grid_size=1.0 if snap_rounded else None)
        pieces = shapely.get_parts(shapely.get_parts(noded))
        faces = shapely.get_parts(shapely.polygonize(pieces))
        rings, face_of_ring = shapely.get_rings(shapely.orient_polygons(faces), return_index=True)
        xy, line = shapely.get_coordinates(np.concatenate([pieces, rings]), return_index=True)
        node_xy, node = _distinct_points(xy)
        same_line = line[:-1] == line[1:]
        a, b, line = node[:-1][same_line], node[1:][same_line], line[:-1][same_line]
        key, index = np.unique(np.minimum(a, b) * len(node_xy) + np.maximum(a, b), return_inverse=True)
        low, high = np.divmod(key, max(len(node_xy), 1))
        of_ring = line >= len(pieces)
        face = np.asarray(face_of_ring, dtype=np.int64)[line[of_ring] - len(pieces)]
        runs_forward = (a < b)[of_ring]
        left, right = np.full(len(key), OUTSIDE), np.full(len(key), OUTSIDE)
        left[index[of_ring][runs_forward]] = face[runs_forward]
        right[index[of_ring][~runs_forward]] = face[~runs_forward]
        return cls(faces, np.hstack([node_xy[low], node_xy[high]]), left, right)

    def points(self) -> Objects:
        """A point inside each face, in steps."""
        return np.asarray(shapely.point_on_surface(self.faces), dtype=object)

    def regions(self, label: npt.NDArray[np.int64], outside: int) -> IntArray:
        """Number the connected regions of faces with the same label.

        Parameters
        ----------
        label
            (n,) label of each face.
        outside
            Label of the unbounded face.

        Returns
        -------
        (n + 1,) region of each face; the last is that of the unbounded face.
        """
        labels = np.append(label, outside)
        # OUTSIDE is -1, and so means the last label too.
        joined = labels[self.left] == labels[self.right]
        return _components(len(labels), self.left[joined], self.right[joined])


def dissolve(faces: Objects, group: IntArray, count: int) -> Objects:
    """The union of the faces of each group 0…count-1, without computing a single coordinate: shared edges drop out.

    `faces` (n,) must be edge-matched; `group` (n,) is negative for faces to leave out. Returns (count,) geometries,
    empty for a group without faces.
    """
    result = np.empty(count, dtype=object)
    for index, members in enumerate(members_of(group, count)):
        result[index] = faces[members[0]] if len(members) == 1 else shapely.coverage_union_all(faces[members])
    return result


def members_of(group: IntArray, count: int) -> list[IntArray]:
    """The indices, ascending, of the members of each group 0…count-1."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(count + 1)))[1:-1]


def compact(labels: IntArray, chosen: npt.NDArray[np.bool_]) -> tuple[IntArray, int]:
    """Renumber the labels (n,) of the chosen items 0…count-1, with -1 for the others; and that count."""
    result = np.full(len(labels), -1, dtype=np.int64)
    distinct, result[chosen] = np.unique(labels[chosen], return_inverse=True)
    return result, len(distinct)


def _components(count: int, a: IntArray, b: IntArray) -> IntArray:
    graph = coo_array((np.ones(len(a), dtype=bool), (a % count, b % count)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _distinct_points(xy: FloatArray) -> tuple[FloatArray, IntArray]:
    packed = np.ascontiguousarray(xy + 0.0).view(np.complex128).ravel()
    points, index = np.unique(packed, return_inverse=True)
    return points.view(np.float64).reshape(-1, 2), index.astype(np.int64)

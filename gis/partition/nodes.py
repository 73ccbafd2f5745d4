"""Nodes on the outer border that no part needs: leaving them out gives the neighbours beyond their straight edges back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

Objects = npt.NDArray[np.object_]
Corner = tuple[float, float]
ROUNDING = 2.0
"""Steps by which a node may lie beside the straight edge that it was put on."""


def without_idle_nodes(shapes: Objects, corners: frozenset[Corner]) -> Objects:
    """Edge-matched polygons (in steps) without the nodes on their outer border at which nothing begins; `corners` stay.

    Where that would make one invalid, all stay as they are.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    idle = _idle(parts, corners)
    if not idle:
        return shapes
    slim = np.array([_slim(polygon, idle) for polygon in parts], dtype=object)
    # A node far from the border without it stands for a sharp corner that rounding has cut off.
    nodes = sorted(idle)
    (at, _), away = shapely.STRtree(shapely.boundary(slim)).query_nearest(
        shapely.points(nodes), return_distance=True, all_matches=False
    )
    if needed := {nodes[i] for i in at[away > ROUNDING].tolist()}:
        slim = np.array([_slim(polygon, idle - needed) for polygon in parts], dtype=object)
    if not shapely.is_valid(slim).all():
        return shapes
    result = np.empty(len(shapes), dtype=object)
    for number in range(len(shapes)):
        mine = slim[owner == number]
        result[number] = mine[0] if len(mine) == 1 else shapely.MultiPolygon(list(mine))
    return result


def _idle(parts: Objects, corners: frozenset[Corner]) -> set[Corner]:
    rings = shapely.get_rings(parts)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[:-1] == ring[1:]
    points, index = np.unique(np.vstack([xy[:-1][same], xy[1:][same]]), axis=0, return_inverse=True)
    a, b = index.reshape(2, -1)
    edge, times = np.unique(np.minimum(a, b) * len(points) + np.maximum(a, b), return_counts=True)
    low, high = np.divmod(edge, len(points))

    def ends(which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(low[which], minlength=len(points)) + np.bincount(high[which], minlength=len(points))

    idle = points[(ends(times > 0) == 2) & (ends(times == 1) == 2)]
    return {(x, y) for x, y in idle.tolist()} - corners


def _slim(polygon: BaseGeometry, dropped: set[Corner]) -> BaseGeometry:
    rings = []
    for ring in (polygon.exterior, *polygon.interiors):
        kept = [point for point in ring.coords[:-1] if point not in dropped]
        rings.append([*kept, kept[0]] if len(kept) > 2 else ring.coords)
    return shapely.Polygon(rings[0], rings[1:])

"""Areas, lengths and widths in metres of geometries in degrees, on the ellipsoid of CGCS2000.

Edges are straight in longitude and latitude, as they are stored and drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257222101
METRES_A_DEGREE = 111_700.0
"""The longest that a degree is anywhere: along a meridian, at a pole."""
"""The CGCS2000 ellipsoid (GB 22021-2008, the same numbers as PROJ's)."""

_E2 = FLATTENING * (2 - FLATTENING)
_E = _E2**0.5

Geometries = Sequence[BaseGeometry] | npt.NDArray[np.object_]


def area_m2(geometries: Geometries) -> FloatArray:
    """Areas in m² of geometries in degrees; shape (n,).

    Computed in Lambert's cylindrical equal-area projection of the ellipsoid (Snyder, Map Projections, 10-15 and 10-17).
    """
    # A long edge bends in the projection; pieces of a kilometre do so by a centimetre.
    short_edged = shapely.segmentize(_objects(geometries), 0.01)
    return np.asarray(shapely.area(shapely.transform(short_edged, _equal_area)), dtype=np.float64)


def length_m(geometries: Geometries) -> FloatArray:
    """Lengths in metres of lines, or of the rings of polygons, in degrees; shape (n,)."""
    parts, of_geometry = shapely.get_parts(_objects(geometries), return_index=True)
    polygonal = shapely.get_dimensions(parts) == 2
    rings, of_part = shapely.get_rings(parts[polygonal], return_index=True)
    lines = np.concatenate([parts[~polygonal], rings])
    of_line = np.concatenate([of_geometry[~polygonal], of_geometry[polygonal][of_part]])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    same_line = line[:-1] == line[1:]
    steps = segment_length_m(np.hstack([xy[:-1], xy[1:]])[same_line])
    return np.bincount(of_line[line[:-1][same_line]], weights=steps, minlength=len(geometries)).astype(np.float64)


def segment_length_m(ends: FloatArray) -> FloatArray:
    """Lengths in metres, shape (n,), of segments (ax, ay, bx, by) in degrees, shape (n, 4).

    By the radii of curvature at mid-latitude: right to 1e-6 for segments up to 20 km.
    """
    east, north = _metres_per_degree((ends[:, 1] + ends[:, 3]) / 2)
    return np.hypot((ends[:, 2] - ends[:, 0]) * east, (ends[:, 3] - ends[:, 1]) * north)


def distance_m(a: BaseGeometry, b: BaseGeometry) -> float:
    """Shortest distance in metres between two geometries in degrees that lie within some 50 km of each other."""
    latitude = float(shapely.get_coordinates(a)[:, 1].mean())
    return float(shapely.distance(*_local_metres([a, b], np.array([latitude, latitude]))))


def width_m(polygon: BaseGeometry) -> float:
    """Diameter in metres of the largest circle that fits into a polygon in degrees, to 1 %; 0 if it is empty."""
    if polygon.is_empty:
        return 0.0
    local = _local_metres([polygon])[0]
    least_radius = local.area / local.length
    return 2 * float(shapely.maximum_inscribed_circle(local, tolerance=least_radius / 100).length)


def is_narrow(polygons: Geometries, limit_m: float) -> npt.NDArray[np.bool_]:
    """Whether no circle of more than `limit_m` metres diameter fits into each polygon; shape (n,)."""
    local = _local_metres(polygons)
    # A circle that fits has no more area than the polygon, which settles the most of them without eroding any.
    narrow = np.asarray(shapely.area(local) <= np.pi / 4 * limit_m**2)
    eroded = shapely.buffer(local[~narrow], -limit_m / 2)
    narrow[~narrow] = shapely.is_empty(eroded)
    return narrow


def _equal_area(xy: FloatArray) -> FloatArray:
    sine = np.sin(np.radians(xy[:, 1]))
    q = (1 - _E2) * (sine / (1 - _E2 * sine**2) + np.arctanh(_E * sine) / _E)
    return np.column_stack([np.radians(xy[:, 0]) * SEMI_MAJOR_M, q / 2 * SEMI_MAJOR_M])


def _metres_per_degree(latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Metres per degree of longitude and of latitude at latitudes in degrees."""
    phi = np.radians(latitude)
    w = 1 - _E2 * np.sin(phi) ** 2
    east = SEMI_MAJOR_M * np.cos(phi) / np.sqrt(w)
    north = SEMI_MAJOR_M * (1 - _E2) / w**1.5
    return np.radians(east), np.radians(north)


def _local_metres(geometries: Geometries, latitude: FloatArray | None = None) -> npt.NDArray[np.object_]:
    """Each geometry in metres east and north, true at the given latitudes or else at the middle of each."""
    if latitude is None:
        bounds = shapely.bounds(_objects(geometries))
        latitude = (bounds[:, 1] + bounds[:, 3]) / 2
    east, north = _metres_per_degree(latitude)
    result = _objects(geometries).copy()
    xy, owner = shapely.get_coordinates(result, return_index=True)
    # Copies: set_coordinates replaces the objects in the array, never the caller's geometries.
    return np.asarray(shapely.set_coordinates(result, xy * np.column_stack([east, north])[owner]), dtype=object)


def _objects(geometries: Geometries) -> npt.NDArray[np.object_]:
    result = np.empty(len(geometries), dtype=object)
    result[:] = geometries
    return result


__all__ = ["area_m2", "distance_m", "is_narrow", "length_m", "segment_length_m", "width_m"]

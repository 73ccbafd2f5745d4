"""The lattice: every stored coordinate is an integer number of 1e-7 degree (about 1 cm).

The lattice integers are what is compared and hashed; the stored double of lattice integer n is n / 1e7, which is also
what every JSON parser makes of the seven written decimals. Note that n * 1e-7, PostGIS's ST_SnapToGrid and
ST_ReducePrecision give a neighbouring double for one coordinate in three: they are near the lattice, not on it.
"""

from __future__ import annotations

from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

STEPS_PER_DEGREE = 10_000_000
STEP = 1 / STEPS_PER_DEGREE

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
AnyGeometry = TypeVar("AnyGeometry", bound=BaseGeometry)


def to_lattice(degrees: npt.ArrayLike) -> IntArray:
    """Nearest lattice integers of coordinates in degrees, same shape."""
    return np.rint(np.asarray(degrees, dtype=np.float64) * STEPS_PER_DEGREE).astype(np.int64)


def to_degrees(lattice: npt.ArrayLike) -> FloatArray:
    """The one double, in degrees, that stands for each lattice integer; same shape."""
    return np.asarray(lattice, dtype=np.float64) / STEPS_PER_DEGREE


def snap(geometry: AnyGeometry) -> AnyGeometry:
    """Move each vertex to its nearest lattice point, one by one.

    Shared vertices stay shared; the result may be invalid where the geometry was thinner than the lattice.
    """
    return cast(AnyGeometry, shapely.transform(geometry, lambda xy: to_degrees(to_lattice(xy))))


def is_on_lattice(geometry: BaseGeometry) -> bool:
    """Whether every coordinate is exactly the double of a lattice integer."""
    xy = shapely.get_coordinates(geometry)
    return bool(np.isfinite(xy).all() and (to_degrees(to_lattice(xy)) == xy).all())

"""Declared datums: whatever comes in says what its coordinates are, and leaves as CGCS2000 longitude and latitude.

CGCS2000 (EPSG:4490) and WGS 84 (EPSG:4326) differ by centimetres to decimetres, less than the noise of GPS: here they
are the same numbers. GCJ-02, the datum of Chinese web maps, is off by 40–680 m, and BD-09 by about 1 km more; neither
is ever guessed in silence: `guess_shift` only says what a file looks like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from gis.errors import JingtianError
from gis.lattice import FloatArray

AnyGeometry = TypeVar("AnyGeometry", bound=BaseGeometry)

ALLOWED = "cgcs2000, wgs84, gcj02, bd09, EPSG:4490, EPSG:4326, EPSG:3857, EPSG:4491–4554 (CGCS2000 Gauss–Krüger)"
SWAPPED = "swapped axes"
WORST_ACCURACY_M = 1.0
"""A transformation of worse or unknown (negative) accuracy is refused: borders would move by more than survey error."""


class UnknownDatum(JingtianError):
    """The text names no datum that coordinates of a map can be in."""

    code = "unknown_datum"


class NoPreciseTransformation(JingtianError):
    """The datum is known, but no public transformation to CGCS2000 is good to a metre (Beijing 1954, Xian 1980)."""

    code = "no_precise_transformation"


class CoordinatesOutsideDatum(JingtianError):
    """The coordinates cannot be in the declared datum."""

    code = "coordinates_outside_datum"


@dataclass(frozen=True)
class Datum:
    """A declared datum; `name` is its one spelling: "cgcs2000", "wgs84", "gcj02", "bd09" or "EPSG:<code>"."""

    name: str

    def __str__(self) -> str:
        return self.name


CGCS2000, WGS84, GCJ02, BD09 = Datum("cgcs2000"), Datum("wgs84"), Datum("gcj02"), Datum("bd09")

_NAMED = {datum.name: datum for datum in (CGCS2000, WGS84, GCJ02, BD09)}
_EPSG = {4490: CGCS2000, 4326: WGS84}


def parse_datum(text: str | int) -> Datum:
    """The datum that a text declares: a name in any case ("GCJ-02"), or an EPSG code ("EPSG:4547", "4547").

    Raises
    ------
    UnknownDatum
        Not a name above, not in the EPSG register, or not horizontal (heights, geocentric, compound).
    NoPreciseTransformation
        Not known to be within a metre of CGCS2000 after transformation.
    """
    plain = re.sub(r"[\s_-]", "", str(text)).lower()
    if plain in _NAMED:
        return _NAMED[plain]
    match = re.fullmatch(r"(?:epsg:)?(\d{4,6})", plain, re.ASCII)
    if match is None:
        raise _unknown(text)
    epsg = int(match[1])
    if epsg in _EPSG:
        return _EPSG[epsg]
    datum = Datum(f"EPSG:{epsg}")
    _transformer(datum.name)
    return datum


def to_cgcs2000(xy: FloatArray, datum: Datum) -> FloatArray:
    """CGCS2000 longitude and latitude in degrees of coordinates in `datum`.

    Parameters
    ----------
    xy : (n, 2)
        Longitude, latitude in degrees, or easting, northing in metres; always in this order.

    Raises
    ------
    CoordinatesOutsideDatum
        Some coordinate is not finite, or no place on Earth in this datum.
    """
    xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    if datum.name.startswith("EPSG:"):
        result = np.column_stack(_transformer(datum.name).transform(xy[:, 0], xy[:, 1]))
    else:
        _check_on_earth(xy, xy, datum)
        if datum in (CGCS2000, WGS84):
            return xy.copy()
        result = _undo_shift(xy, datum)
    _check_on_earth(result, xy, datum)
    return result


def from_cgcs2000(xy: FloatArray, datum: Datum) -> FloatArray:
    """Coordinates in `datum` of CGCS2000 longitude and latitude; inverse of `to_cgcs2000`."""
    xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    _check_on_earth(xy, xy, CGCS2000)
    if datum in (CGCS2000, WGS84):
        return xy.copy()
    if datum in (GCJ02, BD09):
        return _shift(datum)(_is_in_china(xy), xy)
    transformer = _transformer(datum.name)
    result = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1], direction=TransformDirection.INVERSE))
    if not np.isfinite(result).all():
        raise _outside(xy, datum)
    return result


def transform_geometry(geometry: AnyGeometry, datum: Datum) -> AnyGeometry:
    """The geometry, given in `datum`, in CGCS2000 degrees (not snapped to the lattice); see `to_cgcs2000`."""
    return cast(AnyGeometry, shapely.transform(geometry, lambda xy: to_cgcs2000(xy, datum)))


def guess_shift(geometry: BaseGeometry, reference: BaseGeometry) -> str | None:
    """What explains that an outline lies beside the one it should equal: "gcj02", "bd09", "swapped axes", or None.

    Parameters
    ----------
    geometry, reference
        Outlines of the same area, as polygons in CGCS2000 degrees; `geometry` as its declared datum makes it.

    Notes
    -----
    An assumption counts only where it brings the outlines three times closer (median distance between borders) than
    they are as declared: noise and generalisation are not brought closer by a shift.
    """
    given = shapely.get_coordinates(shapely.boundary(geometry))
    given = given[:: max(1, len(given) // 500)]
    xy, line = shapely.get_coordinates(shapely.get_parts(shapely.boundary(reference)), return_index=True)
    if len(given) == 0 or len(xy) == 0:
        return None
    metres = np.array([111_320 * np.cos(np.radians(xy[:, 1].mean())), 110_950])
    segments = np.stack([xy[:-1], xy[1:]], axis=1)[line[:-1] == line[1:]] * metres
    border = shapely.STRtree(shapely.linestrings(segments))

    def distance(xy: FloatArray) -> float:
        _, metres_off = border.query_nearest(shapely.points(xy * metres), return_distance=True, all_matches=False)
        return float(np.median(metres_off))

    as_declared = distance(given)
    assumed = {SWAPPED: distance(given[:, ::-1])}
    if (np.abs(given) <= (180, 90)).all():
        assumed |= {datum.name: distance(_undo_shift(given, datum)) for datum in (GCJ02, BD09)}
    best = min(assumed, key=lambda name: assumed[name])
    return best if assumed[best] < as_declared / 3 else None


# GCJ-02: the offset as it has been public since 2010 (the Krasovsky ellipsoid and sums of sines), and BD-09 on top.

_SEMI_MAJOR = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_ANGLE = np.pi * 3000 / 180


def _is_in_china(xy: FloatArray) -> npt.NDArray[np.bool_]:
    """The box outside which web maps leave WGS 84 as it is; shape (n, 1) bool."""
    x, y = xy[:, :1], xy[:, 1:]
    return (x >= 72.004) & (x <= 137.8347) & (y >= 0.8293) & (y <= 55.8271)


def _gcj02_offset(xy: FloatArray) -> FloatArray:
    x, y = np.ascontiguousarray(xy.T) - np.array([[105], [35]])
    latitude = np.radians(y + 35)
    root = np.sqrt(np.abs(x))
    short = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi / 3 * x)) * 2 / 3
    east += (150 * np.sin(np.pi / 12 * x) + 300 * np.sin(np.pi / 30 * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + short
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi / 3 * y)) * 2 / 3
    north += (160 * np.sin(np.pi / 12 * y) + 320 * np.sin(np.pi / 30 * y)) * 2 / 3
    w = 1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    meridian = _SEMI_MAJOR * (1 - _ECCENTRICITY_SQUARED) / (w * np.sqrt(w))
    parallel = _SEMI_MAJOR / np.sqrt(w) * np.cos(latitude)
    return cast(FloatArray, np.degrees(np.column_stack([east / parallel, north / meridian])))


def _to_gcj02(in_china: npt.NDArray[np.bool_], xy: FloatArray) -> FloatArray:
    return cast(FloatArray, np.where(in_china, xy + _gcj02_offset(xy), xy))


def _to_bd09(in_china: npt.NDArray[np.bool_], xy: FloatArray) -> FloatArray:
    x, y = _to_gcj02(in_china, xy).T
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_ANGLE)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_ANGLE)
    return np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])


def _shift(datum: Datum) -> Callable[[npt.NDArray[np.bool_], FloatArray], FloatArray]:
    return _to_gcj02 if datum == GCJ02 else _to_bd09


def _undo_shift(xy: FloatArray, datum: Datum) -> FloatArray:
    """Fixed-point inverse, to 1e-10 degree: the shift changes so slowly that each step gains two digits or more.

    Whether the rule for China applies is asked of the answer, so that what was shifted is shifted back.
    """
    answer = _fixed_point(xy, datum, in_china=True)
    abroad = ~_is_in_china(answer)[:, 0]
    answer[abroad] = _fixed_point(xy[abroad], datum, in_china=False)
    return answer


def _fixed_point(xy: FloatArray, datum: Datum, *, in_china: bool) -> FloatArray:
    answer = xy.copy()
    for _ in range(10):
        error = _shift(datum)(np.array(in_china), answer) - xy
        answer -= error
        if np.abs(error).max(initial=0) < 1e-10:
            break
    return answer


@lru_cache(maxsize=64)
def _transformer(name: str) -> pyproj.Transformer:
    """Transformer from an EPSG code to CGCS2000 in lon/lat order (or to WGS 84, the same numbers here)."""
    try:
        crs = pyproj.CRS.from_user_input(name)
    except CRSError:
        raise _unknown(name) from None
    if crs.is_compound or not (crs.is_projected or (crs.is_geographic and len(crs.axis_info) == 2)):
        raise _unknown(name)
    geodetic = crs.geodetic_crs
    target = "EPSG:4490" if geodetic is not None and geodetic.to_epsg() == 4490 else "EPSG:4326"
    transformer = pyproj.Transformer.from_crs(crs, target, always_xy=True)
    if not 0 <= transformer.accuracy <= WORST_ACCURACY_M:
        raise NoPreciseTransformation(
            f"{name}（{crs.name}）没有精度在 1 米以内的公开转换参数。请先用当地测绘部门的参数转换为 CGCS2000，再导入。",
            f"{name} ({crs.name}) has no public transformation to CGCS2000 good to 1 m. "
            "Convert the data to CGCS2000 with local survey parameters first, then import it.",
        )
    return transformer


def _check_on_earth(degrees: FloatArray, given: FloatArray, datum: Datum) -> None:
    if not (np.isfinite(degrees) & (np.abs(degrees) <= (180, 90))).all():
        raise _outside(given, datum)


def _outside(given: FloatArray, datum: Datum) -> CoordinatesOutsideDatum:
    finite = given[np.isfinite(given).all(axis=1)]
    size = np.abs(finite).max(initial=0)
    if len(finite) == len(given) and size > 360 and not datum.name.startswith("EPSG:"):
        zh = "数值像是以米为单位，请声明投影坐标系，例如 EPSG:4547。"
        en = "They look like metres: declare the projection, for example EPSG:4547."
    elif len(finite) == len(given) and (np.abs(finite[:, ::-1]) <= (180, 90)).all():
        zh = "经纬度像是写反了，请按先经度、后纬度的顺序提供。"
        en = "The axes look swapped: give longitude first, then latitude."
    else:
        zh = "请核对坐标与声明的坐标系。"
        en = "Check the coordinates and the declared datum."
    x, y = given[np.argmax(~np.isfinite(given).all(axis=1) | (np.abs(given) > (180, 90)).any(axis=1))]
    return CoordinatesOutsideDatum(
        f"坐标 ({x:.10g}, {y:.10g}) 不可能属于声明的坐标系 {datum}。{zh}",
        f"Coordinate ({x:.10g}, {y:.10g}) cannot be in the declared datum {datum}. {en}",
    )


def _unknown(text: object) -> UnknownDatum:
    shown = str(text)[:40]
    return UnknownDatum(
        f"不认识坐标系“{shown}”。可用：{ALLOWED}，或其他平面坐标系的 EPSG 代码。",
        f"Unknown datum “{shown}”. Allowed: {ALLOWED}, or the EPSG code of another horizontal system.",
    )

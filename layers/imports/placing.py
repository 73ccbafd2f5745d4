"""Where the coordinates of a file lie: the declared datum against what the file says, and against what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from gis.coverage import polygons_of, why_invalid
from gis.datum import BD09, CGCS2000, GCJ02, SWAPPED, WGS84, Datum, guess_shift, parse_datum, transform_geometry
from gis.errors import JingtianError
from gis.lattice import snap
from gis.progress import Progress, counted, part, silent
from layers.imports.faults import DatumContradicted, WrongDatum, WrongPlace

SAME_NUMBERS = (CGCS2000, WGS84)
WITHOUT_EPSG = (GCJ02, BD09)
AT_ONCE = 100
LOOKS_LIKE = {"gcj02": "GCJ-02", "bd09": "BD-09"}


@dataclass(frozen=True)
class Reference:
    """An outline that the service area should equal or lie in, and how messages call it."""

    zh: str
    en: str
    geometry: BaseGeometry


def to_lattice(geometries: Sequence[BaseGeometry], declared: Datum, in_file: str | None) -> list[BaseGeometry]:
    """The geometries in CGCS2000 degrees on the lattice.

    Raises
    ------
    DatumContradicted, gis.datum.CoordinatesOutsideDatum
    """
    check_declared(declared, in_file)
    return [snap(transform_geometry(geometry, declared)) for geometry in geometries]


def outline(geometries: Sequence[BaseGeometry], progress: Progress = silent) -> BaseGeometry:
    """The union of polygons that need not be valid."""
    sound = [polygons_of(g) if why_invalid(g) else g for g in counted(geometries, part(progress, 0, 0.5))]
    some = [sound[first : first + AT_ONCE] for first in range(0, len(sound), AT_ONCE)]
    return shapely.union_all([shapely.union_all(few) for few in counted(some, part(progress, 0.5, 1))])


def check_place(area: BaseGeometry, reference: Reference, declared: Datum) -> None:
    """Refuse an outline, brought from its declared datum, that lies beside the one that it should equal.

    Raises
    ------
    WrongDatum
        Another datum would bring it there.
    WrongPlace
        It does not even touch.
    """
    shift = guess_shift(area, reference.geometry)
    if shift is not None:
        raise _wrong_datum(shift, area, reference)
    # If undoing the declared shift once more takes the reference to the outline, there was no shift to be undone.
    if declared in WITHOUT_EPSG and guess_shift(reference.geometry, area) == declared.name:
        raise WrongDatum(
            f"与{reference.zh}相比，文件中的坐标像是没有偏移的 CGCS2000 或 WGS 84，而不是声明的 {declared}。请改为声明 wgs84，或核对文件。",
            f"Compared with {reference.en}, the coordinates look like plain CGCS2000 or WGS 84, not {declared} as declared. "
            "Declare wgs84, or check the file.",
            where=mapping(shapely.box(*area.bounds)),
            looks_like="wgs84",
        )
    if not shapely.intersects(area, reference.geometry):
        (x, y), (rx, ry) = (np.round(shapely.get_coordinates(g.centroid)[0], 4) for g in (area, reference.geometry))
        raise WrongPlace(
            f"这些网格在 ({x}, {y}) 一带，不在{reference.zh}（{rx}, {ry} 一带）。请核对文件、服务区域编码和坐标系。",
            f"These grids lie about ({x}, {y}), not in {reference.en} (about {rx}, {ry}). "
            "Check the file, the code of the service area, and the datum.",
            where=mapping(shapely.box(*area.bounds)),
        )


def check_declared(declared: Datum, in_file: str | None) -> None:
    """Refuse a file that says itself that its coordinates are in another datum than was declared."""
    if in_file is None:
        return
    try:
        stated = parse_datum(in_file)
    except JingtianError:
        stated = Datum(in_file)
    # GCJ-02 and BD-09 have no EPSG code: their files say WGS 84.
    same = stated == declared or (stated in SAME_NUMBERS and declared in (*SAME_NUMBERS, *WITHOUT_EPSG))
    if not same:
        raise DatumContradicted(
            f"文件自带的坐标系是 {in_file}，与声明的 {declared} 不符。请改为声明 {in_file}，或核对文件。",
            f"The file says that its coordinates are in {in_file}, not in {declared} as declared. "
            f"Declare {in_file}, or check the file.",
            declared=str(declared),
            in_file=in_file,
        )


def _wrong_datum(shift: str, area: BaseGeometry, reference: Reference) -> WrongDatum:
    where = mapping(shapely.box(*area.bounds))
    if shift == SWAPPED:
        return WrongDatum(
            f"与{reference.zh}相比，经纬度像是写反了。请按先经度、后纬度的顺序导出。",
            f"Compared with {reference.en}, the axes look swapped. Export longitude first, then latitude.",
            where=where,
            looks_like=shift,
        )
    name = LOOKS_LIKE[shift]
    return WrongDatum(
        f"与{reference.zh}相比整体偏移，像是 {name} 坐标（looks like {name}）。若确实如此，请声明坐标系 {shift}；否则请核对文件。",
        f"All of it lies beside {reference.en}: it looks like {name}. If so, declare the datum {shift}; if not, check the file.",
        where=where,
        looks_like=shift,
    )

"""Rows at places, from tables (CSV, XLSX) and from files of points (GeoJSON, GeoPackage, Shapefile): parsed in the child."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gis.lattice import FloatArray
from gis.reading.contents import Value, check_count, check_texts, dropped_heights, plain_value
from gis.reading.csv_files import read_csv
from gis.reading.gdal_files import POINTS, Raw, read_geopackage, read_shapefile, read_zip
from gis.reading.json_files import broken, declared_crs, features_of, read_document, unknown
from gis.reading.limits import Limits
from gis.reading.refusals import NotATable
from gis.reading.tables import Sheet
from gis.reading.workbooks import is_workbook, read_workbook

ROWS = ("行", "rows")
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass
class Places:
    """Features as rows: a position each (NaN where there is none), and what kind of geometry it was."""

    attributes: list[dict[str, Value]]
    xy: FloatArray
    shapes: list[str]
    format: str
    crs: str | None = None
    notes: list[dict[str, str]] = field(default_factory=list)

    def sheet(self) -> Sheet:
        """The same as a table; rows are numbered by their place in the file, from 1."""
        columns = list(dict.fromkeys(name for row in self.attributes for name in row))
        rows: list[list[Any]] = [[row.get(name) for name in columns] for row in self.attributes]
        lines = list(range(1, len(rows) + 1))
        return Sheet(columns, rows, lines, self.format, self.notes, self.crs, self.xy, self.shapes)


def read_places(path: Path, limits: Limits, encoding: str | None, layer: str | None, folder: Path) -> Sheet:
    """Read by what the file begins with, not by what it is called."""
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(b"PK"):
        sheet = (
            read_workbook(path, limits, layer)
            if is_workbook(path)
            else _of_gdal(read_zip(path, limits, encoding, layer, folder), "shp")
        )
    elif head.startswith(b"SQLite format 3\0"):
        sheet = _of_gdal(read_geopackage(path, limits, layer, folder, POINTS), "gpkg")
    elif head.startswith(b"\x00\x00\x27\x0a"):
        sheet = _of_gdal(read_shapefile(path, limits, encoding, folder), "shp")
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        sheet = _of_geojson(path, encoding)
    elif head.startswith(OLD_OFFICE):
        raise NotATable(
            "这是旧版 Excel（.xls）或有密码的文件。请在 Excel 中另存为 .xlsx（不设密码）后再导入。",
            "This is an old Excel file (.xls), or has a password. Save it as .xlsx without a password first.",
        )
    else:
        sheet = read_csv(path, limits, encoding)
    check_count(len(sheet.rows), limits.features, *ROWS)
    check_count(len(sheet.columns), limits.columns, "列", "columns")
    for row in sheet.rows:
        check_texts(dict(zip(sheet.columns, row, strict=False)), limits.text_length)
    check_texts(dict.fromkeys(sheet.columns), limits.text_length)
    return sheet


def _of_gdal(raw: Raw, format: str) -> Sheet:
    geometries = shapely.from_wkb(raw.wkb, on_invalid="ignore")
    heights = [dropped_heights()] if shapely.has_z(geometries).any() else []
    xy, shapes = np.full((len(geometries), 2), np.nan), []
    for number, geometry in enumerate(geometries):
        if geometry is not None and geometry.geom_type == "MultiPoint" and len(geometry.geoms) == 1:
            geometry = geometry.geoms[0]
        shapes.append("" if geometry is None or geometry.is_empty else geometry.geom_type)
        if shapes[-1] == "Point":
            xy[number] = geometry.x, geometry.y
    return Places(raw.attributes, xy, shapes, format, raw.crs, raw.notes + heights).sheet()


def _of_geojson(path: Path, encoding: str | None) -> Sheet:
    document, notes = read_document(path, encoding)
    if document.get("type") == "Topology":
        raise unknown()
    try:
        features = features_of(document)
        attributes = [
            {str(name): plain_value(value) for name, value in (feature.get("properties") or {}).items()}
            for feature in features
        ]
        places = [_position(feature.get("geometry")) for feature in features]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise broken(f"{type(error).__name__}: {error}") from None
    xy = np.array([place for place, _shape in places], dtype=np.float64).reshape(-1, 2)
    shapes = [shape for _place, shape in places]
    return Places(attributes, xy, shapes, "geojson", declared_crs(document), notes).sheet()


def _position(geometry: Any) -> tuple[tuple[float, float], str]:
    nowhere = (np.nan, np.nan)
    if not geometry or not geometry.get("type"):
        return nowhere, ""
    shape, coordinates = str(geometry["type"])[:40], geometry.get("coordinates")
    if shape == "MultiPoint" and len(coordinates) == 1:
        shape, coordinates = "Point", coordinates[0]
    if shape != "Point" or not coordinates:
        return nowhere, "" if shape == "Point" else shape
    x, y = coordinates[:2]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (x, y)):
        return nowhere, "Point"
    try:
        return (float(x), float(y)), "Point"
    except OverflowError:
        return nowhere, "Point"

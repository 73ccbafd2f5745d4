"""Rows at places, from tables (CSV, XLSX) and from files of points or lines (GeoJSON, GeoPackage, Shapefile): parsed in the child."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gis.lattice import FloatArray
from gis.reading.contents import Value, check_count, check_texts, dropped_heights, plain_value
from gis.reading.csv_files import read_csv
from gis.reading.gdal_files import LINES, POINTS, Raw, read_geopackage, read_shapefile, read_zip
from gis.reading.json_files import broken, declared_crs, features_of, read_document, unknown
from gis.reading.limits import Limits
from gis.reading.refusals import NotATable
from gis.reading.tables import NOWHERE, Sheet, middle_of
from gis.reading.workbooks import is_workbook, read_workbook

ROWS = ("行", "rows")
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass
class Places:
    """Features as rows: a position each (NaN where there is none), what kind of geometry it was, and the vertices of lines."""

    attributes: list[dict[str, Value]]
    xy: FloatArray
    shapes: list[str]
    paths: list[list[list[float]] | None] | None
    format: str
    crs: str | None = None
    notes: list[dict[str, str]] = field(default_factory=list)

    def sheet(self) -> Sheet:
        """The same as a table; rows are numbered by their place in the file, from 1."""
        columns = list(dict.fromkeys(name for row in self.attributes for name in row))
        rows: list[list[Any]] = [[row.get(name) for name in columns] for row in self.attributes]
        lines = list(range(1, len(rows) + 1))
        return Sheet(columns, rows, lines, self.format, self.notes, self.crs, self.xy, self.shapes, self.paths)


def read_places(
    path: Path, limits: Limits, encoding: str | None, layer: str | None, folder: Path, *, lines: bool
) -> Sheet:
    """Read by what the file begins with, not by what it is called; lines only if they are asked for."""
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(b"PK"):
        sheet = (
            read_workbook(path, limits, layer)
            if is_workbook(path)
            else _of_gdal(read_zip(path, limits, encoding, layer, folder), "shp", lines=lines)
        )
    elif head.startswith(b"SQLite format 3\0"):
        kinds = POINTS + LINES if lines else POINTS
        sheet = _of_gdal(read_geopackage(path, limits, layer, folder, kinds), "gpkg", lines=lines)
    elif head.startswith(b"\x00\x00\x27\x0a"):
        sheet = _of_gdal(read_shapefile(path, limits, encoding, folder), "shp", lines=lines)
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        sheet = _of_geojson(path, encoding, lines=lines)
    elif head.startswith(OLD_OFFICE):
        raise NotATable(
            "这是旧版 Excel（.xls）或有密码的文件。请在 Excel 中另存为 .xlsx（不设密码）后再导入。",
            "This is an old Excel file (.xls), or has a password. Save it as .xlsx without a password first.",
        )
    else:
        sheet = read_csv(path, limits, encoding)
    check_count(len(sheet.rows), limits.features, *ROWS)
    check_count(len(sheet.columns), limits.columns, "列", "columns")
    check_count(sum(len(line) for line in sheet.paths or () if line), limits.vertices, "顶点", "vertices")
    for row in sheet.rows:
        check_texts(dict(zip(sheet.columns, row, strict=False)), limits.text_length)
    check_texts(dict.fromkeys(sheet.columns), limits.text_length)
    return sheet


def _of_gdal(raw: Raw, format: str, *, lines: bool) -> Sheet:
    geometries = shapely.from_wkb(raw.wkb, on_invalid="ignore")
    heights = [dropped_heights()] if shapely.has_z(geometries).any() else []
    xy, shapes, paths = np.full((len(geometries), 2), np.nan), [], []
    for number, geometry in enumerate(geometries):
        if (
            geometry is not None
            and geometry.geom_type in ("MultiPoint", "MultiLineString")
            and len(geometry.geoms) == 1
        ):
            geometry = geometry.geoms[0]
        shapes.append("" if geometry is None or geometry.is_empty else geometry.geom_type)
        paths.append([list(pair[:2]) for pair in geometry.coords] if lines and shapes[-1] == "LineString" else None)
        if shapes[-1] == "Point":
            xy[number] = geometry.x, geometry.y
        elif paths[-1]:
            xy[number] = middle_of(paths[-1])
    return Places(raw.attributes, xy, shapes, paths if lines else None, format, raw.crs, raw.notes + heights).sheet()


def _of_geojson(path: Path, encoding: str | None, *, lines: bool) -> Sheet:
    document, notes = read_document(path, encoding)
    if document.get("type") == "Topology":
        raise unknown()
    try:
        features = features_of(document)
        attributes = [
            {str(name): plain_value(value) for name, value in (feature.get("properties") or {}).items()}
            for feature in features
        ]
        found = [_geometry(feature.get("geometry")) for feature in features]
        places = [_position(shape, coordinates, lines=lines) for shape, coordinates in found]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise broken(f"{type(error).__name__}: {error}") from None
    xy = np.array([place for place, _path in places], dtype=np.float64).reshape(-1, 2)
    shapes, paths = [shape for shape, _coordinates in found], [line for _place, line in places]
    crs = declared_crs(document)
    return Places(attributes, xy, shapes, paths if lines else None, "geojson", crs, notes).sheet()


def _geometry(geometry: Any) -> tuple[str, Any]:
    """Type and coordinates; one of several parts that has one is that part, and nothing is of no type."""
    if not geometry or not geometry.get("type"):
        return "", None
    shape, coordinates = str(geometry["type"])[:40], geometry.get("coordinates")
    if shape in ("MultiPoint", "MultiLineString") and len(coordinates) == 1:
        shape, coordinates = shape.removeprefix("Multi"), coordinates[0]
    return ("" if shape in ("Point", "LineString") and not coordinates else shape), coordinates


def _position(shape: str, coordinates: Any, *, lines: bool) -> tuple[tuple[float, float], list[list[float]] | None]:
    """Where a point or, if asked for, the middle of a line is, and the line's vertices."""
    if shape == "Point":
        return _pair(coordinates), None
    if shape != "LineString" or not lines:
        return NOWHERE, None
    line = [list(_pair(position)) for position in coordinates]
    return middle_of(line), line


def _pair(position: Any) -> tuple[float, float]:
    pair = position[:2]
    if len(pair) < 2 or any(isinstance(value, bool) or not isinstance(value, int | float) for value in pair):
        return NOWHERE
    try:
        return float(pair[0]), float(pair[1])
    except OverflowError:
        return NOWHERE

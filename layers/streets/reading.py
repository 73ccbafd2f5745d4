"""Streets and buildings from files: GeoJSON, GeoPackage, Shapefile (also zipped), OpenStreetMap extracts (.osm.pbf).

Only the operator runs this, on files she chose, from the command line; an upload never comes here.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from gis.datum import Datum, to_cgcs2000
from gis.lattice import snap, to_degrees, to_lattice
from gis.reading.limits import Limits
from gis.reading.refusals import BrokenFile, ChooseLayer, NoSuchFile, TooLarge, WrongGeometryType

NAMES = ("name", "名称", "fullname", "road_name", "道路名称", "mc")
KINDS = ("highway", "kind", "fclass", "类型", "类别", "type")
CODES = ("code", "编码", "building_id", "osmid", "osm_id", "osm_way_id")
HOUSEHOLDS = ("households", "户数", "hh")
FLOORS = ("floors", "层数", "楼层", "building:levels", "levels")
OSM_LAYERS = {"street": ("lines", "highway"), "building": ("multipolygons", "building")}
"""For each kind of thing, GDAL's layer in an OSM file and the tag that it must bear."""
FEATURES = 1_000_000
LINES, SHAPES = {"LineString", "MultiLineString"}, {"Point", "Polygon", "MultiPolygon"}


class Feature(NamedTuple):
    """A geometry in CGCS2000 degrees on the lattice, and the columns of its row, names in lower case."""

    geometry: BaseGeometry
    row: dict[str, Any]

    def text(self, columns: Sequence[str], longest: int) -> str:
        """The first of the columns that is there, as text; a list of names as names."""
        value = self._value(columns)
        if isinstance(value, str) and value.startswith("["):
            with contextlib.suppress(ValueError, SyntaxError, TypeError):
                value = "、".join(map(str, ast.literal_eval(value)))
        return "" if value is None else str(value)[:longest]

    def number(self, columns: Sequence[str]) -> int | None:
        """The first of the columns that is there, as a whole number that is not negative."""
        try:
            number = float(self._value(columns))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        return int(number) if 0 <= number < 2**31 else None

    def _value(self, columns: Sequence[str]) -> Any:
        for column in columns:
            value = self.row.get(column.lower())
            if value is not None and value != "" and value == value:
                return value.item() if isinstance(value, np.generic) else value
        return None


class Mapped(NamedTuple):
    """What a file holds, and how many of its features were left out as empty or too small for the lattice."""

    features: list[Feature]
    skipped: int


def read_streets(path: Path, datum: Datum, *, layer: str | None = None, encoding: str | None = None) -> Mapped:
    """Lines; one of several parts becomes several."""
    return _read(path, datum, layer, encoding, "street", LINES, _parts)


def read_buildings(path: Path, datum: Datum, *, layer: str | None = None, encoding: str | None = None) -> Mapped:
    """Points and outlines; an invalid outline is mended."""
    return _read(path, datum, layer, encoding, "building", SHAPES, _outline)


def _read(
    path: Path,
    datum: Datum,
    layer: str | None,
    encoding: str | None,
    thing: str,
    types: set[str],
    made: Callable[[BaseGeometry], Iterator[BaseGeometry]],
) -> Mapped:
    geometries, rows = _rows(path, layer, encoding, thing)
    kinds = {shapely.GeometryType(kind).name for kind in np.unique(shapely.get_type_id(geometries)) if kind >= 0}
    if wrong := kinds - {name.upper() for name in types}:
        raise WrongGeometryType(
            f"文件中有 {'、'.join(sorted(wrong))}; 应为 {'、'.join(sorted(types))}。请选择正确的图层或文件。",
            f"The file has {', '.join(sorted(wrong))}, not only {', '.join(sorted(types))}: choose the right layer or file.",
        )
    features, skipped = [], 0
    here = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    flat = shapely.force_2d(geometries[here])
    xy = shapely.get_coordinates(flat)
    placed = shapely.set_coordinates(flat, to_degrees(to_lattice(to_cgcs2000(xy, datum)))) if len(xy) else flat
    for geometry, index in zip(placed, np.flatnonzero(here), strict=True):
        found = [Feature(part, rows[index]) for part in made(geometry)]
        skipped += not found
        features += found
    return Mapped(features, skipped + int((~here).sum()))


def _rows(
    path: Path, layer: str | None, encoding: str | None, thing: str
) -> tuple[npt.NDArray[np.object_], list[dict[str, Any]]]:
    if not path.is_file():
        raise NoSuchFile(f"找不到文件 {path}。请核对路径。", f"There is no file {path}. Check the path.")
    if path.stat().st_size > (most := Limits().unzipped_bytes):
        raise TooLarge(
            f"文件有 {path.stat().st_size:,} 字节，上限是 {most:,}。请先裁出所需的范围。",
            f"The file has {path.stat().st_size:,} bytes; the limit is {most:,}. Cut out the area that you need.",
        )
    name = f"/vsizip/{path.absolute()}" if path.suffix.lower() == ".zip" else str(path.absolute())
    required = None
    try:
        layers = [str(found) for found, _ in pyogrio.list_layers(name)]
        if path.suffix.lower() in (".pbf", ".osm"):
            layer, required = OSM_LAYERS[thing]
        elif layer is None and len(layers) > 1:
            raise ChooseLayer(
                f"文件有多个图层: {'、'.join(layers)}；请用 --layer 选一个。",
                f"The file has several layers: {', '.join(layers)}. Choose one with --layer.",
                layers=layers,
            )
        meta, _, wkb, columns = pyogrio.raw.read(
            name,
            layer=layer,
            encoding=encoding,
            datetime_as_string=True,
            max_features=FEATURES,
            where=None if required is None else f'"{required}" IS NOT NULL',
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, UnicodeDecodeError) as error:
        raise BrokenFile(
            f"无法读取 {path.name}（{str(error)[:100]}）。",
            f"{path.name} cannot be read ({str(error)[:100]}).",
        ) from None
    fields = [str(field).lower() for field in meta["fields"]]
    rows = [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)] or [{} for _ in wkb]
    return shapely.from_wkb(wkb, on_invalid="ignore"), rows


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in shapely.get_parts(geometry):
        line = shapely.remove_repeated_points(part)
        if line.length > 0:
            yield line


def _outline(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    if not geometry.is_valid:
        mended = [snap(part) for part in shapely.get_parts(shapely.make_valid(geometry)) if part.geom_type == "Polygon"]
        parts = [part for part in mended if part.is_valid and part.area]
        geometry = shapely.MultiPolygon(parts) if len(parts) > 1 else (parts or [shapely.Polygon()])[0]
    if not geometry.is_empty and geometry.is_valid:
        yield geometry

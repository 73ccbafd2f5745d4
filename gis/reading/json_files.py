"""GeoJSON and TopoJSON, parsed by Python's own JSON reader: no driver, no file but the one given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gis.lattice import FloatArray
from gis.progress import Progress, counted, part, silent
from gis.reading.contents import (
    Contents,
    check_count,
    choose_layer,
    dropped_heights,
    note,
    offsets,
    plain_value,
    wrong_type,
)
from gis.reading.encodings import GB18030, choose_encoding
from gis.reading.limits import Limits
from gis.reading.refusals import BrokenFile, ImpossibleCoordinates, TooDeep, UnknownFormat

POLYGONAL = ("Polygon", "MultiPolygon")
TEXT = 0.5
"""About the share of the time that Python's JSON reader takes."""


def read_json(
    path: Path, limits: Limits, encoding: str | None, layer: str | None, progress: Progress = silent
) -> Contents:
    """Polygons of a GeoJSON or TopoJSON file; `layer` names the object of a TopoJSON file."""
    document, notes = read_document(path, encoding)
    progress(TEXT)
    rest = part(progress, TEXT, 1)
    try:
        contents = (
            _topojson(document, limits, layer, rest)
            if document.get("type") == "Topology"
            else _geojson(document, limits, rest)
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise broken(f"{type(error).__name__}: {error}") from None
    contents.notes = notes + contents.notes
    return contents


def read_document(path: Path, encoding: str | None) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The JSON object that a file is, and what was noticed about its text."""
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    encoding = choose_encoding(re.findall(rb'"[^"]*[\x80-\xff][^"]*"', raw), encoding)
    try:
        document = json.loads(raw.decode(encoding))
    except RecursionError:
        raise TooDeep(
            "文件中的对象嵌套了数百层，不是正常的网格数据。请重新导出。",
            "Objects in the file are nested hundreds of times: this is no file of grids. Export it again.",
        ) from None
    except ValueError as error:
        raise broken(str(error)) from None
    del raw
    if not isinstance(document, dict):
        raise unknown()
    return document, [note("文字按 GBK 读取。", "Text was read as GBK.")] if encoding == GB18030 else []


class _Collector:
    """Gathers rings as arrays while counting, so that references to one arc cannot multiply without end."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.rings: list[FloatArray] = []
        self.rings_of_polygon: list[int] = []
        self.polygons_of_feature: list[int] = []
        self.attributes: list[dict[str, Any]] = []
        self.vertices = 0
        self.has_heights = False

    def add_ring(self, ring: FloatArray) -> None:
        self.vertices += len(ring)
        check_count(self.vertices, self.limits.vertices, "顶点", "vertices")
        self.rings.append(ring[:, :2])
        self.has_heights |= ring.shape[1] > 2

    def add_feature(self, polygons: list[Iterator[FloatArray]], properties: dict[str, Any] | None) -> None:
        check_count(len(self.attributes) + 1, self.limits.features, "要素", "features")
        for polygon in polygons:
            before = len(self.rings)
            for ring in polygon:
                self.add_ring(ring)
            self.rings_of_polygon.append(len(self.rings) - before)
        self.polygons_of_feature.append(len(polygons))
        self.attributes.append({str(name): plain_value(value) for name, value in (properties or {}).items()})

    def contents(self, crs: str | None) -> Contents:
        return Contents(
            xy=np.vstack([np.empty((0, 2)), *self.rings]),
            rings=offsets([len(ring) for ring in self.rings]),
            polygons=offsets(self.rings_of_polygon),
            features=offsets(self.polygons_of_feature),
            attributes=self.attributes,
            crs=crs,
            notes=[dropped_heights()] if self.has_heights else [],
        )


def _geojson(document: dict[str, Any], limits: Limits, progress: Progress) -> Contents:
    features = features_of(document)
    collector = _Collector(limits)
    for number, feature in enumerate(counted(features, progress)):
        polygons = _polygons(feature["geometry"], "coordinates", number)
        collector.add_feature([map(_positions, rings) for rings in polygons], feature.get("properties"))
    return collector.contents(declared_crs(document))


def features_of(document: dict[str, Any]) -> list[Any]:
    """The features of a GeoJSON object of any type."""
    match document.get("type"):
        case "FeatureCollection":
            return list(document["features"])
        case "Feature":
            return [document]
        case kind if kind in (*POLYGONAL, "GeometryCollection", "Point", "MultiPoint", "LineString", "MultiLineString"):
            return [{"geometry": document, "properties": None}]
    raise unknown()


def _topojson(document: dict[str, Any], limits: Limits, layer: str | None, progress: Progress) -> Contents:
    objects = {
        name: thing["geometries"] if thing.get("type") == "GeometryCollection" else [thing]
        for name, thing in document["objects"].items()
    }
    geometries = objects[
        choose_layer(layer, [n for n, g in objects.items() if any(x.get("type") in POLYGONAL for x in g)])
    ]
    arcs = [_positions(arc) for arc in document["arcs"]]
    if "transform" in document:
        scale, translate = (_positions([document["transform"][key]]) for key in ("scale", "translate"))
        arcs = [np.cumsum(arc[:, :2], axis=0) * scale + translate for arc in arcs]

    def ring(references: list[int]) -> FloatArray:
        pieces = [arcs[r] if r >= 0 else arcs[~r][::-1] for r in references]
        check_count(sum(map(len, pieces)), limits.vertices, "顶点", "vertices")
        return np.vstack([pieces[0][:1], *(piece[1:] for piece in pieces)])

    collector = _Collector(limits)
    for number, geometry in enumerate(counted(geometries, progress)):
        polygons = _polygons(geometry, "arcs", number)
        collector.add_feature([map(ring, rings) for rings in polygons], geometry.get("properties"))
    return collector.contents(None)


def _polygons(geometry: dict[str, Any] | None, key: str, feature: int) -> list[Any]:
    """Rings of each polygon of a geometry; none for null."""
    if geometry is None or geometry.get("type") is None:
        return []
    if geometry["type"] not in POLYGONAL:
        raise wrong_type(feature, geometry["type"])
    rings = geometry[key]
    return [rings] if geometry["type"] == "Polygon" and rings else rings


def _positions(positions: list[Any]) -> FloatArray:
    """(k, 2 or more) array of a list of positions; only numbers, not text that looks like one."""
    if not positions:
        return np.empty((0, 2))
    try:
        array = np.array(positions)
    except ValueError:
        array = np.array([position[:2] for position in positions])
    except OverflowError:
        raise _impossible() from None
    if array.dtype == object:
        raise _impossible()
    if array.dtype.kind not in "fi" or array.ndim != 2 or array.shape[1] < 2:
        raise TypeError("positions are not pairs of numbers")
    return array.astype(np.float64)


def declared_crs(document: dict[str, Any]) -> str | None:
    """The EPSG code of GeoJSON's old `crs` member, or None: what is not said is not assumed."""
    match document.get("crs"):
        case {"properties": {"name": str(name)}}:
            if name.upper().endswith("CRS84"):
                return "EPSG:4326"
            found = re.search(r"EPSG:.*?(\d{4,6})$", name, re.IGNORECASE)
            return f"EPSG:{found[1]}" if found else None
    return None


def broken(what: str) -> BrokenFile:
    """The refusal of what is not JSON, or not GeoJSON's."""
    return BrokenFile(
        f"文件不完整，或不是有效的 GeoJSON/TopoJSON（{what[:100]}）。请重新导出或重新上传。",
        f"The file is incomplete, or is not valid GeoJSON or TopoJSON ({what[:100]}). Export or upload it again.",
    )


def _impossible() -> ImpossibleCoordinates:
    return ImpossibleCoordinates(
        "坐标中有不是有效数值的内容。请在原软件中修正后重新导出。",
        "Some coordinate is not a possible value. Correct it in the program it came from.",
    )


def unknown() -> UnknownFormat:
    """The refusal of JSON that is neither GeoJSON nor TopoJSON."""
    return UnknownFormat(
        "这个 JSON 文件不是 GeoJSON 或 TopoJSON。请导出为 GeoJSON、GeoPackage 或 zip 压缩的 Shapefile。",
        "This JSON file is neither GeoJSON nor TopoJSON. Export it as GeoJSON, GeoPackage or a zipped Shapefile.",
    )

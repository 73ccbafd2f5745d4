"""Shapefile, plain or zipped, and GeoPackage, through GDAL, always from a private copy with a name of our own.

Each is read as geometries of any type (WKB) beside attributes; `areas` makes polygons of them, `gis.reading.points` points.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
import pyogrio
import pyproj
import shapely
from pyproj.exceptions import CRSError

from gis.reading.contents import (
    Contents,
    Value,
    check_count,
    choose_layer,
    dropped_heights,
    note,
    offsets,
    plain_value,
    wrong_type,
)
from gis.reading.encodings import GB18030, UTF8, choose_encoding, decode
from gis.reading.limits import MEBI, Limits
from gis.reading.refusals import BrokenFile, MissingPart, NotAShapefile, UnsafeZip, ZipBomb

PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
BYTE_BY_BYTE = "ISO-8859-1"
"""An encoding that keeps every byte, so that we see the bytes of the .dbf and decide ourselves."""

AREAS, POINTS, LINES = ("Polygon", "MultiPolygon"), ("Point", "MultiPoint"), ("LineString", "MultiLineString")
READ_AS = {POINTS: ("点", "points"), POINTS + LINES: ("点或线", "points or lines")}

Opener = Callable[[], IO[bytes]]


@dataclass
class Raw:
    """What GDAL finds in a layer: WKB or None a feature, and its attributes."""

    wkb: Any
    attributes: list[dict[str, Value]]
    crs: str | None = None
    notes: list[dict[str, str]] = field(default_factory=list)


def read_zip(path: Path, limits: Limits, encoding: str | None, layer: str | None, folder: Path) -> Raw:
    """The Shapefile in a zip; `layer` is its name without .shp, where there are several."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = safe_members(archive, limits)
            names = {decode_name(m): m for m in members if not m.is_dir()}
            shapefiles = {
                PurePosixPath(name).stem: PurePosixPath(name).with_suffix("")
                for name in names
                if name.lower().endswith(".shp") and not PurePosixPath(name).name.startswith("._")
            }
            if not shapefiles:
                raise NotAShapefile(
                    "压缩包里没有 Shapefile（.shp）。请把 .shp、.shx、.dbf、.prj 一起压缩后再上传。",
                    "There is no Shapefile (.shp) in the zip. Put the .shp, .shx, .dbf and .prj in one zip.",
                )
            chosen = shapefiles[choose_layer(layer, sorted(shapefiles))]
            parts: dict[str, Opener] = {}
            for name, member in names.items():
                if PurePosixPath(name).with_suffix("") == chosen:
                    parts[PurePosixPath(name).suffix.lower()] = lambda member=member: archive.open(member)  # type: ignore[misc]
            return _read_shapefile(parts, limits, encoding, folder)
    except (zipfile.BadZipFile, EOFError, zipfile.zlib.error, NotImplementedError) as error:  # type: ignore[attr-defined]
        raise broken("zip", error) from None


def read_shapefile(path: Path, limits: Limits, encoding: str | None, folder: Path) -> Raw:
    """A .shp with its parts beside it."""
    parts: dict[str, Opener] = {}
    for sibling in path.parent.iterdir():
        if sibling.stem == path.stem and sibling.is_file():
            parts[sibling.suffix.lower()] = lambda sibling=sibling: sibling.open("rb")  # type: ignore[misc]
    return _read_shapefile(parts, limits, encoding, folder)


def read_geopackage(path: Path, limits: Limits, layer: str | None, folder: Path, kinds: tuple[str, ...]) -> Raw:
    """The layer asked for, or the only layer of geometries of these kinds."""
    copy = folder / "layer.gpkg"
    shutil.copyfile(path, copy)
    try:
        layers = pyogrio.list_layers(copy)
        fitting = [str(name) for name, kind in layers if kind and kind.split()[0] in (*kinds, "Unknown")]
        chosen = choose_layer(layer, fitting, *READ_AS.get(kinds, ()))
        return _read(copy, chosen, limits, lambda texts: UTF8, None)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise broken("GeoPackage", error) from None


def decode_name(member: zipfile.ZipInfo) -> str:
    """A member's name; what is not marked as UTF-8 may be GBK."""
    if member.flag_bits & 0x800:
        return member.filename
    raw = member.filename.encode("cp437")
    return decode(raw, choose_encoding([raw], None))


def safe_members(archive: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    """The members of a zip, none of which leads out of it, is locked, or promises to become too large."""
    members = archive.infolist()
    if len(members) > limits.zip_members:
        raise ZipBomb(
            f"压缩包里有 {len(members):,} 个文件，上限是 {limits.zip_members:,}。请只压缩一个 Shapefile 的几个文件。",
            f"The zip has {len(members):,} entries; the limit is {limits.zip_members:,}. Zip one Shapefile only.",
        )
    for member in members:
        name = member.filename.replace("\\", "/")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or ":" in name or stat.S_ISLNK(member.external_attr >> 16):
            raise UnsafeZip(
                f"压缩包里的“{name[:60]}”指向压缩包之外。请重新压缩，只放入 Shapefile 的几个文件。",
                f"“{name[:60]}” in the zip points outside of it. Zip the parts of the Shapefile again.",
            )
        if member.flag_bits & 1:
            raise UnsafeZip(
                "压缩包有密码。请去掉密码后重新压缩。", "The zip has a password. Zip the files again without one."
            )
        if member.file_size > MEBI and member.file_size > limits.zip_ratio * max(1, member.compress_size):
            raise bomb()
    return members


def _read_shapefile(parts: dict[str, Opener], limits: Limits, encoding: str | None, folder: Path) -> Raw:
    missing = [part for part in (".shp", ".shx", ".dbf") if part not in parts]
    if missing:
        raise MissingPart(
            f"Shapefile 缺少 {'、'.join(missing)} 文件。请把 .shp、.shx、.dbf、.prj 一起提供。",
            f"The Shapefile lacks its {', '.join(missing)}. Provide the .shp, .shx, .dbf and .prj together.",
        )
    left = limits.unzipped_bytes
    for part in PARTS:
        if part in parts:
            with parts[part]() as source, (folder / f"layer{part}").open("wb") as target:
                left = _copy(source, target, left)
    _check_complete(folder / "layer.shp", folder / "layer.shx", folder / "layer.dbf")
    code_page = folder / "layer.cpg"
    declared = encoding or (code_page.read_text("ascii", "replace").strip() if code_page.exists() else None)
    code_page.unlink(missing_ok=True)
    try:
        return _read(
            folder / "layer.shp", None, limits, lambda texts: choose_encoding(texts, declared or None), BYTE_BY_BYTE
        )
    except RuntimeError as error:
        raise broken("Shapefile", error) from None


def _copy(source: IO[bytes], target: IO[bytes], left: int) -> int:
    """Copy no more than `left` bytes, whatever the directory of the zip says; return what is left."""
    while block := source.read(MEBI):
        left -= len(block)
        if left < 0:
            raise bomb()
        target.write(block)
    return left


def _check_complete(shp: Path, shx: Path, dbf: Path) -> None:
    """Compare the lengths that the headers state with those of the files (ESRI white paper 1998; dBASE III)."""
    for path in (shp, shx):
        header = path.read_bytes()[:100] if path.stat().st_size < 100 else _head(path, 100)
        if len(header) < 100 or header[:4] != b"\x00\x00\x27\x0a":
            raise NotAShapefile(
                f"{path.suffix} 文件不是 Shapefile 的内容。请重新导出。",
                f"The {path.suffix} is not part of a Shapefile. Export it again.",
            )
        if path.stat().st_size < 2 * int.from_bytes(header[24:28], "big"):
            raise broken("Shapefile", f"{path.suffix} is cut short")
    header = _head(dbf, 32)
    records, header_length, record_length = (
        int.from_bytes(header[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12))
    )
    if len(header) < 32 or dbf.stat().st_size < header_length + records * record_length:
        raise broken("Shapefile", ".dbf is cut short")
    if records != (shx.stat().st_size - 100) // 8:
        raise NotAShapefile(
            ".shp 与 .dbf 的记录数不同，不是同一个 Shapefile 的文件。请重新导出并一起压缩。",
            "The .shp and the .dbf have different numbers of records: not of one Shapefile. Export them again.",
        )


def _head(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)


def _read(
    path: Path,
    layer: str | None,
    limits: Limits,
    encoding_of: Callable[[list[bytes]], str],
    encoding: str | None,
) -> Raw:
    count = pyogrio.read_info(path, layer=layer, encoding=encoding, force_feature_count=True)["features"]
    check_count(count, limits.features, "要素", "features")
    meta, _, wkb, columns = pyogrio.raw.read(
        path, layer=layer, encoding=encoding, datetime_as_string=True, max_features=limits.features + 1
    )
    notes = []
    fields = [str(name) for name in meta["fields"]]
    if encoding == BYTE_BY_BYTE:
        fields, columns, used = _decoded(fields, columns, encoding_of)
        if used == GB18030:
            notes.append(note("文字按 GBK 读取。", "Text was read as GBK."))
    values = [[_value(value) for value in column] for column in columns]
    attributes: list[dict[str, Value]] = [dict(zip(fields, row, strict=True)) for row in zip(*values, strict=True)]
    raw = Raw(wkb, attributes or [{} for _ in wkb], notes=notes)
    if meta["crs"]:
        raw.crs = _epsg(meta["crs"])
        if raw.crs is None:
            raw.notes.append(
                note(
                    "文件中的坐标系没有对应的 EPSG 代码，请核对声明的坐标系。",
                    "The file's coordinate system has no EPSG code; check the declared datum.",
                )
            )
    return raw


def _decoded(
    fields: list[str], columns: list[Any], encoding_of: Callable[[list[bytes]], str]
) -> tuple[list[str], list[Any], str]:
    """Field names and texts, given byte by byte, in their one encoding."""
    names = [name.encode(BYTE_BY_BYTE) for name in fields]
    texts = [
        [value.encode(BYTE_BY_BYTE) if isinstance(value, str) else value for value in column]
        if column.dtype == object
        else column
        for column in columns
    ]
    found = [value for column in texts if isinstance(column, list) for value in column if isinstance(value, bytes)]
    encoding = encoding_of(names + found)
    decoded = [
        [decode(value, encoding) if isinstance(value, bytes) else value for value in column]
        if isinstance(column, list)
        else column
        for column in texts
    ]
    return [decode(name, encoding) for name in names], decoded, encoding


def areas(raw: Raw) -> Contents:
    """The features as polygons."""
    # A ring of fewer than four vertices comes out as None here; `where` keeps it apart from a missing geometry.
    missing = np.array([blob is None for blob in raw.wkb], dtype=bool)
    geometries = shapely.from_wkb(raw.wkb, on_invalid="ignore")
    heights = [dropped_heights()] if shapely.has_z(geometries).any() or shapely.has_m(geometries).any() else []
    geometries = shapely.force_2d(geometries)
    kinds = shapely.get_type_id(geometries)
    for feature in np.flatnonzero((kinds >= 0) & (kinds != 3) & (kinds != 6)):
        raise wrong_type(int(feature), geometries[feature].geom_type)
    geometries[(kinds < 0) & ~missing] = shapely.Polygon([(0, 0)] * 4)
    polygons, feature = shapely.get_parts(geometries, return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    return Contents(
        xy=xy,
        rings=offsets(np.bincount(ring, minlength=len(rings))),
        polygons=offsets(np.bincount(polygon, minlength=len(polygons))),
        features=offsets(np.bincount(feature, minlength=len(geometries))),
        attributes=raw.attributes,
        crs=raw.crs,
        notes=raw.notes + heights,
    )


def _value(value: Any) -> Value:
    """A number of a database column as a whole number where it is one: codes come as floats where some are missing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, bytes | np.ndarray):
        return repr(value)
    return plain_value(value)


def _epsg(crs: str) -> str | None:
    if crs.startswith("EPSG:"):
        return crs
    try:
        code = pyproj.CRS.from_user_input(crs).to_epsg()
    except CRSError:
        return None
    return None if code is None else f"EPSG:{code}"


def bomb() -> ZipBomb:
    """The refusal of a zip that grows beyond the limits."""
    return ZipBomb(
        "压缩包解压后远远超过允许的大小。请检查文件，或分成几个文件导入。",
        "The zip unpacks to far more than is allowed. Check the file, or divide it into several.",
    )


def broken(kind: str, error: object) -> BrokenFile:
    """The refusal of a file that its format's reader does not understand."""
    return BrokenFile(
        f"文件不完整，或不是有效的 {kind}（{str(error)[:100]}）。请重新导出或重新上传。",
        f"The file is incomplete, or is not a valid {kind} ({str(error)[:100]}). Export or upload it again.",
    )

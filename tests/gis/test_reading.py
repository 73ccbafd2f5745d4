"""Reading: real files of every format come in whole; each kind of bad file is refused by its own name."""

import json
import sqlite3
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from gis import reading
from gis.reading import FeatureSet, Limits, read_features, refusals

DATA = Path(__file__).parents[3] / "shared" / "data"
MEBI = 1024 * 1024

SQUARE = box(112.9, 30.4, 112.91, 30.41)
WITH_HOLE = shapely.difference(box(112.91, 30.4, 112.92, 30.41), box(112.913, 30.403, 112.917, 30.407))
TWO = MultiPolygon([box(112.93, 30.4, 112.94, 30.41), box(112.95, 30.4, 112.96, 30.41)])
SHAPES = [SQUARE, WITH_HOLE, TWO]
NAMES = ["城南社区第一网格", "园林办事处", "潜江"]


def geojson(geometries: list[Any], **members: Any) -> dict[str, Any]:
    shapes = [mapping(g) if isinstance(g, BaseGeometry) else g for g in geometries]
    features = [{"type": "Feature", "properties": {"n": i}, "geometry": shape} for i, shape in enumerate(shapes)]
    return {"type": "FeatureCollection", "features": features, **members}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(content: Any, name: str = "grids.geojson") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write_file


def write_ogr(path: Path, geometries: list[BaseGeometry], names: list[str], **options: Any) -> Path:
    options = {"crs": "EPSG:4490", "geometry_type": "MultiPolygon", **options}
    if path.suffix == ".shp":
        options["geometry_type"] = options["geometry_type"].replace("MultiPolygon", "Polygon")
    codes = np.array([429005001001 + i for i in range(len(names))])
    pyogrio.raw.write(
        path,
        np.array(shapely.to_wkb(geometries), dtype=object),
        [np.array(names, dtype=object), codes],
        ["名称", "code"],
        promote_to_multi=False,
        **options,
    )
    return path


def zipped(folder: Path, stem: str = "grids", *, leave_out: tuple[str, ...] = (), inside: str = "") -> Path:
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.glob(f"{stem}.*")):
            if part.suffix != ".zip" and part.suffix not in leave_out:
                archive.write(part, inside + part.name)
    return path


def assert_same(found: FeatureSet, expected: list[BaseGeometry] = SHAPES) -> None:
    assert found.n == len(found.geometries) == len(expected)
    for a, b in zip(found.geometries, expected, strict=True):
        assert shapely.normalize(a).equals_exact(shapely.normalize(b), 0)


def test_geojson(write: Callable[..., Path]) -> None:
    found = read_features(write(geojson(SHAPES)))
    assert_same(found)
    assert found.attributes == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert found.crs is None and found.notes == []
    assert [g.geom_type for g in found.geometries] == ["Polygon", "Polygon", "MultiPolygon"]


def test_geojson_says_its_crs_and_a_bare_geometry_is_one_feature(write: Callable[..., Path]) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    assert read_features(write(geojson([SQUARE], crs=crs))).crs == "EPSG:4547"
    assert_same(read_features(write(mapping(TWO))), [TWO])


def test_attributes_are_text_numbers_or_none(write: Callable[..., Path]) -> None:
    document = geojson([SQUARE])
    document["features"][0]["properties"] = {"a": "社区", "b": 1.5, "c": None, "d": float("nan"), "e": {"x": ["网格"]}}
    found = read_features(write(document))
    assert found.attributes == [{"a": "社区", "b": 1.5, "c": None, "d": None, "e": '{"x": ["网格"]}'}]


def test_json_may_be_gbk_and_says_so(write: Callable[..., Path]) -> None:
    document = geojson([SQUARE])
    document["features"][0]["properties"] = {"名称": "城南社区"}
    found = read_features(write(json.dumps(document, ensure_ascii=False).encode("gb18030")))
    assert found.attributes == [{"名称": "城南社区"}]
    assert "GBK" in found.notes[0]["zh"]


def test_heights_are_dropped_with_a_note(write: Callable[..., Path], tmp_path: Path) -> None:
    high = shapely.force_3d(SQUARE, 25.0)
    paths = [
        write(geojson([high])),
        write_ogr(tmp_path / "z.gpkg", [high], ["高"], geometry_type="Polygon Z"),
    ]
    for path in paths:
        found = read_features(path)
        assert_same(found, [SQUARE])
        assert "高程" in found.notes[0]["zh"] and not shapely.has_z(found.geometries).any()


TOPOLOGY = {
    "type": "Topology",
    "transform": {"scale": [1e-7, 1e-7], "translate": [112.9, 30.4]},
    "arcs": [
        [[100000, 0], [0, 100000]],
        [[100000, 100000], [-100000, 0], [0, -100000], [100000, 0]],
        [[100000, 0], [100000, 0], [0, 100000], [-100000, 0]],
    ],
    "objects": {
        "grid": {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Polygon", "arcs": [[0, 1]], "properties": {"name": "左"}},
                {"type": "MultiPolygon", "arcs": [[[2, ~0]]], "properties": {"name": "右"}},
            ],
        },
        "points": {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]},
    },
}


def test_topojson_shares_its_arcs(write: Callable[..., Path]) -> None:
    found = read_features(write(TOPOLOGY))
    assert [a["name"] for a in found.attributes] == ["左", "右"]
    left, right = found.geometries
    assert left.bounds == pytest.approx((112.9, 30.4, 112.91, 30.41))
    assert right.area == pytest.approx(1e-4) and shapely.coverage_is_valid([left, right])


def test_geopackage(tmp_path: Path) -> None:
    found = read_features(write_ogr(tmp_path / "grids.gpkg", SHAPES, NAMES, geometry_type="Unknown"))
    assert_same(found)
    assert found.attributes[0] == {"名称": NAMES[0], "code": 429005001001} and found.crs == "EPSG:4490"


def test_geopackage_with_several_layers_asks_which(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.gpkg", [TWO], NAMES[:1], layer="村")
    write_ogr(path, [TWO], NAMES[:1], layer="网格", append=False)
    write_ogr(path, [Point(112.9, 30.4)], NAMES[:1], layer="网点", geometry_type="Point")
    assert_same(read_features(path, layer="网格"), [TWO])
    for layer in (None, "网点", "镇"):
        with pytest.raises(refusals.ChooseLayer, match="村、网格") as refusal:
            read_features(path, layer=layer)
        assert refusal.value.details["layers"] == ["村", "网格"]


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
@pytest.mark.parametrize("code_page", [True, False])
def test_zipped_shapefile(tmp_path: Path, encoding: str, code_page: bool) -> None:
    write_ogr(tmp_path / "grids.shp", SHAPES, NAMES, encoding=encoding)
    (tmp_path / "grids.cpg").write_text(encoding)
    path = zipped(tmp_path, leave_out=() if code_page else (".cpg",), inside="导出/")
    found = read_features(path)
    assert_same(found)
    assert found.attributes == [{"名称": n, "code": 429005001001 + i} for i, n in enumerate(NAMES)]
    assert found.crs == "EPSG:4490"
    assert [n["en"] for n in found.notes] == (["Text was read as GBK."] if encoding == "GBK" else [])


def test_plain_shapefile_beside_its_parts(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "网格.shp", SHAPES, NAMES)
    (tmp_path / "网格.dbf").rename(tmp_path / "网格.DBF")
    assert_same(read_features(path))


def test_a_zip_with_several_shapefiles_asks_which(tmp_path: Path) -> None:
    for stem in ("town", "grids"):
        write_ogr(tmp_path / f"{stem}.shp", [SQUARE], NAMES[:1])
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in tmp_path.glob("*.???"):
            if part != path:
                archive.write(part, part.name)
    assert read_features(path, layer="town").n == 1
    with pytest.raises(refusals.ChooseLayer, match="grids、town"):
        read_features(path)


def replace_in_dbf(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new.ljust(len(old))))


def test_mixed_encodings_are_refused_unless_one_is_stated(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES, encoding="UTF-8")
    (tmp_path / "grids.cpg").unlink(missing_ok=True)
    replace_in_dbf(tmp_path / "grids.dbf", "园林办事处".encode(), "园林办事处".encode("gbk"))
    with pytest.raises(refusals.MixedEncodings, match="UTF-8"):
        read_features(path)
    assert read_features(path, encoding="GBK").attributes[1].keys() != {"名称", "code"}


def test_a_wrong_cpg_is_named_and_can_be_overruled(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES, encoding="GBK")
    (tmp_path / "grids.cpg").write_text("UTF-8")
    with pytest.raises(refusals.UndecodableText, match="cpg"):
        read_features(path)
    assert read_features(path, encoding="GBK").attributes[0]["名称"] == NAMES[0]
    with pytest.raises(refusals.UndecodableText, match="Unknown text encoding"):
        read_features(path, encoding="martian")


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    with pytest.raises(refusals.MissingPart, match=part):
        read_features(zipped(tmp_path, leave_out=(part,)))
    (tmp_path / f"grids{part}").unlink()
    with pytest.raises(refusals.MissingPart, match=part):
        read_features(path)


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_part_cut_short_is_refused(tmp_path: Path, part: str) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    cut = tmp_path / f"grids{part}"
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(refusals.BrokenFile, match=part):
        read_features(path)


def test_parts_of_different_shapefiles_are_refused(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    write_ogr(tmp_path / "other.shp", [SQUARE], NAMES[:1])
    (tmp_path / "other.dbf").rename(tmp_path / "grids.dbf")
    with pytest.raises(refusals.NotAShapefile, match="records"):
        read_features(path)


def test_a_zip_without_a_shapefile(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"x")
        archive.writestr("__MACOSX/._grids.shp", b"x")
    with pytest.raises(refusals.NotAShapefile, match="no Shapefile"):
        read_features(path)


@pytest.mark.parametrize("name", ["../../etc/passwd.shp", "/etc/grids.shp", "..\\grids.shp", "C:\\grids.shp"])
def test_a_zip_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(refusals.UnsafeZip, match="outside"):
        read_features(path)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    link = zipfile.ZipInfo("grids.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(refusals.UnsafeZip, match="outside"):
        read_features(path)


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    write_ogr(tmp_path / "grids.shp", SHAPES, NAMES)
    path = zipped(tmp_path)
    data = bytearray(path.read_bytes())
    start = data.find(b"PK\x01\x02")
    data[start + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(refusals.UnsafeZip, match="password"):
        read_features(path)


def test_a_zip_bomb_is_refused_by_its_ratio_its_size_and_its_number(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("grids.shp", bytes(20 * MEBI))
        archive.writestr("grids.shx", b"x")
        archive.writestr("grids.dbf", b"x")
    with pytest.raises(refusals.ZipBomb):
        read_features(path)
    with pytest.raises(refusals.ZipBomb):
        read_features(path, limits=Limits(zip_ratio=10**6, unzipped_bytes=10 * MEBI))
    with pytest.raises(refusals.ZipBomb, match="3 entries"):
        read_features(path, limits=Limits(zip_members=2))


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("shp", "shx", "dbf"):
            archive.writestr(f"grids.{part}", bytes(20 * MEBI))
    data = path.read_bytes().replace(struct.pack("<I", 20 * MEBI), struct.pack("<I", 1000))
    path.write_bytes(data)
    with pytest.raises((refusals.ZipBomb, refusals.BrokenFile, refusals.NotAShapefile)):
        read_features(path)


@pytest.mark.parametrize(
    "geometry",
    [Point(1, 2), LineString([(0, 0), (1, 1)]), GeometryCollection([SQUARE])],
    ids=lambda g: g.geom_type,
)
def test_only_polygons(write: Callable[..., Path], tmp_path: Path, geometry: BaseGeometry) -> None:
    paths = [
        write(geojson([SQUARE, geometry])),
        write_ogr(tmp_path / "a.gpkg", [SQUARE, geometry], NAMES[:2], geometry_type="Unknown"),
    ]
    for path in paths:
        with pytest.raises(refusals.WrongGeometryType, match=f"Feature 2.*{geometry.geom_type}"):
            read_features(path)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e308", "1e999", "1" + "0" * 400])
def test_impossible_coordinates(write: Callable[..., Path], text: str) -> None:
    document = json.dumps(geojson([SQUARE, TWO])).replace("112.94", text, 1)
    with pytest.raises(refusals.ImpossibleCoordinates):
        read_features(write(document.encode()))


def test_not_a_number_in_a_geopackage(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "a.gpkg", [SQUARE, box(0, 0, 1, 77)], NAMES[:2], geometry_type="Polygon")
    path.write_bytes(path.read_bytes().replace(struct.pack("<d", 77), struct.pack("<d", np.nan)))
    with pytest.raises(refusals.ImpossibleCoordinates, match="Feature 2"):
        read_features(path)


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "MultiPolygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[]]},
    ],
)
def test_empty_geometries(write: Callable[..., Path], geometry: Any) -> None:
    with pytest.raises(refusals.EmptyGeometry, match="Feature 2") as refusal:
        read_features(write(geojson([SQUARE, geometry, SQUARE])))
    assert refusal.value.details["features"] == [1]


def test_empty_geometries_in_a_geopackage(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "a.gpkg", [SQUARE, Polygon(), SQUARE, None], [*NAMES, "x"], geometry_type="Polygon")  # type: ignore[list-item]
    with pytest.raises(refusals.EmptyGeometry, match="Features 2, 4"):
        read_features(path)


def test_no_features_at_all(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(refusals.EmptyGeometry, match="no features"):
        read_features(write(geojson([])))
    with pytest.raises(refusals.EmptyGeometry, match="no features"):
        read_features(write_ogr(tmp_path / "a.gpkg", [], [], geometry_type="Polygon"))


@pytest.mark.parametrize(
    "ring",
    [
        [[0, 0], [1, 1], [2, 2], [0, 0]],
        [[0, 0], [1, 1], [0, 0]],
        [[0, 0], [0, 0], [0, 0], [0, 0]],
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[0, 0]],
    ],
    ids=["flat", "three vertices", "a point", "not closed", "one vertex"],
)
def test_collapsed_rings(write: Callable[..., Path], ring: list[list[int]]) -> None:
    for coordinates in ([ring], [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], ring]):
        shape = {"type": "Polygon", "coordinates": coordinates}
        with pytest.raises(refusals.CollapsedRing, match="Feature 2"):
            read_features(write(geojson([SQUARE, shape])))


def test_collapsed_rings_in_a_geopackage(tmp_path: Path) -> None:
    flat = Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])
    with pytest.raises(refusals.CollapsedRing, match="Feature 2"):
        read_features(write_ogr(tmp_path / "a.gpkg", [SQUARE, flat], NAMES[:2], geometry_type="Polygon"))


def test_a_ring_of_two_vertices_in_a_geopackage(tmp_path: Path) -> None:
    path = write_ogr(tmp_path / "a.gpkg", [SQUARE, box(0, 0, 1, 77)], NAMES[:2], geometry_type="Polygon")
    whole = shapely.to_wkb(box(0, 0, 1, 77))
    with sqlite3.connect(path) as database:
        drop_triggers(database)
        (blob,) = database.execute("SELECT geom FROM a WHERE fid = 2").fetchone()
        ring = blob.index(whole) + 9
        database.execute(
            "UPDATE a SET geom = ? WHERE fid = 2", [blob[:ring] + struct.pack("<I", 2) + blob[ring + 4 :][:32]]
        )
    database.close()
    with pytest.raises(refusals.CollapsedRing, match="Feature 2"):
        read_features(path)


def drop_triggers(database: sqlite3.Connection) -> None:
    """GeoPackage's triggers call functions that only GDAL has."""
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')


def nested_collections(depth: int) -> bytes:
    opening = b'{"type":"GeometryCollection","geometries":['
    return opening * depth + b"]}" * depth


@pytest.mark.parametrize(
    "content",
    [
        nested_collections(200_000),
        b"[" * 200_000,
        b'{"type":"FeatureCollection","features":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
    ids=["collections", "arrays", "features"],
)
def test_deep_nesting(write: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(refusals.TooDeep):
        read_features(write(content))


def test_deep_nesting_in_a_geopackage(tmp_path: Path) -> None:
    """200,000 collections in each other, in place of a stored polygon."""
    path = write_ogr(tmp_path / "a.gpkg", [SQUARE], NAMES[:1], layer="a", geometry_type="Unknown")
    blob = b"GP\x00\x01" + struct.pack("<i", 4490) + b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 200_000
    with sqlite3.connect(path) as database:
        drop_triggers(database)
        database.execute("UPDATE a SET geom = ?", [blob])
    database.close()
    with pytest.raises(refusals.FileRefused):
        read_features(path)


@pytest.mark.parametrize(
    "content",
    [
        b'{"type":"FeatureCollection","features":[{"type":"Fea',
        b'{"type":"FeatureCollection"}',
        b'{"type":"FeatureCollection","features":[1]}',
        b'{"type":"FeatureCollection","features":{"a":1}}',
        b'{"type":"Polygon","coordinates":[[["1","2"],["3","4"],["5","6"],["1","2"]]]}',
        b'{"type":"Polygon","coordinates":[[1,2,3]]}',
        b'{"type":"Polygon","coordinates":7}',
        b'{"type":"Topology","objects":{"a":{"type":"Polygon","arcs":[[5]]}},"arcs":[]}',
        b"PK\x03\x04 and then nothing",
        b"SQLite format 3\0 and then nothing",
        '{"type":"Polygon","名'.encode()[:-1],
    ],
)
def test_broken_files(write: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(refusals.BrokenFile, match="Export or upload"):
        read_features(write(content))


@pytest.mark.parametrize("content", [b"", b"code,name\n1,2\n", b"\x89PNG\r\n", b'{"type":"Coverage"}', b"[1, 2]"])
def test_unknown_formats(write: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(refusals.UnknownFormat, match="GeoPackage"):
        read_features(write(content))


def test_an_sqlite_file_that_is_no_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t (a)")
    database.close()
    with pytest.raises(refusals.FileRefused):
        read_features(path)


@pytest.mark.parametrize(
    "path", ["/vsicurl/http://127.0.0.1/a.geojson", "http://127.0.0.1/a.geojson", "missing.shp", "/"]
)
def test_only_plain_local_files(path: str) -> None:
    with pytest.raises(refusals.NoSuchFile):
        read_features(path)


def test_limits_on_counts(write: Callable[..., Path], tmp_path: Path) -> None:
    paths = [write(geojson(SHAPES)), write_ogr(tmp_path / "a.gpkg", SHAPES, NAMES, geometry_type="Unknown")]
    for path in paths:
        with pytest.raises(refusals.TooLarge, match="limit is 2"):
            read_features(path, limits=Limits(features=2))
        with pytest.raises(refusals.TooLarge, match="vertices; the limit is 20"):
            read_features(path, limits=Limits(vertices=20))
        with pytest.raises(refusals.TooLarge, match="10 vertices in one polygon"):
            read_features(path, limits=Limits(vertices_per_polygon=9))
        with pytest.raises(refusals.TooLarge, match="bytes"):
            read_features(path, limits=Limits(file_bytes=100))


def test_one_topojson_arc_cannot_multiply_without_end(write: Callable[..., Path]) -> None:
    arc = [[0, 0], *([[1, 0]] * 9999)]
    shape = {"type": "Polygon", "arcs": [[0, ~0] * 5000]}
    document = {"type": "Topology", "arcs": [arc], "objects": {"a": shape}}
    with pytest.raises(refusals.TooLarge, match="vertices"):
        read_features(write(document))


def test_long_text_and_what_is_not_text(write: Callable[..., Path]) -> None:
    document = geojson([SQUARE])
    document["features"][0]["properties"] = {"备注": "长" * 4001}
    with pytest.raises(refusals.TooLarge, match="备注"):
        read_features(write(document))
    for text in ("a\0b", "\ud800"):
        document["features"][0]["properties"] = {"name": text}
        with pytest.raises(refusals.UndecodableText, match="name"):
            read_features(write(document))


def circle(vertices: int) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, vertices)
    xy = np.column_stack([113 + np.cos(angle), 30 + np.sin(angle)])
    xy[-1] = xy[0]
    return Polygon(np.round(xy, 7))


SECONDS_OF_READING = 4_000_000
"""Vertices that no machine reads within the second that the tests of time allow, in a file below the limit of its size."""


def test_a_polygon_of_a_million_vertices_is_refused_within_bounds(write: Callable[..., Path]) -> None:
    with pytest.raises(refusals.TooLarge, match="in one polygon"):
        read_features(write(shapely.to_geojson(circle(1_000_000)).encode()))


def test_memory_stays_bounded(write: Callable[..., Path]) -> None:
    """The same file, with room for the libraries only."""
    path = write(shapely.to_geojson(circle(1_000_000)).encode())
    with pytest.raises(refusals.NeedsTooMuchMemory, match="memory"):
        read_features(path, limits=Limits(memory_bytes=420 * MEBI))


def test_time_stays_bounded(write: Callable[..., Path]) -> None:
    path = write(shapely.to_geojson(circle(SECONDS_OF_READING)).encode())
    with pytest.raises(refusals.TookTooLong, match="1 seconds"):
        read_features(path, limits=Limits(seconds=1))


def test_an_orphaned_reader_stops_by_itself(write: Callable[..., Path], tmp_path: Path) -> None:
    """Processor time is limited in the reading process too, in case nobody is left to stop it."""
    path = write(shapely.to_geojson(circle(SECONDS_OF_READING)).encode())
    request = {"path": str(path), "limits": asdict(Limits(seconds=1)), "encoding": None, "layer": None}
    with pytest.raises(refusals.TookTooLong):
        reading._run(request, Limits(seconds=60), tmp_path)


def test_the_reader_sees_nothing_of_our_environment(
    monkeypatch: pytest.MonkeyPatch, write: Callable[..., Path]
) -> None:
    seen = {}

    def run(*arguments: Any, **options: Any) -> Any:
        seen.update(options["env"])
        return original(*arguments, **options)

    original = subprocess.run
    monkeypatch.setattr("gis.reading.subprocess.run", run)
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    read_features(write(geojson(SHAPES)))
    assert "PYTHONPATH" in seen and "DATABASE_URL" not in seen


def test_a_reader_that_dies_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write: Callable[..., Path]
) -> None:
    monkeypatch.setattr("gis.reading.PROJECT", tmp_path)
    with pytest.raises(refusals.ReaderCrashed, match="broke off") as refusal:
        read_features(write(geojson(SHAPES)))
    assert "gis" in refusal.value.details["output"]


POLYGON_FILES = [
    "beijing_districts",
    "beijing_subdistricts",
    "hubei_counties_tdt",
    "shenzhen_streets",
    "wannian_towns",
    "xihu_communities",
    "xihu_grids",
    "xihu_demo_communities",
    "xihu_demo_grids",
    "xihu_demo_towns",
    "xihu_towns",
    "yichang_communities",
    "yichang_streets",
    "yueqing_towns",
]


@pytest.mark.parametrize("name", POLYGON_FILES)
def test_every_real_file_comes_in_as_it_is(name: str) -> None:
    path = DATA / f"{name}.geojson"
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    expected = [shapely.geometry.shape(f["geometry"]) for f in json.loads(path.read_text(encoding="utf-8"))["features"]]
    found = read_features(path)
    assert (shapely.get_num_coordinates(found.geometries) == shapely.get_num_coordinates(expected)).all()
    assert (shapely.get_coordinates(found.geometries) == shapely.get_coordinates(expected)).all()


def test_roads_are_not_grids() -> None:
    path = DATA / "shenzhen_futian_osm_roads.geojson"
    if not path.exists():
        pytest.skip("shenzhen_futian_osm_roads is not beside the repository")
    with pytest.raises(refusals.WrongGeometryType, match="LineString"):
        read_features(path)

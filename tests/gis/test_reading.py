"""Reading: real files of every format come in whole."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from shapely.geometry import Point, mapping

from gis.reading import read_features, refusals
from tests.gis.reading_files import (
    DATA,
    NAMES,
    SHAPES,
    SQUARE,
    TWO,
    assert_same,
    geojson,
    write_ogr,
    zipped,
)


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

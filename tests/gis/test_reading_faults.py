"""What is wrong inside a file: geometries, coordinates, nesting, formats; each is refused by its own name."""

import json
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from gis.reading import read_features, refusals
from tests.gis.reading_files import (
    NAMES,
    SQUARE,
    TWO,
    geojson,
    write_ogr,
)


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

"""What a file may ask of this computer, and what becomes of the process that reads it."""

import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from gis import reading
from gis.reading import Limits, read_features, refusals
from tests.gis.reading_files import MEBI, NAMES, SHAPES, SQUARE, geojson, write_ogr


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

    original = subprocess.Popen
    monkeypatch.setattr("gis.reading.subprocess.Popen", run)
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

"""The real data beside the repository, for tests that want it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def load(name: str) -> tuple[list[BaseGeometry], list[dict[str, Any]]]:
    """Geometries and properties of a GeoJSON file; skips the test where the file is absent."""
    path = FOLDER / f"{name}.geojson"
    if not path.exists():
        pytest.skip(f"../shared/data/{path.name} is absent")
    features = json.loads(path.read_text("utf-8"))["features"]
    return [shape(feature["geometry"]) for feature in features], [feature["properties"] for feature in features]

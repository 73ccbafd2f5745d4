"""Files of made-up grids, exact or spoilt, as planners bring them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from layers.grids.loading import GridRecord
from tests.factories import SIDE, square, square_records

AREA = "420999"
"""A county that is in no fixture."""

Columns = Callable[[GridRecord], dict[str, Any]]


def records(n: int = 2, *, levels: int = 3) -> list[GridRecord]:
    """Squares in squares, as codes of AREA."""

    def moved(code: str | None) -> str | None:
        return code and AREA + code[6:]

    return [
        replace(record, code=moved(record.code), parent_code=moved(record.parent_code))
        for record in square_records(n, levels=levels)
    ]


def with_gap(given: Sequence[GridRecord], *, steps: int = 100) -> list[GridRecord]:
    """The grids with the last one, at the upper right corner, cut short on its left: a gap of some metres' width."""
    *others, last = given
    west, south, east, north = (round(value * 1e7) for value in last.geometry.bounds)
    side = SIDE - (east - west)
    shape = square(side + steps, SIDE - (north - south), SIDE, SIDE)
    return [*others, replace(last, geometry=shape)]


def with_overlap(given: Sequence[GridRecord], *, steps: int = 100) -> list[GridRecord]:
    """The grids with the last one reaching over its left neighbour."""
    return with_gap(given, steps=-steps)


def plain_columns(record: GridRecord) -> dict[str, Any]:
    return {"code": record.code, "name": record.name, "kind": record.kind}


def collection(
    given: Sequence[GridRecord],
    columns: Columns = plain_columns,
    *,
    moved: Callable[[Any], Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """A FeatureCollection; `moved` takes (n, 2) coordinates to others, `members` stand beside the features."""
    features = [
        {"type": "Feature", "properties": columns(record), "geometry": mapping(_moved(record.geometry, moved))}
        for record in given
    ]
    return {"type": "FeatureCollection", "features": features, **members}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def of_level(given: Sequence[GridRecord], level: int) -> list[GridRecord]:
    return [record for record in given if record.level == level]


def _moved(shape: BaseGeometry, moved: Callable[[Any], Any] | None) -> BaseGeometry:
    return shape if moved is None else shapely.transform(shape, moved)

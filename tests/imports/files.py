"""Files of made-up grids, exact or spoilt, as planners bring them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
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


def finely(given: Sequence[GridRecord], every: int) -> list[GridRecord]:
    """The same with a vertex every so many lattice steps, in waves of some centimetres that neighbours share."""
    return [replace(record, geometry=_wavy(record.geometry, every)) for record in given]


def _wavy(shape: BaseGeometry, every: int) -> BaseGeometry:
    corners = np.round(shapely.get_coordinates(shape) * 1e7).astype(np.int64)
    edges = [_points(a, b, every) for a, b in pairwise(corners)]
    steps = np.vstack(edges)
    # Sideways by up to 5 steps, as far as the place says; corners, at multiples of 100, stay.
    away = (steps.sum(axis=1) * 7919 % 11 - 5)[:, None] * (steps % 100 != 0)[:, ::-1]
    return shapely.Polygon((steps + away) / 1e7)


def _points(a: Any, b: Any, every: int) -> Any:
    """The start of an edge along one axis, and the multiples of so many steps on it."""
    length, sign = abs(b - a).max(), np.sign(b - a)
    offset = -(a * np.abs(sign)).sum() * sign.sum() % every
    along = np.arange(offset or every, length, every)
    return np.vstack([a, a + along[:, None] * sign])


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

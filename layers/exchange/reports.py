"""The rows that cannot be loaded, and the others, as the page and the files show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from layers.exchange.rows import Point, Rejection

REJECTED_COLUMNS = ("行 / line", "列 / column", "值 / value", "原因与办法", "why, and what to do")


def rejected_rows(rejected: Iterable[Rejection]) -> list[tuple[Any, ...]]:
    """A table of them."""
    return [(row.line, row.column, row.value, row.zh, row.en) for row in rejected]


def point_feature(point: Point, *, outside: bool) -> dict[str, Any]:
    """A good row as GeoJSON."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]},
        "path": point.path,
        "properties": {
            "line": point.line,
            "code": point.code,
            "name": point.name,
            "kind": point.kind,
            "outside": outside,
        },
    }

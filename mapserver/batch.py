"""Locating many points at once, in memory: exact, and independent of how many grids there are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from django.db import connection

from gis.datum import Datum, to_cgcs2000
from gis.errors import JingtianError
from gis.lattice import FloatArray
from gis.locate import Locator
from layers.grids.models import Plan
from layers.grids.topology import content_tag
from layers.tables import safe_cell

LIMIT = 100_000
LON_NAMES, LAT_NAMES = ("lon", "lng", "longitude", "x", "经度"), ("lat", "latitude", "y", "纬度")
ADDED = ("grid_code", "grid_name", "grid_chain")
Leaf = tuple[str, str, str]
NOWHERE: Leaf = ("", "", "")


class InvalidPoints(JingtianError):
    """The points cannot be read."""

    code = "invalid_points"


class TooManyPoints(JingtianError):
    """More points than one request may hold."""

    code = "too_many_points"


def locate_csv(body: bytes, datum: Datum, plans: Sequence[Plan]) -> str:
    """The CSV with three columns added: code, name and chain of names of each row's grid; empty outside every grid."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("gb18030", errors="replace")
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise InvalidPoints(f"无法读取 CSV: {error}。", f"The CSV cannot be read: {error}.") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    lon = next((header.index(name) for name in LON_NAMES if name in header), None)
    lat = next((header.index(name) for name in LAT_NAMES if name in header), None)
    if lon is None or lat is None:
        raise InvalidPoints(
            "CSV 的第一行应为列名, 并包含 lon 和 lat (或 经度 和 纬度)。",
            "The first line of the CSV must name its columns, lon and lat among them.",
        )
    points = np.full((len(rows) - 1, 2), np.nan)
    for number, row in enumerate(rows[1:]):
        try:
            points[number] = float(row[lon]), float(row[lat])
        except (ValueError, IndexError):
            raise InvalidPoints(
                f"CSV 第 {number + 2} 行的经纬度不是数字: {','.join(row)[:80]}",
                f"Line {number + 2} of the CSV has no numbers for longitude and latitude: {','.join(row)[:80]}",
            ) from None
    # The caller's own columns go back as they came; the names of grids were typed by somebody else.
    added = [ADDED, *([safe_cell(name) for name in leaf] for leaf in _leaves_of(points, datum, plans))]
    width = max(map(len, rows))
    out = io.StringIO()
    csv.writer(out).writerows(
        [*row, *[""] * (width - len(row)), *values] for row, values in zip(rows, added, strict=True)
    )
    return out.getvalue()


def locate_geojson(body: bytes, datum: Datum, plans: Sequence[Plan]) -> bytes:
    """The FeatureCollection with grid_code, grid_name and grid_chain added to each feature's properties."""
    try:
        collection = json.loads(body)
        features: list[dict[str, Any]] = collection["features"]
        points = np.array([feature["geometry"]["coordinates"][:2] for feature in features], dtype=np.float64)
        are_points = points.shape[1:] == (2,) or not features
        are_points &= all(feature["geometry"]["type"] == "Point" for feature in features)
        are_points &= all(isinstance(feature.get("properties") or {}, dict) for feature in features)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        are_points = False
    if not are_points:
        raise InvalidPoints(
            "请求内容应为由 Point 组成的 GeoJSON FeatureCollection, 或 Content-Type 为 text/csv 的 CSV。",
            "Send a GeoJSON FeatureCollection of Points, or CSV with Content-Type text/csv.",
        )
    for feature, leaf in zip(features, _leaves_of(points.reshape(-1, 2), datum, plans), strict=True):
        feature["properties"] = {**(feature.get("properties") or {}), **dict(zip(ADDED, leaf, strict=True))}
    # JSON may escape half of a surrogate pair, which no encoding can write.
    return json.dumps(collection, ensure_ascii=False).encode(errors="replace")


def _leaves_of(points: FloatArray, datum: Datum, plans: Sequence[Plan]) -> list[Leaf]:
    if len(points) > LIMIT:
        raise TooManyPoints(
            f"一次最多 {LIMIT:,} 个点, 收到 {len(points):,} 个; 请分批发送。",
            f"At most {LIMIT:,} points at a time, {len(points):,} were sent: send them in parts.",
        )
    if not np.isfinite(points).all():
        raise InvalidPoints("经纬度中有 NaN 或无穷大。", "There is a NaN or infinite coordinate.")
    found = [NOWHERE] * len(points)
    xy = to_cgcs2000(points, datum)
    for plan in plans:
        locator, leaves = _locator(content_tag(plan))
        for i, index in enumerate(locator.locate(xy).tolist()):
            if index >= 0 and found[i] is NOWHERE:
                found[i] = leaves[index]
    return found


@lru_cache(maxsize=8)
def _locator(tag: str) -> tuple[Locator, list[Leaf]]:
    """The locator of a plan's leaves; the content tag names the plan and what is in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE tree AS ("
            "  SELECT id, code, name, name::text AS chain FROM grid WHERE plan_id = %s AND parent_id IS NULL"
            "  UNION ALL SELECT grid.id, grid.code, grid.name, chain || ' › ' || grid.name"
            "  FROM grid JOIN tree ON grid.parent_id = tree.id"
            ") SELECT tree.code, tree.name, tree.chain, ST_AsBinary(geom) FROM tree JOIN grid USING (id)"
            " WHERE NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = tree.id)",
            [int(tag.split("-")[0])],
        )
        rows = cursor.fetchall()
    leaves = [(code, name, chain) for code, name, chain, _ in rows]
    return Locator([leaf[0] for leaf in leaves], list(shapely.from_wkb([bytes(row[3]) for row in rows]))), leaves

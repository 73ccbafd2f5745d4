"""A plan as one shared-arc topology for the browser, made once per content."""

from __future__ import annotations

import json

import shapely
from django.core.cache import cache
from django.db import connection

from gis.topology import NotEdgeMatched, build_separately, build_topology, label_points, to_topojson
from layers.grids.models import Plan

KEPT_SECONDS = 7 * 24 * 60 * 60


def content_tag(plan: Plan) -> str:
    """A short text that changes whenever any client of the database changes what the topology shows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(hashtextextended(concat_ws('|', id, parent_id, code, name, kind, locked, border_sum), 0))"
            " FROM grid WHERE plan_id = %s",
            [plan.pk],
        )
        count, total = cursor.fetchone()
    return f"{plan.pk}-{count}-{int(total or 0) & 0xFFFFFFFFFFFFFFFF:x}"


def plan_topology(plan: Plan) -> bytes:
    """The TopoJSON text of a plan: objects level0, level1, …; ids and properties of the grids, `locked` of those that are."""
    key = f"topology-{content_tag(plan)}"
    text = cache.get(key)
    if text is None:
        text = _build(plan)
        cache.set(key, text, KEPT_SECONDS)
    return text


def _build(plan: Plan) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT level, id, parent_id, code, name, kind, ST_AsBinary(geom), locked FROM grid WHERE plan_id = %s"
            " ORDER BY level, code",
            [plan.pk],
        )
        rows = cursor.fetchall()
    levels = [
        [row for row in rows if row[0] == level] for level in range(1 + max((row[0] for row in rows), default=-1))
    ]
    shapes = [list(shapely.from_wkb([bytes(row[6]) for row in level])) for level in levels]
    try:
        topology = build_topology(shapes)
    except NotEdgeMatched:
        # Somebody got round the guard; the map must still show where.
        topology = build_separately(shapes)
    properties = [
        [
            {"code": code, "name": name, "kind": kind, "parent": parent, "label": label}
            | ({"locked": True} if locked else {})
            for (_, _, parent, code, name, kind, _, locked), label in zip(level, _labels(shape), strict=True)
        ]
        for level, shape in zip(levels, shapes, strict=True)
    ]
    topojson = to_topojson(topology, properties, [f"level{level}" for level in range(len(levels))])
    for level, rows_of_level in enumerate(levels):
        for geometry, row in zip(topojson["objects"][f"level{level}"]["geometries"], rows_of_level, strict=True):
            geometry["id"] = row[1]
    return json.dumps(topojson, ensure_ascii=False, separators=(",", ":")).encode()


def _labels(shapes: list[shapely.Geometry]) -> list[list[float]]:
    return [[round(x, 6), round(y, 6)] for x, y in label_points(shapes).tolist()]

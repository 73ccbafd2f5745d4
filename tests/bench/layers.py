"""Layers of a million features: asking them, re-homing them, and tiles of 200,000 beside tipg."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django.contrib.gis.geos import Point
from django.test import RequestFactory

from layers.grids.models import SRID, Grid
from layers.orgs.models import ApiToken, User
from mapserver.api.layers import Wanted, features
from tests.bench.county import fill, load, plan_in_force
from tests.bench.rehoming import rehoming
from tests.bench.server import serving
from tests.bench.table import Line, slower, timed
from tests.bench.tiles import tiles

POINTS = 1_000_000
ROUNDS = 200
HERE = Point(112.9, 30.42, srid=SRID)

BARE = """
    SELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(json_build_object(
        'type', 'Feature', 'id', id, 'geometry', ST_AsGeoJSON(geom, 7)::json, 'properties', json_build_object(
            'id', id, 'code', code, 'name', name, 'kind', kind, 'kind_label', label, 'institution', bank,
            'institution_id', institution_id, 'synthetic', synthetic, {metres}
            'attributes', attributes, 'source', source, 'updated_at', updated_at)) ORDER BY {order}))::text
    FROM (
        SELECT place.*, word.name AS label, institution.name AS bank {also}
        FROM {origin}
        JOIN institution ON institution.id = place.institution_id
        LEFT JOIN feature_kind AS word ON word.layer = 'places' AND word.key = place.kind AND word.institution_id IS NULL
        {rest}
    ) AS found"""
"""What somebody would write by hand who may see everything: the same rows, columns and GeoJSON, without scope and filters."""
ROWS = "SELECT place.* {also} FROM {origin} {rest}"
"""The same without a word of GeoJSON or of what kinds and institutions are called: the rows of the table alone."""
SPOT = "ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4490)::geography"
NEAREST = {
    "metres": "'distance_m', metres,",
    "order": "metres, id",
    "also": f", ST_Distance(place.geom::geography, {SPOT}) AS metres",
    "origin": "place",
    "rest": f"ORDER BY place.geom::geography <-> {SPOT} LIMIT 100",
}
INSIDE = {
    "metres": "",
    "order": "id",
    "also": "",
    "origin": "grid JOIN place ON ST_Intersects(grid.geom, place.geom)",
    "rest": "WHERE grid.id = %(grid)s",
}


def run(raw: Any, database: str) -> Iterator[Line]:
    """On the demo county, with a million made-up places added."""
    load()
    fill(POINTS)
    yield from _asking(raw, User.objects.select_related("institution").get(username="admin"), database)
    yield rehoming(plan_in_force())
    yield from tiles(database)


def _asking(raw: Any, user: User, database: str) -> Iterator[Line]:
    """The QuerySets' own answer beside the bare statement, through the same driver; and the whole request over HTTP."""
    raw.autocommit = True
    cursor = raw.cursor()
    village = Grid.objects.filter(plan=plan_in_force(), level=2).order_by("code")[100]
    token = ApiToken.issue(user, "bench")

    def ours(query: dict[str, Any]) -> Callable[[], bytes]:
        request = RequestFactory().get("/", query)
        request.user = user
        asked = Wanted(**query)
        return lambda: features(request, "places", asked).content

    def bare(sql: str, values: dict[str, Any]) -> Callable[[], object]:
        def call() -> object:
            cursor.execute(sql, values)
            return cursor.fetchall()

        return call

    with serving(database) as address:
        client = http.client.HTTPConnection(address)

        def get(query: dict[str, Any]) -> Callable[[], object]:
            def call() -> object:
                client.request(
                    "GET", f"/api/layers/places?{urlencode(query)}", headers={"Authorization": f"Bearer {token}"}
                )
                answer = client.getresponse()
                assert answer.status == 200, answer.status
                return answer.read()

            return call

        for what, query, parts, values in (
            ("100 nearest", {"near": f"{HERE.x},{HERE.y}", "nearest": 100}, NEAREST, {"lon": HERE.x, "lat": HERE.y}),
            ("in a village's grids", {"grid": village.pk}, INSIDE, {"grid": village.pk}),
        ):
            peers = [bare(sql.format(**parts), values) for sql in (BARE, ROWS)]
            calls = (ours(query), get(query), *peers)
            for _warm in range(8):
                size = [len(call()) for call in calls]  # type: ignore[arg-type]
            times = [[timed(call) for call in calls] for _ in range(ROUNDS)]
            direct, served, geojson, rows = (median(column) for column in zip(*times, strict=True))
            yield slower(
                f"{what} of {POINTS:,} ({size[0]:,} bytes), p50", direct, "bare SQL to the same GeoJSON", geojson, "≤ 2"
            )
            yield slower("– the same", direct, "bare SQL of the rows, no GeoJSON", rows, "–")
            yield slower("– the whole request over HTTP, p50", served, "bare SQL to the same GeoJSON", geojson, "–")

"""Locating: one point over HTTP beside an empty view, a million points beside STRtree and a PostGIS join."""

from __future__ import annotations

import http.client
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import shapely
from django.db import connection

from gis.locate import Locator
from layers.orgs.models import ApiToken, User
from tests.bench.county import load
from tests.bench.firstmap import first_map
from tests.bench.server import serving
from tests.bench.table import Line, faster, in_turn, slower, timed

POINTS = 1_000_000
REQUESTS = 400


def run(raw: Any, database: str) -> Iterator[Line]:
    """On the demo county."""
    load()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    yield from _over_http(database)
    yield first_map(database)
    if not os.environ.get("HTTP_ONLY"):
        yield from _many(raw)


def _over_http(database: str) -> Iterator[Line]:
    token = ApiToken.issue(User.objects.get(username="admin"), "bench")
    with serving(database) as address:
        client = http.client.HTTPConnection(address)

        def getter(path: str) -> Callable[[], None]:
            def get() -> None:
                client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                response = client.getresponse()
                response.read()
                assert response.status == 200, response.status

            get()
            return get

        locate, empty = getter("/api/locate?lon=112.9&lat=30.42"), getter("/empty")
        ours, theirs = in_turn(locate, empty, REQUESTS)
        yield slower("GET /api/locate, p50", ours, "an empty view, p50", theirs, "≤ 3")


def _many(raw: Any) -> Iterator[Line]:
    cursor = raw.cursor()
    cursor.execute(
        "SELECT code, ST_AsBinary(geom) FROM grid WHERE plan_id = (SELECT min(id) FROM plan WHERE status = 'published') AND level = 3"
    )
    rows = cursor.fetchall()
    codes, leaves = [row[0] for row in rows], shapely.from_wkb([bytes(row[1]) for row in rows])
    west, south, east, north = shapely.total_bounds(leaves)
    xy = np.random.default_rng(1).uniform((west, south), (east, north), (POINTS, 2))

    def ours() -> None:
        Locator(codes, leaves).locate(xy)

    def tree() -> None:
        shapely.STRtree(leaves).query(shapely.points(xy), predicate="intersects")

    a, b = in_turn(ours, tree, 3)
    yield slower("1,000,000 points, index included", a, "shapely STRtree query", b, "≤ 1.5")

    cursor.execute("CREATE TABLE many (id serial, geom geometry(Point, 4490))")
    text = io.StringIO("".join(f"SRID=4490;POINT({x!r} {y!r})\n" for x, y in xy.tolist()))
    cursor.copy_expert("COPY many (geom) FROM STDIN", text)
    cursor.execute("ANALYZE many")
    raw.commit()

    def join() -> None:
        cursor.execute(
            "SELECT count(*) FROM (SELECT many.id, min(code) FROM many JOIN grid ON ST_Intersects(grid.geom, many.geom)"
            " WHERE plan_id = (SELECT min(id) FROM plan WHERE status = 'published') AND level = 3 GROUP BY many.id) AS found"
        )
        cursor.fetchall()

    yield faster("1,000,000 points, index included", timed(ours), "PostGIS join", timed(join), "≥ 3")

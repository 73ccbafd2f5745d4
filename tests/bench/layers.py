"""Layers of a million features: asking them, re-homing them, and tiles of 200,000 beside tipg."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.gis.geos import MultiPolygon, Point
from django.db import connection, transaction
from django.test import RequestFactory, override_settings
from django.utils import timezone

from layers.demo.areas import AREAS
from layers.features.models import ServiceArea
from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import User
from layers.review.versions import copy
from mapserver.api.layers import Wanted, features
from mapserver.tiles import tile
from tests.bench.table import Line, slower, timed

POINTS = 1_000_000
TILE_POINTS = 200_000
ROUNDS = 60
TILE_ROUNDS = 20
MERGED = 100
TIPG = Path(".local/tipg/bin/python")
TIPG_PORT = 8767
HERE = Point(112.9, 30.42, srid=SRID)


def run(raw: Any, database: str) -> Iterator[Line]:
    """On the demo county, with a million made-up places added."""
    AREAS["qianjiang"].load(lambda line: None)
    _fill(POINTS)
    user = User.objects.get(username="admin")
    yield from _asking(raw, user)
    yield from _rehoming(raw)
    yield from _tiles(raw, user, database)


def _fill(count: int) -> None:
    """Random places over the county's box, homed as a bulk load does it: without triggers, then all at once."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """
            WITH box AS (SELECT ST_Extent(geom) AS b FROM grid WHERE level = 0),
            spot AS MATERIALIZED (
                SELECT n, to_lattice(ST_SetSRID(ST_MakePoint(ST_XMin(b) + random() * (ST_XMax(b) - ST_XMin(b)),
                    ST_YMin(b) + random() * (ST_YMax(b) - ST_YMin(b))), 4490)) AS geom
                FROM box, generate_series(1, %s) AS n
            )
            INSERT INTO place (institution_id, code, name, kind, geom, synthetic, area_id, grid_code)
            SELECT area.institution_id, 'B' || n, '点' || n, CASE n %% 3 WHEN 0 THEN 'school' WHEN 1 THEN 'shop' ELSE 'firm' END,
                spot.geom, true, CASE WHEN home.code IS NOT NULL THEN area.id END, home.code
            FROM service_area AS area JOIN institution ON institution.id = area.institution_id AND institution.code = 'QJ'
            CROSS JOIN spot
            LEFT JOIN LATERAL (
                SELECT leaf.code FROM grid AS leaf
                WHERE leaf.plan_id = area.plan_id AND leaf.level = 3 AND ST_Intersects(leaf.geom, spot.geom)
                ORDER BY leaf.code LIMIT 1
            ) AS home ON true
            """,
            [count],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE place")


def _asking(raw: Any, user: User) -> Iterator[Line]:
    cursor = raw.cursor()
    village = Grid.objects.filter(plan=_plan(), level=2).order_by("code")[100]

    def ours(**query: Any) -> Callable[[], None]:
        request = RequestFactory().get("/", query)
        request.user = user
        asked = Wanted(**query)
        return lambda: features(request, "places", asked).content and None

    def bare(sql: str, *values: Any) -> Callable[[], None]:
        def call() -> None:
            cursor.execute(sql, values)
            cursor.fetchall()

        return call

    near = "SELECT id, ST_AsGeoJSON(geom, 7), ST_Distance(geom::geography, p) FROM place, (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4490)::geography AS p) AS here ORDER BY geom::geography <-> ST_SetSRID(ST_MakePoint(%s, %s), 4490)::geography LIMIT 100"
    inside = "SELECT place.id, place.name, ST_AsGeoJSON(place.geom, 7) FROM place JOIN grid ON ST_Intersects(grid.geom, place.geom) WHERE grid.id = %s"
    yield _p50(
        "100 nearest of 1,000,000, p50",
        ours(near=f"{HERE.x},{HERE.y}", nearest=100),
        "bare SQL, p50",
        bare(near, *HERE.coords, *HERE.coords),
        "≤ 2",
    )
    yield _p50(
        "in a village's grids, of 1,000,000, p50",
        ours(grid=village.pk),
        "bare SQL, p50",
        bare(inside, village.pk),
        "≤ 2",
    )
    raw.commit()


def _rehoming(raw: Any) -> Iterator[Line]:
    """A copy of the plan in which grids have gone to their neighbours, published; beside an UPDATE of as many rows."""
    plan = _plan()
    draft = copy(plan, User.objects.get(username="planner"), "bench")
    pairs = _neighbours(draft, MERGED)
    codes = [gone.code for gone, _ in pairs]
    with transaction.atomic():
        for gone, other in pairs:
            joined = gone.geom.union(other.geom)
            if joined.geom_type != "MultiPolygon":
                joined = MultiPolygon(joined, srid=SRID)
            Grid.objects.filter(pk=gone.pk).delete()
            Grid.objects.filter(pk=other.pk).update(geom=joined)
    for status in (Plan.Status.SUBMITTED, Plan.Status.APPROVED):
        draft.status = status
        draft.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM place WHERE grid_code = ANY (%s)", [codes])
        touched = cursor.fetchone()[0]
        area = ServiceArea.objects.get(plan=plan)

        def publish() -> None:
            with transaction.atomic():
                plan.status, plan.valid_to = Plan.Status.RETIRED, timezone.localdate()
                plan.save()
                draft.status, draft.valid_from = Plan.Status.PUBLISHED, timezone.localdate()
                draft.save()
                # What the commit does to the homes is all that is measured.
                publish.start = time.perf_counter()  # type: ignore[attr-defined]
                with connection.cursor() as inner:
                    inner.execute("SET CONSTRAINTS plan_moves_homes IMMEDIATE")
                publish.seconds = time.perf_counter() - publish.start  # type: ignore[attr-defined]

        publish()
        assert ServiceArea.objects.get(pk=area.pk).plan_id == draft.pk
        cursor.execute("SELECT count(*) FROM place WHERE grid_code = ANY (%s)", [codes])
        assert cursor.fetchone() == (0,)
        # The bare peer writes the same column of as many rows of the same grids, without triggers: in replica mode the log's
        # would still fire.
        with transaction.atomic():
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("ALTER TABLE place DISABLE TRIGGER USER")
            bare = timed(
                lambda: cursor.execute(
                    "UPDATE place SET grid_code = grid_code || '' WHERE id IN (SELECT id FROM place WHERE grid_code = ANY (%s) LIMIT %s)",
                    [[other.code for _, other in pairs], touched],
                )
            )
            assert cursor.rowcount == touched
            transaction.set_rollback(True)
    yield slower(
        f"re-homing {touched:,} of 1,000,000 after a change",
        publish.seconds,
        "bare UPDATE of as many rows",
        bare,
        "≤ 2",
    )  # type: ignore[attr-defined]


def _tiles(raw: Any, user: User, database: str) -> Iterator[Line]:
    """The tile that holds the county, with 200,000 places; tipg may send as many as there are."""
    if not TIPG.exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("ALTER TABLE place DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM place WHERE code LIKE 'B%%' AND substr(code, 2)::int > %s", [TILE_POINTS])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE place")
    z, x, y = 8, 208, 105
    server = _tipg(database)
    try:
        address = f"http://127.0.0.1:{TIPG_PORT}/collections/public.place/tiles/WebMercatorQuad/{z}/{x}/{y}"
        _until(address)
        request = RequestFactory().get("/")
        request.user = user
        # As the map asks for it, squares with counts; and one by one, as tipg answers.
        for what, first in (("counted", settings.TILE_FEATURES_FROM), ("one by one", 0)):
            with override_settings(TILE_FEATURES_FROM=first, TILE_FEATURES=TILE_POINTS * 2):
                size = len(tile(request, layer="places", z=z, x=x, y=y).content)
                pairs = [
                    (
                        timed(lambda: tile(request, layer="places", z=z, x=x, y=y)),
                        timed(lambda: urllib.request.urlopen(address).read()),
                    )
                    for _ in range(TILE_ROUNDS)
                ]
            ours, theirs = zip(*pairs, strict=True)
            what = f"tile of 200,000 features, {what}"
            yield slower(f"{what}, p50 ({size:,} bytes)", median(ours), "tipg, p50", median(theirs), "≤ 1")
            yield slower(f"{what}, p95", quantiles(ours, n=20)[-1], "tipg, p95", quantiles(theirs, n=20)[-1], "≤ 1")
    finally:
        server.terminate()
        server.wait()


def _plan() -> Plan:
    return Plan.objects.in_force().get(institution__code="QJ")


def _neighbours(plan: Plan, count: int) -> list[tuple[Grid, Grid]]:
    """Two leaves side by side below each of so many parents."""
    pairs: list[tuple[Grid, Grid]] = []
    for parent in Grid.objects.filter(plan=plan, level=2).order_by("code"):
        leaves = list(Grid.objects.filter(parent=parent).order_by("code"))
        sides = ((leaves[0], other) for other in leaves[1:] if leaves[0].geom.intersection(other.geom).length > 0)
        pairs += islice(sides, 1)
        if len(pairs) == count:
            break
    return pairs


def _p50(what: str, ours: Callable[[], None], peer: str, theirs: Callable[[], None], target: str) -> Line:
    ours()
    theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(ROUNDS)]
    return slower(what, median(a for a, _ in pairs), peer, median(b for _, b in pairs), target)


def _tipg(database: str) -> subprocess.Popen[bytes]:
    parameters = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://jingtian@{quote(parameters['HOST'], safe='')}/{database}",
        "TIPG_MAX_FEATURES_PER_TILE": str(2 * TILE_POINTS),
        "TIPG_DB_SCHEMAS": json.dumps(["public"]),
    }
    command = [str(TIPG), "-m", "uvicorn", "tipg.main:app", "--port", str(TIPG_PORT), "--log-level", "error"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def _until(address: str) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(address).read()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"tipg does not answer: {address} ({dt.datetime.now():%H:%M:%S})")

"""Vector tiles of 200,000 places beside tipg's, both over HTTP from the same database."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import quote

from django.db import connection

from layers.orgs.models import ApiToken, User
from tests.bench.peers import peer
from tests.bench.server import serving
from tests.bench.table import Line, slower, timed

POINTS = 200_000
ROUNDS = 40
TILE = "8/208/105"
"""The one that holds the county."""
PORT = 8767


def tiles(database: str) -> Iterator[Line]:
    """As the map asks for it, squares with counts; and one by one, as tipg answers, which may send as many as there are."""
    python = peer("tipg")
    if python is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("ALTER TABLE place DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM place WHERE code LIKE 'B%%' AND substr(code, 2)::int > %s", [POINTS])
        cursor.execute("ALTER TABLE place ENABLE TRIGGER USER")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM FULL ANALYZE place")
    token = ApiToken.issue(User.objects.get(username="admin"), "bench")
    with _tipg(python, database) as theirs:
        for what, settings in (
            ("counted in squares", {}),
            ("one by one", {"TILE_FEATURES_FROM": 0, "TILE_FEATURES": 2 * POINTS, "TILE_FEATURES_MOST": 2 * POINTS}),
        ):
            with serving(database, settings) as address:
                ours = _getter(f"http://{address}/tiles/places/{TILE}.mvt", token)
                size, bytes_of_theirs = len(ours()), len(theirs())
                pairs = [(timed(ours), timed(theirs)) for _ in range(ROUNDS)]
            a, b = zip(*pairs, strict=True)
            what = f"tile of {POINTS:,}, {what} ({size / 1e6:.2f} MB)"
            yield slower(f"{what}, p50", median(a), f"tipg ({bytes_of_theirs / 1e6:.1f} MB)", median(b), "≤ 1")
            yield slower(f"{what}, p95", quantiles(a, n=20)[-1], "tipg", quantiles(b, n=20)[-1], "≤ 1")


def _getter(address: str, token: str = "") -> Callable[[], bytes]:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})

    def get() -> bytes:
        with urllib.request.urlopen(request) as answer:
            content: bytes = answer.read()
        return content

    return get


@contextmanager
def _tipg(python: Path, database: str) -> Iterator[Callable[[], bytes]]:
    """tipg serving the database; gives what fetches the tile."""
    host = quote(connection.settings_dict["HOST"], safe="")
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://jingtian@{host}/{database}",
        "TIPG_MAX_FEATURES_PER_TILE": str(2 * POINTS),
        "TIPG_DB_SCHEMAS": json.dumps(["public"]),
    }
    command = [
        str(python),
        "-m",
        "uvicorn",
        "tipg.main:app",
        "--port",
        str(PORT),
        "--log-level",
        "error",
    ]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    get = _getter(f"http://127.0.0.1:{PORT}/collections/public.place/tiles/WebMercatorQuad/{TILE}")
    try:
        for attempt in range(150):
            try:
                get()
                break
            except OSError:
                assert attempt < 149, "tipg does not answer"
                time.sleep(0.2)
        yield get
    finally:
        server.terminate()
        server.wait()

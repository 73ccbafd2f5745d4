"""Vector tiles of 200,000 places beside tipg's, both over HTTP from the same database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import quote

from django.db import connection

from layers.orgs.models import ApiToken, User
from tests.bench.server import serving
from tests.bench.table import Line, slower, timed

POINTS = 200_000
ROUNDS = 40
TILE = "8/208/105"
"""The one that holds the county."""
FOLDER = Path(".local/tipg")
PORT = 8767


def tiles(database: str) -> Iterator[Line]:
    """As the map asks for it, squares with counts; and one by one, as tipg answers, which may send as many as there are."""
    if not _installed():
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("ALTER TABLE place DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM place WHERE code LIKE 'B%%' AND substr(code, 2)::int > %s", [POINTS])
        cursor.execute("ALTER TABLE place ENABLE TRIGGER USER")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM FULL ANALYZE place")
    token = ApiToken.issue(User.objects.get(username="admin"), "bench")
    with _tipg(database) as theirs:
        for what, settings in (
            ("counted in squares", {}),
            ("one by one", {"TILE_FEATURES_FROM": 0, "TILE_FEATURES": 2 * POINTS}),
        ):
            with serving(database, settings) as address:
                ours = _getter(f"http://{address}/tiles/places/{TILE}.mvt", token)
                size, peer = len(ours()), len(theirs())
                pairs = [(timed(ours), timed(theirs)) for _ in range(ROUNDS)]
            a, b = zip(*pairs, strict=True)
            what = f"tile of {POINTS:,}, {what} ({size / 1e6:.2f} MB)"
            yield slower(f"{what}, p50", median(a), f"tipg ({peer / 1e6:.1f} MB)", median(b), "≤ 1")
            yield slower(f"{what}, p95", quantiles(a, n=20)[-1], "tipg", quantiles(b, n=20)[-1], "≤ 1")


def _getter(address: str, token: str = "") -> Callable[[], bytes]:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})

    def get() -> bytes:
        with urllib.request.urlopen(request) as answer:
            content: bytes = answer.read()
        return content

    return get


def _installed() -> bool:
    """tipg, pinned, in an environment of its own; made at the first need. Says so where it cannot be had."""
    python, wanted = FOLDER / "bin" / "python", Path(__file__).with_name("tipg.txt")
    made = FOLDER / "requirements.txt"
    if made.exists() and made.read_text() == wanted.read_text():
        return True
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(FOLDER)],
        [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "-r",
            str(wanted),
        ],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["?"])[-1]
            print(f"No tiles are compared: tipg could not be installed in {FOLDER} ({reason}).", file=sys.stderr)
            return False
    made.write_text(wanted.read_text())
    return True


@contextmanager
def _tipg(database: str) -> Iterator[Callable[[], bytes]]:
    """tipg serving the database; gives what fetches the tile."""
    host = quote(connection.settings_dict["HOST"], safe="")
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://jingtian@{host}/{database}",
        "TIPG_MAX_FEATURES_PER_TILE": str(2 * POINTS),
        "TIPG_DB_SCHEMAS": json.dumps(["public"]),
    }
    command = [
        str(FOLDER / "bin" / "python"),
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

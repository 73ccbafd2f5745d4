"""The site over HTTP, as a server of its own beside the benchmark."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from django.db import connection

PORT = 8765


@contextmanager
def serving(database: str, settings: dict[str, Any] | None = None) -> Iterator[str]:
    """gunicorn with tests.bench.wsgi on a database, with some settings changed; gives host and port."""
    address = f"127.0.0.1:{PORT}"
    host = connection.settings_dict["HOST"]
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://jingtian@{quote(host, safe='')}/{database}",
        "JINGTIAN_HTTP": "1",
        "BENCH_SETTINGS": json.dumps(settings or {}),
    }
    options = ["--bind", address, "--threads", "2", "--keep-alive", "30"]
    command = [sys.executable, "-m", "gunicorn", "tests.bench.wsgi", *options]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                probe = http.client.HTTPConnection(address)
                probe.request("GET", "/healthz")
                probe.getresponse().read()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()

"""The site over HTTP, as a server of its own beside the benchmark."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.db import connection

PORT = 8765


@contextmanager
def serving(database: str) -> Iterator[str]:
    """gunicorn with tests.bench.wsgi on a database; gives host and port."""
    address = f"127.0.0.1:{PORT}"
    host = connection.settings_dict["HOST"]
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://jingtian@{quote(host, safe='')}/{database}",
        "JINGTIAN_HTTP": "1",
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

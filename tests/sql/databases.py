"""Further databases of the same cluster, for what a test must not do to its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import quote

import psycopg2
from django.conf import settings
from django.db import connection

from tests.sql.client import Client


def parameters(name: str) -> dict[str, str]:
    """How to connect to a database of the cluster that the tests run on."""
    given = connection.settings_dict
    known = {
        "dbname": name,
        "user": given["USER"],
        "host": given["HOST"],
        "port": given["PORT"],
        "password": given["PASSWORD"],
    }
    return {key: str(value) for key, value in known.items() if value}


@contextmanager
def new_database(suffix: str) -> Iterator[str]:
    """An empty database, with the extensions of template1; dropped afterwards."""
    name = f"{connection.settings_dict['NAME']}_{suffix}"
    with closing(psycopg2.connect(**parameters("postgres"))) as admin:
        admin.autocommit = True
        cursor = admin.cursor()
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            yield name
        finally:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def client_of(name: str) -> Iterator[Client]:
    """A client of another database."""
    with closing(psycopg2.connect(**parameters(name))) as other:
        yield Client(other)


def manage(name: str, *arguments: str) -> None:
    """manage.py on another database, in a process of its own."""
    known = parameters(name)
    address = f"postgis://{quote(known.get('user', ''))}@{quote(known.get('host', ''), safe='')}/{quote(name)}"
    _run([sys.executable, "manage.py", *arguments, "--skip-checks"], DATABASE_URL=address, SECRET_KEY="of the tests")


def tool(program: str, name: str, *arguments: str) -> None:
    """pg_dump or pg_restore on a database."""
    known = parameters(name)
    place = [f"--{key}={known[key]}" for key in ("host", "port") if key in known]
    user = [f"--username={known['user']}"] if "user" in known else []
    _run([program, *place, *user, f"--dbname={name}", "--no-password", *arguments])


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(command, cwd=settings.ROOT, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

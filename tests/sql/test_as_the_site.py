"""As which role the tests and their requests work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection
from django.test import Client

SITE = "jingtian_site"


def role() -> str:
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_requests_are_answered_as_the_role_of_the_site(committed_db: None):
    """Those of test clients, and those of the threads of a served site: what the tests of all pages stand on."""
    owner, roles = role(), []

    def look(execute: Any, *statement: Any) -> Any:
        roles.append(role())
        return execute(*statement)

    with ThreadPoolExecutor(1) as thread:
        roles.append(thread.submit(role).result())
        thread.submit(connection.close)
    with connection.execute_wrapper(look):
        assert Client().get("/healthz").status_code == 200
    assert roles == [SITE, SITE]
    assert role() == owner != SITE

"""Requests are answered as the role that the site of a server connects as, so that every test of a page proves that it has its rights."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponseBase
from django.test.client import ClientHandler
from psycopg2.extensions import TRANSACTION_STATUS_INERROR

answer = ClientHandler.get_response


def begin() -> None:
    """From now on: in the requests of test clients, and in the threads of `live_server`."""
    connection_created.connect(in_a_thread)
    ClientHandler.get_response = in_a_request  # type: ignore[method-assign]


def in_a_thread(connection: Any, **_signal: Any) -> None:
    """The test itself, which prepares what is requested, is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        take(connection, settings.DATABASE_SITE_ROLE)


def in_a_request(handler: ClientHandler, request: HttpRequest) -> HttpResponseBase:
    if connection.connection is None:
        return answer(handler, request)
    take(connection, settings.DATABASE_SITE_ROLE)
    try:
        return answer(handler, request)
    finally:
        take(connection, "none")


def take(connection: Any, role: str) -> None:
    """Past Django's cursor, which counts. What a failed transaction has set ends with it."""
    if (
        connection.connection is not None
        and connection.connection.get_transaction_status() != TRANSACTION_STATUS_INERROR
    ):
        with connection.connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {role}")

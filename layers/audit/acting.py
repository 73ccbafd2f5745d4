"""Tells the database who acts, with each write: no statement more, and nothing at all when a request only reads.

`SELECT set_config(…, true);` stands before the write in the same message to the server, so it holds for the transaction of that
write, cannot be left behind by a rollback, and cannot leak into the next request of a kept connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection as default_connection
from django.http import HttpRequest, HttpResponse

from layers.orgs.models import User

WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|WITH\b.*\b(?:INSERT|UPDATE|DELETE)\b)", re.I | re.S)
SAYS = "SELECT set_config('jingtian.user', '{}', true); "

_actor: ContextVar[HttpRequest | User | None] = ContextVar("actor", default=None)


class Acting:
    """Middleware: writes of a request are its user's, by session or token; whoever that turns out to be at the first write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        mark = _actor.set(request)
        try:
            return self.get_response(request)
        finally:
            _actor.reset(mark)


@contextmanager
def acting_as(user: User | None) -> Iterator[None]:
    """Writes inside are the user's: for work outside a request."""
    mark = _actor.set(user)
    try:
        yield
    finally:
        _actor.reset(mark)


def actor_id() -> int | None:
    """The account that acts now, or None."""
    actor = _actor.get()
    user = getattr(actor, "user", None) if isinstance(actor, HttpRequest) else actor
    return user.pk if user is not None else None


def say_who_acts() -> None:
    """For the rest of the transaction; needed before COPY only, which no statement can stand before."""
    with default_connection.cursor() as cursor:
        cursor.execute(SAYS.format(actor_id() or ""))


def watch(connection: Any, **_signal: Any) -> None:
    """Called for each new connection to the database."""
    if _with_actor not in connection.execute_wrappers:
        connection.execute_wrappers.append(_with_actor)


def _with_actor(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    if isinstance(sql, str) and WRITE.match(sql):
        sql = SAYS.format(actor_id() or "") + sql
    return execute(sql, params, many, context)

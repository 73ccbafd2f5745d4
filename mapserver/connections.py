"""Database connections that are kept: looked at before use only after they have been left alone for a while."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from django.core.signals import request_finished, request_started
from django.db import connections

TRUSTED_SECONDS = 5
"""A connection that worked so short a time ago needs no `SELECT 1` first."""

_left_at: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def trust_fresh_connections(**_signal: Any) -> None:
    """At the start of a request, after Django has asked for a look at each connection."""
    now = time.monotonic()
    for connection in connections.all(initialized_only=True):
        if now - _left_at.get(connection, 0) < TRUSTED_SECONDS and not connection.errors_occurred:
            connection.health_check_done = True


def note_when_left(**_signal: Any) -> None:
    """At the end of a request."""
    now = time.monotonic()
    for connection in connections.all(initialized_only=True):
        _left_at[connection] = now


def start() -> None:
    """Called once, when the application is loaded."""
    request_started.connect(trust_fresh_connections)
    request_finished.connect(note_when_left)

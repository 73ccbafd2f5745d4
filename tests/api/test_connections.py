"""Kept connections: looked at before use, but not again a moment later."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connections as django_connections

from mapserver import connections


@pytest.fixture
def checked(db: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the connection is asked whether it works."""
    count: list[int] = []
    connection = django_connections["default"]
    monkeypatch.setattr(connection, "health_check_enabled", True)
    monkeypatch.setattr(connection, "is_usable", lambda: bool(count.append(1)) or True)
    return count


def query(**_signal: Any) -> None:
    connection = django_connections["default"]
    connection.health_check_done = False
    connections.trust_fresh_connections()
    connection.close_if_health_check_failed()


def test_a_connection_left_a_moment_ago_is_trusted(checked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    connections._left_at.clear()
    query()
    assert len(checked) == 1
    connections.note_when_left()
    query()
    assert len(checked) == 1
    monkeypatch.setattr(connections, "TRUSTED_SECONDS", 0)
    query()
    assert len(checked) == 2


def test_a_connection_that_failed_is_not(checked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    connections.note_when_left()
    monkeypatch.setattr(django_connections["default"], "errors_occurred", True)
    query()
    assert len(checked) == 1


def test_it_listens_to_requests() -> None:
    connections.start()
    try:
        assert any(receiver[1]() is connections.trust_fresh_connections for receiver in request_started.receivers)
        assert any(receiver[1]() is connections.note_when_left for receiver in request_finished.receivers)
    finally:
        request_started.disconnect(connections.trust_fresh_connections)
        request_finished.disconnect(connections.note_when_left)

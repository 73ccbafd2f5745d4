"""Clients of the database beside Django's own."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.sql.client import Client


@pytest.fixture
def psql(raw: Connect) -> Client:
    return Client(raw())


@pytest.fixture(params=["READ COMMITTED", "REPEATABLE READ"])
def two(raw: Connect, request: pytest.FixtureRequest) -> tuple[Client, Client]:
    """Two clients at the same isolation level."""
    return Client(raw(), request.param), Client(raw(), request.param)

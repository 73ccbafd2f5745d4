"""The two banks, in a database that is rolled back."""

from __future__ import annotations

import pytest

from tests.api.world import World, build


@pytest.fixture
def world(db: None) -> World:
    return build()

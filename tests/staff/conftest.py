from __future__ import annotations

import pytest

from tests.staff.town import Town, build


@pytest.fixture
def town(db: None) -> Town:
    return build()

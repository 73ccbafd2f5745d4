"""What the log says of an act."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from layers.audit.models import Entry

Entries = Callable[..., list[Entry]]


@pytest.fixture
def entries(db: None) -> Entries:
    """The entries since the fixture was made, oldest first, narrowed by fields."""
    before = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def since(**narrow: Any) -> list[Entry]:
        return list(Entry.objects.filter(pk__gt=before, **narrow).order_by("pk"))

    return since

"""Plans come into force by the calendar: the first to look at features on a day in China brings their grids up to it."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone

_seen: dict[str, dt.date] = {}
"""The last day on which this process has looked, by database."""


def keep_up_with_today() -> None:
    """Bring service areas to the plans in force today, once a day and process; it costs nothing where nothing has changed.

    Whoever comes at the same time waits for the row, and finds it done.
    """
    today = timezone.localdate()
    name = connection.settings_dict["NAME"]
    if _seen.get(name) == today:
        return
    refresh()
    _seen[name] = today


def refresh() -> int:
    """How many service areas have changed to another plan."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_service_areas()")
        changed: int = cursor.fetchone()[0]
    return changed

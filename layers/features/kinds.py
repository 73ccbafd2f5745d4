"""The vocabulary that every bank has: kinds.json, brought into the database after each migration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from layers.features.models import Kind

FILE = Path(__file__).with_name("kinds.json")


def load_common_kinds(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Make the common kinds those of the file; what an administrator has switched off stays off."""
    if Kind._meta.db_table not in connections[using].introspection.table_names():
        return  # migrated back to before there were any
    for layer, kinds in json.loads(FILE.read_text(encoding="utf-8")).items():
        for position, kind in enumerate(kinds, start=1):
            key = kind["key"]
            values = {name: value for name, value in kind.items() if name != "key"} | {"position": position}
            Kind.objects.update_or_create(institution=None, layer=layer, key=key, defaults=values)

"""The vocabulary that every bank has: kinds.json, brought into the database after each migration."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import F

from layers.features.attributes import name_of
from layers.features.models import Kind

FILE = Path(__file__).with_name("kinds.json")


@cache
def common_names() -> dict[str, dict[str, tuple[str, str]]]:
    """What the common kinds are called: layer → key → (Chinese, English)."""
    return {
        layer: {kind["key"]: (kind["name"], kind["name_en"]) for kind in rows}
        for layer, rows in json.loads(FILE.read_text(encoding="utf-8")).items()
    }


def attribute_names() -> dict[str, str]:
    """What attributes of any kind are called in the language of the page, by key; the common vocabulary goes first."""
    listed = Kind.objects.order_by(F("institution").asc(nulls_first=True), "pk").values_list("attributes", flat=True)
    found: dict[str, str] = {}
    for attribute in (each for attributes in listed for each in attributes):
        found.setdefault(attribute["key"], name_of(attribute))
    return found


def load_common_kinds(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Make the common kinds those of the file; what an administrator has switched off stays off."""
    if Kind._meta.db_table not in connections[using].introspection.table_names():
        return  # migrated back to before there were any
    kinds = [
        Kind(layer=layer, position=position, **kind)
        for layer, rows in json.loads(FILE.read_text(encoding="utf-8")).items()
        for position, kind in enumerate(rows, start=1)
    ]
    told = ["name", "name_en", "icon", "colour", "attributes", "domain", "register", "sited", "position"]
    Kind.objects.using(using).bulk_create(
        kinds, update_conflicts=True, update_fields=told, unique_fields=["institution", "layer", "key"]
    )

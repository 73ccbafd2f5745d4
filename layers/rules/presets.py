"""Rules of the source plans, as data: an institution takes a preset over and then changes what it likes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction

from layers.orgs.models import Institution
from layers.rules.models import Rule

FILE = Path(__file__).parent / "presets.json"


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The presets by key."""
    return {preset["key"]: preset for preset in json.loads(FILE.read_text(encoding="utf-8"))}


@transaction.atomic
def take_over(institution: Institution, key: str) -> list[Rule]:
    """Give an institution the rules of a preset; those that it has of it already stay as they are, also when changed."""
    preset = presets()[key]
    # Two at once: the second waits, and finds the rules of the first.
    Institution.objects.select_for_update().get(pk=institution.pk)
    for number, given in enumerate(preset["rules"], start=1):
        Rule.objects.get_or_create(
            institution=institution,
            preset=f"{key}.{number}",
            defaults={"domain": preset["domain"], **given},
        )
    return list(Rule.objects.filter(institution=institution, preset__startswith=f"{key}.").order_by("pk"))

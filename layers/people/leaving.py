"""Somebody leaves: a fact, which needs no decision; those concerned are told which grids and posts it leaves vacant."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from layers.notices.service import deciders_over, users_of
from layers.orgs.models import User
from layers.people import telling
from layers.people.hierarchy import who_is_over
from layers.staff import registry
from layers.staff.faults import LeavesVacant
from layers.staff.models import Assignment, Staff
from layers.staff.models.people import ARRANGERS


def save_person(user: User, staff: Staff, *, accepted: str = "", **values: Any) -> Staff:
    """As `registry.save_person`, for whoever has seen what becomes vacant: `accepted` is the day of leaving she saw it for.

    Raises
    ------
    LeavesVacant, and as `registry.save_person`
    """
    with transaction.atomic():
        left_on: dt.date | None = values.get("left_on", staff.left_on)
        turns = left_vacant(staff, left_on) if staff.pk is not None and left_on is not None else []
        concerned = _concerned(staff) if turns else set()
        registry.save_person(user, staff, **values)
        if left_on is None or not turns:
            return staff
        day, units = registry.ends_on(left_on), telling.unit_names(turns)
        if accepted != left_on.isoformat():
            raise LeavesVacant(
                f"{staff.name} 离岗后, 下列 {len(turns)} 处自 {day} 起空缺: {units['zh']}。请先交接, 或按“确认离岗”。",
                f"When {staff.name} leaves, nobody is in charge of these from {day} ({len(turns)}): {units['en']}."
                " Hand over first, or confirm.",
                field="left_on",
                day=left_on.isoformat(),
            )
        telling.left(concerned, staff, day, turns, user)
    return staff


def left_vacant(staff: Staff, left_on: dt.date) -> list[Assignment]:
    """The turns in charge that end before their time when somebody leaves; one a grid or post, whatever plans it goes on in."""
    ended = registry.turns_after(staff, registry.ends_on(left_on)).filter(kind=Assignment.Kind.MAIN)
    one_each = ended.exclude(continues__in=ended).select_related("grid", "post", "staff__institution")
    return list(one_each.order_by("grid__code", "post__code", "role"))


def _concerned(staff: Staff) -> set[int | None]:
    """Who arranges people there, who would have decided on an end that is asked for, and whoever is next above in either line."""
    over = who_is_over(staff)
    next_above = [*(chain[1] for chain in over["administrative"] if len(chain) > 1), *over["service"][:1]]
    arrangers = users_of(staff.institution, ARRANGERS)
    return {*arrangers, *deciders_over(staff.institution), *(node.staff.user_id for node in next_above)}

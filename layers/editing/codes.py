"""Codes and names of grids that an edit makes: the next free number below the parent; one once used is never used again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import connection

from gis.edit import Grid
from gis.errors import JingtianError
from layers.grids.models import Plan

LENGTHS = (6, 9, 12, 15, 17)
"""Of county, township, village, grid and sub-grid, after the statistical division codes."""


class NoCodeLeft(JingtianError):
    """All numbers below a parent have been used."""

    code = "no_code_left"


def numbered(plan: Plan, born: Sequence[Grid], parents: dict[int, str]) -> dict[int, str]:
    """A code for each new grid; `parents` are the codes of their parents, those of new parents included as they come.

    West before east, and on the same meridian north before south; upper levels first.
    """
    codes = dict(parents)
    result: dict[int, str] = {}
    for grid in sorted(born, key=lambda grid: (grid.level, *_place(grid))):
        parent = codes[grid.parent or 0]
        beside = _siblings(plan, grid.parent)
        length = len(beside[0]) if beside else _length_below(parent)
        digits = 2 if length == LENGTHS[-1] else 3
        stem = parent[: length - digits].ljust(length - digits, "0")
        if beside and not any(code.startswith(stem) for code in beside):
            # Moved here from elsewhere, or coded by another rule: number on from the first of them.
            stem = beside[0][: length - digits]
        used = _used(plan, stem, length) | {int(code[-digits:]) for code in result.values() if code.startswith(stem)}
        number = max(used, default=0) + 1
        if number >= 10**digits:
            free = set(range(1, 10**digits)) - used
            if not free:
                raise NoCodeLeft(
                    f"{parent} 之下的编码已用完。请先增加一级, 或改用行内编码。",
                    f"All codes below {parent} have been used. Add a level between.",
                )
            number = min(free)
        result[grid.key] = codes[grid.key] = f"{stem}{number:0{digits}}"
    return result


def named(name: str, old_code: str, code: str) -> str:
    """The name of a new grid, after the one it comes from: «城南 003» makes «城南 007», «园区» makes «园区 007»."""
    digits = code[-3:]
    ending = re.search(r"(\d+)$", name)
    if ending and old_code.endswith(ending[1].zfill(min(3, len(ending[1])))):
        return f"{name[: ending.start()]}{int(digits):0{len(ending[1])}}"[:120]
    return f"{name} {digits}"[:120]


def _place(grid: Grid) -> tuple[float, float]:
    centre = grid.geometry.centroid
    return round(centre.x, 7), -round(centre.y, 7)


def _length_below(parent: str) -> int:
    return next((length for length in LENGTHS if length > len(parent)), len(parent) + 3)


def _siblings(plan: Plan, parent: int | None) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM grid WHERE plan_id = %s AND parent_id = %s ORDER BY code", [plan.pk, parent])
        return [row[0] for row in cursor.fetchall()]


def _used(plan: Plan, stem: str, length: int) -> set[int]:
    """Numbers behind a stem that this plan, the one it comes from, or any step of either has ever used."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code FROM (SELECT code FROM grid WHERE plan_id IN (%(plan)s, %(base)s)"
            " UNION SELECT unnest(codes) FROM edit WHERE plan_id IN (%(plan)s, %(base)s)) AS used"
            " WHERE starts_with(code, %(stem)s) AND length(code) = %(length)s",
            {"plan": plan.pk, "base": plan.base_id or plan.pk, "stem": stem, "length": length},
        )
        return {int(row[0][len(stem) :]) for row in cursor.fetchall() if row[0][len(stem) :].isdigit()}

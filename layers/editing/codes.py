"""Codes and names of grids that an edit makes: the next free number below the parent; one once used is never used again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import connection

from gis.edit import Grid as Piece
from gis.errors import JingtianError
from layers.grids.models import Grid, Plan

LENGTHS = (6, 9, 12, 15, 17)
"""Of county, township, village, grid and sub-grid, after the statistical division codes."""


class NoCodeLeft(JingtianError):
    """All numbers below a parent have been used."""

    code = "no_code_left"


def numbered(plan: Plan, born: Sequence[Piece], parents: dict[int, str]) -> dict[int, str]:
    """A code for each new grid; `parents` are the codes of their parents, those of new parents included as they come.

    West before east, and on the same meridian north before south; upper levels first.
    """
    codes = dict(parents)
    result: dict[int, str] = {}
    for grid in sorted(born, key=lambda grid: (grid.level, *_place(grid))):
        parent = codes[grid.parent or 0]
        stem, digits = _stem(plan, parent, grid.parent)
        taken = [code for code in result.values() if code.startswith(stem) and len(code) == len(stem) + digits]
        number = 1 + max(_last(plan, stem, digits), *(int(code[len(stem) :]) for code in taken), 0)
        if number >= 10**digits:
            free = set(range(1, 10**digits)) - _used(plan, stem, digits) - {int(code[len(stem) :]) for code in taken}
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
        # A name that ends in more of the code than its number keeps that: «网格 004004» makes «网格 004005».
        own = f"{int(digits):0{len(ending[1])}}" if len(ending[1]) <= 3 else ending[1][:-3] + digits
        return f"{name[: ending.start()]}{own}"[:120]
    return f"{name} {digits}"[:120]


def _place(grid: Piece) -> tuple[float, float]:
    centre = grid.geometry.centroid
    return round(centre.x, 7), -round(centre.y, 7)


def _stem(plan: Plan, parent: str, parent_id: int | None) -> tuple[str, int]:
    """What the code of a new grid begins with, and how many digits follow.

    By the rule the parent's code and three digits (two for a sub-grid); where the grids beside it are coded by another, as theirs.
    """
    beside = Grid.objects.filter(plan=plan, parent=parent_id).values_list("code", flat=True).first()
    length = len(beside) if beside else next((n for n in LENGTHS if n > len(parent)), len(parent) + 3)
    digits = 2 if length == LENGTHS[-1] else 3
    stem = parent[: length - digits].ljust(length - digits, "0")
    if beside is None or beside.startswith(stem):
        return stem, digits
    run = re.search(r"[0-9]*$", beside)
    digits = len(run[0]) if run and run[0] else 3
    return beside[: length - digits], digits


EVER = """
SELECT code FROM (
    SELECT code FROM grid WHERE plan_id IN (%(plan)s, %(base)s) AND code >= %(low)s AND code <= %(high)s
    UNION ALL
    SELECT code FROM edit, unnest(codes) AS code
    WHERE plan_id IN (%(plan)s, %(base)s) AND code COLLATE "C" BETWEEN %(low)s AND %(high)s
) AS used WHERE length(code) = length(%(low)s)
"""
"""Codes of a stem that the plan, the one it comes from, or any step of either has ever used."""


def _last(plan: Plan, stem: str, digits: int) -> int:
    """The greatest number used."""
    return max(_ever(f'{EVER} ORDER BY code COLLATE "C" DESC LIMIT 1', plan, stem, digits), default=0)


def _used(plan: Plan, stem: str, digits: int) -> set[int]:
    """All numbers used."""
    return _ever(EVER, plan, stem, digits)


def _ever(sql: str, plan: Plan, stem: str, digits: int) -> set[int]:
    low, high = f"{stem}{'0' * digits}", f"{stem}{'9' * digits}"
    with connection.cursor() as cursor:
        cursor.execute(sql, {"plan": plan.pk, "base": plan.base_id or plan.pk, "low": low, "high": high})
        ends = [row[0][len(stem) :] for row in cursor.fetchall()]
    return {int(end) for end in ends if end.isdigit()}

"""People and counts go over from the plan that ends to the plan that begins."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from layers.grids.models import Grid, GridCount, Plan
from layers.review.models import ReviewSettings
from layers.rules.measures import measure
from layers.staff.models import Assignment

LEAST_M2 = 1.0
"""A grid that changed by less has only got nodes, which are rounded to the lattice."""
SAME_OR_LARGEST = """
    SELECT old.id, new.id, share, CASE WHEN old.border_sum = new.border_sum THEN false
        ELSE ST_Area(ST_SymDifference(old.geom, new.geom)::geography) >= %(least)s END
    FROM grid AS old CROSS JOIN LATERAL (
        SELECT same.id, same.border_sum, same.geom, 1.0::float8 AS share, 0 AS rank
        FROM grid AS same WHERE same.plan_id = %(new)s AND same.code = old.code
        UNION ALL
        SELECT other.id, other.border_sum, other.geom, ST_Area(ST_Intersection(old.geom, other.geom)) / ST_Area(old.geom), 1
        FROM grid AS other
        WHERE other.plan_id = %(new)s AND other.level = old.level AND other.geom && old.geom
            AND NOT EXISTS (SELECT FROM grid AS same WHERE same.plan_id = %(new)s AND same.code = old.code)
            AND ST_Intersects(old.geom, other.geom)
        ORDER BY rank, share DESC, id
        LIMIT 1
    ) AS new
    WHERE old.id = ANY (%(grids)s)
"""
"""Where a grid of the old plan goes: to its code, else to the grid of its level that has the most of it."""


class Heir(NamedTuple):
    """Where a grid goes: the new grid, the share of the old one that lies in it, and whether its border is another."""

    grid: int
    share: float
    changed: bool


def heirs(new: Plan, grids: list[int]) -> dict[int, Heir]:
    """The heir in a plan of each grid of another one."""
    with connection.cursor() as cursor:
        cursor.execute(SAME_OR_LARGEST, {"new": new.pk, "grids": grids, "least": LEAST_M2})
        return {old: Heir(*rest) for old, *rest in cursor.fetchall()}


def rehome(old: Plan | None, new: Plan, day: dt.date) -> dict[str, Any]:
    """End the assignments of the old plan on a day, begin those of the new one, and count the households of its grids.

    A person follows the code of the grid. Where the code is gone, the person follows the land: to the grid that has the most
    of it, unless somebody serves there already; then the person is listed as vacated. What waits for a decision and would
    begin or end before that day stays where it was asked for: agreed to, it goes on in the new plan by itself (layers.people.arrange).

    Returns
    -------
    dict
        moved, ambiguous, vacated: lists of {staff, user, name, kind, old, new, share, changed}; vacant: grids without a
        person in charge that came out of a grid that had one.
    """
    recount(new, old)
    if old is None:
        return {"moved": [], "ambiguous": [], "vacated": [], "vacant": []}
    going = list(
        Assignment.objects.filter(grid__plan=old)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))
        .exclude(status=Assignment.Status.REFUSED)
        .select_related("staff", "grid")
        .order_by("pk")
    )
    heir_of = heirs(new, sorted({each.grid_id for each in going}))
    target = Grid.objects.filter(plan=new).in_bulk([heir.grid for heir in heir_of.values()])
    clear = ReviewSettings.of(new.institution).clear_overlap
    taken = {
        _seat(each, heir_of[each.grid_id].grid)
        for each in going
        if each.grid_id in heir_of and target[heir_of[each.grid_id].grid].code == each.grid.code
    }
    report: dict[str, Any] = {"moved": [], "ambiguous": [], "vacated": []}
    begun: list[Assignment] = []
    moved: list[Assignment] = []
    for each in going:
        is_proposal = each.status == Assignment.Status.PROPOSED
        if is_proposal and each.valid_from < day and day > timezone.localdate():
            continue
        heir = heir_of.get(each.grid_id)
        grid = heir and target[heir.grid]
        follows = grid is not None and (grid.code == each.grid.code or _seat(each, grid.pk) not in taken)
        row = _row(each, grid if follows else None, heir)
        start, end = max(day, each.valid_from), each.valid_to
        if not is_proposal:
            each.valid_to = start
        if heir is None or grid is None or not follows:
            report["vacated"].append(row)
            continue
        if grid.code != each.grid.code:
            taken.add(_seat(each, grid.pk))
        if is_proposal:
            each.grid, each.valid_from = grid, start
            moved.append(each)
        else:
            begun.append(_begun(each, grid, start, end))
        report["moved"].append(row)
        if heir.share < clear:
            report["ambiguous"].append(row)
    Assignment.objects.bulk_update(going, ["valid_to", "end_asked", "end_asked_by"], batch_size=2000)
    Assignment.objects.bulk_create(begun, batch_size=2000)
    later = {one.continues_id: one for one in begun}
    for each in moved:
        each.replaces = later.get(each.replaces_id, each.replaces)
    Assignment.objects.bulk_update(moved, ["grid", "valid_from", "replaces"], batch_size=2000)
    report["vacant"] = _vacant(old, new, day)
    return report


def _seat(each: Assignment, grid: int) -> tuple[int, str, str, int | None]:
    """What only one can have in a grid: the charge of it in a role; anything else, each person once."""
    alone = each.kind == Assignment.Kind.MAIN and each.status == Assignment.Status.APPROVED
    return grid, each.kind, each.role, None if alone else each.staff_id


def _begun(each: Assignment, grid: Grid, start: dt.date, end: dt.date | None) -> Assignment:
    """The same assignment in a grid of the new plan; an end that is asked for from that day on is asked for there."""
    carried = ("role", "kind", "share", "status", "filing", "note", "proposed_by_id", "decided_by_id", "decided_at")
    values = {name: getattr(each, name) for name in carried}
    if each.end_asked is not None and each.end_asked >= start:
        values |= {"end_asked": each.end_asked, "end_asked_by_id": each.end_asked_by_id}
        each.end_asked = each.end_asked_by = None
    return Assignment(staff=each.staff, grid=grid, continues=each, valid_from=start, valid_to=end, **values)


def recount(new: Plan, old: Plan | None) -> None:
    """Households of the leaves whose border is not that of the plan before: what was copied along no longer holds."""
    leaves = Grid.objects.filter(plan=new, children__isnull=True)
    before = dict(Grid.objects.filter(plan=old).values_list("code", "border_sum")) if old else {}
    counted = set(GridCount.objects.filter(grid__plan=new, measure="households").values_list("grid", flat=True))
    changed = [
        pk
        for pk, code, border in leaves.values_list("pk", "code", "border_sum")
        if before.get(code) != border and (old is not None or pk not in counted)
    ]
    values = {pk: row["households"] for pk, row in measure(changed, ["households"]).items()}
    known = {pk: value for pk, value in values.items() if value.value is not None}
    GridCount.objects.filter(grid__in=list(known), measure="households").delete()
    GridCount.objects.bulk_create(
        GridCount(
            grid_id=pk,
            measure="households",
            value=round(value.value or 0),
            as_of=timezone.localdate(),
            synthetic=new.synthetic,
        )
        for pk, value in known.items()
    )


def _row(each: Assignment, grid: Grid | None, heir: Heir | None) -> dict[str, Any]:
    return {
        "staff": each.staff_id,
        "user": each.staff.user_id,
        "name": each.staff.name,
        "kind": each.kind,
        "old": {"code": each.grid.code, "name": each.grid.name},
        "new": None if grid is None else {"code": grid.code, "name": grid.name},
        "share": None if heir is None else round(heir.share, 4),
        "changed": grid is None or heir is None or heir.changed or grid.code != each.grid.code,
    }


def _vacant(old: Plan, new: Plan, day: dt.date) -> list[dict[str, str]]:
    """New leaves without a person in charge, where the plan before had none of that code."""
    served = Assignment.objects.filter(grid__plan=new, kind=Assignment.Kind.MAIN, role="worker").on(day).values("grid")
    known = Grid.objects.filter(plan=old).values("code")
    rows = Grid.objects.filter(plan=new, children__isnull=True).exclude(pk__in=served).exclude(code__in=known)
    return list(rows.order_by("code").values("code", "name"))

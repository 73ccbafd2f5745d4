"""Who was in charge, when: through all plans of a service area, by the code of the grid."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.staff.models import Assignment, AssignmentQuerySet, Post


def grids_of_code(grid: Grid) -> QuerySet[Grid]:
    """The grid in all plans of its area and bank that are or were in force."""
    return Grid.objects.filter(
        code=grid.code,
        plan__area_code=grid.plan.area_code,
        plan__institution=grid.plan.institution_id,
        plan__valid_from__isnull=False,
    )


def grid_on(grid: Grid, at: dt.date) -> Grid | None:
    """The grid as it was on a day, in the plan then in force."""
    plans = Plan.objects.in_force(at)
    return grids_of_code(grid).filter(plan__in=plans).select_related("plan").first()


def history(unit: Grid | Post) -> AssignmentQuerySet:
    """All assignments to a grid, in whatever plan, or to a post, the latest first."""
    where = Q(post=unit) if isinstance(unit, Post) else Q(grid__in=grids_of_code(unit))
    found = Assignment.objects.filter(where).select_related("staff__institution", "grid__plan", "post")
    # A turn that ended before it began never held.
    found = found.exclude(status=Assignment.Status.PROPOSED).exclude(valid_to=F("valid_from"))
    return found.order_by("-valid_from", "kind", "pk")


def history_for(user: User, unit: Grid | Post) -> AssignmentQuerySet:
    """The same as a user may see it: who is or was in charge is told within the bank, what was refused to her own subtree only."""
    own = Q(staff__institution__path__startswith=user.own_path)
    return history(unit).visible_to(user).filter(own | Q(status=Assignment.Status.APPROVED))


def in_charge(unit: Q, at: dt.date | None = None, *, seen_by: User | None = None) -> list[Assignment]:
    """Who serves on a day, those who act first: whoever is away stands after her backups (LA03). Each has `away`."""
    at = at or timezone.localdate()
    found = Assignment.objects.filter(unit).on(at).serving().with_presence(at)
    if seen_by is not None:
        found = found.visible_to(seen_by)
    rows = list(found.select_related("staff__institution"))
    return sorted(rows, key=lambda one: (one.away, one.kind != Assignment.Kind.MAIN, one.role, one.pk))


def served_since(each: Assignment) -> dt.date:
    """When the person began to serve this grid or post: publications in between, which begin a new row, do not count."""
    same = Assignment.objects.filter(
        staff=each.staff_id, role=each.role, kind=each.kind, status=Assignment.Status.APPROVED, valid_to__isnull=False
    )
    if each.grid is None:
        same = same.filter(post=each.post_id)
    else:
        same = same.filter(grid__code=each.grid.code, grid__plan__area_code=each.grid.plan.area_code)
    begun = {ended: first for ended, first in same.values_list("valid_to", "valid_from") if first < ended}
    day = each.valid_from
    while day in begun:
        day = begun[day]
    return day


def turn_on(turn: Assignment, day: dt.date) -> Assignment:
    """The turn in the plan that is in force on a day, where another plan follows the one it was made in."""
    while turn.valid_to is not None and turn.valid_to <= day and (later := turn.continued_by.first()) is not None:
        turn = later
    return turn


def last_day(turn: Assignment) -> dt.date | None:
    """When a turn ends, in whatever plan it goes on until then."""
    while (later := turn.continued_by.first()) is not None:
        turn = later
    return turn.valid_to


def stop(turn: Assignment, day: dt.date) -> None:
    """End a turn on a day, and its going on in the plans that follow; what has ended before stays as it is."""
    if turn.valid_to is None or turn.valid_to > day:
        turn.valid_to = max(day, turn.valid_from)
    turn.end_asked = turn.end_asked_by = None
    turn.save(update_fields=["valid_to", "end_asked", "end_asked_by"])
    for later in turn.continued_by.all():
        stop(later, day)

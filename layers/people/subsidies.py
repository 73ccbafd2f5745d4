"""补贴: what the holders of a role are due for a month, by post and by unit (LA04)."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Q

from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, StaffSettings
from layers.staff.models.people import VIEWERS


@dataclass(frozen=True)
class Due:
    """What one post brings for a month: so many days of it served, and yuan by days, to the fen."""

    assignment: Assignment
    days: int
    rate: int
    amount: float


def due(user: User, month: dt.date) -> list[Due]:
    """What is due for a month to the people of the user's subtree, by institution; none for those who do not see people.

    A post is a charge of a grid or a post in the role of the setting; a month begun or ended within counts by its days. The
    rate is what is registered with the person, else that of the institution.
    """
    if user.institution is None or user.is_regulator or user.role not in VIEWERS:
        return []
    first = month.replace(day=1)
    length = calendar.monthrange(first.year, first.month)[1]
    after = first + dt.timedelta(days=length)
    held = Assignment.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=first),
        valid_from__lt=after,
        kind=Assignment.Kind.MAIN,
        status=Assignment.Status.APPROVED,
        staff__institution__path__startswith=user.institution.path,
    )
    rows = held.select_related("staff__institution", "grid", "post")
    settings: dict[int, StaffSettings] = {}
    found = []
    for one in rows.order_by("staff__institution__path", "staff__number", "valid_from", "pk"):
        owner = one.staff.institution
        rule = settings.get(owner.pk) or settings.setdefault(owner.pk, StaffSettings.of(owner))
        days = (min(one.valid_to or after, after) - max(one.valid_from, first)).days
        rate = rule.subsidy if one.staff.subsidy is None else one.staff.subsidy
        if one.role == rule.subsidy_role and days > 0 and rate:
            found.append(Due(one, days, rate, round(rate * days / length, 2)))
    return found


def by_unit(dues: list[Due]) -> list[tuple[Institution, int, float]]:
    """Institutions with how many posts are due, and how much together."""
    sums = []
    for _path, members in groupby(dues, lambda one: one.assignment.staff.institution.path):
        rows = list(members)
        sums.append((rows[0].assignment.staff.institution, len(rows), round(sum(one.amount for one in rows), 2)))
    return sums

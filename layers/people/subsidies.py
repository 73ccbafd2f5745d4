"""补贴: what the holders of a role are due for a month, by post and by unit (LA04)."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone

from layers.orgs.models import Institution, User
from layers.staff.faults import BadPerson
from layers.staff.models import Assessment, Assignment, Staff, StaffSettings
from layers.staff.models.people import VIEWERS
from layers.staff.rights import may_arrange


@dataclass(frozen=True)
class Due:
    """What one post brings for a month: so many days of it served, and yuan by days and by the person's assessment, to the fen."""

    assignment: Assignment
    days: int
    rate: int
    assessed: Assessment
    amount: float


def due(user: User, month: dt.date, within: Institution | None = None) -> list[Due]:
    """What is due for a month to the people of the user's subtree, or of a part of it, by institution; none for those who do not see people.

    A post is a charge of a grid or a post in the role of the setting; a month begun or ended within counts by its days. The
    rate is what is registered with the person, else that of the institution. Whoever was not assessed has earned all of it.
    """
    if user.institution is None or user.is_regulator or user.role not in VIEWERS:
        return []
    within = within or user.institution
    first = month.replace(day=1)
    length = calendar.monthrange(first.year, first.month)[1]
    after = first + dt.timedelta(days=length)
    held = Assignment.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=first),
        valid_from__lt=after,
        kind=Assignment.Kind.MAIN,
        status=Assignment.Status.APPROVED,
        staff__institution__path__startswith=within.path,
    )
    assessed = {one.staff_id: one for one in Assessment.objects.filter(month=first, staff__in=held.values("staff"))}
    rows = held.select_related("staff__institution", "grid", "post")
    rows = rows.order_by("staff__institution__path", "staff__number", "valid_from", "pk")
    settings = StaffSettings.of_paths({one.staff.institution.path for one in rows})
    found = []
    for one in rows:
        rule = settings[one.staff.institution.path]
        days = (min(one.valid_to or after, after) - max(one.valid_from, first)).days
        rate = rule.subsidy if one.staff.subsidy is None else one.staff.subsidy
        if one.role == rule.subsidy_role and days > 0 and rate:
            result = assessed.get(one.staff_id) or Assessment(staff=one.staff, month=first, percent=100)
            found.append(Due(one, days, rate, result, round(rate * days * result.percent / (100 * length), 2)))
    return found


def assess(user: User, staff: Staff, month: dt.date, percent: int, note: str) -> Assessment:
    """Enter what share of a month's subsidy somebody has earned, and why; nobody assesses herself.

    Raises
    ------
    BadPerson, PermissionDenied
    """
    if not may_arrange(user, staff.institution):
        raise PermissionDenied
    if staff.user_id == user.pk:
        raise BadPerson(
            "不能登记自己的考核; 请由其他管理人员登记。", "You cannot assess yourself: ask another manager to enter it."
        )
    if month > timezone.localdate():
        raise BadPerson("这个月还没有开始, 不能考核。", "This month has not begun: it cannot be assessed yet.")
    values = {"percent": percent, "note": note}
    return Assessment.objects.update_or_create(staff=staff, month=month.replace(day=1), defaults=values)[0]


def by_unit(dues: list[Due]) -> list[tuple[Institution, int, float]]:
    """Institutions with how many posts are due, and how much together."""
    sums = []
    for _path, members in groupby(dues, lambda one: one.assignment.staff.institution.path):
        rows = list(members)
        sums.append((rows[0].assignment.staff.institution, len(rows), round(sum(one.amount for one in rows), 2)))
    return sums

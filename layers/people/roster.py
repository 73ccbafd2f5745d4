"""轮流坐岗下沉: who sits at the desk on which day, by turns; the other working days are spent in the grids (LA03)."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from layers.orgs.models import Institution, User
from layers.staff.faults import BadPerson
from layers.staff.models import Absence, DeskDay, Staff
from layers.staff.rights import may_arrange

LONGEST = 93
"""Days planned at once."""
SATURDAY = 5


def working_days(first: dt.date, last: dt.date) -> list[dt.date]:
    """Mondays to Fridays from a day to another, both included."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < SATURDAY]


def people_by_turns(institution: Institution, kind: str) -> QuerySet[Staff]:
    """Those of an institution who sit at its desk by turns: of one kind, in service."""
    return Staff.objects.employed().filter(institution=institution, kind=kind).order_by("number")


def fill(
    user: User, institution: Institution, first: dt.date, last: dt.date, *, kind: str, at_desk: int
) -> list[DeskDay]:
    """Plan the desk days of a time anew: each working day so many people, whoever has waited longest first.

    Whoever is away sits on no day of her absence. What was planned for people of this kind in that time goes.

    Raises
    ------
    BadPerson, PermissionDenied
    """
    if not may_arrange(user, institution):
        raise PermissionDenied
    if last < first or (last - first).days >= LONGEST:
        raise BadPerson(
            f"请选择不超过 {LONGEST} 天的起止日期。", f"Choose a time of at most {LONGEST} days.", field="last_day"
        )
    with transaction.atomic():
        # Locked: two who plan at once go one after the other.
        people = list(people_by_turns(institution, kind).select_for_update())
        if not 1 <= at_desk <= len(people):
            raise BadPerson(
                f"这一类人员有 {len(people)} 人, 每天坐岗人数应在 1 与 {len(people)} 之间。",
                f"There are {len(people)} such people: between 1 and {len(people)} can sit at the desk.",
                field="at_desk",
            )
        DeskDay.objects.filter(staff__in=people, day__gte=first, day__lte=last).delete()
        sat = {one.pk: dt.date.min for one in people}
        for staff, day in DeskDay.objects.filter(staff__in=people, day__lt=first).values_list("staff", "day"):
            sat[staff] = max(sat[staff], day)
        away = list(Absence.objects.filter(staff__in=people, first_day__lte=last, last_day__gte=first))
        made = []
        for day in working_days(first, last):
            gone = {one.staff_id for one in away if one.first_day <= day <= one.last_day}
            there = sorted((one for one in people if one.pk not in gone), key=lambda one: (sat[one.pk], one.number))
            for one in there[:at_desk]:
                sat[one.pk] = day
                made.append(DeskDay(staff=one, day=day))
        return DeskDay.objects.bulk_create(made)


def switch(user: User, staff: Staff, day: dt.date) -> None:
    """Send somebody to the desk on a day, or from it into the grids.

    Raises
    ------
    PermissionDenied
    """
    if not may_arrange(user, staff.institution):
        raise PermissionDenied
    made = DeskDay.objects.get_or_create(staff=staff, day=day)
    if not made[1]:
        made[0].delete()

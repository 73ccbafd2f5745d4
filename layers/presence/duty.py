"""Going on duty, checking in again, and leaving."""

from __future__ import annotations

import datetime as dt

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from gis.datum import parse_datum, to_cgcs2000
from gis.errors import JingtianError
from layers.features.service import point
from layers.orgs.models import User
from layers.presence.models import CheckIn
from layers.staff.models import Absence, Staff


class NotOnDuty(JingtianError):
    """The user is nobody who goes on duty, or not today."""

    code = "not_on_duty"


def who_goes_on_duty(user: User) -> Staff | None:
    """The person in service who signs in as this user."""
    return Staff.objects.employed().filter(user=user).first()


@transaction.atomic
def check_in(user: User, lon: float, lat: float, *, datum: str = "wgs84", accuracy_m: float = 0) -> CheckIn:
    """Put the user on duty, or say where she is now. What others forgot to end is deleted on the way.

    Raises
    ------
    NotOnDuty
        She is in no register of people, or away today.
    gis.errors.JingtianError
        The place is none.
    """
    staff = who_goes_on_duty(user)
    if staff is None:
        raise NotOnDuty(
            "您的账户没有对应的在职人员, 不能签到。请联系管理人员登记。",
            "Your account belongs to nobody in service: ask a manager.",
        )
    today = timezone.localdate()
    if Absence.objects.filter(staff=staff, first_day__lte=today, last_day__gte=today).exists():
        raise NotOnDuty("您今天登记为缺勤, 不能签到。", "You are registered as away today, so you cannot check in.")
    [[x, y]] = to_cgcs2000(np.array([[lon, lat]]), parse_datum(datum)).tolist()
    forget_those_who_left()
    now = timezone.now()
    here = {"at": now, "geom": point(x, y), "accuracy_m": accuracy_m}
    found, _made = CheckIn.objects.update_or_create(staff=staff, defaults=here, create_defaults=here | {"since": now})
    return found


def leave(user: User) -> None:
    """End the user's duty; where she was is deleted."""
    CheckIn.objects.filter(staff__user=user).delete()


def forget_those_who_left(now: dt.datetime | None = None) -> int:
    """Delete the check-ins of those who have been silent for `CHECK_IN_KEPT`; how many they were."""
    deleted, _of = CheckIn.objects.filter(at__lte=(now or timezone.now()) - settings.CHECK_IN_KEPT).delete()
    return deleted

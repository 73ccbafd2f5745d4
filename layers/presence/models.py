"""Where people on duty were last: kept while they are on duty, and no longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.gis.db import models
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.grids.models import SRID
from layers.orgs.models import HEADS, User
from layers.staff.models import Staff

GRIDS = Path(__file__).parent / "sql" / "grids.sql"


class CheckInQuerySet(models.QuerySet["CheckIn"]):
    """Check-ins by time and by who may see them."""

    def current(self) -> CheckInQuerySet:
        """Those of people who are still on duty: whoever forgot to leave is, until `CHECK_IN_KEPT` after the last check-in."""
        return self.filter(at__gt=timezone.now() - settings.CHECK_IN_KEPT)

    def visible_to(self, user: User) -> CheckInQuerySet:
        """One's own; for administrators and managers, those of the subtree."""
        if user.institution is None or user.is_regulator:
            return self.none()
        if user.role in HEADS:
            return self.filter(staff__institution__path__startswith=user.institution.path)
        return self.filter(staff__user=user)

    def grids(self) -> dict[int, dict[str, Any]]:
        """The grid in force in which each was, by the person's id: `id`, `name`, and whether it is hers (`own`)."""
        given = {"day": timezone.localdate(), "staff": list(self.values_list("pk", flat=True))}
        with connection.cursor() as cursor:
            cursor.execute(GRIDS.read_text("utf-8"), given)
            return {person: {"id": grid, "name": name, "own": own} for person, grid, name, own in cursor.fetchall()}


class CheckIn(models.Model):
    """在岗签到: that somebody is on duty, since when, and where she checked in last (EPSG:4490). Leaving deletes the row."""

    staff = models.OneToOneField(
        Staff, models.CASCADE, primary_key=True, related_name="check_in", verbose_name=_("人员")
    )
    since = models.DateTimeField(_("上岗时间"))
    at = models.DateTimeField(_("签到时间"))
    geom = models.PointField(_("签到地点"), srid=SRID)
    accuracy_m = models.FloatField(_("定位精度 (米)"))

    objects = CheckInQuerySet.as_manager()

    class Meta:
        db_table = "check_in"
        verbose_name = _("在岗签到")
        verbose_name_plural = _("在岗签到")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(at__gte=models.F("since")), name="check_in_follows_the_beginning"
            ),
            models.CheckConstraint(condition=models.Q(accuracy_m__gte=0), name="check_in_accuracy_is_a_distance"),
        )

    def __str__(self) -> str:
        return f"{self.staff_id} {self.at:%Y-%m-%d %H:%M}"

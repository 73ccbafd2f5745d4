"""People who serve grids, and their assignments."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.grids.models import Grid
from layers.orgs.models import Institution, User


class Staff(models.Model):
    """人员: somebody who works in the field for an institution."""

    class Kind(models.TextChoices):
        FULL_TIME = "full_time", _("专职网格员")
        PART_TIME = "part_time", _("兼职网格员")
        EXTERNAL = "external", _("外聘网格员")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="staff", verbose_name=_("机构"))
    number = models.CharField(_("工号"), max_length=40)
    name = models.CharField(_("姓名"), max_length=80)
    kind = models.CharField(_("类型"), max_length=16, choices=Kind.choices, default=Kind.FULL_TIME)
    work_phone = models.CharField(_("工作电话"), max_length=40, blank=True)
    user = models.OneToOneField(
        User, models.SET_NULL, null=True, blank=True, related_name="staff", verbose_name=_("用户")
    )
    synthetic = models.BooleanField(_("演示数据"), default=False)

    class Meta:
        db_table = "staff"
        verbose_name = _("人员")
        verbose_name_plural = _("人员")
        constraints = (models.UniqueConstraint(fields=("institution", "number"), name="staff_number_is_unique"),)

    def __str__(self) -> str:
        return self.name


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Assignments by date and by who may see the people."""

    def on(self, at: dt.date | None = None) -> AssignmentQuerySet:
        """Those in force on a date (today when None)."""
        at = at or timezone.localdate()
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at)

    def visible_to(self, user: User) -> AssignmentQuerySet:
        """People of the user's own bank only: nobody else is told who serves a grid."""
        if user.is_regulator or user.institution is None:
            return self.none()
        return self.filter(staff__institution__path__startswith=user.institution.head_office_path)


class Assignment(models.Model):
    """责任: who is in charge of a grid, from a day on (责任人, AB岗)."""

    class Kind(models.TextChoices):
        MAIN = "main", _("责任人")
        BACKUP = "backup", _("B岗")

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="assignments", verbose_name=_("人员"))
    grid = models.ForeignKey(Grid, models.CASCADE, related_name="assignments", verbose_name=_("网格"))
    kind = models.CharField(_("岗位"), max_length=8, choices=Kind.choices, default=Kind.MAIN)
    valid_from = models.DateField(_("自"))
    valid_to = models.DateField(_("至"), null=True, blank=True, help_text=_("自当日起不再有效"))

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        db_table = "assignment"
        verbose_name = _("责任")
        verbose_name_plural = _("责任")
        constraints = (
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="assignment_ends_after_it_begins",
            ),
        )

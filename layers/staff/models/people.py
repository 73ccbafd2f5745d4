"""People who work in the field, what has been handed out to them, and when they are away."""

from __future__ import annotations

import datetime as dt
import secrets

from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.core.validators import MaxValueValidator, ProhibitNullCharactersValidator
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.features.models import Homed
from layers.grids.models import SRID
from layers.orgs.models import Institution, User

VIEWERS = {User.Role.ADMINISTRATOR, User.Role.PLANNER, User.Role.MANAGER, User.Role.AUDITOR}
"""Roles that see all people of their subtree; a field worker sees herself and those of her grids."""

ARRANGERS = {User.Role.ADMINISTRATOR, User.Role.PLANNER, User.Role.MANAGER}
"""Roles that register and assign people of their subtree."""


def days(first: str, last: str) -> Func:
    """The days from one column up to, but not on, another; without an end where that is null."""
    return Func(F(first), F(last), function="daterange", output_field=models.Field())


def photo_name(staff: Staff, _filename: str) -> str:
    """Where a photograph is kept: under a name that says nothing and cannot be guessed."""
    return f"staff/{secrets.token_hex(16)}.jpg"


class StaffQuerySet(models.QuerySet["Staff"]):
    """People by who may see them."""

    def visible_to(self, user: User) -> StaffQuerySet:
        """People of the user's subtree; for a field worker herself and whoever serves her grids. None for a regulator."""
        if user.institution is None or user.is_regulator:
            return self.none()
        if user.role in VIEWERS:
            return self.filter(institution__path__startswith=user.institution.path)
        from layers.staff.models.duty import Assignment

        mine = Assignment.objects.on().filter(staff__user=user, grid__isnull=False).values("grid")
        beside = Assignment.objects.on().filter(grid__in=mine).values("staff")
        bank = Q(institution__path__startswith=user.institution.head_office_path)
        return self.filter(bank & (Q(user=user) | Q(pk__in=beside)))

    def employed(self, at: dt.date | None = None) -> StaffQuerySet:
        """Those who have not left by a day (today when None)."""
        at = at or timezone.localdate()
        return self.filter(Q(left_on__isnull=True) | Q(left_on__gt=at))


class Staff(Homed):
    """人员: somebody who works in the field for an institution. `geom` is the base place (EPSG:4490), where she is found;
    `area` and `grid_code`, its leaf grid in the plan in force, are the database's to write.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="staff", verbose_name=_("机构"))
    number = models.CharField(_("工号"), max_length=40)
    name = models.CharField(_("姓名"), max_length=80)
    kind = models.CharField(_("类型"), max_length=40, default="full_time")
    duties = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, verbose_name=_("职责"), help_text=_("五员")
    )
    duty_text = models.TextField(_("职责说明"), max_length=1000, blank=True)
    work_phone = models.CharField(_("工作电话"), max_length=40, blank=True)
    user = models.OneToOneField(
        User, models.SET_NULL, null=True, blank=True, related_name="staff", verbose_name=_("用户")
    )
    supervisor = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="subordinates", verbose_name=_("直接上级")
    )
    geom = models.PointField(_("常驻地点"), srid=SRID, null=True, blank=True)
    photo = models.FileField(_("照片"), upload_to=photo_name, blank=True, max_length=80)
    subsidy = models.PositiveIntegerField(_("补贴 (元/月)"), null=True, blank=True)
    grid_code = models.CharField(_("常驻网格编码"), max_length=32, null=True, editable=False, db_collation="C")
    left_on = models.DateField(_("离岗日期"), null=True, blank=True, help_text=_("自当日起不再在岗"))
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = StaffQuerySet.as_manager()

    class Meta:
        db_table = "staff"
        verbose_name = _("人员")
        verbose_name_plural = _("人员")
        constraints = (
            models.UniqueConstraint(
                fields=("institution", "number"),
                name="staff_number_is_unique",
                violation_error_message=_("这个工号已有人使用; 请换一个。"),
            ),
            models.CheckConstraint(
                condition=Q(supervisor__isnull=True) | ~Q(supervisor=F("pk")), name="staff_is_not_her_own_supervisor"
            ),
        )

    def __str__(self) -> str:
        return self.name


class StaffItem(models.Model):
    """登记: an agreement, certificate, card or terminal handed out to somebody (YL08, HY03)."""

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="items", verbose_name=_("人员"))
    kind = models.CharField(_("类型"), max_length=16)
    number = models.CharField(_("编号"), max_length=60)
    issued_on = models.DateField(_("发放日期"))
    valid_until = models.DateField(_("有效期至"), null=True, blank=True)
    returned_on = models.DateField(_("收回日期"), null=True, blank=True)

    class Meta:
        db_table = "staff_item"
        ordering = ("kind", "-issued_on", "pk")
        verbose_name = _("登记")
        verbose_name_plural = _("登记")
        constraints = (
            models.CheckConstraint(
                condition=(Q(valid_until__isnull=True) | Q(valid_until__gte=F("issued_on")))
                & (Q(returned_on__isnull=True) | Q(returned_on__gte=F("issued_on"))),
                name="staff_item_is_issued_first",
            ),
            models.UniqueConstraint(
                fields=("staff", "kind", "number"),
                condition=Q(returned_on__isnull=True),
                name="staff_item_is_held_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Absence(models.Model):
    """缺勤: days on which somebody is away; the backup is in charge meanwhile (LA03)."""

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="absences", verbose_name=_("人员"))
    first_day = models.DateField(_("自"))
    last_day = models.DateField(_("至"), help_text=_("含当日"))
    reason = models.CharField(_("原因"), max_length=120, blank=True)

    class Meta:
        db_table = "absence"
        ordering = ("-first_day",)
        verbose_name = _("缺勤")
        verbose_name_plural = _("缺勤")
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="absence_ends_after_it_begins"),
            ExclusionConstraint(
                name="absence_once_a_day",
                expressions=[
                    ("staff", RangeOperators.EQUAL),
                    (
                        Func(
                            F("first_day"),
                            F("last_day"),
                            models.Value("[]"),
                            function="daterange",
                            output_field=models.Field(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        )

    def __str__(self) -> str:
        return f"{self.staff_id} {self.first_day}–{self.last_day}"


class DeskDay(models.Model):
    """坐岗: a day on which somebody sits at the desk of her institution; her other working days are spent in the grids (LA03)."""

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="desk_days", verbose_name=_("人员"))
    day = models.DateField(_("日期"))

    class Meta:
        db_table = "desk_day"
        ordering = ("day",)
        verbose_name = _("坐岗")
        verbose_name_plural = _("坐岗")
        constraints = (models.UniqueConstraint(fields=("staff", "day"), name="desk_day_is_one"),)

    def __str__(self) -> str:
        return f"{self.staff_id} {self.day}"


class Assessment(models.Model):
    """考核: what share of a month's subsidy somebody has earned (LA04); whoever has none has earned all of it."""

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="assessments", verbose_name=_("人员"))
    month = models.DateField(_("月份"))
    percent = models.PositiveSmallIntegerField(_("考核结果 (%)"), validators=[MaxValueValidator(200)])
    note = models.CharField(_("考核说明"), max_length=300, validators=[ProhibitNullCharactersValidator()])

    class Meta:
        db_table = "assessment"
        verbose_name = _("考核")
        verbose_name_plural = _("考核")
        constraints = (
            models.UniqueConstraint(fields=("staff", "month"), name="assessment_is_one_a_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="assessment_begins_on_the_first"),
            models.CheckConstraint(condition=Q(percent__lte=200), name="assessment_is_at_most_double"),
        )

    def __str__(self) -> str:
        return f"{self.staff_id} {self.month:%Y-%m} {self.percent}%"

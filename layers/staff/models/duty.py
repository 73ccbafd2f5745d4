"""What somebody is in charge of: a grid of a plan, or a post."""

from __future__ import annotations

import datetime as dt

from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, Func, OuterRef, Q
from django.db.models.lookups import In
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from layers.features.models import Feature, FeatureQuerySet
from layers.grids.models import SRID, Grid
from layers.orgs.models import HEADS, User
from layers.staff.models.people import ARRANGERS, VIEWERS, Absence, Staff, days


class PostQuerySet(FeatureQuerySet["Post"]):
    """Posts by who may see and change them."""

    def visible_to(self, user: User) -> PostQuerySet:
        """Posts of the user's subtree; a field worker's those she serves. Restricted ones: only their holders and managers (HY10)."""
        if user.institution is None or user.is_regulator:
            return self.none()
        held = Q(pk__in=Assignment.objects.on().filter(staff__user=user, post__isnull=False).values("post"))
        if user.role not in VIEWERS:
            return self.filter(held)
        inside = Q(institution__path__startswith=user.institution.path)
        if user.role in HEADS:
            return self.filter(inside)
        return self.filter(inside & (Q(restricted=False) | held))

    def changeable_by(self, user: User) -> PostQuerySet:
        """Those that the user sees and may change: arrangers' within their subtree."""
        return self.visible_to(user) if user.role in ARRANGERS else self.none()


class Post(Feature):
    """点位: a responsibility unit that is a point or a line (点位长, 路长, 部门包路段; GB01, GB02, XF03).

    `geom` is in EPSG:4490. `partners` guard each other (店包店, 户户联防): the link goes both ways.
    """

    geom = models.GeometryField(_("位置"), srid=SRID)
    duty_text = models.TextField(_("职责说明"), max_length=1000, blank=True, default="", db_default="")
    partners = models.ManyToManyField("self", blank=True, verbose_name=_("互保点位"), db_table="post_partner")
    restricted = models.BooleanField(
        _("限制查看"), default=False, db_default=False, help_text=_("只有责任人和管理人员可以查看")
    )

    objects = PostQuerySet.as_manager()

    class Meta:
        db_table = "post"
        verbose_name = pgettext_lazy("图层", "点位")
        verbose_name_plural = pgettext_lazy("图层", "点位")
        constraints = (
            models.UniqueConstraint(fields=("institution", "code"), name="post_code_is_unique"),
            models.CheckConstraint(
                condition=In(
                    Func(F("geom"), function="GeometryType", output_field=models.CharField()), ["POINT", "LINESTRING"]
                ),
                name="post_is_a_point_or_a_line",
            ),
            models.CheckConstraint(condition=Q(geom__isvalid=True), name="post_shape_is_valid"),
        )


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Assignments by date and by who may see the people."""

    def on(self, at: dt.date | None = None) -> AssignmentQuerySet:
        """Those in force on a date (today when None); proposals are not."""
        at = at or timezone.localdate()
        return self.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at, status=Assignment.Status.APPROVED
        )

    def waiting(self) -> AssignmentQuerySet:
        """What waits for a decision: proposals, and turns whose end somebody asks for."""
        return self.filter(Q(status=Assignment.Status.PROPOSED) | Q(end_asked__isnull=False))

    def serving(self) -> AssignmentQuerySet:
        """Those of people who are in charge or stand in, not of those who merely belong to a grid."""
        return self.exclude(kind=Assignment.Kind.MEMBER)

    def visible_to(self, user: User) -> AssignmentQuerySet:
        """People of the user's own bank only: nobody else is told who serves a grid."""
        if user.is_regulator or user.institution is None:
            return self.none()
        return self.filter(staff__institution__path__startswith=user.institution.head_office_path)

    def with_presence(self, at: dt.date | None = None) -> AssignmentQuerySet:
        """Each with `away`: whether the person is absent on a date."""
        at = at or timezone.localdate()
        away = Absence.objects.filter(staff=OuterRef("staff"), first_day__lte=at, last_day__gte=at)
        return self.annotate(away=Exists(away))


class Assignment(models.Model):
    """责任: who is in charge of a grid or a post in a role, from a day on (责任人, AB岗, 主协办).

    The database refuses two people in charge of one grid in the same role at the same time, and the same person twice.
    """

    class Kind(models.TextChoices):
        MAIN = "main", _("责任人")
        BACKUP = "backup", _("B岗")
        MEMBER = "member", _("成员")

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("待审批")
        APPROVED = "approved", _("已生效")
        REFUSED = "refused", _("未同意")

    staff = models.ForeignKey(Staff, models.PROTECT, related_name="assignments", verbose_name=_("人员"))
    grid = models.ForeignKey(
        Grid, models.CASCADE, null=True, blank=True, related_name="assignments", verbose_name=_("网格")
    )
    post = models.ForeignKey(
        Post, models.CASCADE, null=True, blank=True, related_name="assignments", verbose_name=_("点位")
    )
    role = models.CharField(_("角色"), max_length=16, default="worker")
    kind = models.CharField(_("岗位"), max_length=8, choices=Kind.choices, default=Kind.MAIN)
    share = models.PositiveSmallIntegerField(
        _("归属比例 (%)"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("客户归属上移时, 本岗位分得的业绩比例"),
    )
    valid_from = models.DateField(_("自"))
    valid_to = models.DateField(_("至"), null=True, blank=True, help_text=_("自当日起不再有效"))
    status = models.CharField(_("状态"), max_length=8, choices=Status.choices, default=Status.APPROVED)
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replaced_by", verbose_name=_("接替")
    )
    continues = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="continued_by",
        verbose_name=_("接续"),
        help_text=_("同一责任在前一方案中的记录"),
    )
    end_asked = models.DateField(_("申请结束日期"), null=True, blank=True)
    end_asked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("申请结束的人")
    )
    filing = models.CharField(_("备案号"), max_length=60, blank=True)
    note = models.CharField(_("说明"), max_length=300, blank=True)
    proposed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("提出人")
    )
    decided_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("审批人")
    )
    decided_at = models.DateTimeField(_("审批时间"), null=True, blank=True)

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
            models.CheckConstraint(
                condition=Q(grid__isnull=False, post__isnull=True) | Q(grid__isnull=True, post__isnull=False),
                name="assignment_is_to_a_grid_or_a_post",
            ),
            models.CheckConstraint(condition=Q(share__gte=1, share__lte=100), name="assignment_share_is_a_percentage"),
            models.CheckConstraint(condition=Q(kind__in=["main", "backup", "member"]), name="assignment_kind_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "approved", "refused"]), name="assignment_status_is_known"
            ),
            *(
                ExclusionConstraint(
                    name=f"assignment_one_in_charge_of_a_{unit}",
                    expressions=[
                        (unit, RangeOperators.EQUAL),
                        ("role", RangeOperators.EQUAL),
                        (days("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                    ],
                    condition=Q(kind="main", status="approved", **{f"{unit}__isnull": False}),
                )
                for unit in ("grid", "post")
            ),
            *(
                ExclusionConstraint(
                    name=f"assignment_of_a_person_once_a_{unit}",
                    expressions=[
                        ("staff", RangeOperators.EQUAL),
                        (unit, RangeOperators.EQUAL),
                        ("role", RangeOperators.EQUAL),
                        (days("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                    ],
                    condition=Q(status="approved", **{f"{unit}__isnull": False}),
                )
                for unit in ("grid", "post")
            ),
        )

    def __str__(self) -> str:
        return f"{self.staff_id} {self.role} {self.grid_id or self.post_id}"

    @property
    def asker(self) -> int | None:
        """Who asks for what waits for a decision."""
        return self.proposed_by_id if self.status == self.Status.PROPOSED else self.end_asked_by_id

    @property
    def unit(self) -> Grid | Post:
        """The grid or the post."""
        found = self.grid or self.post
        assert found is not None
        return found

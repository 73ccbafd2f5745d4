"""Plans and grids. The coverage rule itself lives in the database: see gis/sql/coverage_guard.sql."""

from __future__ import annotations

import datetime as dt

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.orgs.models import HEADS, Institution, User

SRID = 4490
IN_FORCE = ("published", "retired")


class PlanQuerySet(models.QuerySet["Plan"]):
    """Plans by who may see them and by when they were in force."""

    def visible_to(self, user: User) -> PlanQuerySet:
        """Plans of the user's subtree; of the institutions above, and for a regulator of all, those once published.

        Of private drafts only one's own, those that one is named an editor of, and, for managers and administrators, those of
        their own institution: somebody has to know what is under way, and to take over from who has left.
        """
        if user.is_regulator:
            return self.filter(status__in=IN_FORCE)
        if user.institution is None:
            return self.none()
        shown = ~Q(status=Plan.Status.DRAFT) | Q(private=False)
        if user.pk is not None:
            named = Plan.editors.through.objects.filter(plan=OuterRef("pk"), user=user)
            shown |= Q(created_by=user) | Q(Exists(named))
        if user.role in HEADS:
            shown |= Q(institution__path=user.institution.path)
        own = shown & Q(institution__in=Institution.objects.within(user.institution))
        above = Q(institution__in=Institution.objects.above(user.institution), status__in=IN_FORCE)
        return self.filter(own | above)

    def in_force(self, at: dt.date | None = None) -> PlanQuerySet:
        """Plans in force on a date (today when None)."""
        at = at or timezone.localdate()
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), status__in=IN_FORCE, valid_from__lte=at)


class Plan(models.Model):
    """方案: one gridding of one service area (服务区域)."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("草稿")
        SUBMITTED = "submitted", _("待审定")
        APPROVED = "approved", _("已审定")
        PUBLISHED = "published", _("已发布")
        RETIRED = "retired", _("已归档")

    class Policy(models.TextChoices):
        PARTITION = "partition", _("不重不漏")
        BOUNDED_OVERLAP = "bounded_overlap", _("城区允许适当交叉")

    institution = models.ForeignKey(Institution, models.PROTECT, related_name="plans", verbose_name=_("机构"))
    name = models.CharField(_("名称"), max_length=120)
    area_code = models.CharField(_("服务区域编码"), max_length=17)
    level_names = ArrayField(models.CharField(max_length=40), verbose_name=_("级别名称"))
    status = models.CharField(_("状态"), max_length=16, choices=Status.choices, default=Status.DRAFT)
    policy = models.CharField(_("覆盖规则"), max_length=16, choices=Policy.choices, default=Policy.PARTITION)
    overlap_limit = models.FloatField(
        _("城区交叉上限"),
        default=0.05,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("规则为“城区允许适当交叉”时, 一个城区网格与同级网格重叠的面积占其自身面积的最大比例"),
    )
    revision = models.PositiveIntegerField(_("版本"), default=1)
    base = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="drafts", verbose_name=_("复制自")
    )
    valid_from = models.DateField(_("生效日期"), null=True, blank=True)
    valid_to = models.DateField(_("失效日期"), null=True, blank=True, help_text=_("自当日起不再有效"))
    synthetic = models.BooleanField(_("演示数据: 内部界线为合成"), default=False)
    source = models.CharField(_("数据来源"), max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, verbose_name=_("创建人"))
    created_at = models.DateTimeField(_("创建时间"), auto_now_add=True)
    private = models.BooleanField(
        _("只给作者和指名的同事看"), default=False, db_default=False, help_text=_("只对草稿有意义; 提交审定时取消")
    )
    editors = models.ManyToManyField(
        User, db_table="plan_editor", related_name="drafts_shared", blank=True, verbose_name=_("共同编制人")
    )

    objects = PlanQuerySet.as_manager()

    class Meta:
        db_table = "plan"
        verbose_name = _("方案")
        verbose_name_plural = _("方案")
        constraints = (
            models.CheckConstraint(
                condition=Q(level_names__len__gte=2, level_names__len__lte=5), name="plan_has_two_to_five_levels"
            ),
            models.CheckConstraint(
                condition=Q(overlap_limit__gte=0, overlap_limit__lte=1), name="plan_overlap_limit_is_a_share"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=IN_FORCE) | Q(valid_from__isnull=False), name="plan_in_force_has_a_first_day"
            ),
            models.CheckConstraint(
                condition=~Q(status="retired") | Q(valid_to__isnull=False), name="plan_retired_has_a_last_day"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="plan_ends_after_it_begins"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def level_name(self, level: int) -> str:
        """What a level is called; its number where the plan gives it no name."""
        return self.level_names[level] if level < len(self.level_names) else str(level)

    def is_in_force(self, at: dt.date) -> bool:
        """Whether the plan is the one in force on a date."""
        return (
            self.status in IN_FORCE
            and self.valid_from is not None
            and self.valid_from <= at
            and (self.valid_to is None or self.valid_to > at)
        )


class GridQuerySet(models.QuerySet["Grid"]):
    """Grids by plan and place."""

    def visible_to(self, user: User) -> GridQuerySet:
        """Grids of the plans that the user may see."""
        return self.filter(plan__in=Plan.objects.visible_to(user))


class Grid(models.Model):
    """网格: a node of a plan's tree; its children, if it has any, cover it exactly. The root is the service area.

    Stored in EPSG:4490 on the 1e-7 degree lattice. The guard in gis/sql keeps the tree, the lattice and the cover.
    """

    class Kind(models.TextChoices):
        URBAN = "urban", _("城区")
        RURAL = "rural", _("农村")

    plan = models.ForeignKey(
        Plan,
        models.CASCADE,
        related_name="grids",
        verbose_name=_("方案"),
        db_index=False,
        help_text=_("索引见 (方案, 编码)"),
    )
    parent = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("上级网格"),
        db_constraint=False,
        help_text=_("数据库以 (上级, 方案, 级别) 复合外键约束"),
    )
    level = models.SmallIntegerField(_("级别"), help_text=_("0 为服务区域"))
    code = models.CharField(_("编码"), max_length=32, db_collation="C")
    bank_code = models.CharField(_("行内编码"), max_length=40, blank=True)
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类别"), max_length=8, choices=Kind.choices, default=Kind.RURAL)
    locked = models.BooleanField(_("已锁定"), db_default=False, default=False)
    geom = models.MultiPolygonField(_("范围"), srid=SRID)
    border_sum = models.GeneratedField(
        expression=Func(F("geom"), function="border_sum"),
        output_field=models.DecimalField(max_digits=60, decimal_places=0),
        db_persist=True,
        verbose_name=_("界线和"),
    )

    objects = GridQuerySet.as_manager()

    class Meta:
        db_table = "grid"
        verbose_name = _("网格")
        verbose_name_plural = _("网格")
        constraints = (
            models.UniqueConstraint(fields=("plan", "code"), name="grid_code_is_unique_in_its_plan"),
            models.UniqueConstraint(fields=("plan",), condition=Q(parent__isnull=True), name="grid_one_root_a_plan"),
            models.CheckConstraint(
                condition=Q(level=0, parent__isnull=True) | Q(level__gte=1, level__lte=4, parent__isnull=False),
                name="grid_level_counts_from_the_root",
            ),
            models.CheckConstraint(condition=Q(kind__in=["urban", "rural"]), name="grid_kind_is_urban_or_rural"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class GridCount(models.Model):
    """网格计数: a counted figure of a grid on a date (households, 户数). Lives beside the grid: a published plan never changes."""

    class Measure(models.TextChoices):
        HOUSEHOLDS = "households", _("户数")

    grid = models.ForeignKey(Grid, models.CASCADE, related_name="counts", verbose_name=_("网格"))
    measure = models.CharField(_("指标"), max_length=40, choices=Measure.choices)
    value = models.PositiveIntegerField(_("数值"))
    as_of = models.DateField(_("截至"))
    synthetic = models.BooleanField(_("演示数据"), default=False)

    class Meta:
        db_table = "grid_count"
        verbose_name = _("网格计数")
        verbose_name_plural = _("网格计数")
        constraints = (models.UniqueConstraint(fields=("grid", "measure", "as_of"), name="grid_count_once_a_day"),)

"""Rules that grids are held against, and how an institution measures. Both are data: the source plans differ on all of it."""

from __future__ import annotations

from collections.abc import Collection

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from layers.grids.models import Grid
from layers.orgs.inherited import InheritedSettings
from layers.orgs.models import Institution, User, paths_to


class RuleQuerySet(models.QuerySet["Rule"]):
    """Rules by who may see them and whom they bind."""

    def visible_to(self, user: User) -> RuleQuerySet:
        """Those of the user's subtree and of the institutions above; all for a regulator."""
        if user.is_regulator:
            return self.all()
        if user.institution is None:
            return self.none()
        own = Q(institution__in=Institution.objects.within(user.institution))
        return self.filter(own | Q(institution__in=Institution.objects.above(user.institution)))

    def binding(self, institution: Institution) -> list[Rule]:
        """The active rules for an institution's plans.

        Blocking rules of the institutions above always bind. Of warnings about the same thing (measure, form, level,
        class) only those of the nearest institution count: a branch may set a size band of its own, also an inactive one.
        """
        return self.binding_each([institution])[institution.pk]

    def binding_each(self, institutions: Collection[Institution]) -> dict[int, list[Rule]]:
        """The same of several institutions, by their ids, in one statement."""
        paths = {path for one in institutions for path in paths_to(one.path)}
        rules = list(
            self.filter(institution__path__in=paths).select_related("institution").order_by("institution__path", "pk")
        )
        return {
            one.pk: _binding([rule for rule in rules if one.path.startswith(rule.institution.path)])
            for one in institutions
        }


def _binding(rules: list[Rule]) -> list[Rule]:
    """Of all rules from the head office down to an institution, those that bind there."""
    nearest = {rule.subject: rule.institution.path for rule in rules}
    return [
        rule
        for rule in rules
        if rule.active and (rule.severity == Rule.Severity.BLOCK or rule.institution.path == nearest[rule.subject])
    ]


class Rule(models.Model):
    """规则: what a measure of the grids of one level must be, or how far it may differ between siblings."""

    class Form(models.TextChoices):
        BAND = "band", _("数值范围")
        BALANCE = "balance", _("任务相当")

    class Severity(models.TextChoices):
        BLOCK = "block", _("禁止")
        WARN = "warn", _("提醒")

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="rules", verbose_name=_("机构"))
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=80, blank=True)
    measure = models.CharField(_("指标"), max_length=40)
    form = models.CharField(
        _("形式"),
        max_length=8,
        choices=Form.choices,
        default=Form.BAND,
        help_text=_("任务相当: 上限为与同级网格平均数相差的百分比"),
    )
    level = models.SmallIntegerField(
        _("级别"),
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(4)],
        help_text=_("从下往上数: 0 为最小的网格, 1 为它们的上级; 各方案的级数不同"),
    )
    kind = models.CharField(
        _("类别"), max_length=8, choices=Grid.Kind.choices, blank=True, help_text=_("空: 城区和农村")
    )
    low = models.FloatField(_("下限"), null=True, blank=True)
    high = models.FloatField(_("上限"), null=True, blank=True)
    severity = models.CharField(_("程度"), max_length=8, choices=Severity.choices, default=Severity.WARN)
    active = models.BooleanField(_("启用"), default=True)
    domain = models.CharField(_("业务编号"), max_length=8, blank=True)
    preset = models.CharField(_("来自预设"), max_length=40, blank=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        db_table = "rule"
        verbose_name = _("规则")
        verbose_name_plural = _("规则")
        constraints = (
            models.CheckConstraint(
                condition=Q(low__isnull=False) | Q(high__isnull=False), name="rule_has_at_least_one_limit"
            ),
            models.CheckConstraint(
                condition=Q(low__isnull=True) | Q(high__isnull=True) | Q(low__lte=F("high")),
                name="rule_low_is_at_most_high",
            ),
            models.CheckConstraint(
                condition=~Q(form="balance") | Q(low__isnull=True, high__gt=0),
                name="rule_balance_has_a_greatest_deviation",
            ),
            models.CheckConstraint(condition=Q(level__gte=0, level__lte=4), name="rule_level_counts_from_below"),
            models.CheckConstraint(condition=Q(kind__in=["", "urban", "rural"]), name="rule_kind_is_known"),
            models.CheckConstraint(condition=Q(severity__in=["block", "warn"]), name="rule_severity_is_known"),
            models.CheckConstraint(condition=Q(form__in=["band", "balance"]), name="rule_form_is_known"),
            models.UniqueConstraint(
                fields=("institution", "preset"),
                condition=~Q(preset=""),
                name="rule_of_a_preset_once",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> tuple[str, str, int, str]:
        """What the rule is about: two rules with the same subject say different things of the same thing."""
        return self.measure, self.form, self.level, self.kind


class MeasureSettings(InheritedSettings):
    """指标设置: how an institution measures workload, households and the way to its outlets, and what is too small a piece; its branches follow unless they have their own."""

    class From(models.TextChoices):
        AUTOMATIC = "automatic", _("自动: 服务区域内有建筑户数时用建筑, 否则用网格登记数")
        BUILDINGS = "buildings", _("建筑户数")
        COUNTS = "counts", _("网格登记户数")

    class Distance(models.TextChoices):
        AIR = "air", _("直线")
        STREET = "street", _("沿街")

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="measure_settings", verbose_name=_("机构")
    )
    household_weight = models.FloatField(_("每户"), default=1)
    cash_point_weight = models.FloatField(_("每个助农取款点"), default=0)
    km2_weight = models.FloatField(_("每平方公里"), default=0)
    least_piece_m2 = models.FloatField(
        _("最小碎块 (平方米)"), default=1, help_text=_("画界线时, 更小的碎块视为误画, 不保存")
    )
    households_from = models.CharField(_("户数来源"), max_length=10, choices=From.choices, default=From.AUTOMATIC)
    distance_by = models.CharField(_("到网点的距离"), max_length=6, choices=Distance.choices, default=Distance.AIR)
    street_access_m = models.FloatField(
        _("离街道至多 (米)"), default=1000, help_text=_("离街道更远的地方, 沿街距离没有数据")
    )

    class Meta:
        db_table = "measure_settings"
        verbose_name = _("指标设置")
        verbose_name_plural = _("指标设置")
        constraints = (
            models.CheckConstraint(
                condition=Q(household_weight__gte=0, cash_point_weight__gte=0, km2_weight__gte=0)
                & (Q(household_weight__gt=0) | Q(cash_point_weight__gt=0) | Q(km2_weight__gt=0)),
                name="measure_settings_weigh_something",
            ),
            models.CheckConstraint(
                condition=Q(least_piece_m2__gte=0), name="measure_settings_least_piece_is_no_less_than_0"
            ),
            models.CheckConstraint(
                condition=Q(distance_by__in=["air", "street"]), name="measure_settings_distance_is_by_air_or_street"
            ),
            models.CheckConstraint(condition=Q(street_access_m__gt=0), name="measure_settings_street_access_is_some"),
        )

    @property
    def weights(self) -> dict[str, float]:
        """The workload formula: weight by measure."""
        return {
            "households": self.household_weight,
            "cash_points": self.cash_point_weight,
            "area_km2": self.km2_weight,
        }

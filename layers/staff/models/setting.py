"""How an institution arranges its people: terms of its own, settings, and which grids are shown to the public."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from layers.orgs.inherited import InheritedSettings
from layers.orgs.models import Institution, paths_to


class TermQuerySet(models.QuerySet["Term"]):
    """Terms by whose they are."""

    def of(self, institution: Institution) -> TermQuerySet:
        """Those of the institution and of all above it, upper ones first."""
        return self.filter(institution__path__in=paths_to(institution.path)).order_by("institution__path", "pk")


class Term(models.Model):
    """词条: what an institution adds to a vocabulary (roles, duties, items)."""

    class Vocabulary(models.TextChoices):
        ROLE = "role", _("角色")
        DUTY = "duty", _("职责")
        ITEM = "item", _("登记类型")

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="terms", verbose_name=_("机构"))
    vocabulary = models.CharField(_("词表"), max_length=8, choices=Vocabulary.choices)
    code = models.SlugField(_("代码"), max_length=16)
    name = models.CharField(_("名称"), max_length=40)
    name_en = models.CharField(_("英文名称"), max_length=60, blank=True)

    objects = TermQuerySet.as_manager()

    class Meta:
        db_table = "term"
        verbose_name = _("词条")
        verbose_name_plural = _("词条")
        constraints = (
            models.UniqueConstraint(fields=("institution", "vocabulary", "code"), name="term_code_is_unique"),
        )

    def __str__(self) -> str:
        return self.name


class StaffSettings(InheritedSettings):
    """人员设置: approval, terms of office, what everybody must hold; branches follow unless they have their own."""

    class Approval(models.TextChoices):
        ABOVE = "above", _("由上级机构审批")
        NONE = "none", _("立即生效")

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="staff_settings", verbose_name=_("机构")
    )
    approval = models.CharField(_("安排审批"), max_length=8, choices=Approval.choices, default=Approval.ABOVE)
    term_days = models.PositiveIntegerField(
        _("任职满多少天方可调整"),
        default=365,
        validators=[MaxValueValidator(3660)],
        help_text=_("适用于下列角色; 0 为不限"),
    )
    term_roles = ArrayField(models.CharField(max_length=16), default=list, blank=True, verbose_name=_("限期角色"))
    most_grids = models.PositiveSmallIntegerField(
        _("一人最多负责几个网格"), default=1, validators=[MinValueValidator(1)], help_text=_("超过的列入“一人多格”")
    )
    needed_items = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, verbose_name=_("每人应有的登记")
    )
    needed_by = ArrayField(
        models.CharField(max_length=16),
        default=list,
        blank=True,
        verbose_name=_("哪些类型的人员须登记"),
        help_text=_("不选: 所有人员"),
    )
    persons_per_household = models.FloatField(
        _("户均人口"), null=True, blank=True, help_text=_("没有人口数据时用来估算; 空: 不估算")
    )
    meeting_days = models.PositiveSmallIntegerField(
        _("多少天内须有一次联席会议"), default=365, help_text=_("四个一的“会”, 见“协议与制度”中的会议纪要; 0 为不要求")
    )
    subsidy_role = models.CharField(_("领取补贴的角色"), max_length=16, default="group_leader")
    subsidy = models.PositiveIntegerField(
        _("补贴标准 (元/月)"), default=500, help_text=_("每个岗位; 人员登记了自己的补贴时按登记的")
    )
    public_sheets = models.BooleanField(_("对外公示"), default=False)

    class Meta:
        db_table = "staff_settings"
        verbose_name = _("人员设置")
        verbose_name_plural = _("人员设置")
        constraints = (
            models.CheckConstraint(
                condition=Q(approval__in=["above", "none"]), name="staff_settings_approval_is_known"
            ),
            models.CheckConstraint(
                condition=Q(persons_per_household__isnull=True) | Q(persons_per_household__gt=0),
                name="staff_settings_somebody_lives_there",
            ),
        )


def sheet_token() -> str:
    """Short enough for a sign on a wall; 80 random bits."""
    return secrets.token_hex(10)


class PublicSheet(models.Model):
    """公示: the address under which anybody may see who serves a grid; it goes with the grid's code, through all plans."""

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="public_sheets", verbose_name=_("机构"))
    code = models.CharField(_("网格编码"), max_length=32, db_collation="C")
    token = models.CharField(max_length=20, unique=True, default=sheet_token, editable=False)

    class Meta:
        db_table = "public_sheet"
        verbose_name = _("公示")
        verbose_name_plural = _("公示")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="public_sheet_once_a_grid"),)

    def __str__(self) -> str:
        return self.code

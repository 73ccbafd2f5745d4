"""What happens to a plan on its way into force: decisions, comments, shared links."""

from __future__ import annotations

import datetime as dt
import secrets

from django.contrib.gis.db import models
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from layers.grids.models import SRID, Plan
from layers.orgs.inherited import InheritedSettings
from layers.orgs.models import ApiToken, Institution, User


class Decision(models.Model):
    """审定记录: one step of a plan towards publication, by whom and with what note. Rows are only ever added."""

    class Kind(models.TextChoices):
        COPIED = "copied", _("复制")
        SUBMITTED = "submitted", _("提交审定")
        APPROVED = "approved", _("同意")
        RETURNED = "returned", _("退回")
        REBASED = "rebased", _("合入现行方案")
        PUBLISHED = "published", _("发布")

    plan = models.ForeignKey(
        Plan, models.DO_NOTHING, related_name="decisions", db_constraint=False, verbose_name=_("方案")
    )
    revision = models.PositiveIntegerField(_("版本"), help_text=_("作出决定时方案的版本"))
    kind = models.CharField(_("决定"), max_length=16, choices=Kind.choices)
    note = models.TextField(_("说明"), blank=True)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("作者"))
    made_at = models.DateTimeField(_("时间"), auto_now_add=True)
    details = models.JSONField(_("详情"), default=dict)

    class Meta:
        db_table = "decision"
        ordering = ("pk",)
        verbose_name = _("审定记录")
        verbose_name_plural = _("审定记录")
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=["copied", "submitted", "approved", "returned", "rebased", "published"]),
                name="decision_kind_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.plan_id}"


class Comment(models.Model):
    """意见: a remark on a plan, pinned to a place or on the whole."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="comments", verbose_name=_("方案"))
    text = models.TextField(_("内容"), max_length=2000)
    place = models.PointField(_("位置"), srid=SRID, null=True, blank=True)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("作者"))
    made_at = models.DateTimeField(_("时间"), auto_now_add=True)
    resolved_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("处理人")
    )
    resolved_at = models.DateTimeField(_("处理时间"), null=True, blank=True)

    class Meta:
        db_table = "plan_comment"
        ordering = ("pk",)
        verbose_name = _("意见")
        verbose_name_plural = _("意见")
        constraints = (
            models.CheckConstraint(
                condition=Q(resolved_by__isnull=True, resolved_at__isnull=True)
                | Q(resolved_by__isnull=False, resolved_at__isnull=False),
                name="comment_is_resolved_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="comment_says_something"),
        )

    def __str__(self) -> str:
        return self.text[:40]


class ShareLink(models.Model):
    """分享链接: lets anybody who has it look at a plan until a day; people are not shown. Only a digest is stored."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="share_links", verbose_name=_("方案"))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("创建人"))
    made_at = models.DateTimeField(_("创建时间"), auto_now_add=True)
    expires_at = models.DateTimeField(_("到期"))
    revoked_at = models.DateTimeField(_("撤回时间"), null=True, blank=True)

    class Meta:
        db_table = "share_link"
        verbose_name = _("分享链接")
        verbose_name_plural = _("分享链接")

    @classmethod
    def issue(cls, plan: Plan, user: User, days: int) -> tuple[ShareLink, str]:
        """A new link and its token, which is not to be had again."""
        token = secrets.token_urlsafe(32)
        expires_at = timezone.now() + dt.timedelta(days=days)
        link = cls.objects.create(plan=plan, made_by=user, digest=ApiToken.digest_of(token), expires_at=expires_at)
        return link, token

    @classmethod
    def plan_of(cls, token: str) -> Plan | None:
        """The plan that a token still shows, or None."""
        link = (
            cls.objects.filter(
                digest=ApiToken.digest_of(token),
                revoked_at=None,
                expires_at__gt=timezone.now(),
                made_by__is_active=True,
            )
            .select_related("plan")
            .first()
        )
        return link and link.plan


class ReviewSettings(InheritedSettings):
    """审定设置: what an institution wants to be warned of; its branches follow unless they have their own."""

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="review_settings", verbose_name=_("机构")
    )
    assignment_days = models.PositiveIntegerField(
        _("任职满多少天方可调整"),
        default=365,
        help_text=_("网格长任职不满此期限而网格有变动时提醒"),
        validators=[MaxValueValidator(3660)],
    )
    share_days = models.PositiveIntegerField(
        _("分享链接有效天数"), default=30, validators=[MinValueValidator(1), MaxValueValidator(366)]
    )
    clear_overlap = models.FloatField(
        _("归属明确的最小重叠"),
        default=2 / 3,
        help_text=_("网格撤销后, 新网格与它重叠的面积占它的比例低于此值时, 责任人的去向须人工确认"),
        validators=[MinValueValidator(0.5), MaxValueValidator(1)],
    )

    class Meta:
        db_table = "review_settings"
        verbose_name = _("审定设置")
        verbose_name_plural = _("审定设置")
        constraints = (
            models.CheckConstraint(
                condition=Q(clear_overlap__gte=0.5, clear_overlap__lte=1), name="review_settings_overlap_is_a_majority"
            ),
        )

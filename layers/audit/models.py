"""The audit log: who wrote, read, unmasked and signed in. Rows are made by the database (sql/log.sql) and never change."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Min, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from layers.orgs.inherited import InheritedSettings
from layers.orgs.models import Institution, User, paths_to


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries by who may read them."""

    def visible_to(self, user: User) -> EntryQuerySet:
        """What was done by, or to what belongs to, the user's subtree; what belongs to no institution is for a superuser without one."""
        if not user.reads_audit:
            return self.none()
        if user.institution is None:
            return self.filter(institution_id=None, user_institution_id=None)
        subtree = Institution.objects.within(user.institution).order_by().values("pk")
        return self.filter(Q(institution_id__in=subtree) | Q(user_institution_id__in=subtree))


class Entry(models.Model):
    """审计记录: one act. Plain numbers instead of foreign keys: an entry outlives what it speaks of."""

    class Kind(models.TextChoices):
        WRITE = "write", _("写入")
        READ = "read", _("读取个人信息")
        UNMASK = "unmask", _("查看完整信息")
        LOGIN = "login", _("登录")
        LOGIN_FAILED = "login_failed", _("登录失败")
        LOCKED = "locked", _("锁定")
        LOGOUT = "logout", _("退出")
        PURGE = "purge", _("清理审计记录")

    class Operation(models.TextChoices):
        INSERT = "insert", pgettext_lazy("写入操作", "新增")
        UPDATE = "update", pgettext_lazy("写入操作", "修改")
        DELETE = "delete", pgettext_lazy("写入操作", "删除")
        TRUNCATE = "truncate", pgettext_lazy("写入操作", "清空")

    at = models.DateTimeField(_("时间"))
    kind = models.CharField(_("类别"), max_length=16, choices=Kind.choices)
    operation = models.CharField(_("操作"), max_length=8, choices=Operation.choices, blank=True)
    table_name = models.TextField(_("数据表"), blank=True)
    keys = ArrayField(models.TextField(), verbose_name=_("对象"))
    rows = models.IntegerField(_("行数"))
    fields = ArrayField(models.TextField(), verbose_name=_("字段"))
    old = models.JSONField(_("原值"), null=True)
    new = models.JSONField(_("新值"), null=True)
    reason = models.TextField(_("事由"), blank=True)
    user_id = models.BigIntegerField(_("用户编号"), null=True)
    username = models.TextField(_("用户"), blank=True, help_text=_("当时的用户名; 直接连接数据库写入时为空"))
    user_institution_id = models.BigIntegerField(_("用户的机构"), null=True)
    institution_id = models.BigIntegerField(_("对象的机构"), null=True)
    db_role = models.TextField(_("数据库角色"))
    program = models.TextField(_("程序"), blank=True)
    address = models.TextField(_("网络地址"), blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        db_table = "audit"
        verbose_name = _("审计记录")
        verbose_name_plural = _("审计记录")
        indexes = (
            models.Index(fields=("at",), name="audit_at"),
            models.Index(fields=("institution_id", "id"), name="audit_institution"),
            models.Index(fields=("user_institution_id", "id"), name="audit_user_institution"),
            GinIndex(fields=("keys",), name="audit_keys"),
        )
        constraints = (
            # log_event() knows no operation, so what it is given cannot pass for a write.
            models.CheckConstraint(
                condition=Q(kind="write", operation__gt="") | ~Q(kind="write") & Q(operation=""),
                name="audit_write_has_its_operation",
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.username or self.db_role} {self.kind} {self.table_name}"


def rows_at_once() -> int:
    """What the server allows."""
    return settings.UNMASK_ROWS_AT_ONCE


def rows_a_day() -> int:
    """What the server allows."""
    return settings.UNMASK_ROWS_A_DAY


class UnmaskSettings(InheritedSettings):
    """完整信息上限: how many records one person may see in full. The server and the institutions above set the bound; here it may be less."""

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="unmask_settings", verbose_name=_("机构")
    )
    rows_at_once = models.PositiveIntegerField(
        _("一次最多导出多少条完整信息"), default=rows_at_once, help_text=_("0 为不允许导出")
    )
    rows_a_day = models.PositiveIntegerField(
        _("每人 24 小时内最多查看或导出多少条"), default=rows_a_day, help_text=_("逐条查看的也计算在内")
    )

    class Meta:
        db_table = "unmask_settings"
        verbose_name = _("完整信息上限")
        verbose_name_plural = _("完整信息上限")

    @classmethod
    def limits(cls, path: str) -> dict[str, int]:
        """What holds at a place in the tree: the least of what the server and all institutions from there up allow."""
        set_above = cls.objects.filter(institution__path__in=paths_to(path))
        found = set_above.aggregate(rows_at_once=Min("rows_at_once"), rows_a_day=Min("rows_a_day"))
        server = cls()
        return {
            name: min(getattr(server, name), getattr(server, name) if least is None else least)
            for name, least in found.items()
        }

    def clean(self) -> None:
        """No more than what the institutions above allow."""
        bounds = self.limits(self.institution.path[: -self.institution.steplen])
        over = {name: bound for name, bound in bounds.items() if (getattr(self, name) or 0) > bound}
        if over:
            said = _("不能超过上级机构和服务器的上限 %(bound)s。")
            raise ValidationError({name: said % {"bound": f"{bound:,}"} for name, bound in over.items()})

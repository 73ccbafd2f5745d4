"""The log of what was done to a plan."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from layers.grids.models import Plan
from layers.orgs.models import User


class Edit(models.Model):
    """编辑记录: one step of a plan, with what it changed; its inverse follows from that. Rows are only ever added."""

    class Op(models.TextChoices):
        RESHAPE = "reshape", _("调整界线")
        REDRAW = "redraw", _("重画界线")
        SPLIT = "split", _("拆分")
        MERGE = "merge", _("合并")
        TRANSFER = "transfer", _("移交")
        EXTEND = "extend", _("延伸")
        WITHDRAW = "withdraw", _("收缩")
        REPARENT = "reparent", _("改属")
        DIVIDE = "divide", _("划分")
        ADD_LEVEL = "add_level", _("增加下级")
        REMOVE_LEVEL = "remove_level", _("删除下级")
        RENAME = "rename", _("改名")
        RECODE = "recode", _("改编码")
        CLASSIFY = "classify", _("改类别")
        LOCK = "lock", _("锁定")
        UNLOCK = "unlock", _("解除锁定")
        LEVELS = "levels", _("改级别名称")
        UNDO = "undo", _("撤销")
        REDO = "redo", _("重做")

    plan = models.ForeignKey(Plan, models.DO_NOTHING, related_name="edits", db_constraint=False, verbose_name=_("方案"))
    revision = models.PositiveIntegerField(_("版本"), help_text=_("此步之后方案的版本"))
    op = models.CharField(_("操作"), max_length=16, choices=Op.choices)
    subject = models.CharField(_("对象"), max_length=200, help_text=_("有关网格的简称"))
    args = models.JSONField(_("参数"))
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("作者"))
    made_at = models.DateTimeField(_("时间"), auto_now_add=True)
    change = models.JSONField(_("改动"), help_text=_("界线的增减、网格的增减和属性的前后值"))
    undoes = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        verbose_name=_("撤销或重做的步骤"),
    )
    grids = ArrayField(models.BigIntegerField(), verbose_name=_("改动的网格"))
    codes = ArrayField(models.CharField(max_length=32), default=list, verbose_name=_("新用的编码"))
    attempt = models.UUIDField(
        _("提交号"), null=True, editable=False, help_text=_("同一提交号只执行一次: 没收到回答时可以放心重发")
    )
    west, south, east, north = (models.FloatField(null=True) for _side in range(4))

    class Meta:
        db_table = "edit"
        ordering = ("revision",)
        verbose_name = _("编辑记录")
        verbose_name_plural = _("编辑记录")
        constraints = (
            models.UniqueConstraint(fields=("plan", "revision"), name="edit_one_a_revision"),
            models.UniqueConstraint(fields=("plan", "attempt"), name="edit_an_attempt_is_carried_out_once"),
            models.CheckConstraint(
                condition=models.Q(op__in=["undo", "redo"], undoes__isnull=False)
                | (~models.Q(op__in=["undo", "redo"]) & models.Q(undoes__isnull=True)),
                name="edit_undoes_what_it_names",
            ),
        )

    def __str__(self) -> str:
        return f"{self.revision} {self.op} {self.subject}"

    @property
    def bbox(self) -> list[float] | None:
        """West, south, east, north of what was changed, or None."""
        return None if self.west is None else [self.west, self.south, self.east, self.north]

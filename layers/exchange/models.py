"""Imports of points on their way into a layer, and how each institution's files are to be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from layers.imports.models import Job, JobQuerySet
from layers.orgs.models import Institution, User


class ColumnMapping(models.Model):
    """列对应: which column of a file holds what, remembered for an institution's next file with the same headings.

    `columns`: {target: column} (layers.exchange.targets); `kinds`: {word of the file: key of a kind}.
    """

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="column_mappings", verbose_name=_("机构"))
    layer = models.SlugField(_("图层"), max_length=40)
    fingerprint = models.CharField(_("表头指纹"), max_length=64, editable=False)
    columns = models.JSONField(_("列"), default=dict)
    kinds = models.JSONField(_("类型词"), default=dict)
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True)

    class Meta:
        db_table = "column_mapping"
        verbose_name = _("列对应")
        verbose_name_plural = _("列对应")
        constraints = (
            models.UniqueConstraint(fields=("institution", "layer", "fingerprint"), name="column_mapping_is_one"),
        )

    def __str__(self) -> str:
        return f"{self.layer} {self.fingerprint[:8]}"

    @staticmethod
    def fingerprint_of(columns: Sequence[str]) -> str:
        """The same for the same headings, in whatever order."""
        return hashlib.sha256(json.dumps(sorted(columns), ensure_ascii=False).encode()).hexdigest()

    @classmethod
    def remembered(cls, institution: Institution, layer: str, columns: Sequence[str]) -> ColumnMapping | None:
        """The institution's own, else that of the nearest institution above it."""
        above = Institution.objects.above(institution) | Institution.objects.filter(pk=institution.pk)
        found = cls.objects.filter(institution__in=above, layer=layer, fingerprint=cls.fingerprint_of(columns))
        return found.order_by("-institution__path").first()

    @classmethod
    def remember(
        cls,
        institution: Institution,
        layer: str,
        headings: Sequence[str],
        *,
        columns: dict[str, str],
        kinds: dict[str, str],
    ) -> None:
        """Keep it for the next file with these headings."""
        cls.objects.update_or_create(
            institution=institution,
            layer=layer,
            fingerprint=cls.fingerprint_of(headings),
            defaults={"columns": columns, "kinds": kinds},
        )


class PointImportQuerySet(JobQuerySet["PointImport"]):
    """Imports of points by who may see them."""

    def visible_to(self, user: User) -> PointImportQuerySet:
        """The user's own: what is not loaded yet may be personal data of people whom colleagues may not see."""
        return super().visible_to(user).filter(user=user)


class PointImport(Job):
    """点位导入: a file of points on its way into a layer. The file lies in `folder` until the import ends."""

    FOLDER, COMMAND = "points", "process_points"

    class Status(models.TextChoices):
        WORKING = "working", _("处理中")
        READ = "read", _("待核对列")
        CHECKED = "checked", _("待载入")
        LOADED = "loaded", _("已载入")
        FAILED = "failed", _("未能处理")
        CANCELLED = "cancelled", _("已取消")

    class Task(models.TextChoices):
        READ = "read", _("读取文件")
        CHECK = "check", _("检查各行")
        LOAD = "load", _("载入")

    OPEN = (Status.WORKING, Status.READ, Status.CHECKED)
    BACK: ClassVar = {Task.CHECK: Status.READ, Task.LOAD: Status.CHECKED}

    status = models.CharField(_("状态"), max_length=12, choices=Status.choices, default=Status.WORKING)
    task = models.CharField(_("任务"), max_length=8, choices=Task.choices, default=Task.READ)
    layer = models.SlugField(_("图层"), max_length=40)

    objects: Any = PointImportQuerySet.as_manager()

    class Meta:
        db_table = "point_import"
        verbose_name = _("点位导入")
        verbose_name_plural = _("点位导入")

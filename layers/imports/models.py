"""Imports over the web: what was uploaded, how far it has come, and what was found."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from gis.progress import Progress, teller, told
from layers.grids.models import Plan
from layers.orgs.models import Institution, User

AnyJob = TypeVar("AnyJob", bound="Job")


class JobQuerySet(models.QuerySet[AnyJob]):
    """Jobs by who may see them."""

    def visible_to(self, user: User) -> JobQuerySet[AnyJob]:
        """Those of the user's subtree."""
        if user.institution is None or user.is_regulator:
            return self.none()
        return self.filter(institution__in=Institution.objects.within(user.institution))


class Job(models.Model):
    """Files that somebody uploaded, and the work on them in a process of its own (layers.imports.processes).

    A model of jobs has statuses with `working`, `failed` and `cancelled` among them, says which are open (there are still
    files) and which command of manage.py does the work.
    """

    FOLDER: ClassVar[str]
    COMMAND: ClassVar[str]
    OPEN: ClassVar[tuple[str, ...]]
    BACK: ClassVar[dict[str, str]]
    """The status to which a refused task goes back, so that it can be tried another way; others end the job."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    institution = models.ForeignKey(Institution, models.CASCADE, verbose_name=_("机构"))
    user = models.ForeignKey(User, models.CASCADE, verbose_name=_("用户"))
    created_at = models.DateTimeField(_("创建时间"), auto_now_add=True)
    status = models.CharField(_("状态"), max_length=12, default="working")
    task = models.CharField(_("任务"), max_length=8, default="read")
    process = models.PositiveIntegerField(_("处理进程"), null=True, editable=False)
    options = models.JSONField(_("选项"), default=dict)
    result = models.JSONField(_("结果"), default=dict)
    message_zh = models.TextField(_("说明"), blank=True)
    message_en = models.TextField(_("英文说明"), blank=True)

    objects: Any = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.pk} {self.get_status_display()}"  # type: ignore[attr-defined]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return Path(settings.MEDIA_ROOT) / self.FOLDER / str(self.uuid)

    def end(self, status: str, zh: str = "", en: str = "") -> None:
        """Put a job that is not over into a final state, and remove its files."""
        ended = (
            type(self)
            .objects.filter(pk=self.pk, status__in=self.OPEN)
            .update(status=status, message_zh=zh, message_en=en, process=None)
        )
        if ended:
            self.remove_files()
        self.refresh_from_db()

    @property
    def progress(self) -> float | None:
        """How far its task has come, from 0 to 1; None before the process has begun."""
        return told(self.folder) if self.status == "working" else 1

    @cached_property
    def tell(self) -> Progress:
        """Says how far the task has come: in a file, which others can see while a transaction is open."""
        return teller(self.folder)

    def finish(self, status: str, **changes: Any) -> bool:
        """Leave what came of a task, unless the job was cancelled meanwhile; whether it was left."""
        working = type(self).objects.filter(pk=self.pk, status="working")
        return bool(working.update(status=status, process=None, **changes))

    def refuse(self, zh: str, en: str) -> None:
        """Leave why a task could not be done."""
        if self.task in self.BACK:
            self.finish(self.BACK[self.task], message_zh=zh, message_en=en)
        else:
            self.end("failed", zh, en)

    def remove_files(self) -> None:
        """Remove what was uploaded and what was made of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Import(Job):
    """导入: files of grids on their way to a draft plan. The files lie in `folder` until the import ends."""

    FOLDER, COMMAND = "imports", "process_import"

    class Status(models.TextChoices):
        WORKING = "working", _("处理中")
        DIRTY = "dirty", _("有缺陷")
        EXACT = "exact", _("不重不漏")
        LOADED = "loaded", _("已载入")
        FAILED = "failed", _("未能处理")
        CANCELLED = "cancelled", _("已取消")

    class Task(models.TextChoices):
        READ = "read", _("读取与检查")
        REPAIR = "repair", _("修复")
        LOAD = "load", _("载入")

    OPEN = (Status.WORKING, Status.DIRTY, Status.EXACT)
    """An import in one of these states still has its files."""
    BACK: ClassVar = {Task.REPAIR: Status.DIRTY, Task.LOAD: Status.EXACT}

    status = models.CharField(_("状态"), max_length=12, choices=Status.choices, default=Status.WORKING)
    task = models.CharField(_("任务"), max_length=8, choices=Task.choices, default=Task.READ)
    plan = models.ForeignKey(Plan, models.SET_NULL, null=True, blank=True, verbose_name=_("方案"))

    class Meta:
        db_table = "import_job"
        verbose_name = _("导入")
        verbose_name_plural = _("导入")

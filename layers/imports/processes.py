"""Processes that do the work of jobs: it can take minutes, need memory, and be stopped."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand
from django.utils import timezone

from gis.errors import JingtianError
from gis.progress import forget
from layers.audit.acting import acting_as
from layers.imports.faults import ImportRefused
from layers.imports.models import AnyJob, Job

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
MEMORY_BYTES = 4 * 1024**3
SECONDS = 20 * 60
MAX_WORKING = 2
WORKING, FAILED, CANCELLED = "working", "failed", "cancelled"

BROKE_OFF = (
    "处理中断了：文件可能需要过多内存。请分成几个文件，或简化后再导入。",
    "The work broke off: the files may need too much memory. Divide them, or simplify them first.",
)
EXPIRED = (
    "导入超过 24 小时没有完成，文件已删除。请重新上传。",
    "Not finished within 24 hours: the files were removed. Upload them again.",
)
UNEXPECTED = (
    "处理时出现意外错误，没有保存任何内容。请把文件交给系统管理员查看。",
    "An unexpected error; nothing was saved. Show the files to the administrator.",
)


FORBIDDEN = ("您没有权限为此机构导入。", "You may not import for this institution.")


class Busy(ImportRefused):
    """Another import is still at work."""

    code = "busy"


class NotNow(ImportRefused):
    """The import is not in a state that allows this step."""

    code = "not_now"


def not_now() -> NotNow:
    return NotNow(
        "这一步现在不能进行。请刷新页面，按当前状态继续。",
        "This step is not possible now. Reload the page and go on from there.",
    )


def start(job: Job, task: str, **changes: Any) -> None:
    """Begin a task in a child process; `changes` are fields to store with it."""
    jobs = type(job).objects
    working = jobs.filter(status=WORKING).exclude(pk=job.pk)
    for other in working:
        notice_death(other)
    if working.filter(user=job.user).exists() or working.count() >= MAX_WORKING:
        raise Busy(
            "还有导入在处理中。请等它完成，或先取消它。",
            "Another import is still being processed. Wait for it, or cancel it.",
        )
    changes |= {"status": WORKING, "task": task, "message_zh": "", "message_en": ""}
    if job.pk is None:
        for name, value in changes.items():
            setattr(job, name, value)
        job.save()
    # Of two requests at once, one finds the import as it was.
    elif jobs.filter(pk=job.pk, status__in=job.OPEN).exclude(status=WORKING).update(**changes):
        job.refresh_from_db()
    else:
        raise not_now()
    forget(job.folder)
    job.process = spawn(job)
    jobs.filter(pk=job.pk).update(process=job.process)


def work(job: AnyJob, tasks: Mapping[str, Callable[[AnyJob], None]]) -> None:
    """Do the task of a job, and leave in its row whatever comes of it."""
    try:
        tasks[job.task](job)
    except JingtianError as error:
        job.refuse(error.zh, error.en)
    except PermissionDenied:
        job.refuse(*FORBIDDEN)
    except MemoryError:
        job.end(FAILED, *BROKE_OFF)
    except Exception:
        logger.exception("%s %s", job.COMMAND, job.pk)
        job.end(FAILED, *UNEXPECTED)


class WorkCommand(BaseCommand):
    """A command of manage.py that does the task of a job, in a process with limits of its own."""

    # The site that started it was checked when it began; again, that would take longer than most files do.
    requires_system_checks = ()
    model: type[Job]
    tasks: Mapping[str, Callable[[Any], None]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="导入编号 / id of the import")

    def handle(self, *, id: int, **options: Any) -> None:
        job = self.model.objects.select_related("institution", "user__institution").get(pk=id)
        limit_process()
        with acting_as(job.user):
            work(job, self.tasks)


def spawn(job: Job) -> int | None:
    """Start the child process; its number."""
    with (job.folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, str(settings.ROOT / "manage.py"), job.COMMAND, str(job.pk)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Somebody must wait for a child, or it stays in the table of processes.
    threading.Thread(target=child.wait, daemon=True).start()
    return child.pid


def cancel(job: Job) -> None:
    """Stop the work, remove the files."""
    if job.process is not None and is_at_work(job):
        os.killpg(job.process, signal.SIGKILL)
    job.end(CANCELLED)


def notice_death(job: Job) -> None:
    """Fail an import whose process is gone without having said so."""
    if job.status == WORKING and job.process is not None and not is_at_work(job):
        job.refresh_from_db()
        if job.status == WORKING:
            job.end(FAILED, *BROKE_OFF)


def remove_expired(model: type[Job]) -> None:
    """End the jobs that nobody finished within a day."""
    for job in model.objects.filter(status__in=model.OPEN, created_at__lt=timezone.now() - KEPT):
        cancel(job)
        model.objects.filter(pk=job.pk).update(message_zh=EXPIRED[0], message_en=EXPIRED[1])


def limit_process() -> None:
    """Give this process, which works on a job, its limits of memory and time."""
    for kind, value in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, SECONDS)):
        resource.setrlimit(kind, (value, value))


def is_at_work(job: Job) -> bool:
    """Whether the process of an import lives; its number may meanwhile be that of another."""
    try:
        words = Path(f"/proc/{job.process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return [job.COMMAND.encode(), str(job.pk).encode()] == words[-3:-1]

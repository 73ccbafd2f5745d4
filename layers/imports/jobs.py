"""The work of an import over the web, in a process of its own: it can take minutes, need memory, and be stopped."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from shapely.geometry import mapping

from gis.errors import JingtianError
from layers.imports.faults import ImportRefused
from layers.imports.models import Import
from layers.imports.pipeline import Finding, Options, Source, check, load, read_tree, repaired
from layers.imports.references import known_outlines
from layers.imports.reports import (
    change_rows,
    finding_rows,
    findings_geojson,
    findings_summary,
    repair_lines,
    repair_report,
)
from layers.imports.tree import Tree, open_tree, save_tree

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
MEMORY_BYTES = 4 * 1024**3
SECONDS = 20 * 60
MAX_WORKING = 2
SHOWN_DEFECTS = 2000
SHOWN_CHANGES = 2000
GIVEN, REPAIRED, PREVIEW = "given.json", "repaired.json", "preview.json"

BROKE_OFF = (
    "处理中断了：文件可能需要过多内存。请分成几个文件，或简化后再导入。",
    "The work broke off: the files may need too much memory. Divide them, or simplify them first.",
)
EXPIRED = (
    "导入超过 24 小时没有完成，文件已删除。请重新上传。",
    "Not finished within 24 hours: the files were removed. Upload them again.",
)


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


def start(job: Import, task: str, **changes: Any) -> None:
    """Begin a task in a child process; `changes` are fields to store with it."""
    working = Import.objects.filter(status=Import.Status.WORKING).exclude(pk=job.pk)
    for other in working:
        notice_death(other)
    if working.filter(user=job.user).exists() or working.count() >= MAX_WORKING:
        raise Busy(
            "还有导入在处理中。请等它完成，或先取消它。",
            "Another import is still being processed. Wait for it, or cancel it.",
        )
    changes |= {"status": Import.Status.WORKING, "task": task, "progress": 0.02, "message_zh": "", "message_en": ""}
    if job.pk is None:
        for name, value in changes.items():
            setattr(job, name, value)
        job.save()
    # Of two requests at once, one finds the import as it was.
    elif Import.objects.filter(pk=job.pk, status__in=(Import.Status.DIRTY, Import.Status.EXACT)).update(**changes):
        job.refresh_from_db()
    else:
        raise not_now()
    job.process = spawn(job)
    Import.objects.filter(pk=job.pk).update(process=job.process)


def spawn(job: Import) -> int | None:
    """Start the child process; its number."""
    with (job.folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, str(settings.ROOT / "manage.py"), "process_import", str(job.pk)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # Somebody must wait for a child, or it stays in the table of processes.
    threading.Thread(target=child.wait, daemon=True).start()
    return child.pid


def cancel(job: Import) -> None:
    """Stop the work, remove the files."""
    if job.process is not None and is_at_work(job):
        os.killpg(job.process, signal.SIGKILL)
    job.end(Import.Status.CANCELLED)


def notice_death(job: Import) -> None:
    """Fail an import whose process is gone without having said so."""
    if job.status == Import.Status.WORKING and job.process is not None and not is_at_work(job):
        job.refresh_from_db()
        if job.status == Import.Status.WORKING:
            job.end(Import.Status.FAILED, *BROKE_OFF)


def remove_expired() -> None:
    """End the imports that nobody finished within a day."""
    for job in Import.objects.filter(status__in=Import.OPEN, created_at__lt=timezone.now() - KEPT):
        cancel(job)
        Import.objects.filter(pk=job.pk).update(message_zh=EXPIRED[0], message_en=EXPIRED[1])


def process(job: Import) -> None:
    """Do the task of an import, in the child process; every outcome is left in its row."""
    for kind, value in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, SECONDS)):
        resource.setrlimit(kind, (value, value))
    work(job)


def work(job: Import) -> None:
    """Do the task of an import, and leave the outcome in its row."""
    try:
        {Import.Task.READ: _read, Import.Task.REPAIR: _repair, Import.Task.LOAD: _load}[Import.Task(job.task)](job)
    except JingtianError as error:
        _refuse(job, error.zh, error.en)
    except PermissionDenied:
        _refuse(job, "您没有权限为此机构建立方案。", "You may not make plans for this institution.")
    except MemoryError:
        job.end(Import.Status.FAILED, *BROKE_OFF)
    except Exception:
        logger.exception("import %s", job.pk)
        job.end(
            Import.Status.FAILED,
            "处理时出现意外错误，没有保存任何内容。请把文件交给系统管理员查看。",
            "An unexpected error; nothing was saved. Show the files to the administrator.",
        )


def _read(job: Import) -> None:
    options = job.options
    tree = read_tree(
        [
            Source(job.folder / stored, name, **options["columns"][n])
            for n, (stored, name) in enumerate(options["files"])
        ],
        Options(**options["tree"]),
        references=lambda area_code: known_outlines(area_code, job.institution, job.user),
    )
    _advance(job, 0.5)
    findings = check(tree, gap_width_m=options["tree"]["gap_width_m"])
    _advance(job, 0.9)
    save_tree(tree, job.folder / GIVEN)
    _write_preview(job, tree, findings, {})
    _finish(
        job,
        Import.Status.DIRTY if findings else Import.Status.EXACT,
        {
            "area": {"code": tree.area.code, "name": tree.area.name},
            "levels": [
                {"name": name, "grids": len(units)} for name, units in zip(tree.level_names, tree.levels, strict=True)
            ],
            "notes": tree.notes,
            "summary": findings_summary(findings),
            "findings": finding_rows(findings[:SHOWN_DEFECTS]),
        },
    )


def _repair(job: Import) -> None:
    given = open_tree(job.folder / GIVEN)
    _advance(job, 0.1)
    gap_width, nest = job.options["repair"]["gap_width_m"], job.options["repair"]["nest"]
    tree, report = repaired(given, gap_width, nest)
    _advance(job, 0.8)
    save_tree(tree, job.folder / REPAIRED)
    rows = change_rows(tree, report)
    _write_preview(job, tree, [], {row["code"]: row for row in rows})
    (job.folder / "report.json").write_text(json.dumps(repair_report(tree, report)), encoding="utf-8")
    lines = [{"zh": zh, "en": en} for zh, en in repair_lines(report)]
    _finish(
        job,
        Import.Status.EXACT,
        {**job.result, "repair": {"lines": lines, "changes": rows[:SHOWN_CHANGES], "count": len(rows)}},
    )


def _load(job: Import) -> None:
    repaired_file = job.folder / REPAIRED
    tree = open_tree(repaired_file if repaired_file.exists() else job.folder / GIVEN)
    _advance(job, 0.3)
    with transaction.atomic():
        plan = load(
            tree,
            institution=job.institution,
            plan_name=job.options["plan"]["name"],
            user=job.user,
            policy=job.options["plan"]["policy"],
            source="、".join(name for _, name in job.options["files"]),
        )
        working = Import.objects.filter(pk=job.pk, status=Import.Status.WORKING)
        if not working.update(status=Import.Status.LOADED, plan=plan, progress=1, process=None):
            # Cancelled meanwhile: then there is no plan either.
            transaction.set_rollback(True)
            return
    job.remove_files()


def _refuse(job: Import, zh: str, en: str) -> None:
    """Reading that fails ends the import; after a repair or a load that fails another try is possible."""
    if job.task == Import.Task.READ:
        job.end(Import.Status.FAILED, zh, en)
        return
    status = Import.Status.DIRTY if job.task == Import.Task.REPAIR else Import.Status.EXACT
    Import.objects.filter(pk=job.pk, status=Import.Status.WORKING).update(
        status=status, message_zh=zh, message_en=en, process=None
    )


def _advance(job: Import, progress: float) -> None:
    Import.objects.filter(pk=job.pk).update(progress=progress)


def _finish(job: Import, status: str, result: dict[str, Any]) -> None:
    """Leave the result, unless the import was cancelled meanwhile."""
    Import.objects.filter(pk=job.pk, status=Import.Status.WORKING).update(
        status=status, result=result, progress=1, process=None
    )


def _write_preview(job: Import, tree: Tree, findings: list[Finding], changes: dict[str, Any]) -> None:
    """The grids below the service area and the defects, as the page draws them."""
    grids = [
        {
            "type": "Feature",
            "geometry": mapping(unit.geometry),
            "properties": {
                "code": unit.code,
                "name": unit.name,
                "level": level,
                "parent": unit.parent,
                "changed": unit.code in changes,
            },
        }
        for level, units in enumerate(tree.levels[1:], start=1)
        for unit in units
    ]
    content = {
        "level_names": tree.level_names,
        "grids": {"type": "FeatureCollection", "features": grids},
        "defects": findings_geojson(findings[:SHOWN_DEFECTS]),
    }
    (job.folder / PREVIEW).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def is_at_work(job: Import) -> bool:
    """Whether the process of an import lives; its number may meanwhile be that of another."""
    try:
        words = Path(f"/proc/{job.process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return [b"process_import", str(job.pk).encode()] == words[-3:-1]

"""The work of an import of grids over the web; its process is `layers.imports.processes`' concern."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from shapely.geometry import mapping

from gis.errors import JingtianError
from layers.imports.models import Import
from layers.imports.pipeline import Finding, Options, Source, check, load, read_tree, repaired
from layers.imports.processes import BROKE_OFF, UNEXPECTED, limit_process
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

SHOWN_DEFECTS = 2000
SHOWN_CHANGES = 2000
GIVEN, REPAIRED, PREVIEW = "given.json", "repaired.json", "preview.json"


def process(job: Import) -> None:
    """Do the task of an import, in the child process; every outcome is left in its row."""
    limit_process()
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
        job.end(Import.Status.FAILED, *UNEXPECTED)


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
    job.advance(0.5)
    findings = check(tree, gap_width_m=options["tree"]["gap_width_m"])
    job.advance(0.9)
    save_tree(tree, job.folder / GIVEN)
    _write_preview(job, tree, findings, {})
    job.finish(
        Import.Status.DIRTY if findings else Import.Status.EXACT,
        result={
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
    job.advance(0.1)
    gap_width, nest = job.options["repair"]["gap_width_m"], job.options["repair"]["nest"]
    tree, report = repaired(given, gap_width, nest)
    job.advance(0.8)
    save_tree(tree, job.folder / REPAIRED)
    rows = change_rows(tree, report)
    _write_preview(job, tree, [], {row["code"]: row for row in rows})
    (job.folder / "report.json").write_text(json.dumps(repair_report(tree, report)), encoding="utf-8")
    lines = [{"zh": zh, "en": en} for zh, en in repair_lines(report)]
    job.finish(
        Import.Status.EXACT,
        result={**job.result, "repair": {"lines": lines, "changes": rows[:SHOWN_CHANGES], "count": len(rows)}},
    )


def _load(job: Import) -> None:
    repaired_file = job.folder / REPAIRED
    tree = open_tree(repaired_file if repaired_file.exists() else job.folder / GIVEN)
    job.advance(0.3)
    with transaction.atomic():
        plan = load(
            tree,
            institution=job.institution,
            plan_name=job.options["plan"]["name"],
            user=job.user,
            policy=job.options["plan"]["policy"],
            source="、".join(name for _, name in job.options["files"]),
        )
        if not job.finish(Import.Status.LOADED, plan=plan):
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

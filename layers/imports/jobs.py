"""The work of an import of grids over the web; its process is `layers.imports.processes`' concern."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction

from gis.progress import part
from layers.imports.models import Import
from layers.imports.pipeline import Options, Source, check, load, read_tree, repaired
from layers.imports.preview import preview
from layers.imports.references import known_outlines
from layers.imports.reports import (
    change_rows,
    finding_rows,
    findings_summary,
    repair_lines,
    repair_report,
)
from layers.imports.tree import open_tree, save_tree

SHOWN_DEFECTS = 2000
SHOWN_CHANGES = 2000
GIVEN, REPAIRED, PREVIEW = "given.json", "repaired.json", "preview.json"


def _read(job: Import) -> None:
    options = job.options
    tree = read_tree(
        [
            Source(job.folder / stored, name, **options["columns"][n])
            for n, (stored, name) in enumerate(options["files"])
        ],
        Options(**options["tree"]),
        references=lambda area_code: known_outlines(area_code, job.institution, job.user),
        progress=part(job.tell, 0, 0.6),
    )
    findings = check(tree, gap_width_m=options["tree"]["gap_width_m"], progress=part(job.tell, 0.6, 0.9))
    save_tree(tree, job.folder / GIVEN)
    job.tell(0.93)
    shown = findings[:SHOWN_DEFECTS]
    _write_preview(job, preview(tree, shown, changed=set(), places=[finding.geometry for finding in shown]))
    job.finish(
        Import.Status.DIRTY if findings else Import.Status.EXACT,
        result={
            "area": {"code": tree.area.code, "name": tree.area.name},
            "levels": [
                {"name": name, "grids": len(units)} for name, units in zip(tree.level_names, tree.levels, strict=True)
            ],
            "notes": tree.notes,
            "summary": findings_summary(findings),
            "findings": finding_rows(shown),
        },
    )


def _repair(job: Import) -> None:
    given = open_tree(job.folder / GIVEN)
    job.tell(0.1)
    gap_width, nest = job.options["repair"]["gap_width_m"], job.options["repair"]["nest"]
    tree, report = repaired(given, gap_width, nest, part(job.tell, 0.1, 0.9))
    save_tree(tree, job.folder / REPAIRED)
    job.tell(0.93)
    rows = change_rows(tree, report)
    mended = [*report.filled, *report.resolved, *report.rejoined]
    _write_preview(
        job, preview(tree, [], changed={row["code"] for row in rows}, places=[patch.geometry for patch in mended])
    )
    (job.folder / "report.json").write_text(json.dumps(repair_report(tree, report)), encoding="utf-8")
    lines = [{"zh": zh, "en": en} for zh, en in repair_lines(report)]
    job.finish(
        Import.Status.EXACT,
        result={**job.result, "repair": {"lines": lines, "changes": rows[:SHOWN_CHANGES], "count": len(rows)}},
    )


def _load(job: Import) -> None:
    repaired_file = job.folder / REPAIRED
    tree = open_tree(repaired_file if repaired_file.exists() else job.folder / GIVEN)
    job.tell(0.2)
    with transaction.atomic():
        plan = load(
            tree,
            institution=job.institution,
            plan_name=job.options["plan"]["name"],
            user=job.user,
            policy=job.options["plan"]["policy"],
            source="、".join(name for _, name in job.options["files"]),
            progress=part(job.tell, 0.2, 0.9),
        )
        if not job.finish(Import.Status.LOADED, plan=plan):
            # Cancelled meanwhile: then there is no plan either.
            transaction.set_rollback(True)
            return
    job.remove_files()


def _write_preview(job: Import, content: dict[str, Any]) -> None:
    (job.folder / PREVIEW).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


TASKS = {Import.Task.READ: _read, Import.Task.REPAIR: _repair, Import.Task.LOAD: _load}

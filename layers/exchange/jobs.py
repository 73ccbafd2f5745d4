"""The work of an import of points over the web: read the file, check its rows, load the good ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import translation

from gis.progress import part
from gis.reading import Sheet
from layers.exchange import pipeline
from layers.exchange.models import PointImport
from layers.exchange.reports import REJECTED_COLUMNS, point_feature, rejected_rows
from layers.exchange.rows import Reading
from layers.features.registry import LAYERS
from layers.orgs.models import Institution
from layers.tables import write_csv

Status, Task = PointImport.Status, PointImport.Task
SHEET, POSITIONS, FOUND, POINTS = "sheet.json", "positions.npy", "found.json", "points.json"
REJECTED = "rejected.csv"
SAMPLES = 5
SHOWN_REJECTED, SHOWN_OUTSIDE, SHOWN_POINTS = 2000, 500, 20_000


def _read(job: PointImport) -> None:
    stored, name = job.options["file"]
    sheet = pipeline.read(
        job.folder / stored,
        LAYERS[job.layer],
        name=name,
        layer=job.options["sheet"] or None,
        encoding=job.options["encoding"] or None,
        progress=part(job.tell, 0, 0.8),
    )
    _save_sheet(job, sheet)
    reading = _reading(job, {})
    with translation.override("zh-hans"):
        proposal = pipeline.propose(sheet, job.institution, reading.layer, reading.vocabulary())
    job.finish(
        Status.READ,
        result={
            "rows": len(sheet.rows),
            "format": sheet.format,
            "has_places": sheet.xy is not None,
            "notes": sheet.notes,
            "proposal": asdict(proposal),
        },
    )


def _check(job: PointImport) -> None:
    """Check the rows; rows with their values are left in files, which end with the import."""
    sheet = open_sheet(job)
    job.tell(0.1)
    outlook = pipeline.look(
        sheet, _reading(job, job.options["reading"]), source=job.options["file"][1], progress=part(job.tell, 0.1, 1)
    )
    checked = outlook.checked
    outside = {point.line for point, _off_m in outlook.outside}
    found = {
        "rejected": [row.as_json() for row in checked.rejected[:SHOWN_REJECTED]],
        "outside": [
            {
                "line": point.line,
                "code": point.code,
                "name": point.name,
                "lon": point.lon,
                "lat": point.lat,
                "off_m": off_m if np.isfinite(off_m) else None,
            }
            for point, off_m in outlook.outside[:SHOWN_OUTSIDE]
        ],
        "difference": asdict(outlook.difference),
    }
    # Of more points than a page can draw, evenly spread ones are shown.
    shown = checked.points[:: len(checked.points) // SHOWN_POINTS + 1]
    points = [point_feature(point, outside=point.line in outside) for point in shown]
    _write(job.folder / FOUND, found)
    table = write_csv(REJECTED_COLUMNS, rejected_rows(checked.rejected))
    (job.folder / REJECTED).write_text("".join(table), encoding="utf-8", newline="")
    _write(job.folder / POINTS, {"type": "FeatureCollection", "features": points, "grids": outlook.grids})
    difference = asdict(outlook.difference)
    del difference["missing_codes"]
    job.finish(
        Status.CHECKED,
        result={
            **job.result,
            "notes": outlook.notes,
            "good": len(checked.points),
            "shown": len(shown),
            "rejected": checked.rejected_lines,
            "faults": len(checked.rejected),
            "outside": len(outlook.outside),
            **difference,
        },
    )


def _load(job: PointImport) -> None:
    sheet = open_sheet(job)
    reading = _reading(job, job.options["reading"])
    outlook = pipeline.look(sheet, reading, source=job.options["file"][1], progress=part(job.tell, 0, 0.6))
    with transaction.atomic():
        difference = pipeline.load(outlook, source=job.options["file"][1], **job.options["load"])
        pipeline.remember(sheet, reading)
        loaded = {"new": difference.new, "changed": difference.changed, "unchanged": difference.unchanged}
        loaded["deactivated"] = difference.stale if job.options["load"].get("missing") == "deactivate" else 0
        if not job.finish(Status.LOADED, result={**job.result, **loaded}):
            # Cancelled meanwhile: then nothing is loaded either.
            transaction.set_rollback(True)
            return
    job.remove_files()


def _reading(job: PointImport, stated: dict[str, Any]) -> Reading:
    """The reading that the job's options state."""
    return Reading.of(
        layer=LAYERS[job.layer],
        institution=Institution.objects.get(pk=job.institution_id),
        datum=stated.get("datum") or job.options["datum"],
        columns=stated.get("columns", {}),
        kinds=stated.get("kinds", {}),
        kind=stated.get("kind", ""),
        make_codes=stated.get("make_codes", False),
        user=job.user,
    )


def _save_sheet(job: PointImport, sheet: Sheet) -> None:
    _write(job.folder / SHEET, sheet.as_json())
    if sheet.xy is not None:
        np.save(job.folder / POSITIONS, sheet.xy)


def open_sheet(job: PointImport) -> Sheet:
    """The table that was read."""
    xy = np.load(job.folder / POSITIONS) if (job.folder / POSITIONS).exists() else None
    return Sheet(**json.loads((job.folder / SHEET).read_text("utf-8")), xy=xy)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


TASKS = {Task.READ: _read, Task.CHECK: _check, Task.LOAD: _load}

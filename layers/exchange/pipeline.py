"""The way of a file into a layer, in steps that the command line and the web share: read, propose, look, load."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from django.core.exceptions import PermissionDenied

from gis.progress import Progress, part, silent
from gis.reading import Sheet, read_sheet
from layers.audit.acting import acting_as
from layers.exchange.cells import text_of
from layers.exchange.faults import CannotDeactivate, RowsRejected
from layers.exchange.loading import Difference, compare, put
from layers.exchange.models import ColumnMapping
from layers.exchange.places import Leaves, suspicion
from layers.exchange.rows import Checked, Note, Point, Reading, check
from layers.exchange.targets import guess_columns, guess_kind, targets_of
from layers.features.models import Kind
from layers.features.registry import Layer
from layers.imports.faults import naming
from layers.imports.placing import check_declared
from layers.orgs.models import Institution

MOST_WORDS = 60


@dataclass(frozen=True)
class Proposal:
    """How a file is probably to be read: `remembered` from an earlier one, or guessed."""

    columns: dict[str, str]
    kinds: dict[str, str]
    remembered: bool


@dataclass(frozen=True)
class Outlook:
    """What would come of loading: the rows, what changes, and what to be warned of."""

    checked: Checked
    difference: Difference
    outside: list[tuple[Point, float]]
    """Points in no grid, with how many metres they lie off the nearest, the farthest first."""
    notes: list[Note]
    grids: list[Any]
    """The upper grids of the bank, as GeoJSON geometries."""


def read(
    path: Path,
    into: Layer,
    *,
    name: str = "",
    layer: str | None = None,
    encoding: str | None = None,
    progress: Progress = silent,
) -> Sheet:
    """The rows of a file; refusals name the file as its user does. `layer`: of the file, where it has several."""
    with naming(name or path.name):
        return read_sheet(path, layer=layer, encoding=encoding, lines=into.has_lines, progress=progress)


def propose(sheet: Sheet, institution: Institution, layer: Layer, kinds: list[Kind]) -> Proposal:
    """What was remembered of a file with these headings, else what the headings say."""
    known = ColumnMapping.remembered(institution, layer.id, sheet.columns)
    if known is not None:
        return Proposal(dict(known.columns), dict(known.kinds), remembered=True)
    return Proposal(guess_columns(sheet.columns, targets_of(layer, kinds)), {}, remembered=False)


def words_of(sheet: Sheet, column: str | None, kinds: list[Kind]) -> list[dict[str, object]]:
    """The words in a column of kinds, the most frequent first: {word, count, kind: what it is taken for}."""
    if column not in sheet.columns:
        return []
    index = sheet.columns.index(column)
    counts = Counter(text_of(row[index]) if index < len(row) else "" for row in sheet.rows)
    return [
        {"word": word, "count": count, "kind": guess_kind(word, kinds)}
        for word, count in counts.most_common(MOST_WORDS)
        if word
    ]


def look(sheet: Sheet, reading: Reading, *, source: str, progress: Progress = silent) -> Outlook:
    """Check every row, and say what loading would do; nothing is changed. `source`: the file's name.

    Raises
    ------
    PermissionDenied
        The user does not plan for the institution.
    DatumContradicted
        The file says that its coordinates are in another datum than was declared.
    """
    _check_rights(reading)
    check_declared(reading.datum, sheet.crs)
    checked = check(sheet, reading, part(progress, 0, 0.5))
    leaves = Leaves.of_bank(reading.institution)
    places = np.array([(point.lon, point.lat) for point in checked.points]).reshape(-1, 2)
    inside = leaves.hold(places)
    off_m = leaves.off_m(places[~inside]).tolist()
    beyond = [point for point, held in zip(checked.points, inside, strict=True) if not held]
    outside = sorted(zip(beyond, off_m, strict=True), key=lambda found: -found[1])
    progress(0.7)
    warning = suspicion(checked, leaves)
    notes = [*checked.notes, *([warning] if warning else [])]
    progress(0.8)
    return Outlook(checked, compare(checked, source=source), outside, notes, leaves.upper_grids())


def load(
    outlook: Outlook,
    *,
    source: str,
    skip_rejected: bool = False,
    update: bool = True,
    missing: Literal["report", "deactivate"] = "report",
) -> Difference:
    """Load the good rows, and remember how the file was read. All or nothing, unless bad rows are to be left out.

    Parameters
    ----------
    missing
        What becomes of features of the same source that the file has no more: reported, or made inactive.

    Raises
    ------
    RowsRejected
        Some rows are bad and it was not said to leave them out; nothing was loaded.
    CannotDeactivate
        Some rows are bad: what they are about would seem to be missing.
    """
    checked = outlook.checked
    reading = checked.reading
    _check_rights(reading)
    if checked.rejected and not skip_rejected:
        raise rejected(checked)
    if checked.rejected and missing == "deactivate":
        raise CannotDeactivate(
            "有不能载入的行, 无法判断库中哪些已不在文件中; 请先改正这些行, 或不撤销。",
            "Some rows cannot be loaded, so what is missing from the file cannot be told: correct them, or deactivate nothing.",
            rejected=checked.rejected_lines,
        )
    with acting_as(reading.user):
        return put(checked, source=source, update=update, deactivate=missing == "deactivate")


def rejected(checked: Checked) -> RowsRejected:
    """That there are rows which cannot be loaded, with the first reason."""
    first = checked.rejected[0]
    count = checked.rejected_lines
    return RowsRejected(
        f"有 {count:,} 行不能载入，没有保存任何内容。例如第 {first.line} 行“{first.column}”：{first.zh}请改正，或说明略过这些行",
        f"{count:,} rows cannot be loaded; nothing was saved. Row {first.line}, “{first.column}”: {first.en} "
        "Correct them, or say that they are to be left out",
        rejected=count,
    )


def remember(sheet: Sheet, reading: Reading) -> None:
    """Keep how the file was read for the next one with its headings."""
    ColumnMapping.remember(
        reading.institution,
        reading.layer.id,
        sheet.columns,
        columns=dict(reading.columns),
        kinds=dict(reading.kinds),
    )


def _check_rights(reading: Reading) -> None:
    if reading.user is not None and not reading.user.can_plan_for(reading.institution):
        raise PermissionDenied

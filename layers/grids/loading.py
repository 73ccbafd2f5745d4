"""Bulk load of grids into a draft plan, by COPY; the guard checks it at commit like everything else."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from django.db import connection
from shapely import MultiPolygon, Polygon

from gis.progress import Progress, silent
from layers.audit.acting import say_who_acts
from layers.grids.models import SRID, Plan

COLUMNS = ("id", "plan_id", "parent_id", "level", "code", "bank_code", "name", "kind", "geom")


@dataclass(frozen=True, slots=True)
class GridRecord:
    """A grid to be loaded: geometry in CGCS2000 degrees on the lattice, parent named by its code."""

    code: str
    parent_code: str | None
    name: str
    level: int
    kind: str
    geometry: Polygon | MultiPolygon
    bank_code: str = ""


class _Rows(io.StringIO):
    """Text that tells how much of it has been read."""

    length: int
    progress: Progress

    def read(self, size: int | None = -1) -> str:
        self.progress(self.tell() / max(self.length, 1))
        return super().read(size)


def load_grids(plan: Plan, records: Sequence[GridRecord], progress: Progress = silent) -> dict[str, int]:
    """Load all grids of a plan at once; the progress is that of sending the rows.

    Returns
    -------
    dict
        The new id of each code.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('grid', 'id')) FROM generate_series(1, %s)", [len(records)]
        )
        ids = {record.code: row[0] for record, row in zip(records, cursor.fetchall(), strict=True)}
        rows = _Rows()
        for record in records:
            fields = (
                ids[record.code],
                plan.pk,
                None if record.parent_code is None else ids[record.parent_code],
                record.level,
                record.code,
                record.bank_code,
                record.name,
                record.kind,
                _ewkb(record.geometry),
            )
            rows.write("\t".join(map(_copy_text, fields)) + "\n")
        rows.progress, rows.length = progress, rows.tell()
        rows.seek(0)
        say_who_acts()
        # Django turns the driver's exceptions into its own for execute() only.
        with connection.wrap_database_errors:
            cursor.copy_expert(f"COPY grid ({', '.join(COLUMNS)}) FROM STDIN", rows)
    return ids


def _ewkb(geometry: Polygon | MultiPolygon) -> str:
    multi = geometry if isinstance(geometry, MultiPolygon) else MultiPolygon([geometry])
    return shapely.to_wkb(shapely.set_srid(multi, SRID), hex=True, include_srid=True)


def _copy_text(value: object) -> str:
    """A value in COPY's text format."""
    if value is None:
        return r"\N"
    text = str(value)
    for character, escaped in (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r")):
        text = text.replace(character, escaped)
    return text

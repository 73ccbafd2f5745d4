"""Good rows into the table of a layer, all at once: COPY, compare, and one INSERT … ON CONFLICT."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from psycopg2 import sql

from layers.exchange.rows import Checked, Point
from layers.exchange.targets import own_fields
from layers.features.registry import Layer

FOLDER = Path(__file__).parent / "sql"
COLUMNS = "line, institution_id, code, name, kind, lon, lat, path, attributes, own, synthetic, source"
SHOWN = 20
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class Difference:
    """What a load does to a layer.

    `missing`: how many features the layer has beside those of the file, of the same institutions and kinds, and the first codes;
    `stale`: how many of them came from the same source, so that they are probably there no more.
    """

    new: int
    changed: int
    unchanged: int
    missing: int
    missing_codes: list[str]
    stale: int = 0


def compare(checked: Checked, *, source: str) -> Difference:
    """What loading the good rows would do; nothing is changed. `source` as of `put`."""
    with transaction.atomic():
        difference = _stage(checked, source)
        transaction.set_rollback(True)
    return difference


def put(checked: Checked, *, source: str, update: bool = True, deactivate: bool = False) -> Difference:
    """Load the good rows in one transaction; rows with a code that is there already only if `update`.

    With `deactivate`, what is `stale` (see `Difference`) becomes inactive; what a row of the file is about becomes active.

    What was already as the file has it is not written. `source` is kept with new rows of which the file does not say it.
    """
    layer = checked.reading.layer
    with transaction.atomic():
        difference = _stage(checked, source)
        own = [sql.Identifier(field.name) for field in own_fields(layer)]
        names = [sql.Literal(field.name) for field in own_fields(layer)]
        parts = {
            "columns": _each(", {0}", own),
            "values": _each(", coalesce(own ->> {0}, '')", names),
            # Where the file has no such column, what is there stays.
            "updates": sql.SQL("").join(
                sql.SQL(
                    ", {0} = CASE WHEN EXISTS (SELECT FROM staged WHERE own ? {1}) THEN excluded.{0} ELSE had.{0} END"
                ).format(name, literal)
                for name, literal in zip(own, names, strict=True)
            ),
        }
        with connection.cursor() as cursor:
            cursor.execute(_statement("put", layer, **parts), {"source": source[:200], "update": update})
            if deactivate:
                cursor.execute(_statement("deactivate", layer))
    return difference


def _stage(checked: Checked, source: str) -> Difference:
    layer = checked.reading.layer
    hidden = list(checked.reading.hidden().values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute((FOLDER / "stage.sql").read_text("utf-8"))
        cursor.cursor.copy_expert(f"COPY staged ({COLUMNS}) FROM STDIN", _lines(checked.points))
        cursor.execute(_statement("compare", layer), {"mapped": checked.mapped})
        new, changed, unchanged = cursor.fetchone()
        cursor.execute(_statement("absent", layer), {"shown": SHOWN, "source": source[:200], "hidden": hidden})
        absent = cursor.fetchall()
    count, stale = absent[0][1:] if absent else (0, 0)
    return Difference(new, changed, unchanged, count, [row[0] for row in absent], stale)


def _statement(name: str, layer: Layer, **parts: sql.Composable) -> str:
    text = sql.SQL((FOLDER / f"{name}.sql").read_text("utf-8"))
    statement = text.format(table=sql.Identifier(layer.model._meta.db_table), **parts)
    with connection.cursor() as cursor:
        return str(statement.as_string(cursor.connection))


def _each(template: str, names: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL("").join(sql.SQL(template).format(name) for name in names)


def _lines(points: list[Point]) -> io.StringIO:
    """The rows in PostgreSQL's text format for COPY."""
    lines = io.StringIO()
    for point in points:
        values: list[Any] = [point.line, point.institution_id, point.code, point.name, point.kind, repr(point.lon), repr(point.lat), point.wkt,
            json.dumps(point.attributes, ensure_ascii=False), json.dumps(point.own, ensure_ascii=False), point.synthetic, point.source]  # fmt: skip
        lines.write("\t".join("\\N" if value is None else str(value).translate(ESCAPES) for value in values) + "\n")
    lines.seek(0)
    return lines

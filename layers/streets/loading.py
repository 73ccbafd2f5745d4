"""Streets and buildings read from a file, or made up for a demo, into the database, by COPY."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import shapely
from django.db import connection, models, transaction
from shapely.geometry.base import BaseGeometry

from layers.audit.acting import say_who_acts
from layers.grids.models import SRID
from layers.orgs.models import Institution
from layers.streets.models import Building, Street
from layers.streets.reading import CODES, FLOORS, HOUSEHOLDS, KINDS, NAMES, Feature

ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": None})


class StreetRow(NamedTuple):
    """A street to be stored: CGCS2000 degrees on the lattice."""

    name: str
    kind: str
    geom: BaseGeometry


class BuildingRow(NamedTuple):
    """A building to be stored: CGCS2000 degrees on the lattice."""

    code: str
    name: str
    households: int
    floors: int | None
    geom: BaseGeometry


def load_streets(institution: Institution, features: Sequence[Feature], source: str, columns: dict[str, str]) -> int:
    """Put streets in the place of those that the institution had from the same source; how many."""
    rows = [
        StreetRow(
            feature.text(_first(columns, "name", NAMES), 120),
            feature.text(_first(columns, "kind", KINDS), 40),
            feature.geometry,
        )
        for feature in features
    ]
    return replace_rows(Street, institution, source, rows)


def load_buildings(institution: Institution, features: Sequence[Feature], source: str, columns: dict[str, str]) -> int:
    """Put buildings in the place of those that the institution had from the same source; how many.

    A code that comes twice in the file, or that another source of the institution has, is left out; the building stays.
    """
    seen = set(Building.objects.filter(institution=institution).exclude(source=source).values_list("code", flat=True))
    rows = []
    for feature in features:
        code = feature.text(_first(columns, "code", CODES), 40)
        floors = feature.number(_first(columns, "floors", FLOORS))
        rows.append(
            BuildingRow(
                "" if code in seen else code,
                feature.text(_first(columns, "name", NAMES), 120),
                feature.number(_first(columns, "households", HOUSEHOLDS)) or 0,
                floors if floors is not None and floors < 1000 else None,
                feature.geometry,
            )
        )
        seen.add(code)
    return replace_rows(Building, institution, source, rows)


def replace_rows(
    model: type[models.Model],
    institution: Institution,
    source: str,
    rows: Sequence[StreetRow] | Sequence[BuildingRow],
    *,
    synthetic: bool = False,
) -> int:
    """Store rows in the place of those that the institution had from the same source; how many."""
    with transaction.atomic():
        model._default_manager.filter(institution=institution, source=source).delete()
        if rows:
            _copy(model._meta.db_table, rows, institution_id=institution.pk, source=source, synthetic=synthetic)
    return len(rows)


def _copy(table: str, rows: Sequence[StreetRow] | Sequence[BuildingRow], **same: object) -> None:
    shapes = shapely.to_wkb(shapely.set_srid([row.geom for row in rows], SRID), hex=True, include_srid=True)
    text = io.StringIO()
    for row, shape in zip(rows, shapes, strict=True):
        text.write("\t".join(map(copy_text, (*row[:-1], shape, *same.values()))) + "\n")
    text.seek(0)
    columns = ", ".join([*rows[0]._fields, *same])
    say_who_acts()
    # Django turns the driver's exceptions into its own for execute() only.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", text)


def copy_text(value: object) -> str:
    """A value in COPY's text format."""
    return r"\N" if value is None else str(value).translate(ESCAPES)


def _first(columns: dict[str, str], field: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (columns[field],) if columns.get(field) else usual

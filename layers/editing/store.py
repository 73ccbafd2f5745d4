"""Sheets out of the database, and changes back into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import shapely
from django.db import connection
from shapely import MultiPolygon

from gis.edit import Change, Grid, Key, Sheet
from gis.edit.chain import chain_of
from gis.topology import label_points
from layers.grids.models import SRID, GridCount, Plan

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


def box_of(*paths: Iterable[Sequence[float]]) -> Box:
    """The box round drawn paths, a little larger."""
    xy = [point for path in paths for point in path]
    xs, ys = [point[0] for point in xy], [point[1] for point in xy]
    return min(xs) - 1e-6, min(ys) - 1e-6, max(xs) + 1e-6, max(ys) + 1e-6


def box_round(plan: Plan, keys: Sequence[Key]) -> Box | None:
    """The box round grids of a plan, or None if there are none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)"
            " FROM (SELECT ST_Extent(geom) AS box FROM grid WHERE plan_id = %s AND id = ANY (%s)) AS extent",
            [plan.pk, list(keys)],
        )
        row = cursor.fetchone()
    return None if row[0] is None else row


def joined(*boxes: Box | None) -> Box | None:
    """The box round boxes."""
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    west, south, east, north = zip(*known, strict=True)
    return min(west), min(south), max(east), max(north)


def sheet_at(plan: Plan, box: Box | None, *, whole: bool = True) -> Sheet:
    """The grids of a plan, of every level, whose boxes meet a box.

    Parameters
    ----------
    whole
        False: grids whose borders do not come near come without one. They are ancestors that the edit cannot concern, and
        may be large.
    """
    if box is None:
        return Sheet({})
    return _sheet(
        "plan_id = %(plan)s AND geom && ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4490)",
        dict(zip("wsen", box, strict=True)) | {"plan": plan.pk, "whole": whole},
    )


def sheet_with(plan: Plan, keys: Iterable[Key]) -> Sheet:
    """Certain grids of a plan, and their children without borders."""
    return _sheet(
        "plan_id = %(plan)s AND id = ANY (%(keys)s)", {"plan": plan.pk, "keys": list(keys), "whole": True}
    ).with_grids(
        *_sheet(
            "plan_id = %(plan)s AND parent_id = ANY (%(keys)s) AND id <> ALL (%(keys)s)",
            {"plan": plan.pk, "keys": list(keys), "whole": None},
        ).grids.values()
    )


def _sheet(where: str, values: dict[str, Any]) -> Sheet:
    near = (
        "ST_Intersects(ST_Boundary(geom), ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4490))"
        if values["whole"] is False
        else "%(whole)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, parent_id, level, code, name, locked,"
            f" CASE WHEN {near} THEN ST_AsBinary(geom) END FROM grid WHERE {where} ORDER BY id",
            values,
        )
        rows = cursor.fetchall()
    return Sheet.of(
        Grid(key, parent, level, chain_of(shapely.from_wkb(bytes(wkb))) if wkb else frozenset(), code, name, locked)
        for key, parent, level, code, name, locked, wkb in rows
    )


def new_ids(count: int) -> list[int]:
    """Ids for new grids."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('grid', 'id')) FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]


def facts_of(keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
    """What else belongs to grids: what has to be kept of one that goes, should it come back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, bank_code, kind FROM grid WHERE id = ANY (%s)", [list(keys)])
        facts: dict[Key, dict[str, Any]] = {
            key: {"bank_code": bank_code, "kind": kind, "counts": []} for key, bank_code, kind in cursor.fetchall()
        }
    for count in GridCount.objects.filter(grid_id__in=keys):
        facts[count.grid_id]["counts"].append([count.measure, count.value, count.as_of.isoformat(), count.synthetic])
    return facts


def write(plan: Plan, change: Change, after: Mapping[Key, MultiPolygon], born: Mapping[Key, Mapping[str, Any]]) -> None:
    """Write a change: three statements, so that the guard looks once; checked at commit.

    Parameters
    ----------
    after
        Geometry of the grids whose border changes, and of those that are born.
    born
        Facts of the grids that are born (`facts_of`).
    """
    with connection.cursor() as cursor:
        if change.born:
            new = list(change.born.values())
            cursor.execute(
                "INSERT INTO grid (id, plan_id, parent_id, level, code, bank_code, name, kind, locked, geom)"
                " SELECT id, %s, parent_id, level, code, bank_code, name, kind, locked, ST_SetSRID(wkb::geometry, %s)"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[], %s::text[], %s::text[],"
                " %s::boolean[], %s::bytea[]) AS new (id, parent_id, level, code, bank_code, name, kind, locked, wkb)",
                [
                    plan.pk,
                    SRID,
                    [grid.key for grid in new],
                    [grid.parent for grid in new],
                    [grid.level for grid in new],
                    [grid.code for grid in new],
                    [born[grid.key]["bank_code"] for grid in new],
                    [grid.name for grid in new],
                    [born[grid.key]["kind"] for grid in new],
                    [grid.locked for grid in new],
                    [after[grid.key].wkb for grid in new],
                ],
            )
        keys = list(change.borders.keys() | change.parents.keys())
        if keys:
            cursor.execute(
                "UPDATE grid SET geom = coalesce(ST_SetSRID(new.wkb::geometry, %s), geom),"
                " parent_id = coalesce(new.parent_id, grid.parent_id)"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) AS new (id, parent_id, wkb) WHERE grid.id = new.id",
                [
                    SRID,
                    keys,
                    [change.parents[key][1] if key in change.parents else None for key in keys],
                    [after[key].wkb if key in change.borders else None for key in keys],
                ],
            )
        if change.gone:
            gone = list(change.gone)
            cursor.execute("DELETE FROM grid_count WHERE grid_id = ANY (%s)", [gone])
            cursor.execute("DELETE FROM grid WHERE id = ANY (%s)", [gone])
    GridCount.objects.bulk_create(
        GridCount(grid_id=key, measure=measure, value=value, as_of=as_of, synthetic=synthetic)
        for key in change.born
        for measure, value, as_of, synthetic in born[key]["counts"]
    )


def grids_json(plan: Plan, keys: Iterable[Key]) -> list[dict[str, Any]]:
    """Grids as the browser holds them: GeoJSON MultiPolygon coordinates, at full precision."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, parent_id, level, code, name, kind, locked, ST_AsBinary(geom) FROM grid"
            " WHERE plan_id = %s AND id = ANY (%s) ORDER BY level, id",
            [plan.pk, list(keys)],
        )
        rows = cursor.fetchall()
    shapes = [shapely.from_wkb(bytes(row[-1])) for row in rows]
    labels = label_points(shapes).tolist() if shapes else []
    return [
        dict(zip(("id", "parent", "level", "code", "name", "kind", "locked"), row[:-1], strict=True))
        | {"label": [round(x, 7) for x in label], "polygons": shapely.geometry.mapping(shape)["coordinates"]}
        for row, shape, label in zip(rows, shapes, labels, strict=True)
    ]

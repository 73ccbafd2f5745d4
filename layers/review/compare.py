"""What differs between two plans of one area."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone

from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.review.faults import NotComparable
from layers.review.models import ReviewSettings
from layers.review.rehome import LEAST_M2, heirs
from layers.rules.evaluate import evaluate
from layers.rules.measures import Measured, measure
from layers.staff.models import Assignment

MEASURES = ("area_km2", "households", "customers", "outlets", "cash_points")
DIFFERENT = """
    WITH leaf AS (
        SELECT grid.* FROM grid
        WHERE grid.plan_id IN (%(a)s, %(b)s) AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = grid.id)
    )
    SELECT a.id, b.id, coalesce(b.code, a.code), a.border_sum IS DISTINCT FROM b.border_sum,
        (a.name, a.bank_code, a.kind, above_a.code) IS DISTINCT FROM (b.name, b.bank_code, b.kind, above_b.code)
    FROM (SELECT * FROM leaf WHERE plan_id = %(a)s) AS a
    FULL JOIN (SELECT * FROM leaf WHERE plan_id = %(b)s) AS b ON b.code = a.code
    LEFT JOIN grid AS above_a ON above_a.id = a.parent_id
    LEFT JOIN grid AS above_b ON above_b.id = b.parent_id
    WHERE (a.border_sum, a.name, a.bank_code, a.kind, above_a.code)
        IS DISTINCT FROM (b.border_sum, b.name, b.bank_code, b.kind, above_b.code)
    ORDER BY 3
"""
CHANGING_HANDS = """
    SELECT a.id, b.id, ST_AsGeoJSON(part.geom, 7)::json, ST_Area(part.geom::geography)
    FROM grid AS a JOIN grid AS b ON a.geom && b.geom AND a.code <> b.code
    CROSS JOIN LATERAL (
        SELECT ST_CollectionExtract(ST_Intersection(a.geom, b.geom), 3) AS geom
    ) AS part
    WHERE a.id = ANY (%(a)s) AND b.id = ANY (%(b)s) AND ST_Intersects(a.geom, b.geom)
        AND NOT ST_IsEmpty(part.geom) AND ST_Area(part.geom::geography) >= %(least)s
    ORDER BY 4 DESC
"""
POINTS_MOVED = """
    SELECT point.kind, point.id, point.name, a.id, b.id, ST_X(point.geom), ST_Y(point.geom)
    FROM (
        SELECT 'outlet'::text AS kind, id, name, geom, institution_id FROM outlet WHERE is_active
        UNION ALL
        SELECT 'machine', id, name, geom, institution_id FROM machine WHERE is_active
    ) AS point
    JOIN institution ON institution.id = point.institution_id
        AND starts_with(institution.path, %(bank)s)
    CROSS JOIN LATERAL (
        SELECT grid.id, grid.code FROM grid
        WHERE grid.id = ANY (%(a)s) AND ST_Covers(grid.geom, point.geom) ORDER BY grid.code LIMIT 1
    ) AS a
    CROSS JOIN LATERAL (
        SELECT grid.id, grid.code FROM grid
        WHERE grid.id = ANY (%(b)s) AND ST_Covers(grid.geom, point.geom) ORDER BY grid.code LIMIT 1
    ) AS b
    WHERE a.code <> b.code
    ORDER BY point.kind, point.id
"""


def comparison(a: Plan, b: Plan, user: User) -> dict[str, Any]:
    """What is other in plan b than in plan a, leaf by leaf, by code; people only for who may see them.

    Raises
    ------
    NotComparable
    """
    if a.area_code != b.area_code:
        raise NotComparable(
            "两个方案的服务区域不同, 不能对照。请选择同一服务区域的方案。",
            "The plans are of different service areas and cannot be compared. Choose plans of one area.",
        )
    rows = _rows(DIFFERENT, a=a.pk, b=b.pk)
    moved_a = [row[0] for row in rows if row[0] is not None and row[3]]
    moved_b = [row[1] for row in rows if row[1] is not None and row[3]]
    pieces = _rows(CHANGING_HANDS, a=moved_a, b=moved_b, least=LEAST_M2)
    rows = _without_noded(rows, {pk for piece in pieces for pk in piece[:2]})
    ids = [pk for row in rows for pk in row[:2] if pk is not None]
    grids = Grid.objects.filter(pk__in=ids).select_related("parent").in_bulk()
    # What has only got another name is measured once.
    same = {one: other for one, other, _code, moved in rows if not moved and None not in (one, other)}
    measured = measure([pk for pk in ids if pk not in same], MEASURES)
    measured |= {one: measured[other] for one, other in same.items()}
    bank = b.institution.head_office_path
    points = _rows(POINTS_MOVED, a=moved_a, b=moved_b, bank=bank)
    people, warnings = _people(a, b, user, grids)
    return {
        "a": _plan(a),
        "b": _plan(b),
        "grids": [_grid_row(row, grids, measured) for row in rows],
        "summary": _summary(rows, pieces, people, points),
        "land": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": number,
                    "geometry": geometry,
                    "properties": {
                        "number": number,
                        "from": _name(grids[one]),
                        "to": _name(grids[other]),
                        "area_m2": round(area, 1),
                    },
                }
                for number, (one, other, geometry, area) in enumerate(pieces, start=1)
            ],
        },
        "outlines": _outlines([pk for row in rows if row[3] for pk in row[:2] if pk is not None], a),
        "points": [
            {
                "kind": kind,
                "id": pk,
                "name": name,
                "from": _name(grids[one]),
                "to": _name(grids[other]),
                "place": [x, y],
            }
            for kind, pk, name, one, other, x, y in points
        ],
        "people": people,
        "warnings": warnings,
        "broken": [one.to_json() for one in evaluate(b)],
    }


def _outlines(ids: list[int], a: Plan) -> dict[str, Any]:
    """The changed grids of both plans, as they were and as they are to be."""
    rows = _rows("SELECT plan_id, code, name, ST_AsGeoJSON(geom, 7)::json FROM grid WHERE id = ANY (%(ids)s)", ids=ids)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": geometry,
                "properties": {"side": "before" if plan == a.pk else "after", "code": code, "name": name},
            }
            for plan, code, name, geometry in rows
        ],
    }


def _without_noded(rows: list[tuple[Any, ...]], touched: set[int]) -> list[tuple[Any, ...]]:
    """The rows, without grids that only got nodes: (a, b, code, whether land changed)."""
    result = []
    for one, other, code, moved, facts in rows:
        really = moved and (one is None or other is None or one in touched or other in touched)
        if really or facts:
            result.append((one, other, code, really))
    return result


def _grid_row(row: tuple[Any, ...], grids: dict[int, Grid], measured: dict[int, dict[str, Measured]]) -> dict[str, Any]:
    one, other, code, moved = row
    before, after = (None if pk is None else _facts(grids[pk], measured[pk]) for pk in (one, other))
    change = "added" if one is None else "removed" if other is None else "changed" if moved else "renamed"
    grid = grids[other if other is not None else one]
    return {
        "code": code,
        "name": grid.name,
        "level": grid.level,
        "change": change,
        "before": before,
        "after": after,
        "label": list(grid.geom.point_on_surface.coords),
        "bbox": list(grid.geom.extent),
    }


def _facts(grid: Grid, measured: dict[str, Measured]) -> dict[str, Any]:
    return {
        "id": grid.pk,
        "name": grid.name,
        "bank_code": grid.bank_code,
        "kind": grid.kind,
        "parent": grid.parent and {"code": grid.parent.code, "name": grid.parent.name},
        "area_m2": round((measured["area_km2"].value or 0) * 1e6, 1),
        **{name: measured[name].to_json() for name in MEASURES if name != "area_km2"},
    }


def _people(a: Plan, b: Plan, user: User, grids: dict[int, Grid]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Who serves a grid that changes, where the grid goes, and who has not served her time yet (LA02)."""
    today = timezone.localdate()
    concerned = [pk for pk, grid in grids.items() if grid.plan_id == a.pk]
    serving = (
        Assignment.objects.filter(grid__in=concerned)
        .visible_to(user)
        .on(max(today, a.valid_from or today))
        .select_related("staff", "grid")
        .order_by("grid__code", "kind", "pk")
    )
    terms = _terms(a.area_code, serving)
    heir_of = heirs(b, sorted({each.grid_id for each in serving}))
    targets = Grid.objects.filter(plan=b).in_bulk([heir.grid for heir in heir_of.values()])
    period = dt.timedelta(days=ReviewSettings.of(b.institution).assignment_days)
    people, warnings = [], []
    for each in serving:
        heir = heir_of.get(each.grid_id)
        if heir is not None and not heir.changed and targets[heir.grid].code == each.grid.code:
            continue
        served = (today - _served_since(each, terms)).days
        person = {
            "name": each.staff.name,
            "kind": each.kind,
            "kind_label": str(each.get_kind_display()),
            "from": _name(each.grid),
            "to": heir and _name(targets[heir.grid]),
            "share": heir and round(heir.share, 4),
            "days": served,
        }
        people.append(person)
        if served < period.days:
            label = list(each.grid.geom.point_on_surface.coords)
            warnings.append(person | {"rule": "LA02", "least_days": period.days, "label": label})
    return people, warnings


def _terms(area_code: str, serving: Iterable[Assignment]) -> dict[tuple[Any, ...], dict[dt.date, dt.date]]:
    """Past terms of these people, by person, role, kind and code of the grid: last day → first day."""
    rows = Assignment.objects.filter(
        staff__in={each.staff_id for each in serving}, grid__plan__area_code=area_code, valid_to__isnull=False
    ).values_list("staff", "role", "kind", "grid__code", "valid_to", "valid_from")
    terms: dict[tuple[Any, ...], dict[dt.date, dt.date]] = defaultdict(dict)
    for *whose, ended, begun in rows:
        if begun < ended:
            terms[tuple(whose)][ended] = begun
    return terms


def _served_since(each: Assignment, terms: dict[tuple[Any, ...], dict[dt.date, dt.date]]) -> dt.date:
    """When the person began to serve this grid: publications in between, which begin a new row, do not count."""
    day, known = each.valid_from, terms.get((each.staff_id, each.role, each.kind, each.grid.code), {})
    while day in known:
        day = known[day]
    return day


def _summary(
    rows: list[tuple[Any, ...]], pieces: list[tuple[Any, ...]], people: list[Any], points: list[Any]
) -> dict[str, Any]:
    def number(which: Iterable[bool]) -> int:
        return sum(which)

    return {
        "added": number(row[0] is None for row in rows),
        "removed": number(row[1] is None for row in rows),
        "changed": number(None not in row[:2] and row[3] for row in rows),
        "renamed": number(None not in row[:2] and not row[3] for row in rows),
        "moved_m2": round(sum(piece[3] for piece in pieces), 1),
        "people": len(people),
        "points": len(points),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.pk,
        "name": plan.name,
        "status": plan.status,
        "status_label": plan.get_status_display(),
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "revision": plan.revision,
    }


def _name(grid: Grid) -> dict[str, str]:
    return {"code": grid.code, "name": grid.name}


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()

"""Whether a plan's coverage is exact, and where it is not: the sums first, geometry only where a sum is off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import shapely
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from gis.coverage import Defect, find_defects, to_geojson
from gis.errors import JingtianError
from layers.grids.models import Grid, Plan

COVER_CONSTRAINT = "grid_children_cover_their_parent"


class CoverageBroken(JingtianError):
    """A change would leave a gap or an overlap; `where` holds the defects."""

    code = "coverage_broken"


@dataclass(frozen=True)
class Fault:
    """A grid whose cover is not right, the defects found there, and the codes of its children that they refer to."""

    plan_id: int
    grid_id: int
    code: str | None
    fault: str
    defects: list[Defect] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


def audit(plan: Plan | None = None) -> list[Fault]:
    """Faults of one plan, or of all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_coverage(%s)", [None if plan is None else [plan.pk]])
        rows = cursor.fetchall()
    return [_fault(*row) for row in rows]


def guard_faults() -> list[str]:
    """Parts of the guard that are missing or switched off in this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_guard()")
        return [row[0] for row in cursor.fetchall()]


def rebuild_running_sums() -> None:
    """Rebuild grid_cover from the rows, for the owner of the table, after a load with triggers disabled."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE grid_cover DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM grid_cover")
        cursor.execute(
            "INSERT INTO grid_cover SELECT parent.id, sum(child.border_sum)"
            " FROM grid AS child JOIN grid AS parent ON parent.id = child.parent_id GROUP BY parent.id"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE grid_cover ENABLE TRIGGER USER")


def coverage_report(plan: Plan) -> dict[str, Any]:
    """The computed answer to «does this plan cover its service area exactly», for the badge and the audit."""
    faults = audit(plan)
    guard = guard_faults()
    grids = Grid.objects.filter(plan=plan)
    return {
        "exact": not faults and not guard,
        "policy": plan.policy,
        "policy_label": plan.get_policy_display(),
        "overlap_limit": plan.overlap_limit if plan.policy == Plan.Policy.BOUNDED_OVERLAP else 0,
        "checked_at": timezone.now(),
        "grids": grids.count(),
        "parents": grids.filter(children__isnull=False).distinct().count(),
        "faults": [
            {"grid_id": fault.grid_id, "code": fault.code, "fault": fault.fault, "defects": len(fault.defects)}
            for fault in faults
        ],
        "guard": guard,
        "defects": defects_geojson(faults),
    }


@contextmanager
def exact_cover(plan: Plan) -> Iterator[None]:
    """A transaction that is checked at its end while its rows can still be seen, so that the error can show the place.

    Raises
    ------
    CoverageBroken
        With the gaps and overlaps as GeoJSON; everything is rolled back.
    """
    with transaction.atomic():
        yield
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET CONSTRAINTS {COVER_CONSTRAINT} IMMEDIATE")
                cursor.execute(f"SET CONSTRAINTS {COVER_CONSTRAINT} DEFERRED")
        except IntegrityError as error:
            if (
                getattr(error.__cause__, "diag", None) is None
                or error.__cause__.diag.constraint_name != COVER_CONSTRAINT
            ):
                raise
            faults = audit(plan)
            codes = "、".join(fault.code or "?" for fault in faults)
            if {fault.fault for fault in faults} == {"overlap above the limit"}:
                limit = Plan.objects.values_list("overlap_limit", flat=True).get(pk=faults[0].plan_id)
                raise CoverageBroken(
                    f"网格 {codes} 的下级交叉过多: 本方案中一个网格最多有自身面积的 {100 * limit:.3g}% 与同级网格重叠; 没有保存任何更改。"
                    "请缩小图上标出的重叠。",
                    f"The grids below {codes} overlap too much: in this plan a grid may share at most {100 * limit:.3g}% of its area with"
                    " others of its level. Nothing was saved: make the overlaps on the map smaller.",
                    where=defects_geojson(faults),
                ) from error
            raise CoverageBroken(
                f"网格 {codes} 的下级没有恰好覆盖它, 见图上标出的缺口和重叠; 没有保存任何更改。请在同一次操作中修改共用界线的所有网格。",
                f"The grids below {codes} do not cover it exactly: see the gaps and overlaps on the map. Nothing was saved."
                " Change all grids that share the border in one operation.",
                where=defects_geojson(faults),
            ) from error


def defects_geojson(faults: list[Fault]) -> dict[str, Any]:
    """All defects as one FeatureCollection, numbered through, each with the code of the parent it is in."""
    features = []
    for fault in faults:
        for feature in to_geojson(fault.defects, fault.children)["features"]:
            number = len(features) + 1
            features.append(
                feature
                | {"id": number, "properties": {**feature["properties"], "number": number, "parent": fault.code}}
            )
    return {"type": "FeatureCollection", "features": features}


def _fault(plan_id: int, grid_id: int, code: str | None, fault: str) -> Fault:
    parent = Grid.objects.filter(pk=grid_id).first()
    if parent is None:
        return Fault(plan_id, grid_id, code, fault)
    children = list(Grid.objects.filter(parent=parent).order_by("code"))
    defects = find_defects([shape_of(child) for child in children], shape_of(parent)) if children else []
    return Fault(plan_id, grid_id, code, fault, defects, [child.code for child in children])


def shape_of(grid: Grid) -> BaseGeometry:
    """A grid's geometry for shapely, bit by bit the stored one."""
    return shapely.from_wkb(bytes(grid.geom.wkb))

"""One measure, of all grids of a level."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router, Schema

from layers.grids.models import Grid
from layers.orgs.models import User
from layers.rules.classes import How, limits_in
from layers.rules.lines import KINDS
from layers.rules.measures import OF_GRIDS, on_day
from layers.rules.subjects import SubjectValues, subject_values
from layers.rules.values import Values, measure_named, values_of
from layers.tables import csv_response, xlsx_response

router = Router(tags=["measures"])
MOST_ID = BigIntegerField.MAX_BIGINT


class Asked(Schema):
    """Of which grids, when, and in which classes."""

    level: int | None = Query(None, ge=0, le=4)
    at: dt.date | None = None
    plan: int | None = Query(None, ge=0, le=MOST_ID)
    within: int | None = Query(None, ge=0, le=MOST_ID)
    classes: How = "quantile"
    limits: str = Query("", max_length=200)

    def values(self, request: HttpRequest, name: str) -> Values:
        limits = limits_in(self.limits) if self.classes == "manual" else []
        return values_of(
            request.user,  # type: ignore[arg-type]
            name,
            level=self.level,
            at=self.at,
            plan_id=self.plan,
            within=self.within,
            how=self.classes,
            limits=limits,
        )


@router.get("/measures/{name}")
def measure_values(
    request: HttpRequest, name: str, asked: Query[Asked], format: Literal["json", "csv", "xlsx"] = "json"
) -> Any:
    """Values of all grids of a level, in the plan in force on a date (`at`, today if none) or in the `plan` given.

    A measure `of` persons or institutions (see the list) has a row for each of them, and no level.
    With method, denominator and unit, in classes (`classes=quantile|equal|manual`, `limits=10,20`), each with the
    addresses of the rows behind it; `format=csv` or `xlsx` for a spreadsheet. `value` null is no data, which is not zero.
    """
    one = measure_named(request.user, name)  # type: ignore[arg-type]
    if one.of not in OF_GRIDS:
        return _of_subjects(subject_values(request.user, one, asked.at), format)  # type: ignore[arg-type]
    found = asked.values(request, name)
    if format == "json":
        return found.to_json()
    file = f"{found.measure.name}-{found.plan.name}-{found.plan.level_name(found.level)}-{found.at}.{format}"
    heads, lines = found.table()
    if format == "csv":
        return csv_response(file, heads, lines)
    return xlsx_response(file, heads, lines, sheet=str(found.measure.name))


@router.get("/grids/{int:grid_id}/lines/{name}")
def grid_lines(request: HttpRequest, grid_id: int, name: str, at: dt.date | None = None) -> dict[str, Any]:
    """What a number of a grid is made of, where no layer has it: `pieces`, `children`, `siblings`, `overlaps`, the nearest `outlet`,
    `homes`, `far_homes`; of people, on a day (`at`, today if none), what their measures are called. The first 500, and how many.
    """
    user: User = request.user  # type: ignore[assignment]
    found = KINDS.get(name)
    if found is None:
        raise Http404
    if not found.is_visible_to(user):
        raise PermissionDenied
    grid = get_object_or_404(Grid.objects.visible_to(user).select_related("plan__institution"), pk=grid_id)
    with on_day(at or timezone.localdate()):
        return found.to_json(grid)


def _of_subjects(found: SubjectValues, format: str) -> Any:
    if format == "json":
        return found.to_json()
    heads, lines = found.table()
    file = f"{found.measure.name}-{found.at}.{format}"
    if format == "csv":
        return csv_response(file, heads, lines)
    return xlsx_response(file, heads, lines, sheet=str(found.measure.name))

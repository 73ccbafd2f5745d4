"""One grid, with what the panel shows of it."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import BigIntegerField
from django.http import Http404, HttpRequest
from ninja import Router

from layers.facilities.models import Machine, Outlet
from layers.grids.models import Grid, Plan
from layers.staff.models import Assignment, Staff
from mapserver.sqlfile import Subquery, run

router = Router(tags=["grids"])


def with_labels(person: dict[str, Any]) -> dict[str, Any]:
    """A person in charge, with what the codes are called."""
    kind, staff_kind = Assignment.Kind(person["kind"]), Staff.Kind(person.pop("staff_kind"))
    return person | {"kind_label": str(kind.label), "staff_kind_label": str(staff_kind.label)}


@router.get("/{grid_id}")
def grid(request: HttpRequest, grid_id: int) -> dict[str, Any]:
    """A grid of a plan that the user may see."""
    user = request.user
    if abs(grid_id) > BigIntegerField.MAX_BIGINT:
        raise Http404
    text = run(
        "grid",
        {
            "plans": Subquery.of(Plan.objects.visible_to(user).values("pk")),
            "assignments": Subquery.of(Assignment.objects.visible_to(user).on().values("pk")),
            "outlets": Subquery.of(Outlet.objects.visible_to(user).values("pk")),
            "machines": Subquery.of(Machine.objects.visible_to(user).values("pk")),
        },
        grid=grid_id,
        own_path=user.own_path,
    )
    if text is None:
        raise Http404
    found: dict[str, Any] = json.loads(text)
    people_visible = not user.is_regulator
    is_leaf = found["children"] == 0
    return found | {
        "kind_label": str(Grid.Kind(found["kind"]).label),
        "people_visible": people_visible,
        "responsible": [with_labels(person) for person in found["responsible"]],
        "vacant": not found["responsible"] if people_visible and is_leaf else None,
    }

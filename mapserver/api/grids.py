"""One grid, with what the panel shows of it."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import BigIntegerField, Count
from django.http import Http404, HttpRequest
from ninja import Router

from layers.features.registry import LAYERS, Layer, kinds_of
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
        "features": features_in(request, Grid.objects.select_related("plan__institution").get(pk=grid_id)),
        "vacant": not found["responsible"] if people_visible and is_leaf else None,
    }


def features_in(request: HttpRequest, grid: Grid) -> list[dict[str, Any]]:
    """How many features of each layer and kind lie in a grid, of those that the user may see; layers with none are left out."""
    kinds = kinds_of(request.user)
    return [
        {"layer": layer.id, "name": layer.name, "count": sum(counts.values()), "kinds": named}
        for layer in LAYERS.values()
        for counts in [_counts(request, layer, grid)]
        for named in [
            [
                {"id": kind.key, "name": kind.label, "count": counts[kind.key]}
                for kind in kinds[layer.id]
                if kind.key in counts
            ]
        ]
        if counts
    ]


def _counts(request: HttpRequest, layer: Layer, grid: Grid) -> dict[str, int]:
    found = layer.visible_to(request.user).in_grid(grid)
    return dict(found.order_by().values_list("kind").annotate(n=Count("pk")))

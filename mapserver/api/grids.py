"""One grid, with what the panel shows of it."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import BigIntegerField, Count
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router

from layers.features.models import FeatureQuerySet, area_homing
from layers.features.registry import LAYERS, kinds_of
from layers.grids.models import IN_FORCE, Grid, Plan
from layers.orgs.models import Institution, User
from layers.people.arrange import may_assign_to
from layers.rules.measures import measure
from layers.staff.models import Assignment
from layers.staff.vocabulary import built_in, label
from mapserver.sqlfile import Subquery, run

router = Router(tags=["grids"])


def with_labels(person: dict[str, Any]) -> dict[str, Any]:
    """A person in charge, with what the codes are called."""
    kind, role, staff_kind = Assignment.Kind(person["kind"]), person["role"], person.pop("staff_kind")
    number = person.pop("institution_id")
    # The bank's own words are looked up only for what is not built in.
    known = role in built_in()["role"] and staff_kind in built_in()["staff"]
    institution = None if known else Institution.objects.get(pk=number)
    return person | {
        "kind_label": str(kind.label),
        "role_label": label("role", role, institution),
        "staff_kind_label": label("staff", staff_kind, institution),
    }


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
            "assignments": Subquery.of(Assignment.objects.visible_to(user).on().serving().values("pk")),
        },
        grid=grid_id,
        own_path=user.own_path,
        day=timezone.localdate(),
    )
    if text is None:
        raise Http404
    found: dict[str, Any] = json.loads(text)
    people_visible = not user.is_regulator
    is_leaf = found["children"] == 0
    shown = Grid.objects.select_related("plan__institution").get(pk=grid_id)
    return found | {
        "households": households_of(shown, found["households"]),
        "kind_label": str(Grid.Kind(found["kind"]).label),
        "people_visible": people_visible,
        "responsible": [with_labels(person) for person in found["responsible"]],
        "features": features_in(user, grid_id, area_homing(found["plan_id"]), whole=found["level"] == 0),
        "vacant": not any(one["kind"] == "main" for one in found["responsible"])
        if people_visible and is_leaf
        else None,
        "can_arrange": may_assign_to(user, shown),
    }


def households_of(grid: Grid, registered: dict[str, Any] | None) -> dict[str, Any] | None:
    """Households with their day, as they were counted; in a plan not in force yet as they are measured, with the method.

    Counts came along from the plan that was copied: once a border has moved, they are another grid's.
    """
    # An equal border sum is an equal border; and to measure a county takes seconds.
    base = Grid.objects.filter(plan=grid.plan.base_id, code=grid.code, border_sum=grid.border_sum)
    if grid.plan.status in IN_FORCE or base.exists():
        return registered
    # A colleague may have merged the grid away meanwhile.
    found = measure([grid.pk], ["households"]).get(grid.pk, {}).get("households")
    if (
        found is None
        or found.value is None
        or (registered and not found.estimated and round(found.value) == registered["value"])
    ):
        return registered
    return {
        "value": round(found.value),
        "estimated": found.estimated,
        "method": found.source,
        "synthetic": bool(registered and registered["synthetic"]),
    }


def features_in(user: User, grid: int, home: int | None, *, whole: bool) -> list[dict[str, Any]]:
    """How many features of each layer and kind lie in a grid, of those that the user may see; layers with none are left out."""
    kinds = kinds_of(user)
    return [
        {"layer": layer.id, "name": layer.name, "count": sum(counts.values()), "kinds": named}
        for layer in LAYERS.values()
        for counts in [counts_by_kind(layer.visible_to(user).in_grid(grid, home, whole=whole))]
        for named in [
            [
                {"id": kind.key, "name": kind.label, "count": counts[kind.key]}
                for kind in kinds[layer.id]
                if kind.key in counts
            ]
        ]
        if counts
    ]


def counts_by_kind(features: FeatureQuerySet[Any]) -> dict[str, int]:
    """How many there are of each kind."""
    return dict(features.order_by().values_list("kind").annotate(n=Count("pk")))

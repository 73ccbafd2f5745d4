"""One grid, with what the panel shows of it."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import BigIntegerField
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router

from layers.facilities.models import Machine, Outlet
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from layers.staff.models import Assignment
from layers.staff.rights import ARRANGERS
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
            "outlets": Subquery.of(Outlet.objects.visible_to(user).values("pk")),
            "machines": Subquery.of(Machine.objects.visible_to(user).values("pk")),
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
    return found | {
        "kind_label": str(Grid.Kind(found["kind"]).label),
        "people_visible": people_visible,
        "responsible": [with_labels(person) for person in found["responsible"]],
        "vacant": not any(one["kind"] == "main" for one in found["responsible"])
        if people_visible and is_leaf
        else None,
        "can_arrange": user.institution is not None and user.role in ARRANGERS,
    }

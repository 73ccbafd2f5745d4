"""The page on which the next facilities are placed: a shell; the proposal comes from the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from layers.features.registry import LAYERS, kinds_of
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.siting.service import sited_kinds


@login_required
@never_cache
@ensure_csrf_cookie
def siting_page(request: HttpRequest) -> HttpResponse:
    """What can be placed, in the grids of the plans in force down to two levels below the service area."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or user.is_regulator or user.role == User.Role.WORKER:
        raise PermissionDenied
    plans = Plan.objects.visible_to(user).in_force()
    grids = Grid.objects.filter(plan__in=plans, level__lte=1).order_by("plan", "level", "code")
    kinds = kinds_of(user, *(layer.id for layer in LAYERS.values() if not layer.is_personal))
    page = {
        "grids": [
            {"id": grid.pk, "plan": grid.plan_id, "name": grid.name, "level": grid.level, "bbox": grid.geom.extent}
            for grid in grids.only("plan", "name", "level", "geom")
        ],
        "kinds": {layer: [{"id": kind.key, "name": kind.label} for kind in found] for layer, found in kinds.items()},
        "sited": {
            layer: [{"id": kind.key, "name": kind.label} for kind in found]
            for layer, found in sited_kinds(user).items()
        },
        "layers": {layer: LAYERS[layer].name for layer in kinds},
    }
    return render(request, "siting/siting.html", {"page": page})

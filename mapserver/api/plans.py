"""Plans: list, topology, coverage, search, export."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from layers.grids.coverage import coverage_report
from layers.grids.models import Grid, Plan
from layers.grids.topology import content_tag, plan_topology
from layers.orgs.models import Institution
from layers.review import versions
from layers.review.access import name_of
from layers.review.rights import steps_of
from mapserver.sqlfile import run

router = Router(tags=["plans"])
SEARCH_LIMIT = 20


def plan_json(plan: Plan, user: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {
        "id": plan.pk,
        "name": plan.name,
        "institution": {"id": plan.institution_id, "name": plan.institution.name},
        "area_code": plan.area_code,
        "status": plan.status,
        "status_label": plan.get_status_display(),
        "policy": plan.policy,
        "policy_label": plan.get_policy_display(),
        "overlap_limit": plan.overlap_limit if plan.policy == Plan.Policy.BOUNDED_OVERLAP else 0,
        "level_names": plan.level_names,
        "revision": plan.revision,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "in_force": plan.is_in_force(today),
        "synthetic": plan.synthetic,
        "source": plan.source,
        "can_edit": plan.status == Plan.Status.DRAFT and user.can_plan_for(plan.institution),
        "grid_count": plan.grid_count,
        "base": plan.base_id,
        "created_at": plan.created_at,
        "private": plan.status == Plan.Status.DRAFT and plan.private,
        "shared_by": [name_of(one) for one in (plan.created_by, *plan.editors.all()) if one]
        if plan.status == Plan.Status.DRAFT and plan.private
        else [],
        **steps_of(user, plan),
    }


def visible_plan(request: HttpRequest, plan_id: int) -> Plan:
    """The plan, or 404 for who may not see it."""
    plans = Plan.objects.visible_to(request.user).select_related("institution").annotate(grid_count=Count("grids"))
    return get_object_or_404(plans, pk=plan_id)


@router.get("")
def plans(request: HttpRequest) -> list[dict[str, Any]]:
    """The plans that the user may see, those in force first."""
    found = (
        Plan.objects.visible_to(request.user).select_related("institution", "created_by").prefetch_related("editors")
    )
    found = found.annotate(grid_count=Count("grids"))
    listed = [plan_json(plan, request.user) for plan in found.order_by("area_code", "institution__path", "pk")]
    return sorted(listed, key=lambda plan: not plan["in_force"])


class NewPlan(Schema):
    """A plan from scratch: the service area of a plan that there is, and nothing in it yet."""

    name: str = Field(min_length=1, max_length=120, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
    root: int
    institution: int | None = None


@router.post("", response={201: dict})
def new_plan(request: HttpRequest, body: NewPlan) -> Status[dict[str, Any]]:
    """Begin a draft that has only the service area."""
    origin = visible_plan(request, body.root)
    owner = get_object_or_404(
        Institution.objects.visible_to(request.user), pk=body.institution or origin.institution_id
    )
    if not request.user.can_plan_for(owner):
        raise PermissionDenied
    draft = versions.copy(origin, request.user, body.name.strip(), only_area=True, institution=owner)
    return Status(201, plan_json(visible_plan(request, draft.pk), request.user))


@router.get("/{plan_id}")
def plan(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    """One plan."""
    return plan_json(visible_plan(request, plan_id), request.user)


@router.get("/{plan_id}/topology")
def topology(request: HttpRequest, plan_id: int) -> HttpResponse:
    """All levels as TopoJSON, at full precision; the ETag follows the content of the rows."""
    plan = visible_plan(request, plan_id)
    etag = f'"{content_tag(plan)}"'
    # The compressing middleware weakens the tag that it passes on.
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(plan_topology(plan), content_type="application/json")
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@router.get("/{plan_id}/coverage")
def coverage(request: HttpRequest, plan_id: int) -> dict[str, Any]:
    """Whether the plan is exact, computed now; where it is not, the defects."""
    return coverage_report(visible_plan(request, plan_id))


@router.get("/{plan_id}/search")
def search(request: HttpRequest, plan_id: int, q: str) -> list[dict[str, Any]]:
    """Grids by name or code."""
    plan = visible_plan(request, plan_id)
    words = q.replace("\0", "").strip()
    if not words:
        return []
    found = (
        Grid.objects.filter(
            Q(name__icontains=words) | Q(code__startswith=words) | Q(bank_code__istartswith=words), plan=plan
        )
        .select_related("parent")
        .order_by("level", "code")[:SEARCH_LIMIT]
    )
    return [
        {
            "id": grid.pk,
            "code": grid.code,
            "name": grid.name,
            "level": grid.level,
            "level_name": plan.level_name(grid.level),
            "parent_name": grid.parent.name if grid.parent else None,
            "bbox": grid.geom.extent,
            "label": grid.geom.point_on_surface.coords,
        }
        for grid in found
    ]


@router.get("/{plan_id}/grids")
def grids(request: HttpRequest, plan_id: int, level: int | None = Query(None, ge=0, le=4)) -> HttpResponse:
    """Grids as GeoJSON (CGCS2000, full precision), of one level or of all; written by PostGIS."""
    plan = visible_plan(request, plan_id)
    text = run("grids_geojson", {}, plan=plan.pk, level=level)
    return HttpResponse(text, content_type="application/geo+json")

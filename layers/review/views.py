"""The pages: plans and their steps, a comparison, and what a shared link shows."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from layers.grids.models import Plan
from layers.orgs.models import User
from layers.review.models import ShareLink
from layers.review.rebase import current_plan, is_behind


@login_required
@never_cache
@ensure_csrf_cookie
def plans_page(request: HttpRequest) -> HttpResponse:
    """All plans that the user may see, with the steps that she may take."""
    if not isinstance(request.user, User) or request.user.institution is None:
        raise PermissionDenied
    page = {
        "today": timezone.localdate().isoformat(),
        "maySet": request.user.role == User.Role.ADMINISTRATOR,
    }
    return render(request, "review/plans.html", {"page": page})


@login_required
@never_cache
@ensure_csrf_cookie
def review_page(request: HttpRequest, plan_id: int) -> HttpResponse:
    """A plan beside another: by default, beside what it departs from."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    seen = Plan.objects.visible_to(user)
    plan = get_object_or_404(seen.select_related("institution"), pk=plan_id)
    others = list(seen.filter(area_code=plan.area_code).exclude(pk=plan.pk).order_by("-valid_from", "-pk"))
    current = current_plan(plan)
    wanted = [request.GET.get("with"), plan.base_id, current and current.pk]
    known = {str(other.pk): other.pk for other in others}
    chosen = next((known[str(pk)] for pk in wanted if str(pk) in known), others[0].pk if others else None)
    context = {
        "plan": plan,
        "others": others,
        "chosen": chosen,
        "page": {
            "plan": plan.pk,
            "with": chosen,
            "today": timezone.localdate().isoformat(),
            "behind": is_behind(plan) and plan.status == Plan.Status.DRAFT and user.can_plan_for(plan.institution),
        },
    }
    return render(request, "review/review.html", context)


@never_cache
def shared_page(request: HttpRequest, token: str) -> HttpResponse:
    """A plan for somebody who has a link: grids with names and codes, no people; not to be indexed."""
    plan = ShareLink.plan_of(token[:200])
    if plan is None:
        raise Http404
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT json_agg(json_build_object('code', code, 'name', name, 'level', level, 'leaf', NOT EXISTS ("
            " SELECT FROM grid AS child WHERE child.parent_id = grid.id),"
            " 'polygons', ST_AsGeoJSON(geom, 7)::json -> 'coordinates', 'label', json_build_array(ST_X(spot), ST_Y(spot)))"
            " ORDER BY level, code) FROM grid, ST_PointOnSurface(geom) AS spot WHERE plan_id = %s",
            [plan.pk],
        )
        grids = cursor.fetchone()[0] or []
    if isinstance(grids, str):
        grids = json.loads(grids)
    page = {"grids": grids, "levels": plan.level_names}
    response = render(request, "review/shared.html", {"plan": plan, "page": page})
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response

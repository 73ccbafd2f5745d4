"""The pages. The map page is a shell: everything that it shows comes from the API."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from layers.features.signs import SIGNS
from layers.orgs.models import Institution, User


@login_required
def map_page(request: HttpRequest) -> HttpResponse:
    """The map; what it shows (plan, level, grid, extent, base map, layers) stands in the address and is read by the page."""
    base_maps = [base | {"name": str(base["name"])} for base in settings.BASE_MAPS]
    user = request.user
    can_import = isinstance(user, User) and user.institution is not None and user.can_plan_for(user.institution)
    institutions = Institution.objects.showing_points_to(user)
    page = {
        "baseMaps": base_maps,
        "canImport": can_import,
        "dense": settings.DENSE_LAYER,
        "institutions": [
            {"id": institution.pk, "name": institution.name, "own": user.can_plan_for(institution)}
            for institution in institutions
        ],
    }
    return render(request, "map.html", {"page": page, "signs": SIGNS})


def healthz(request: HttpRequest) -> JsonResponse:
    """Whether the site and its database answer; for load balancers, without a login."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "database": "ok"})

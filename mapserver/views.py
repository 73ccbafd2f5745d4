"""The pages. The map page is a shell: everything that it shows comes from the API."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from gis.errors import JingtianError
from layers.features.models import Kind
from layers.features.signs import SIGNS
from layers.grids.models import Grid
from layers.orgs.asked import number_asked
from layers.orgs.models import Institution, User
from layers.rules.measures import REGISTRY
from layers.rules.registers import registers_of
from layers.tables import csv_response, xlsx_response
from mapserver.api.registers import registers_in

ROWS = 200
"""Rows of a table on a page; all of them are in its file."""


@login_required
def map_page(request: HttpRequest) -> HttpResponse:
    """The map; what it shows (plan, level, grid, extent, base map, layers) stands in the address and is read by the page."""
    base_maps = [base | {"name": str(base["name"])} for base in settings.BASE_MAPS]
    user = request.user
    can_import = isinstance(user, User) and user.institution is not None and user.can_plan_for(user.institution)
    institutions = list(Institution.objects.showing_points_to(user).exclude(kind=Institution.Kind.REGULATOR))
    banks = {one.path: one.name for one in institutions if one.is_root()}
    page = {
        "baseMaps": base_maps,
        "canImport": can_import,
        "dense": settings.DENSE_LAYER,
        "institutions": [
            {
                "id": institution.pk,
                "name": institution.name,
                "bank": banks.get(institution.head_office_path),
                "own": user.can_plan_for(institution),
            }
            for institution in institutions
        ],
    }
    return render(request, "map.html", {"page": page, "signs": SIGNS})


@login_required
@never_cache
def registers_page(request: HttpRequest) -> HttpResponseBase:
    """五类登记 (OC07): the five registers of all grids of a level (`?level=&sort=&page=&format=`), or of one `?grid=` by kind, with what leads to the rows."""
    user = request.user
    if not isinstance(user, User) or not REGISTRY["register_person"].is_visible_to(user):
        raise PermissionDenied
    if grid_id := _whole(request, "grid"):
        grid = get_object_or_404(
            Grid.objects.visible_to(user).select_related("plan__institution", "parent"), pk=grid_id
        )
        found = registers_in(user, grid)
        for part in (part for one in found for part in one["parts"] if part["layer"]):
            rows = f"{part['layer']}?{urlencode({'grid': grid.pk, 'grid_name': grid.name, 'kind': part['kind']})}"
            part["href"] = f"/?{urlencode({'plan': grid.plan_id, 'level': grid.level, 'find': rows})}"
        return render(request, "registers_of_grid.html", {"grid": grid, "registers": found})
    try:
        table = registers_of(user, _whole(request, "level"), _whole(request, "plan"))
    except JingtianError as error:
        said = error.en if get_language() == "en" else error.zh
        return render(request, "registers.html", {"fault": said}, status=400)
    name = f"{_('五类登记')}-{table.plan.name}-{table.plan.level_name(table.level)}"
    if (kind := request.GET.get("format")) in {"csv", "xlsx"}:
        write = csv_response if kind == "csv" else xlsx_response
        return write(f"{name}.{kind}", *table.cells())
    sort = request.GET.get("sort", "")
    heads = [(one.value, one.label, f"{'' if sort == f'-{one}' else '-'}{one}") for one in Kind.Register]
    rows = Paginator(table.in_order(sort), ROWS).get_page(_whole(request, "page") or 1)
    context = {"table": table, "rows": rows, "heads": heads, "sort": sort}
    context["pages"] = rows.paginator.get_elided_page_range(rows.number)
    return render(request, "registers.html", context)


def _whole(request: HttpRequest, name: str) -> int | None:
    """A whole number of the address, if there is one; 404 for anything else."""
    text = request.GET.get(name, "")
    return number_asked(text) if text else None


def healthz(request: HttpRequest) -> JsonResponse:
    """Whether the site and its database answer; for load balancers, without a login."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok", "database": "ok"})

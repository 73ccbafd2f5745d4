"""The page where planners import grids. What it shows after the upload comes from the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from gis.reading.limits import MEBI, Limits
from layers.grids.models import Plan
from layers.imports.models import Import
from layers.imports.requests import planner
from layers.imports.tree import DEFAULT_GAP_WIDTH_M, MAX_LEVELS
from layers.orgs.models import Institution


@login_required
@never_cache
def import_page(request: HttpRequest) -> HttpResponse:
    """Upload, look at the defects, repair, load; for planners and administrators."""
    user = planner(request)
    unfinished = Import.objects.filter(user=user, status__in=Import.OPEN).order_by("-pk").first()
    page = {
        "job": unfinished and unfinished.pk,
        "maxFiles": MAX_LEVELS,
        "maxFileBytes": Limits().file_bytes,
        "gapWidth": DEFAULT_GAP_WIDTH_M,
        "policies": [{"id": policy.value, "name": str(policy.label)} for policy in Plan.Policy],
    }
    context = {
        "page": page,
        "institutions": Institution.objects.within(user.institution),
        "max_files": MAX_LEVELS,
        "max_megabytes": Limits().file_bytes // MEBI,
    }
    return render(request, "imports/import.html", context)

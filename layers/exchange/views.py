"""The page where planners bring points into layers, and where they take them out."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from gis.reading.limits import MEBI, Limits
from layers.exchange.jobs import SHOWN_POINTS
from layers.exchange.models import PointImport
from layers.features.registry import LAYERS, layers_of_imports
from layers.imports.requests import planner
from layers.orgs.models import Institution


@login_required
@never_cache
def exchange_page(request: HttpRequest) -> HttpResponse:
    """Upload, columns, rows, load; and export. For planners and administrators."""
    user = planner(request)
    unfinished = PointImport.objects.visible_to(user).filter(status__in=PointImport.OPEN).order_by("-pk").first()
    page = {
        "job": unfinished and unfinished.pk,
        "maxFileBytes": Limits().file_bytes,
        "shownPoints": SHOWN_POINTS,
    }
    context = {
        "page": page,
        "layers": layers_of_imports().values(),
        "layers_of_exports": LAYERS.values(),
        "institutions": Institution.objects.within(user.institution),
        "max_megabytes": Limits().file_bytes // MEBI,
        "max_rows": f"{Limits().features:,}",
    }
    return render(request, "exchange/exchange.html", context)

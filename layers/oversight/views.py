"""The regulator's page: a shell; what it shows comes from the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie

from layers.orgs.models import User


@login_required
@never_cache
@ensure_csrf_cookie
def oversight_page(request: HttpRequest) -> HttpResponse:
    """All banks of a county over one another; for regulators."""
    if not isinstance(request.user, User) or not request.user.is_regulator:
        raise PermissionDenied
    return render(request, "oversight/oversight.html", {"today": timezone.localdate()})

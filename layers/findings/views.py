"""The page of lists: a shell; what it shows comes from the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from layers.findings.api import seeing_user
from layers.rules.api import can_edit_rules


@login_required
@never_cache
def findings_page(request: HttpRequest) -> HttpResponse:
    """Lists left, their places on the map beside them."""
    user = seeing_user(request)
    return render(request, "findings/findings.html", {"can_edit_rules": can_edit_rules(user, user.institution)})

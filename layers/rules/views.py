"""The page of rules: a shell; what it shows and changes goes through the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from layers.orgs.models import Institution, User


@login_required
@never_cache
def rules_page(request: HttpRequest) -> HttpResponse:
    """Rules of an institution of the user's subtree; administrators change them."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or user.is_regulator:
        raise PermissionDenied
    context = {
        "institutions": Institution.objects.within(user.institution),
        "page": {"institution": user.institution_id},
        "can_edit": user.role == User.Role.ADMINISTRATOR,
    }
    return render(request, "rules/rules.html", context)

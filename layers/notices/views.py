"""The page of notices."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from layers.notices.api import MOST_NOTICES
from layers.notices.models import Notice


@login_required
@never_cache
def notices_page(request: HttpRequest) -> HttpResponse:
    """What the user is told, newest first; a button marks all as read."""
    found = Notice.objects.of(request.user)
    if request.method == "POST":
        found.unread().update(read_at=timezone.now())
        return redirect("notices")
    return render(request, "notices/notices.html", {"notices": found[:MOST_NOTICES], "unread": found.unread().count()})

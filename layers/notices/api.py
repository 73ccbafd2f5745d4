"""Notices of the user, over the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from layers.notices.models import Notice

router = Router(tags=["notices"])
MOST_NOTICES = 50


@router.get("/notices")
def list_notices(request: HttpRequest) -> dict[str, Any]:
    """What the user is told, newest first."""
    found = Notice.objects.of(request.user)
    return {
        "unread": found.unread().count(),
        "notices": [
            {
                "id": one.pk,
                "kind": one.kind,
                "text": one.text,
                "link": one.link,
                "made_at": one.made_at.isoformat(),
                "read": one.read_at is not None,
            }
            for one in found[:MOST_NOTICES]
        ],
    }


@router.post("/notices/read")
def read_notices(request: HttpRequest) -> dict[str, Any]:
    """Mark all as read."""
    Notice.objects.of(request.user).unread().update(read_at=timezone.now())
    return {"unread": 0}

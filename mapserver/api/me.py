"""Who is signed in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

router = Router(tags=["me"])


@router.get("/me")
def me(request: HttpRequest) -> dict[str, Any]:
    """The signed-in user, role and institution."""
    user = request.user
    institution = user.institution
    return {
        "id": user.pk,
        "username": user.username,
        "name": user.get_full_name() or user.username,
        "role": user.role,
        "role_label": user.get_role_display(),
        "institution": institution and {"id": institution.pk, "code": institution.code, "name": institution.name},
        "synthetic": user.synthetic,
    }

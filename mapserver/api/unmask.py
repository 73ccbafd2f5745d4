"""Personal details in full, for a reason."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from layers.audit.masking import unmask
from layers.orgs.models import Institution
from layers.staff.models import Staff

router = Router(tags=["people"])


class Unmasking(Schema):
    """Which fields, and why."""

    fields: list[str]
    reason: str


@router.post("/{person_id}/unmask")
def unmask_person(request: HttpRequest, response: HttpResponse, person_id: int, body: Unmasking) -> dict[str, Any]:
    """A work telephone of somebody of the user's own bank; logged with the reason."""
    user = request.user
    banks = Institution.objects.none() if user.is_regulator else Institution.objects.showing_points_to(user)
    person = get_object_or_404(Staff.objects.select_related("institution").filter(institution__in=banks), pk=person_id)
    values = unmask(
        user,
        person,
        body.fields,
        allowed=["work_phone"],
        institution=person.institution,
        reason=body.reason,
        work=True,
        request=request,
    )
    response["Cache-Control"] = "no-store"
    return {"id": person.pk, "values": values}

"""Who is on duty, and where she was last."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from layers.audit.events import record_read
from layers.orgs.models import HEADS
from layers.presence import duty
from layers.presence.models import CheckIn

router = Router(tags=["people"])


class Here(Schema):
    """Where the device is."""

    lon: float
    lat: float
    accuracy: float = Field(0, ge=0, le=10_000, description="metres")
    datum: str = "wgs84"


@router.get("/on-duty/mine")
def mine(request: HttpRequest) -> dict[str, Any]:
    """Whether the user can go on duty and is, and whether she sees others who are."""
    staff = duty.who_goes_on_duty(request.user)
    own = CheckIn.objects.current().filter(staff=staff).first() if staff else None
    return {
        "possible": staff is not None,
        "on_duty": own and {"since": own.since, "at": own.at},
        "sees_others": request.user.role in HEADS,
    }


@router.put("/on-duty")
def check_in(request: HttpRequest, given: Here) -> dict[str, Any]:
    """Go on duty here, or check in again."""
    found = duty.check_in(request.user, given.lon, given.lat, datum=given.datum, accuracy_m=given.accuracy)
    return {"since": found.since, "at": found.at}


@router.delete("/on-duty", response={204: None})
def leave(request: HttpRequest) -> Any:
    """Leave: where the user was is deleted."""
    duty.leave(request.user)
    return Status(204, None)


@router.get("/on-duty")
def on_duty(request: HttpRequest) -> dict[str, Any]:
    """People on duty whom the user may see, where each checked in last, and in which grid; a logged look."""
    found = CheckIn.objects.current().visible_to(request.user).select_related("staff__institution")
    rows = list(found.order_by("staff__institution__path", "staff__number"))
    grids = found.order_by().grids()
    if others := [row.pk for row in rows if row.staff.user_id != request.user.pk]:
        record_read(request.user, CheckIn, others, fields=["geom"], purpose="map", request=request)
    return {"type": "FeatureCollection", "features": [_feature(row, grids.get(row.pk)) for row in rows]}


def _feature(row: CheckIn, grid: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": row.pk,
        "geometry": {"type": "Point", "coordinates": list(row.geom.coords)},
        "properties": {
            "name": row.staff.name,
            "institution": row.staff.institution.name,
            "synthetic": row.staff.synthetic,
            "since": row.since,
            "at": row.at,
            "accuracy_m": row.accuracy_m,
            "grid": grid,
        },
    }

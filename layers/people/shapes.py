"""People, assignments and lists as the API gives them."""

from __future__ import annotations

import json
from typing import Any

from layers.grids.models import Grid
from layers.orgs.models import User
from layers.people.lists import Row
from layers.staff.models import Absence, Assignment, Post, Staff, StaffItem
from layers.staff.rights import phone_for, sees_details
from layers.staff.vocabulary import label

MOST_OUTLINES = 400
"""Above so many rows, only a point is drawn of each."""


def person_json(staff: Staff, user: User) -> dict[str, Any]:
    """Somebody, as a user may see her."""
    return {
        "id": staff.pk,
        "number": staff.number,
        "name": staff.name,
        "kind": staff.kind,
        "kind_label": label("staff", staff.kind, staff.institution),
        "institution": {"id": staff.institution_id, "name": staff.institution.name},
        "work_phone": phone_for(user, staff),
        "duties": [label("duty", duty, staff.institution) for duty in staff.duties],
        "duty_text": staff.duty_text,
        "has_photo": bool(staff.photo),
        "left_on": staff.left_on,
        "at": list(staff.geom.coords) if staff.geom and sees_details(user, staff) else None,
        "synthetic": staff.synthetic,
    }


def assignment_json(one: Assignment) -> dict[str, Any]:
    """Who is in charge of what, from when to when."""
    return {
        "id": one.pk,
        "staff": {"id": one.staff_id, "name": one.staff.name, "number": one.staff.number},
        "unit": unit_json(one.unit),
        "role": one.role,
        "role_label": label("role", one.role, one.staff.institution),
        "kind": one.kind,
        "kind_label": str(one.get_kind_display()),
        "share": one.share,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "status": one.status,
        "status_label": str(one.get_status_display()),
        "replaces": one.replaces_id,
        "end_asked": one.end_asked,
        "filing": one.filing,
        "note": one.note,
        "away": getattr(one, "away", None),
    }


def told_json(one: Assignment, user: User) -> dict[str, Any]:
    """The same as a colleague reads it: the remarks are for the person's own institution and those above it."""
    hidden = {} if user.sees_inside(one.staff.institution) else {"filing": "", "note": ""}
    return assignment_json(one) | hidden


def unit_json(unit: Grid | Post) -> dict[str, Any]:
    return {
        "type": "grid" if isinstance(unit, Grid) else "post",
        "id": unit.pk,
        "code": unit.code,
        "name": unit.name,
    }


def item_json(item: StaffItem) -> dict[str, Any]:
    return {
        "id": item.pk,
        "kind": item.kind,
        "kind_label": label("item", item.kind, item.staff.institution),
        "number": item.number,
        "issued_on": item.issued_on,
        "valid_until": item.valid_until,
        "returned_on": item.returned_on,
    }


def absence_json(one: Absence) -> dict[str, Any]:
    return {"id": one.pk, "first_day": one.first_day, "last_day": one.last_day, "reason": one.reason}


def list_json(rows: list[Row]) -> list[dict[str, Any]]:
    """Rows of a list as GeoJSON features; a row without a place has no geometry."""
    outlined = len(rows) <= MOST_OUTLINES
    return [
        {
            "type": "Feature",
            "id": number,
            "geometry": _geometry(row, outlined),
            "properties": {
                "number": number,
                "text": row.text,
                "at": row.at,
                "grid": row.grid and _grid_json(row.grid),
                "held": [_grid_json(one.grid) | {"at": list(one.label.coords)} for one in row.held],
                "staff": row.staff
                and {
                    "id": row.staff.pk,
                    "name": row.staff.name,
                    "number": row.staff.number,
                    "institution": row.staff.institution.name,
                },
                "post": row.post and unit_json(row.post),
                "outlet": row.outlet
                and {"type": "outlet", "id": row.outlet.pk, "code": row.outlet.code, "name": row.outlet.name},
            },
        }
        for number, row in enumerate(rows, start=1)
    ]


def _grid_json(grid: Grid) -> dict[str, Any]:
    return unit_json(grid) | {"parent": grid.parent.name if grid.parent else ""}


def _geometry(row: Row, outlined: bool) -> dict[str, Any] | None:
    if outlined and row.geom is not None:
        found: dict[str, Any] = json.loads(row.geom.json)
        return found
    return {"type": "Point", "coordinates": list(row.at)} if row.at else None


def list_cells(row: Row) -> list[object]:
    """A row of a list for a spreadsheet."""
    grid, staff, post = row.grid, row.staff, row.post
    units = [one.grid for one in row.held] or [unit for unit in (grid or post or row.outlet,) if unit]
    return [
        "; ".join(unit.code for unit in units),
        "; ".join(unit.name for unit in units),
        grid.parent.name if grid and grid.parent else "",
        staff and staff.number,
        staff and staff.name,
        staff and staff.institution.name,
        row.text,
    ]

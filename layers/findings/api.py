"""Lists of what is not as it should be."""

from __future__ import annotations

from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from layers.findings.lists import finding, findings
from layers.orgs.models import User
from layers.tables import csv_response, xlsx_response

router = Router(tags=["findings"])
MOST_ID = BigIntegerField.MAX_BIGINT
MOST_ROWS = 5000


def seeing_user(request: HttpRequest) -> User:
    """Somebody of a bank: the lists name its people."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or user.is_regulator:
        raise PermissionDenied
    return user


@router.get("/findings")
def all_findings(request: HttpRequest, plan: int | None = Query(None, ge=0, le=MOST_ID)) -> dict[str, Any]:
    """The lists, with what each demands and how many rows it has; of the plan in force, or of the one given."""
    of, found = findings(seeing_user(request), plan)
    return {"plan": {"id": of.pk, "name": of.name}, "lists": [one.to_json() for one in found]}


@router.get("/findings/{key}")
def one_finding(
    request: HttpRequest,
    key: str,
    plan: int | None = Query(None, ge=0, le=MOST_ID),
    format: Literal["json", "csv", "xlsx"] = "json",
    limit: int = Query(MOST_ROWS, ge=1, le=MOST_ROWS),
    offset: int = Query(0, ge=0, le=MOST_ID),
) -> Any:
    """The rows of a list, each with its place, `count` of them in all; `format=csv` or `xlsx` for a spreadsheet of them all.

    `behind` of a row is the id of the list of what its number is made of: `homes-air-7` and `homes-street-7` list the homes in
    a grid of the plan that are too far from an outlet.
    """
    of, one = finding(seeing_user(request), key, plan)
    if format == "json":
        return {"plan": {"id": of.pk, "name": of.name}, **one.to_json(slice(offset, offset + limit))}
    heads, lines = one.table()
    file = f"{one.name}-{of.name}-{timezone.localdate()}.{format}"
    if format == "csv":
        return csv_response(file, heads, lines)
    return xlsx_response(file, heads, lines, sheet=one.name)

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
) -> Any:
    """The rows of a list, each with its place; `format=csv` or `xlsx` for a spreadsheet."""
    of, one = finding(seeing_user(request), key, plan)
    if format == "json":
        return {"plan": {"id": of.pk, "name": of.name}, **one.to_json(with_rows=True)}
    heads, lines = one.table()
    file = f"{one.name}-{of.name}-{timezone.localdate()}.{format}"
    if format == "csv":
        return csv_response(file, heads, lines)
    return xlsx_response(file, heads, lines, sheet=one.name)

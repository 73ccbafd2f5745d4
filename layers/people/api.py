"""People, what they are in charge of, and what is not as it should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField, Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status

from layers.audit.events import record_read
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.people import arrange
from layers.people.arrange import may_assign_to
from layers.people.hierarchy import who_is_over, who_is_under
from layers.people.lists import LISTS, counts, found
from layers.people.pick import choosable, found_by, written
from layers.people.shapes import (
    absence_json,
    assignment_json,
    item_json,
    list_cells,
    list_json,
    person_json,
    told_json,
    unit_json,
)
from layers.staff import rights
from layers.staff.history import grid_on, history_for, in_charge
from layers.staff.models import Assignment, Post, Staff
from layers.staff.vocabulary import label
from layers.tables import csv_response, xlsx_response

router = Router(tags=["people"])
MOST = 500
WORD = r"^[\w-]*$"
TEXT = r"^[^\x00]*$"


class AssignIn(Schema):
    """Who takes over what, and how; see `layers.staff.models.Assignment`."""

    staff: int
    role: str = Field("worker", max_length=16)
    kind: Assignment.Kind = Assignment.Kind.MAIN
    day: dt.date | None = None
    until: dt.date | None = None
    share: int = Field(100, ge=1, le=100)
    filing: str = Field("", max_length=60, pattern=TEXT)
    note: str = Field("", max_length=300, pattern=TEXT)


class HandOverIn(Schema):
    """To whom, from which day on."""

    staff: int
    day: dt.date
    filing: str = Field("", max_length=60, pattern=TEXT)
    note: str = Field("", max_length=300, pattern=TEXT)


class DayIn(Schema):
    """The first day on which it no longer holds."""

    day: dt.date


class NoteIn(Schema):
    """What goes with a decision."""

    note: str = Field("", max_length=300, pattern=TEXT)


def people_of(
    user: User, q: str = "", kind: str = "", institution: int | None = None, role: str = "", duty: str = ""
) -> QuerySet[Staff]:
    """The people whom a user may see, filtered; those in service only."""
    found = Staff.objects.visible_to(user).employed().select_related("institution")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(number__istartswith=q))
    if kind:
        found = found.filter(kind=kind)
    if duty:
        found = found.filter(duties__contains=[duty])
    if role:
        found = found.filter(pk__in=Assignment.objects.on().filter(role=role).values("staff"))
    if institution is not None:
        found = found.filter(institution=institution)
    return found.order_by("institution__path", "number")


@router.get("/people")
def people(
    request: HttpRequest,
    q: str = Query("", max_length=80, pattern=TEXT),
    kind: str = Query("", max_length=40, pattern=WORD),
    institution: int | None = Query(None, ge=0, le=BigIntegerField.MAX_BIGINT),
    role: str = Query("", max_length=16, pattern=WORD),
    duty: str = Query("", max_length=16, pattern=WORD),
    limit: int = Query(200, ge=1, le=MOST),
    offset: int = Query(0, ge=0, le=10**9),
    format: Literal["json", "csv", "xlsx"] = "json",
) -> Any:
    """The people whom the user may see, with what they are in charge of today; `format=csv` or `xlsx` for a spreadsheet."""
    found = people_of(request.user, q.strip(), kind, institution, role, duty)
    total = found.count()
    rows = list(found if format != "json" else found[offset : offset + limit])
    serving: dict[int, list[Assignment]] = {}
    held = Assignment.objects.on().filter(staff__in=rows).select_related("grid", "post", "staff__institution")
    for one in held.order_by("grid__code", "pk"):
        serving.setdefault(one.staff_id, []).append(one)
    if format != "json":
        fields = ("name", "work_phone")
        record_read(request.user, Staff, [row.pk for row in rows], fields=fields, purpose="export", request=request)
        return _people_table(request.user, rows, serving, format)
    return {
        "count": total,
        "people": [
            person_json(row, request.user) | {"assignments": [assignment_json(one) for one in serving.get(row.pk, [])]}
            for row in rows
        ],
    }


def _people_table(user: User, rows: list[Staff], serving: dict[int, list[Assignment]], format: str) -> HttpResponseBase:
    heads = [_("工号"), _("姓名"), _("类型"), _("机构"), _("工作电话"), _("负责")]
    cells = (
        [
            row.number,
            row.name,
            label("staff", row.kind, row.institution),
            row.institution.name,
            rights.phone_for(user, row),
            "; ".join(one.unit.name for one in serving.get(row.pk, [])),
        ]
        for row in rows
    )
    return _table(_("人员"), heads, cells, format)


def _table(name: str, heads: list[str], cells: Iterable[Sequence[Any]], format: str) -> HttpResponseBase:
    return (xlsx_response if format == "xlsx" else csv_response)(f"{name}.{format}", heads, cells)


@router.get("/people/choices")
def choices(
    request: HttpRequest,
    q: str = Query("", max_length=80, pattern=TEXT),
    leads: bool = False,
    without: int | None = Query(None, ge=0, le=BigIntegerField.MAX_BIGINT),
) -> list[dict[str, Any]]:
    """The first people that words fit, for whoever arranges people: `written` is what a form takes; idle ones come first."""
    if request.user.institution is None or request.user.role not in rights.ARRANGERS:
        raise PermissionDenied
    found = found_by(choosable(request.user, leads=leads).exclude(pk=without), q.strip())
    return [
        {"id": one.pk, "written": written(one), "institution": one.institution.name, "busy": one.busy} for one in found
    ]


@router.get("/people/lists")
def lists(request: HttpRequest) -> list[dict[str, Any]]:
    """What is not as it should be, with how many of each."""
    return counts(request.user)


@router.get("/people/lists/{key}")
def one_list(
    request: HttpRequest,
    key: str,
    at: dt.date | None = None,
    limit: int = Query(MOST, ge=1, le=5000),
    offset: int = Query(0, ge=0, le=10**9),
    format: Literal["geojson", "csv", "xlsx"] = "geojson",
) -> Any:
    """The rows of a list on a day (today if none is given) as GeoJSON, or with `format=csv` or `xlsx` for a spreadsheet."""
    if key not in LISTS:
        raise Http404
    rows = found(key, request.user, at)
    if format != "geojson":
        heads = [_("编码"), _("网格或点位"), _("上级网格"), _("工号"), _("姓名"), _("机构"), _("情况")]
        return _table(str(LISTS[key].name), heads, (list_cells(row) for row in rows[:]), format)
    chosen = rows[offset : offset + limit]
    return {
        "type": "FeatureCollection",
        "name": str(LISTS[key].name),
        "numberMatched": len(rows),
        "numberReturned": len(chosen),
        "features": list_json(chosen),
    }


@router.get("/people/proposals")
def proposals(request: HttpRequest) -> list[dict[str, Any]]:
    """What waits for a decision, of the people whom the user may see: a beginning, or with `end_asked` an end; `can_decide` where it is hers."""
    return [
        assignment_json(one) | {"can_decide": rights.may_decide(request.user, one)} for one in proposed(request.user)
    ]


def proposed(user: User) -> list[Assignment]:
    """What waits for a decision about people whom a user may see."""
    found = (
        Assignment.objects.waiting()
        .filter(staff__in=Staff.objects.visible_to(user))
        .select_related(
            "staff__institution", "grid__parent", "post", "replaces__staff__institution", "proposed_by", "end_asked_by"
        )
    )
    return list(found.order_by("valid_from", "pk"))


@router.get("/people/{int:staff_id}")
def person(request: HttpRequest, staff_id: int) -> dict[str, Any]:
    """Somebody, with all that she was in charge of, her absences and what she was handed."""
    staff = seen_staff(request, staff_id)
    record_read(request.user, staff, fields=("work_phone", "geom"), purpose="person", request=request)
    held = staff.assignments.select_related("staff__institution", "grid", "post").order_by("-valid_from", "pk")
    whole = rights.sees_details(request.user, staff)
    return person_json(staff, request.user) | {
        "assignments": [assignment_json(one) for one in held],
        "absences": [absence_json(one) for one in staff.absences.all()],
        "items": [item_json(one) for one in staff.items.select_related("staff__institution")] if whole else [],
        "can_arrange": rights.may_arrange(request.user, staff.institution),
    }


@router.get("/people/{int:staff_id}/over")
def over(request: HttpRequest, staff_id: int, at: dt.date | None = None) -> dict[str, Any]:
    """谁管我: who leads the person, from near to far: `administrative` for each grid, `service` in the bank."""
    found = who_is_over(seen_staff(request, staff_id), at)
    return {
        "administrative": [[_flat(node) for node in chain] for chain in found["administrative"]],
        "service": [_flat(node) for node in found["service"]],
    }


@router.get("/people/{int:staff_id}/under")
def under(request: HttpRequest, staff_id: int, at: dt.date | None = None) -> dict[str, Any]:
    """我管谁: whom the person leads, as trees: `administrative` for each grid, `service` in the bank."""
    found = who_is_under(seen_staff(request, staff_id), at)
    return {
        "administrative": [node.to_json() for node in found["administrative"]],
        "service": found["service"].to_json(),
    }


def _flat(node: Any) -> dict[str, Any]:
    return {key: value for key, value in node.to_json().items() if key != "below"}


@router.get("/grids/{int:grid_id}/people")
def grid_people(request: HttpRequest, grid_id: int, at: dt.date | None = None) -> dict[str, Any]:
    """Who serves a grid on a day, whoever acts first, and who served it before, through all plans."""
    grid = seen_grid(request, grid_id)
    day = at or timezone.localdate()
    was = grid_on(grid, day)
    serving = in_charge(Q(grid=was), day, seen_by=request.user) if was else []
    return {
        "grid": unit_json(grid),
        "at": day,
        "can_arrange": may_assign_to(request.user, was or grid, day),
        "in_charge": [told_json(one, request.user) for one in serving],
        "history": [told_json(one, request.user) for one in history_for(request.user, grid)],
    }


@router.post("/grids/{int:grid_id}/assignments", response={201: dict})
def assign_grid(request: HttpRequest, grid_id: int, form: AssignIn) -> Status[dict[str, Any]]:
    """Put somebody in charge of a grid, or propose it to the unit above."""
    return _assign(request, seen_grid(request, grid_id), form)


@router.post("/posts/{int:post_id}/assignments", response={201: dict})
def assign_post(request: HttpRequest, post_id: int, form: AssignIn) -> Status[dict[str, Any]]:
    """Put somebody in charge of a post, or propose it to the unit above."""
    return _assign(request, seen_post(request, post_id), form)


def _assign(request: HttpRequest, unit: Grid | Post, form: AssignIn) -> Status[dict[str, Any]]:
    values = form.dict(exclude={"staff", "day"})
    day = form.day or timezone.localdate()
    made = arrange.assign(request.user, seen_staff(request, form.staff), unit, day, **values)
    return Status(201, assignment_json(made))


@router.post("/assignments/{int:assignment_id}/hand-over", response={201: dict})
def hand_over(request: HttpRequest, assignment_id: int, form: HandOverIn) -> Status[dict[str, Any]]:
    """End one person's turn and begin another's on the same day."""
    old = seen_assignment(request, assignment_id)
    values = form.dict(exclude={"staff", "day"})
    made = arrange.hand_over(request.user, old, seen_staff(request, form.staff), form.day, **values)
    return Status(201, assignment_json(made))


@router.post("/assignments/{int:assignment_id}/end")
def end(request: HttpRequest, assignment_id: int, form: DayIn) -> dict[str, Any]:
    """End somebody's turn, with nobody to follow, or propose it to the unit above."""
    return assignment_json(arrange.end(request.user, seen_assignment(request, assignment_id), form.day))


@router.post("/assignments/{int:assignment_id}/approve")
def approve(request: HttpRequest, assignment_id: int, form: NoteIn) -> dict[str, Any]:
    """Agree to a beginning or an end that waits."""
    return assignment_json(arrange.approve(request.user, seen_assignment(request, assignment_id), form.note))


@router.post("/assignments/{int:assignment_id}/refuse")
def refuse(request: HttpRequest, assignment_id: int, form: NoteIn) -> dict[str, Any]:
    """Decline a beginning or an end that waits."""
    return assignment_json(arrange.refuse(request.user, seen_assignment(request, assignment_id), form.note))


def seen_staff(request: HttpRequest, pk: int) -> Staff:
    """Somebody whom the user may see; 404 otherwise."""
    found = Staff.objects.visible_to(request.user).select_related("institution", "supervisor")
    return get_object_or_404(found, pk=_small(pk))


def seen_grid(request: HttpRequest, pk: int) -> Grid:
    """A grid of a plan that the user may see, who is not a regulator: those are shown no people; 404 otherwise."""
    if request.user.is_regulator:
        raise Http404
    plans = Plan.objects.visible_to(request.user)
    found = Grid.objects.filter(plan__in=plans).select_related("plan__institution", "parent")
    return get_object_or_404(found, pk=_small(pk))


def seen_post(request: HttpRequest, pk: int) -> Post:
    """A post that the user may see; 404 otherwise."""
    return get_object_or_404(Post.objects.visible_to(request.user).select_related("institution"), pk=_small(pk))


def seen_assignment(request: HttpRequest, pk: int) -> Assignment:
    """An assignment of somebody whom the user may see; 404 otherwise."""
    found = Assignment.objects.filter(staff__in=Staff.objects.visible_to(request.user))
    return get_object_or_404(found.select_related("staff__institution", "grid", "post"), pk=_small(pk))


def _small(pk: int) -> int:
    if abs(pk) > BigIntegerField.MAX_BIGINT:
        raise Http404
    return pk

"""Edits of a draft plan, and their log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.gis.db.models import GeometryField
from django.core.exceptions import PermissionDenied
from django.db.models import F, Func
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from layers.editing import log, service
from layers.editing.models import Edit
from layers.grids.models import SRID, Grid, Plan
from layers.streets.api import collection_in

router = Router(tags=["editing"])


class EditIn(Schema):
    """One operation; `args` by operation in docs/editing.md."""

    op: str = Field(max_length=40)
    args: dict[str, Any]
    base_revision: int = Field(ge=0)
    dry_run: bool = False
    attempt: UUID | None = Field(
        None, description="任取的 UUID; 同一方案中同一提交号只执行一次 / carried out once a plan"
    )


class UndoIn(Schema):
    """The revision looked at; a step, or none for one's own last."""

    base_revision: int = Field(0, ge=0)
    edit: int | None = None


def own_plan(request: HttpRequest, plan_id: int) -> Plan:
    """A plan that the user may change; 404 for who may not see it, 403 for who may only look."""
    plan = get_object_or_404(Plan.objects.visible_to(request.user).select_related("institution"), pk=plan_id)
    if not request.user.can_plan_for(plan.institution):
        raise PermissionDenied
    return plan


@router.post("/plans/{plan_id}/edits")
def edit(request: HttpRequest, plan_id: int, body: EditIn) -> dict[str, Any]:
    """Do one operation, or (`dry_run`) only say what would come of it."""
    plan = own_plan(request, plan_id)
    return service.commit(
        plan.pk, request.user, body.op, body.args, body.base_revision, dry_run=body.dry_run, attempt=body.attempt
    )


@router.get("/plans/{plan_id}/edits")
def edits(request: HttpRequest, plan_id: int, since: int | None = None) -> Any:
    """The history, newest first; or what has changed after a revision."""
    plan = own_plan(request, plan_id)
    return log.history(plan, request.user) if since is None else log.news(plan, since, request.user)


@router.get("/plans/{plan_id}/edits/{edit_id}")
def one_edit(request: HttpRequest, plan_id: int, edit_id: int) -> dict[str, Any]:
    """One step, with what it changed, to be drawn."""
    plan = own_plan(request, plan_id)
    found = get_object_or_404(Edit.objects.select_related("author", "undoes"), plan=plan, pk=edit_id)
    return log.edit_json(found, request.user, undone=log.is_undone(found)) | log.before_and_after(found)


@router.get("/plans/{plan_id}/borders-beside")
def borders_beside(request: HttpRequest, plan_id: int, bbox: str) -> dict[str, Any]:
    """Borders in a box of the other plans in force that the user may see, to be followed while drawing; at most 5000 grids.

    Grids that are still the same in this plan are left out: their borders are here.
    """
    plan = own_plan(request, plan_id)
    others = Plan.objects.visible_to(request.user).in_force().exclude(pk=plan.pk)
    found = Grid.objects.filter(plan__in=others, children__isnull=True).exclude(
        border_sum__in=Grid.objects.filter(plan=plan).values("border_sum")
    )
    border = Func(F("geom"), function="ST_Boundary", output_field=GeometryField(srid=SRID))
    return collection_in(found, bbox, shape=border)


@router.post("/plans/{plan_id}/undo")
def undo(request: HttpRequest, plan_id: int, body: UndoIn) -> dict[str, Any]:
    """Take back one's own last step, or a given step."""
    return service.undo(own_plan(request, plan_id).pk, request.user, body.edit)


@router.post("/plans/{plan_id}/redo")
def redo(request: HttpRequest, plan_id: int, body: UndoIn) -> dict[str, Any]:
    """Do again what one took back last."""
    return service.redo(own_plan(request, plan_id).pk, request.user)

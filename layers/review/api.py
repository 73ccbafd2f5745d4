"""Copy, submit, compare, approve, return, publish."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.contrib.gis.geos import Point
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Field, Router, Schema, Status
from pydantic import field_validator

from layers.grids.coverage import coverage_report
from layers.grids.models import SRID, Plan
from layers.orgs.models import User
from layers.review import rebase as rebasing
from layers.review import rights, versions, workflow
from layers.review.compare import comparison
from layers.review.faults import BadRequest
from layers.review.models import Comment, Decision, ReviewSettings, ShareLink

router = Router(tags=["review"])


class NameIn(Schema):
    """A plan's name."""

    name: str = Field(min_length=1, max_length=120)

    @field_validator("name")
    @classmethod
    def no_nul(cls, name: str) -> str:
        return _text(name)


class NoteIn(Schema):
    """What goes with a decision."""

    note: str = Field("", max_length=2000)

    @field_validator("note")
    @classmethod
    def no_nul(cls, note: str) -> str:
        return _text(note, empty=True)


class DayIn(Schema):
    """The day from which a plan is in force."""

    valid_from: dt.date


class ResolveIn(Schema):
    """Which version to take where both changed the same grids."""

    resolve: dict[str, Literal["mine", "theirs"]] = Field(default_factory=dict, max_length=5000)


class RuleIn(Schema):
    """The coverage rule, and the largest share of its area by which an urban grid may overlap others where that is allowed."""

    policy: Plan.Policy
    overlap_limit: float = Field(0.05, gt=0, le=0.5)


class CommentIn(Schema):
    """A remark, pinned to a place if it has one (degrees, CGCS2000)."""

    text: str = Field(min_length=1, max_length=2000)
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)

    @field_validator("text")
    @classmethod
    def no_nul(cls, text: str) -> str:
        return _text(text)


class ShareIn(Schema):
    """For how many days; as the institution has set it if none are given."""

    days: int | None = Field(None, ge=1, le=366)


class SettingsIn(Schema):
    """See `layers.review.models.ReviewSettings`."""

    assignment_days: int = Field(365, ge=0, le=3660)
    share_days: int = Field(30, ge=1, le=366)
    clear_overlap: float = Field(2 / 3, ge=0.5, le=1)


def _text(text: str, *, empty: bool = False) -> str:
    text = text.strip()
    if "\0" in text or not (text or empty):
        raise ValueError("no text, or a character that cannot be stored")
    return text


def seen_plan(request: HttpRequest, plan_id: int) -> Plan:
    """A plan that the user may see; 404 otherwise."""
    return get_object_or_404(Plan.objects.visible_to(request.user).select_related("institution"), pk=plan_id)


def _person(user: User) -> str:
    return user.get_full_name() or user.username


def after_step(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """The plan as it is after a step, as far as the steps go."""
    plan.refresh_from_db()
    return {
        "id": plan.pk,
        "name": plan.name,
        "status": plan.status,
        "status_label": plan.get_status_display(),
        "revision": plan.revision,
        "base": plan.base_id,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "behind": rebasing.is_behind(plan) if plan.status == Plan.Status.DRAFT else False,
        **rights.steps_of(request.user, plan),
    }


@router.post("/plans/{int:plan_id}/copy", response={201: dict})
def copy(request: HttpRequest, plan_id: int, body: NameIn) -> Status[dict[str, Any]]:
    """A new draft with all grids of a plan."""
    plan = seen_plan(request, plan_id)
    if not request.user.can_plan_for(plan.institution):
        raise PermissionDenied
    return Status(201, after_step(request, versions.copy(plan, request.user, body.name)))


@router.put("/plans/{int:plan_id}/coverage-rule")
def coverage_rule(request: HttpRequest, plan_id: int, body: RuleIn) -> dict[str, Any]:
    """Choose the coverage rule of a draft; refused where its grids do not keep to it."""
    plan = seen_plan(request, plan_id)
    if not request.user.can_plan_for(plan.institution):
        raise PermissionDenied
    changed = versions.set_rule(plan.pk, body.policy, body.overlap_limit)
    return coverage_report(changed)


@router.post("/plans/{int:plan_id}/submit")
def submit(request: HttpRequest, plan_id: int, body: NoteIn) -> dict[str, Any]:
    """Hand a draft to the reviewers."""
    return after_step(request, workflow.submit(seen_plan(request, plan_id).pk, request.user, body.note))


@router.post("/plans/{int:plan_id}/approve")
def approve(request: HttpRequest, plan_id: int, body: NoteIn) -> dict[str, Any]:
    """Agree to a submitted plan."""
    return after_step(request, workflow.approve(seen_plan(request, plan_id).pk, request.user, body.note))


@router.post("/plans/{int:plan_id}/return")
def give_back(request: HttpRequest, plan_id: int, body: NoteIn) -> dict[str, Any]:
    """Return a plan to its planners."""
    return after_step(request, workflow.give_back(seen_plan(request, plan_id).pk, request.user, body.note))


@router.post("/plans/{int:plan_id}/publish")
def publish(request: HttpRequest, plan_id: int, body: DayIn) -> dict[str, Any]:
    """Put an approved plan in force from a day on."""
    plan = seen_plan(request, plan_id)
    people = workflow.publish(plan.pk, request.user, body.valid_from)
    return after_step(request, plan) | {"people": people}


@router.post("/plans/{int:plan_id}/rebase")
def rebase(request: HttpRequest, plan_id: int, body: ResolveIn) -> dict[str, Any]:
    """Take over into a draft what was published since it was begun."""
    plan = seen_plan(request, plan_id)
    if not request.user.can_plan_for(plan.institution):
        raise PermissionDenied
    return rebasing.rebase(plan.pk, request.user, body.resolve)


@router.get("/plans/{int:plan_id}/decisions")
def decisions(request: HttpRequest, plan_id: int) -> list[dict[str, Any]]:
    """What was decided about a plan, newest first."""
    plan = seen_plan(request, plan_id)
    if not request.user.sees_inside(plan.institution):
        raise PermissionDenied
    return [
        {
            "id": one.pk,
            "kind": one.kind,
            "label": one.get_kind_display(),
            "note": one.note,
            "author": _person(one.author),
            "made_at": one.made_at.isoformat(),
            "revision": one.revision,
        }
        for one in Decision.objects.filter(plan=plan).select_related("author").order_by("-pk")
    ]


@router.get("/plans/{int:a}/compare/{int:b}")
def compare(request: HttpRequest, a: int, b: int) -> dict[str, Any]:
    """What differs from plan a to plan b of the same area: grids, land that changes hands, people, rules of b."""
    return comparison(seen_plan(request, a), seen_plan(request, b), request.user)


@router.get("/plans/{int:plan_id}/comments")
def comments(request: HttpRequest, plan_id: int) -> list[dict[str, Any]]:
    """Remarks on a plan, oldest first."""
    plan = _taking_part(request, plan_id)
    found = Comment.objects.filter(plan=plan).select_related("author", "resolved_by")
    return [comment_json(one) for one in found]


@router.post("/plans/{int:plan_id}/comments", response={201: dict})
def comment(request: HttpRequest, plan_id: int, body: CommentIn) -> Status[dict[str, Any]]:
    """Remark on a plan, or on a place in it."""
    plan = _taking_part(request, plan_id)
    if (body.lon is None) != (body.lat is None):
        raise BadRequest("经度和纬度要同时给出。", "Longitude and latitude come together.")
    place = None if body.lon is None or body.lat is None else Point(body.lon, body.lat, srid=SRID)
    made = Comment.objects.create(plan=plan, text=body.text, place=place, author=request.user)
    return Status(201, comment_json(made))


@router.post("/plans/{int:plan_id}/comments/{int:comment_id}/resolve")
def resolve_comment(request: HttpRequest, plan_id: int, comment_id: int) -> dict[str, Any]:
    """Mark a remark as dealt with."""
    plan = _taking_part(request, plan_id)
    found = get_object_or_404(Comment.objects.filter(plan=plan), pk=comment_id)
    Comment.objects.filter(pk=found.pk, resolved_at=None).update(resolved_by=request.user, resolved_at=timezone.now())
    found.refresh_from_db()
    return comment_json(found)


def comment_json(one: Comment) -> dict[str, Any]:
    return {
        "id": one.pk,
        "text": one.text,
        "place": one.place and list(one.place.coords),
        "author": _person(one.author),
        "made_at": one.made_at.isoformat(),
        "resolved_by": one.resolved_by and _person(one.resolved_by),
        "resolved_at": one.resolved_at and one.resolved_at.isoformat(),
    }


def _taking_part(request: HttpRequest, plan_id: int) -> Plan:
    plan = seen_plan(request, plan_id)
    if not rights.may_comment(request.user, plan):
        raise PermissionDenied
    return plan


def _shared_by(request: HttpRequest, plan_id: int) -> Plan:
    plan = seen_plan(request, plan_id)
    if not request.user.can_plan_for(plan.institution):
        raise PermissionDenied
    return plan


@router.get("/plans/{int:plan_id}/share")
def shares(request: HttpRequest, plan_id: int) -> list[dict[str, Any]]:
    """The links to a plan that still work."""
    links = ShareLink.objects.filter(
        plan=_shared_by(request, plan_id), revoked_at=None, expires_at__gt=timezone.now()
    ).select_related("made_by")
    return [share_json(link) for link in links.order_by("pk")]


@router.post("/plans/{int:plan_id}/share", response={201: dict})
def share(request: HttpRequest, plan_id: int, body: ShareIn) -> Status[dict[str, Any]]:
    """A link with which anybody may look at the plan, without people; it is shown this once."""
    plan = _shared_by(request, plan_id)
    days = body.days or ReviewSettings.of(plan.institution).share_days
    link, token = ShareLink.issue(plan, request.user, days)
    return Status(201, share_json(link) | {"url": request.build_absolute_uri(reverse("shared-plan", args=[token]))})


@router.delete("/plans/{int:plan_id}/share/{int:link_id}", response={204: None})
def revoke(request: HttpRequest, plan_id: int, link_id: int) -> Status[None]:
    """Make a link useless."""
    link = get_object_or_404(ShareLink, plan=_shared_by(request, plan_id), pk=link_id)
    ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now())
    return Status(204, None)


def share_json(link: ShareLink) -> dict[str, Any]:
    return {
        "id": link.pk,
        "made_by": _person(link.made_by),
        "made_at": link.made_at.isoformat(),
        "expires_at": link.expires_at.isoformat(),
    }


@router.put("/review/settings")
def change_settings(request: HttpRequest, body: SettingsIn) -> dict[str, Any]:
    """Set what the user's institution is warned of; for administrators."""
    user = request.user
    if user.institution is None or user.role != User.Role.ADMINISTRATOR:
        raise PermissionDenied
    ReviewSettings.objects.update_or_create(institution=user.institution, defaults=body.dict())
    return body.dict()


@router.get("/review/settings")
def show_settings(request: HttpRequest) -> dict[str, Any]:
    """What holds for the user's institution."""
    if request.user.institution is None:
        raise PermissionDenied
    found = ReviewSettings.of(request.user.institution)
    return {name: getattr(found, name) for name in ("assignment_days", "share_days", "clear_overlap")}

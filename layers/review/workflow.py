"""Submit, approve, return, publish: each is one transaction, and of two at once exactly one goes through."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from layers.grids.models import Plan
from layers.notices.service import deciders_over
from layers.orgs.models import User
from layers.review import notices, rights
from layers.review.faults import BadDate, RulesBroken, WrongStep
from layers.review.models import Decision
from layers.review.rebase import current_plan, rebase_locked
from layers.review.rehome import rehome
from layers.rules.evaluate import Broken, evaluate

STATUS_EN = {
    "draft": "a draft",
    "submitted": "under review",
    "approved": "approved",
    "published": "published",
    "retired": "retired",
}


def submit(plan_id: int, user: User, note: str = "") -> Plan:
    """Hand a draft to the reviewers.

    Raises
    ------
    WrongStep, RulesBroken, PermissionDenied
    """
    with transaction.atomic():
        plan = _locked(plan_id, Plan.Status.DRAFT)
        _allow(user.can_plan_for(plan.institution))
        broken = _refuse_broken(plan)
        # From now on the institution's, also when it is returned: reviewers have seen it, and follow it up.
        plan.private = False
        plan.save(update_fields=["private"])
        _go(plan, Plan.Status.SUBMITTED)
        _record(plan, user, Decision.Kind.SUBMITTED, note, warns=len(broken))
        notices.tell(deciders_over(plan.institution), plan, "submitted", user, note=note)
    return plan


def approve(plan_id: int, user: User, note: str = "") -> Plan:
    """Agree to a submitted plan.

    Raises
    ------
    WrongStep, PermissionDenied
    """
    with transaction.atomic():
        plan = _locked(plan_id, Plan.Status.SUBMITTED)
        _allow(rights.may_decide(user, plan))
        _go(plan, Plan.Status.APPROVED)
        _record(plan, user, Decision.Kind.APPROVED, note)
        notices.tell(_concerned(plan), plan, "approved", user, note=note)
    return plan


def give_back(plan_id: int, user: User, note: str = "") -> Plan:
    """Return a submitted or approved plan to its planners, as a draft.

    Raises
    ------
    WrongStep, PermissionDenied
    """
    with transaction.atomic():
        plan = _locked(plan_id, Plan.Status.SUBMITTED, Plan.Status.APPROVED)
        _allow(rights.may_decide(user, plan))
        _go(plan, Plan.Status.DRAFT)
        _record(plan, user, Decision.Kind.RETURNED, note)
        notices.tell(_concerned(plan), plan, "returned", user, note=note)
    return plan


def publish(plan_id: int, user: User, valid_from: dt.date) -> dict[str, Any]:
    """Put an approved plan in force from a day on; what was in force ends on that day, and people are re-homed.

    Another draft may have been published meanwhile: what it changed is taken over first (see `rebase`).

    Returns
    -------
    What became of the people: see `rehome`.

    Raises
    ------
    WrongStep, BadDate, PlansClash, RulesBroken, PermissionDenied
    """
    if valid_from < timezone.localdate():
        raise BadDate("生效日期不能早于今天。", "The day cannot be before today.")
    with transaction.atomic():
        plan = Plan.objects.select_related("institution").get(pk=plan_id)
        # Both plans, always in this order: two publications of one area go one after the other.
        same_area = Plan.objects.filter(institution=plan.institution, area_code=plan.area_code)
        moving = same_area.filter(status__in=[Plan.Status.PUBLISHED, Plan.Status.APPROVED])
        list(moving.select_for_update(of=("self",)).order_by("pk"))
        plan = _locked(plan_id, Plan.Status.APPROVED)
        _allow(rights.may_publish(user, plan))
        old = current_plan(plan)
        if old is not None and plan.base_id is not None and plan.base_id != old.pk:
            rebase_locked(plan, user)
        _refuse_broken(plan)
        if old is not None:
            _retire(old, valid_from)
        plan.status, plan.valid_from = Plan.Status.PUBLISHED, valid_from
        plan.save(update_fields=["status", "valid_from"])
        people = rehome(old, plan, valid_from)
        _record(plan, user, Decision.Kind.PUBLISHED, "", valid_from=valid_from.isoformat(), **people)
        _tell_people(plan, people, valid_from)
        notices.tell(notices.planners_of(plan), plan, "published", user, day=valid_from.isoformat())
    return people


def _locked(plan_id: int, *expected: str) -> Plan:
    plan = Plan.objects.select_for_update(of=("self",)).select_related("institution").get(pk=plan_id)
    if plan.status not in expected:
        raise WrongStep(
            f"方案“{plan.name}”现在的状态是“{plan.get_status_display()}”, 不能进行这一步; 可能已有人先办理。请刷新后再看。",
            f"The plan {plan.name} is {STATUS_EN[plan.status]} now, so this step is not possible; somebody may have been"
            " quicker. Reload to see.",
            now=plan.status,
        )
    return plan


def _allow(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _go(plan: Plan, status: str) -> None:
    plan.status = status
    plan.save(update_fields=["status"])


def _record(plan: Plan, user: User, kind: str, note: str, **details: Any) -> None:
    Decision.objects.create(plan=plan, revision=plan.revision, kind=kind, note=note, author=user, details=details)


def _concerned(plan: Plan) -> set[int]:
    """Who made and who submitted the plan."""
    return {one for one in (plan.created_by_id, rights.submitter_of(plan)) if one is not None}


def _refuse_broken(plan: Plan) -> list[Broken]:
    found = evaluate(plan)
    blocks = [one for one in found if one.rule.severity == "block"]
    if blocks:
        raise RulesBroken(
            f"有 {len(blocks)} 处违反“禁止”类规则, 见图上标出的网格; 请先调整。第一处: {blocks[0].said[0]}。",
            f"{len(blocks)} blocking rules are broken: see the grids on the map. The first: {blocks[0].said[1]}.",
            where={
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "id": number,
                        "properties": {"number": number, "code": one.grid.code, "name": one.grid.name},
                        "geometry": {"type": "Point", "coordinates": list(one.label)},
                    }
                    for number, one in enumerate(blocks, start=1)
                ],
            },
            broken=[one.to_json() for one in blocks],
        )
    return found


def _retire(old: Plan, valid_from: dt.date) -> None:
    if old.valid_from is not None and valid_from < old.valid_from:
        raise BadDate(
            f"方案“{old.name}”自 {old.valid_from} 起生效; 请选择这一天或以后的日期。",
            f"The plan {old.name} is in force from {old.valid_from}: choose this day or a later one.",
        )
    old.status, old.valid_to = Plan.Status.RETIRED, valid_from
    old.save(update_fields=["status", "valid_to"])


def _tell_people(plan: Plan, people: dict[str, Any], day: dt.date) -> None:
    for kind, rows in (("moved", people["moved"]), ("vacated", people["vacated"])):
        for row in rows:
            if row["user"] is not None and row["changed"]:
                facts = {"day": day.isoformat(), "old": row["old"]["name"]}
                notices.tell([row["user"]], plan, kind, **facts, new=(row["new"] or {}).get("name", ""))

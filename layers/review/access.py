"""Who sees a draft beside its author, and works at it with her."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet

from layers.editing.service import locked_draft
from layers.grids.models import Plan
from layers.orgs.models import User
from layers.review.faults import BadRequest
from layers.review.rights import may_open

PLANNERS = (User.Role.PLANNER, User.Role.ADMINISTRATOR)


def colleagues_of(plan: Plan) -> QuerySet[User]:
    """Who can be named an editor of a draft: the planners and administrators of its institution, its author aside."""
    found = User.objects.filter(institution=plan.institution_id, role__in=PLANNERS, is_active=True)
    return found.exclude(pk=plan.created_by_id).order_by("username")


def access_json(plan: Plan) -> dict[str, Any]:
    """Who sees a draft, and who could be named."""
    named = set(plan.editors.values_list("pk", flat=True))
    return {
        "private": plan.private,
        "author": None if plan.created_by is None else name_of(plan.created_by),
        "colleagues": [{"id": one.pk, "name": name_of(one), "edits": one.pk in named} for one in colleagues_of(plan)],
    }


def name_of(user: User) -> str:
    return user.get_full_name() or user.username


def open_draft(plan_id: int, user: User, *, private: bool, editors: Sequence[int]) -> Plan:
    """Say who sees a draft: its author and the editors named, or (not private) everybody who sees the institution's plans.

    Raises
    ------
    NotADraft, BadRequest, PermissionDenied
    """
    with transaction.atomic():
        plan = locked_draft(plan_id)
        if not may_open(user, plan):
            raise PermissionDenied
        known = set(colleagues_of(plan).filter(pk__in=editors).values_list("pk", flat=True))
        if known != set(editors):
            raise BadRequest(
                "共同编制人只能是本机构在用的规划员或管理员。请刷新后重新勾选。",
                "Only active planners and administrators of the plan's institution can be named. Reload and choose again.",
            )
        plan.private = private
        plan.save(update_fields=["private"])
        plan.editors.set(known)
    return plan

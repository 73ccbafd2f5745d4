"""Who may take which step."""

from __future__ import annotations

from layers.grids.models import Plan
from layers.orgs.models import DECIDERS, User
from layers.review.models import Decision


def submitter_of(plan: Plan) -> int | None:
    """Who submitted the plan last."""
    return (
        Decision.objects.filter(plan=plan, kind=Decision.Kind.SUBMITTED)
        .order_by("-pk")
        .values_list("author", flat=True)
        .first()
    )


def may_decide(user: User, plan: Plan) -> bool:
    """Whether the user may approve or return the plan: a reviewer, never of her own submission."""
    return user.decides_over(plan.institution) and submitter_of(plan) != user.pk


def may_publish(user: User, plan: Plan) -> bool:
    """Whether the user may set the day of an approved plan: its planners and its reviewers."""
    return user.can_plan_for(plan.institution) or user.decides_over(plan.institution)


def may_comment(user: User, plan: Plan) -> bool:
    """Whether the user takes part in the plan: planners, managers and reviewers."""
    return may_publish(user, plan) or (user.role in DECIDERS and user.sees_inside(plan.institution))


def may_open(user: User, plan: Plan) -> bool:
    """Whether the user says who else sees a draft: its author, or an administrator of its own institution."""
    is_head = user.role == User.Role.ADMINISTRATOR and user.institution_id == plan.institution_id
    return plan.status == Plan.Status.DRAFT and (plan.created_by_id == user.pk or is_head)


def steps_of(user: User, plan: Plan) -> dict[str, bool]:
    """The steps that the user may take now, for buttons."""
    status = plan.status
    planner = user.can_plan_for(plan.institution)
    return {
        "can_copy": planner,
        "can_submit": status == Plan.Status.DRAFT and planner,
        "can_review": status == Plan.Status.SUBMITTED and may_decide(user, plan),
        "can_return": status in {Plan.Status.SUBMITTED, Plan.Status.APPROVED} and may_decide(user, plan),
        "can_publish": status == Plan.Status.APPROVED and may_publish(user, plan),
        "can_comment": may_comment(user, plan),
        "can_open": may_open(user, plan),
        "can_share": status in {Plan.Status.DRAFT, Plan.Status.SUBMITTED, Plan.Status.APPROVED} and planner,
    }

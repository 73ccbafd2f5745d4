"""Automatic partition of a grid into grids."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, Router, Schema

from layers.editing.api import own_plan
from layers.grids.models import Plan
from layers.orgs.models import User
from layers.partition import service
from layers.partition.outlets import AroundWish, propose_around
from layers.partition.service import InvalidWish, Proposal, Weight, Wish

router = Router(tags=["partition"])


class Applying(Schema):
    """Whether a proposal is made an edit at once."""

    weight: Weight = Weight.HOUSEHOLDS
    apply: bool = False
    base_revision: int | None = Field(None, ge=0)


Kilometres = Annotated[float, Field(gt=0, le=1000)]


class PartitionIn(Applying):
    """How to divide a grid: into `count` parts, into parts of `low` to `high` of the weight, or `around` its outlets.

    Round outlets, each piece of land goes to the outlet that reaches it first: `radius_km` is how far an outlet serves,
    `radii` (outlet: km) of those that serve farther or less far; with `even`, the weights are then evened out.
    """

    grid: int
    count: int | None = Field(None, ge=1, le=service.MOST_PARTS)
    low: float | None = Field(None, gt=0, le=1e9)
    high: float | None = Field(None, gt=0, le=1e9)
    tolerance: float | None = Field(None, gt=0, le=1)
    seed: int = Field(1, ge=0, le=2**30)
    keep_locked: bool = True
    around: Literal["outlets"] | None = None
    radius_km: Kilometres | None = None
    radii: dict[int, Kilometres] = Field(default={}, max_length=service.MOST_PARTS)
    even: bool = False


class RebalanceIn(Applying):
    """Neighbouring grids to be evened out; or one that is `to` get so many `households` (or other weight) `from` its neighbour."""

    grids: list[int] = Field(default=[], max_length=100)
    tolerance: float = Field(service.TOLERANCE, gt=0, le=1)
    seed: int = Field(1, ge=0, le=2**30)
    to: int | None = None
    source: int | None = Field(None, alias="from")
    households: float | None = Field(None, gt=0, le=1e9)
    amount: float | None = Field(None, gt=0, le=1e9)


@router.post("/plans/{plan_id}/partition")
def divide(request: HttpRequest, plan_id: int, body: PartitionIn) -> dict[str, Any]:
    """Propose a division of a grid; with `apply`, make it."""
    plan = own_plan(request, plan_id)
    _check(body)
    if body.around:
        around = AroundWish(
            body.radius_km, body.radii, body.weight, body.even, body.tolerance, body.seed, body.keep_locked
        )
        return _answer(plan, request.user, propose_around(plan, request.user, body.grid, around), body)
    wish = Wish(body.count, body.low, body.high, body.weight, body.tolerance, body.seed, body.keep_locked)
    return _answer(plan, request.user, service.propose(plan, request.user, body.grid, wish), body)


@router.post("/plans/{plan_id}/rebalance")
def rebalance(request: HttpRequest, plan_id: int, body: RebalanceIn) -> dict[str, Any]:
    """Propose new borders between neighbouring grids; with `apply`, make them."""
    plan = own_plan(request, plan_id)
    _check(body)
    amount = body.amount or body.households
    if body.to is not None and body.source is not None and amount is not None:
        found = service.take_from(plan, request.user, body.to, body.source, amount, body.weight)
    elif body.grids:
        found = service.even_out(plan, request.user, body.grids, body.weight, body.tolerance, body.seed)
    else:
        raise InvalidWish(
            "请给出要调匀的网格, 或移入网格、移出网格和数量。",
            "Give the grids to be evened out, or `to`, `from` and an amount.",
        )
    return _answer(plan, request.user, found, body)


def _check(body: Applying) -> None:
    if body.apply and body.base_revision is None:
        raise InvalidWish(
            "应用时请给出所依据的版本 base_revision。", "To apply, give the base_revision that you looked at."
        )


def _answer(plan: Plan, user: User, proposal: Proposal, body: Applying) -> dict[str, Any]:
    answer = proposal.to_json()
    if body.apply:
        answer |= service.apply(proposal, plan, user, body.base_revision or 0)
    return answer

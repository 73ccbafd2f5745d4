"""Siting over HTTP: a proposal, as GeoJSON with what it does."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from layers.features.registry import LAYERS
from layers.grids.models import Grid
from layers.orgs.models import User
from layers.siting.service import Candidate, InvalidCandidates, Proposal, Wish, propose, sited_kinds
from layers.tables import csv_response

router = Router(tags=["siting"])


class Form(Schema):
    """What is asked; see `layers.siting.service.Wish`."""

    grid: int
    layer: Literal["machines", "outlets", "places"] = "machines"
    kind: str = Field("cash_point", max_length=40)
    candidates: str = Field("villages", max_length=90)
    k: int = Field(3, ge=1, le=50)
    objective: Literal["cover", "distance"] = "cover"
    radius_m: float = Field(2000, ge=50, le=50_000)


@router.post("/siting")
def siting(request: HttpRequest, form: Form) -> dict[str, Any]:
    """Where the next ones should stand, and what they change: nothing is saved."""
    return _answer(_proposal(request, form))


@router.post("/siting/csv")
def siting_csv(request: HttpRequest, form: Form) -> HttpResponse:
    """The places proposed, as a table."""
    proposal = _proposal(request, form)
    header = [_("序号"), _("名称"), _("编码"), _("经度"), _("纬度")]
    header += [_("新增覆盖户数"), _("就近户数"), _("每户平均近 (米)")]
    rows = [
        [i, one.name, one.code, one.lon, one.lat, gain.covered, gain.nearer, gain.saved_m and round(gain.saved_m)]
        for i, (one, gain) in enumerate(zip(proposal.chosen, proposal.gains(), strict=True), 1)
    ]
    return csv_response("siting.csv", header, rows)


def _proposal(request: HttpRequest, form: Form) -> Proposal:
    user = request.user
    # A proposal reads another bank's places only where it may, but it is made for the own bank.
    if not isinstance(user, User) or user.is_regulator or user.role == User.Role.WORKER:
        raise PermissionDenied
    grid = get_object_or_404(Grid.objects.visible_to(user).select_related("plan__institution"), pk=form.grid)
    kinds = [kind.key for kind in sited_kinds(user)[form.layer]]
    if form.kind not in kinds:
        raise InvalidCandidates(
            f"{LAYERS[form.layer].name}没有可选址的类型“{form.kind}”; 可用: {'、'.join(kinds)}。",
            f"The layer {form.layer} has no kind {form.kind} that is placed. It has: {', '.join(kinds)}.",
        )
    return propose(user, Wish(grid, form.layer, form.kind, form.candidates, form.k, form.objective, form.radius_m))


def _answer(proposal: Proposal) -> dict[str, Any]:
    found, wish = proposal.siting, proposal.wish
    total = float(proposal.demand[:, 2].sum())
    return {
        "chosen": [
            feature | {"gain": {"covered": gain.covered, "nearer": gain.nearer, "saved_m": gain.saved_m}}
            for feature, gain in zip(_features(proposal.chosen), proposal.gains(), strict=True)
        ],
        "existing": _features(proposal.existing),
        "demand": [
            [round(lon, 6), round(lat, 6), households, _whole(before), _whole(after)]
            for (lon, lat, households), before, after in zip(
                proposal.demand.tolist(), found.before_m.tolist(), found.after_m.tolist(), strict=True
            )
        ],
        "households": total,
        "radius_m": wish.radius_m,
        "covered": {"before": proposal.share_within(found.before_m), "after": proposal.share_within(found.after_m)},
        "mean_m": {"before": proposal.mean_m(found.before_m), "after": proposal.mean_m(found.after_m)},
        "gap": found.gap,
        "source": _("建筑户数") if proposal.from_buildings else _("网格户数, 以网格标注点计"),
    }


def _whole(metres: float) -> int | None:
    return round(metres) if np.isfinite(metres) else None


def _features(places: list[Candidate]) -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.lon, one.lat]},
            "properties": {"name": one.name, "code": one.code},
        }
        for one in places
    ]

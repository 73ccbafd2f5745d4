"""Grids round outlets (ZG05): 以网点为中心, 以所在集镇、社区、乡村为服务半径."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from django.utils.translation import gettext as _

from gis.errors import JingtianError
from gis.partition import around
from layers.facilities.models import Outlet
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.partition.service import MOST_PARTS, TOLERANCE, InvalidWish, Proposal, site_of
from layers.partition.weights import Weight, streets_in, weighed
from layers.rules.models import Rule

RADIUS_KM = 3.0
"""Where neither the planner nor a rule of the institution says how far an outlet serves."""


class NoOutlets(JingtianError):
    """There is no outlet in the grid that could be the centre of one."""

    code = "no_outlets"


@dataclass(frozen=True)
class AroundWish:
    """How to divide round outlets.

    Attributes
    ----------
    radius_km : how far an outlet serves; None: as the rule on the distance to the outlet says, for urban or rural grids.
    radii : by outlet, where one serves farther or less far than the others.
    even : then even out the weights at the borders, within the tolerance.
    """

    radius_km: float | None = None
    radii: Mapping[int, float] = field(default_factory=dict)
    weight: Weight = Weight.HOUSEHOLDS
    even: bool = False
    tolerance: float | None = None
    seed: int = 1
    keep_locked: bool = True


def propose_around(plan: Plan, user: User, grid_id: int, wish: AroundWish) -> Proposal:
    """Divide a grid into the service areas of the staffed outlets in it; its locked sub-grids stay.

    Raises
    ------
    NoOutlets, InvalidWish, NoSuchGrid, GridLocked, HasNoOrOtherLevel
    """
    site = site_of(plan, grid_id, keep_locked=wish.keep_locked)
    shapely.prepare(site.region)
    outlets = [one for one in _outlets_of(plan) if shapely.covers(site.region, shapely.Point(one.geom.coords))]
    if not outlets:
        raise NoOutlets(
            f"{site.grid} 之内没有本行的营业网点, 不能以网点为中心划分。请改按个数或规模划分。",
            f"There is no staffed outlet of the bank in {site.grid}. Divide it by number or by size instead.",
        )
    if len(outlets) > MOST_PARTS:
        raise InvalidWish(
            f"一次最多划分为 {MOST_PARTS} 个网格, 这里有 {len(outlets)} 个网点。",
            f"At most {MOST_PARTS} grids at once, and there are {len(outlets)} outlets.",
        )
    if strange := sorted(wish.radii.keys() - {one.pk for one in outlets}):
        raise InvalidWish(
            f"编号为 {'、'.join(map(str, strange))} 的网点不在 {site.grid} 之内。",
            f"There is no outlet {', '.join(map(str, strange))} in {site.grid}.",
        )
    usual = wish.radius_km or _radius_by_rule(plan, site.grid) or RADIUS_KM
    basis = weighed(plan, site.replaced or [site.grid], site.region, user, wish.weight)
    found = around(
        site.region,
        np.array([one.geom.coords for one in outlets], dtype=np.float64),
        basis.load,
        streets_in(site.region, user),
        radius_m=np.array([1000 * wish.radii.get(one.pk, usual) for one in outlets]),
        even=wish.even,
        tolerance=wish.tolerance or TOLERANCE,
        seed=wish.seed,
    )
    members = [[outlets[i] for i in those] for those in found.sites]
    notes = [
        _("网点 %(names)s 在同一街区或建筑内, 共用一个网格") % {"names": "、".join(one.name for one in those)}
        for those in members
        if len(those) > 1
    ]
    basis.notes.extend(notes)
    columns = [
        {
            "outlets": [{"id": one.pk, "name": one.name, "place": list(one.geom.coords)} for one in those],
            "radius_km": wish.radii.get(those[0].pk, usual),
            "reach_km": round(reach / 1000, 3),
            "within_radius": round(within, 4),
        }
        for those, reach, within in zip(members, found.reach_m.tolist(), found.within.tolist(), strict=True)
    ]
    return Proposal(
        site.grid,
        found.result,
        basis,
        wish.weight,
        wish.seed,
        site.keys,
        [None] * len(columns),
        names=["、".join(one.name for one in those)[:120] for those in members],
        columns=columns,
        balancing=wish.even,
    )


def _outlets_of(plan: Plan) -> list[Outlet]:
    """The staffed outlets of the plan's bank."""
    bank = Institution.objects.filter(path__startswith=plan.institution.head_office_path)
    return list(Outlet.objects.filter(institution__in=bank, kind="staffed", is_active=True).order_by("pk"))


def _radius_by_rule(plan: Plan, grid: Grid) -> float | None:
    """The upper limit of the rule on the distance to the outlet that holds for the grid's kind."""
    limits = [
        rule.high
        for rule in Rule.objects.binding(plan.institution)
        if rule.measure == "outlet_distance_km" and rule.high and rule.kind in ("", grid.kind)
    ]
    return min(limits, default=None)

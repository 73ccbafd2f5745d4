"""What a grid has, put together from all layers: 五类登记 (OC07, 1+5+N), and the channels by which people reach the bank (ZG16)."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from ninja import Router

from layers.features.models import Kind, area_homing
from layers.features.registry import LAYERS, kinds_of
from layers.grids.models import Grid
from layers.orgs.models import User
from layers.rules.measures import REGISTRY, inside, measure, seen_by
from mapserver.api.grids import counts_by_kind

router = Router(tags=["grids"])
Part = dict[str, Any]
ONLINE = ("channel_1", "channel_2", "channel_3", "channel_4")
OFFLINE = ("outlets_staffed", "outlets_self_service", "stations", "cash_points", "machines_atm", "machines_crs")


@router.get("/{int:grid_id}/registers")
def registers(
    request: HttpRequest, grid_id: int, only: Literal["person", "house", "event", "organisation", "thing"] | None = None
) -> list[dict[str, Any]]:
    """The five base registers of a grid of any level, and the extensions: each with its count, and by kind with what leads to the rows.

    Buildings are a register of their own: `layer` is null. `partial`: what the user may not see is not counted.
    """
    grids = Grid.objects.visible_to(request.user).select_related("plan__institution")
    found = registers_in(request.user, get_object_or_404(grids, pk=grid_id))
    return [one for one in found if only in {None, one["id"]}]


def registers_in(user: User, grid: Grid) -> list[dict[str, Any]]:
    """The same, for the page of one grid."""
    parts: dict[str, list[Part]] = {register: [] for register in (*Kind.Register.values, "")}
    hidden = set()
    buildings = inside("building", [grid.pk], "1", "true")[grid.pk]
    parts[Kind.Register.HOUSE].append(
        {"name": pgettext("五类登记", "建筑"), "count": int(buildings), "layer": None, "kind": None}
    )
    kinds = kinds_of(user)
    home = area_homing(grid.plan_id)
    for layer in LAYERS.values():
        here = layer.visible_to(user).in_grid(grid.pk, home, whole=grid.level == 0)
        counts = counts_by_kind(here)
        for kind in kinds[layer.id]:
            if not layer.shows_all_to(user):
                hidden.add(kind.register)
            if counts.get(kind.key):
                parts[kind.register].append(
                    {
                        "name": kind.label,
                        "count": counts[kind.key],
                        "layer": layer.id,
                        "kind": kind.key,
                    }
                )
    return [
        {
            "id": register or "extension",
            "name": str(Kind.Register(register).label) if register else _("扩展"),
            "count": sum(part["count"] for part in those),
            "partial": register in hidden,
            "parts": those,
        }
        for register, those in parts.items()
    ]


@router.get("/{int:grid_id}/channels")
def channels(request: HttpRequest, grid_id: int) -> list[dict[str, Any]]:
    """线上线下一体 (ZG16): the share of customers who use each online channel, and the places, of a grid of any level.

    The values are those of the measures of these names, which the map can show. Who sees no customers sees the places only.
    """
    grid = get_object_or_404(Grid.objects.visible_to(request.user), pk=grid_id)
    shown = [name for name in (*ONLINE, *OFFLINE) if REGISTRY[name].is_visible_to(request.user)]
    with seen_by(request.user):
        found = measure([grid.pk], shown)[grid.pk]
    return [
        {
            "id": name,
            "name": str(REGISTRY[name].name),
            "online": name in ONLINE,
            "unit": str(REGISTRY[name].unit).strip(),
            "decimals": REGISTRY[name].decimals,
            **found[name].to_json(),
        }
        for name in shown
    ]

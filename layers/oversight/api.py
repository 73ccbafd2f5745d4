"""The regulator's view over HTTP: pieces as GeoJSON, townships as a table, limits as settings."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import shapely
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from layers.orgs.models import User
from layers.oversight.models import OversightSettings
from layers.oversight.service import SLIVER_M2, Overview, area_by_depth, areas, areas_of, overview
from layers.tables import csv_response, xlsx_response

router = Router(tags=["oversight"])
DRAWN_STEP = 1e-5
"""Pieces are drawn, not edited: a metre is enough."""


class Limits(Schema):
    """What is too much and too little."""

    depth_limit: int = Field(ge=1, le=50)
    blank_limit: float = Field(ge=0, le=1)
    outlets_limit: float = Field(ge=0, le=1000)


@router.get("/oversight")
def of_area(request: HttpRequest, area: str | None = None, at: dt.date | None = None) -> dict[str, Any]:
    """Who serves what in a county on a day; banks by name, people not at all."""
    limits = OversightSettings.of(_regulator(request).institution)
    known = areas(_regulator(request))
    found = overview(_regulator(request), area or next(iter(known), ""), at or timezone.localdate())
    return {
        "areas": [{"code": code, "name": name} for code, name in known.items()],
        "area": found.reference.area_code,
        "day": found.day,
        "reference": found.reference.pk,
        "limits": _limits(limits),
        "banks": [{"id": bank.pk, "name": bank.name} for bank in found.banks.values()],
        "plans": [{"id": plan.pk, "bank": found.bank_of[plan.pk].pk} for plan in found.plans],
        "area_by_depth": {str(n): round(area) for n, area in area_by_depth(found.pieces).items()},
        "pieces": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": number,
                    "geometry": json.loads(shapely.to_geojson(shapely.set_precision(piece.geometry, DRAWN_STEP))),
                    "properties": {
                        "depth": piece.depth,
                        "banks": [int(key) for key in piece.covered_by],
                        "area_m2": round(area),
                        "label": piece.geometry.representative_point().coords[0],
                    },
                }
                for number, (piece, area) in enumerate(zip(found.pieces, areas_of(found.pieces), strict=True))
                if area >= SLIVER_M2
            ],
        },
        "townships": [
            {
                "id": town.grid.pk,
                "code": town.grid.code,
                "name": town.grid.name,
                "bbox": town.grid.geom.extent,
                "label": town.grid.geom.point_on_surface.coords,
                "parts": [{"piece": piece, "area_m2": round(area), "at": at} for piece, area, at in town.parts],
                "area_m2": round(town.area),
                "households": town.households,
                "blank": round(town.blank, 4),
                "mean_depth": round(town.mean_depth, 3),
                "outlets": sum(town.outlets.values()),
                "cash_points": sum(town.cash_points.values()),
                "by_bank": {
                    str(bank): [town.outlets.get(bank, 0), town.cash_points.get(bank, 0)] for bank in found.banks
                },
                "outlets_per_10k": None if town.outlets_per_10k is None else round(town.outlets_per_10k, 2),
                "findings": town.findings(limits),
            }
            for town in found.townships
        ],
    }


@router.get("/oversight/table")
def table(request: HttpRequest, area: str, at: dt.date | None = None, format: str = "csv") -> HttpResponse:
    """The townships as CSV or XLSX."""
    found = overview(_regulator(request), area, at or timezone.localdate())
    limits = OversightSettings.of(_regulator(request).institution)
    return (xlsx_response if format == "xlsx" else csv_response)(
        f"oversight-{area}.{'xlsx' if format == 'xlsx' else 'csv'}", *_table(found, limits)
    )


@router.put("/oversight/settings")
def change(request: HttpRequest, limits: Limits) -> dict[str, Any]:
    """Set the limits of the own institution."""
    settings, _made = OversightSettings.objects.update_or_create(
        institution=_regulator(request).institution, defaults=limits.dict()
    )
    return _limits(settings)


def _regulator(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.is_regulator or user.institution is None:
        raise PermissionDenied
    return user


def _limits(settings: OversightSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Limits.model_fields}


def _table(found: Overview, limits: OversightSettings) -> tuple[list[str], list[list[Any]]]:
    words = {"blank": _("空白"), "deep": _("机构过多"), "dense": _("网点过密")}
    header = [_("编码"), _("名称"), _("面积 (平方公里)"), _("户数"), _("空白占比"), _("平均机构数")]
    header += [_("网点数"), _("助农取款点"), _("每万户网点数"), _("提示")]
    header += [f"{bank.name} {what}" for bank in found.banks.values() for what in (_("网点数"), _("助农取款点"))]
    rows = []
    for town in found.townships:
        per_10k = town.outlets_per_10k
        row: list[Any] = [town.grid.code, town.grid.name, round(town.area / 1e6, 3), town.households]
        row += [round(town.blank, 4), round(town.mean_depth, 3), sum(town.outlets.values())]
        row += [sum(town.cash_points.values()), None if per_10k is None else round(per_10k, 2)]
        row += ["、".join(words[name] for name in town.findings(limits))]
        row += [kind.get(bank, 0) for bank in found.banks for kind in (town.outlets, town.cash_points)]
        rows.append(row)
    return header, rows

"""Across institutions (ZG04): how many banks serve each piece of a county, where none does, and where too many do."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db import connection
from django.db.models import Count
from shapely.geometry.base import BaseGeometry

from gis.depth import Piece, depth_pieces
from gis.errors import JingtianError
from gis.measure import area_m2
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.oversight.models import OversightSettings
from layers.rules.measures import measure

SQL = Path(__file__).parent / "sql"
SLIVER_M2 = 1.0
"""Less than this comes from borders that two banks drew from different sources, and is no land."""


class NothingInForce(JingtianError):
    """No plan of the area is in force on the day."""

    code = "nothing_in_force"


@dataclass
class Township:
    """A township of the reference plan: its land by how many banks serve it, and what stands there.

    Attributes
    ----------
    area_by_depth
        m² by number of banks.
    outlets, cash_points
        By bank id.
    parts
        Number of a piece, m² of it in the township, and a place in that part.
    """

    grid: Grid
    households: float | None
    area_by_depth: dict[int, float] = field(default_factory=dict)
    outlets: dict[int, int] = field(default_factory=dict)
    cash_points: dict[int, int] = field(default_factory=dict)
    parts: list[tuple[int, float, tuple[float, float]]] = field(default_factory=list)

    @property
    def area(self) -> float:
        return sum(self.area_by_depth.values())

    @property
    def blank(self) -> float:
        """Share of the land that no bank serves."""
        return self.area_by_depth.get(0, 0.0) / self.area if self.area else 0.0

    @property
    def mean_depth(self) -> float:
        """Banks over an average piece of land."""
        return sum(n * area for n, area in self.area_by_depth.items()) / self.area if self.area else 0.0

    @property
    def outlets_per_10k(self) -> float | None:
        """Outlets of all banks for 10,000 households; None where households are not known."""
        return 10_000 * sum(self.outlets.values()) / self.households if self.households else None

    def findings(self, limits: OversightSettings) -> list[str]:
        """Which limits are passed: blank, deep (too many banks), dense (too many outlets)."""
        deep = any(n > limits.depth_limit and area >= SLIVER_M2 for n, area in self.area_by_depth.items())
        dense = self.outlets_per_10k is not None and self.outlets_per_10k > limits.outlets_limit
        return [
            name
            for name, found in (("blank", self.blank > limits.blank_limit), ("deep", deep), ("dense", dense))
            if found
        ]


@dataclass
class Overview:
    """A county on a day: its banks, connected pieces by who serves them, and townships. It names banks, and no people."""

    day: dt.date
    plans: list[Plan]
    bank_of: dict[int, Institution]
    banks: dict[int, Institution]
    pieces: list[Piece]
    townships: list[Township]

    @property
    def reference(self) -> Plan:
        """The plan with most grids: its townships are those of the table."""
        return self.plans[0]


def areas(user: User) -> dict[str, str]:
    """Names by code of the service areas in which the user sees plans in force."""
    roots = Grid.objects.filter(plan__in=Plan.objects.visible_to(user).in_force(), level=0)
    return dict(roots.order_by("code", "-plan").values_list("code", "name"))


def overview(user: User, area_code: str, day: dt.date) -> Overview:
    """Everything of an area on a day.

    Raises
    ------
    NothingInForce
    """
    plans = list(
        Plan.objects.visible_to(user)
        .in_force(day)
        .filter(area_code=area_code)
        .select_related("institution")
        .annotate(size=Count("grids"))
        .order_by("-size", "pk")
    )
    if not plans:
        raise NothingInForce(
            f"{day} 在服务区域 {area_code} 没有生效的方案。请换一个日期或区域。",
            f"No plan of the area {area_code} is in force on {day}. Choose another day or area.",
        )
    bank_of = {plan.pk: Institution.objects.get(path=plan.institution.head_office_path) for plan in plans}
    covers: dict[str, list[BaseGeometry]] = {str(bank.pk): [] for bank in bank_of.values()}
    for plan_id, shape in _rows("served", plans=[plan.pk for plan in plans], day=day):
        covers[str(bank_of[plan_id].pk)].append(shapely.from_wkb(bytes(shape)))
    roots = Grid.objects.filter(plan__in=plans, level=0)
    land = shapely.union_all([shapely.from_wkb(bytes(root.geom.wkb)) for root in roots])
    pieces = [
        Piece(part, piece.covered_by)
        for piece in depth_pieces(land, covers)
        for part in shapely.get_parts(piece.geometry)
    ]
    banks = {bank.pk: bank for bank in sorted(bank_of.values(), key=lambda bank: bank.path)}
    return Overview(day, plans, bank_of, banks, pieces, _townships(plans[0], pieces))


def _townships(reference: Plan, pieces: list[Piece]) -> list[Township]:
    grids = list(Grid.objects.filter(plan=reference, level=1).order_by("code"))
    households = measure([grid.pk for grid in grids], ["households"])
    found = {grid.pk: Township(grid, households[grid.pk]["households"].value) for grid in grids}
    shapes = np.array([shapely.from_wkb(bytes(grid.geom.wkb)) for grid in grids], dtype=object)
    lands = np.array([piece.geometry for piece in pieces], dtype=object)
    at, which = shapely.STRtree(lands).query(shapes, predicate="intersects")
    insides = shapely.intersection(shapes[at], lands[which])
    for grid, number, inside, area in zip(at, which, insides, area_m2(insides), strict=True):
        town = found[grids[grid].pk]
        depth = pieces[number].depth
        town.area_by_depth[depth] = town.area_by_depth.get(depth, 0.0) + float(area)
        if area >= SLIVER_M2:
            spot = inside.representative_point()
            town.parts.append((int(number), float(area), (spot.x, spot.y)))
    for town_id, bank, outlets, cash_points in _rows("places", towns=[grid.pk for grid in grids]):
        found[town_id].outlets[bank], found[town_id].cash_points[bank] = outlets, cash_points
    for township in found.values():
        depths = township.area_by_depth
        township.area_by_depth = {n: area for n, area in sorted(depths.items()) if area >= SLIVER_M2}
    return list(found.values())


def areas_of(pieces: list[Piece]) -> list[float]:
    """m² of each piece."""
    return [float(area) for area in area_m2([piece.geometry for piece in pieces])]


def area_by_depth(pieces: list[Piece]) -> dict[int, float]:
    """m² of a county by number of banks."""
    total: dict[int, float] = defaultdict(float)
    for piece, area in zip(pieces, areas_of(pieces), strict=True):
        total[piece.depth] += area
    return dict(sorted(total.items()))


def _rows(name: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_text(name), values)
        return cursor.fetchall()


@cache
def _text(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")

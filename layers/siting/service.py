"""Where to put the next cash points, stations or machines: households as they live, candidates as they are named (QJ02, OB04)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from django.db import connection

from gis.errors import JingtianError
from gis.lattice import FloatArray
from gis.siting import Siting, least_distance, most_covered, nearest
from layers.features.models import Kind
from layers.features.registry import LAYERS, kinds_of
from layers.grids.models import Grid
from layers.orgs.models import User
from layers.rules.measures import measure

SQL = Path(__file__).parent / "sql"
MOST_DEMAND, MOST_CANDIDATES = 20_000, 3_000
SECONDS = 20
PLACED = ("outlets", "machines")
"""Layers of what a bank puts somewhere."""
GRIDS = {"leaves": 0, "villages": 1}
"""Sources of candidates that are grids: how many levels above the leaves."""


class NothingToServe(JingtianError):
    """No households are known in the grid."""

    code = "nothing_to_serve"


class TooMuchToSite(JingtianError):
    """More places than the model takes."""

    code = "too_large"


class InvalidCandidates(JingtianError):
    """There is no such source of candidates, or no such kind of what is to be placed."""

    code = "invalid_candidates"


@dataclass(frozen=True)
class Wish:
    """What is to be placed, where, from which candidates, and what is good.

    `candidates`: "villages" or "leaves" (a point in each grid), or "layer:kind", say "places:shop".
    """

    grid: Grid
    layer: str
    kind: str
    candidates: str
    k: int
    objective: Literal["cover", "distance"]
    radius_m: float


@dataclass(frozen=True)
class Candidate:
    name: str
    code: str
    lon: float
    lat: float


@dataclass(frozen=True)
class Gain:
    """What one of the chosen places adds: the households that it comes to be nearest to, and those newly within the radius.

    `saved_m`: metres that a household of the former is nearer than before; None where there was nothing before.
    """

    nearer: float
    covered: float
    saved_m: float | None


@dataclass(frozen=True)
class Proposal:
    """What is proposed, and what it does for whom.

    Attributes
    ----------
    demand : (n, 3)
        Longitude, latitude, households of each place where people live.
    """

    wish: Wish
    siting: Siting
    chosen: list[Candidate]
    existing: list[Candidate]
    demand: FloatArray
    from_buildings: bool

    def share_within(self, metres: FloatArray) -> float:
        """Households within the radius."""
        return float(self.demand[metres <= self.wish.radius_m, 2].sum())

    def mean_m(self, metres: FloatArray) -> float | None:
        """Mean distance of households; None where some have none at all."""
        if not np.isfinite(metres).all():
            return None
        return float(np.average(metres, weights=self.demand[:, 2]))

    def gains(self) -> list[Gain]:
        """What each chosen place adds; a household counts at the nearest of them, so that the sum is what all add."""
        before, after, weight = self.siting.before_m, self.siting.after_m, self.demand[:, 2]
        at, _metres = nearest(self.demand[:, :2], _lonlat(self.chosen))
        gained = (before > self.wish.radius_m) & (after <= self.wish.radius_m)
        found = []
        for place in range(len(self.chosen)):
            nearer = (at == place) & (after < before)
            total = float(weight[nearer].sum())
            known = total > 0 and bool(np.isfinite(before[nearer]).all())
            saved = float(np.average((before - after)[nearer], weights=weight[nearer])) if known else None
            found.append(Gain(total, float(weight[nearer & gained].sum()), saved))
        return found


def sited_kinds(user: User) -> dict[str, list[Kind]]:
    """Kinds that a bank places, by layer: its outlets and machines, and the places that the vocabulary marks so."""
    kinds = kinds_of(user, *PLACED, "places")
    return {layer: [kind for kind in found if layer in PLACED or kind.sited] for layer, found in kinds.items()}


def propose(user: User, wish: Wish) -> Proposal:
    """Choose places.

    Raises
    ------
    NothingToServe, TooMuchToSite, InvalidCandidates, NotEnoughCandidates, NoSolution
    """
    demand, from_buildings = _demand(wish.grid)
    candidates = _candidates(user, wish)
    existing = _existing(user, wish)
    if len(demand) > MOST_DEMAND or len(candidates) > MOST_CANDIDATES:
        raise TooMuchToSite(
            f"范围太大: 居住点 {len(demand):,} 处 (上限 {MOST_DEMAND:,}), 候选地点 {len(candidates):,} 处"
            f" (上限 {MOST_CANDIDATES:,})。请选择较小的网格。",
            f"Too much: {len(demand):,} places where people live (at most {MOST_DEMAND:,}), {len(candidates):,} candidates"
            f" (at most {MOST_CANDIDATES:,}). Choose a smaller grid.",
        )
    places, weights, sites, there = demand[:, :2], demand[:, 2], _lonlat(candidates), _lonlat(existing)
    if wish.objective == "cover":
        siting = most_covered(places, weights, sites, there, k=wish.k, radius_m=wish.radius_m, seconds=SECONDS)
    else:
        siting = least_distance(places, weights, sites, there, k=wish.k, seconds=SECONDS)
    return Proposal(wish, siting, [candidates[i] for i in siting.chosen], existing, demand, from_buildings)


def _demand(grid: Grid) -> tuple[FloatArray, bool]:
    """Where households live, and whether buildings say so; else each leaf's households stand at a point inside it."""
    rows = _rows("demand", grid=grid.pk)
    if rows:
        return np.array(rows, dtype=np.float64), True
    leaves = _rows("grid_points", grid=grid.pk, up=0)
    households = measure([row[0] for row in leaves], ["households"])
    known = [
        (lon, lat, households[pk]["households"].value)
        for pk, _code, _name, lon, lat in leaves
        if households[pk]["households"].value
    ]
    if not known:
        raise NothingToServe(
            f"“{grid.name}”没有户数数据, 无法选址。请先登记户数或导入建筑。",
            f"No households are known in {grid.name}. Count them, or import buildings, first.",
        )
    return np.array(known, dtype=np.float64), False


def _candidates(user: User, wish: Wish) -> list[Candidate]:
    if wish.candidates in GRIDS:
        rows = _rows("grid_points", grid=wish.grid.pk, up=GRIDS[wish.candidates])
        return [Candidate(name, code, lon, lat) for _pk, code, name, lon, lat in rows]
    layer, _colon, kind = wish.candidates.partition(":")
    # People and their homes are no places to put a machine.
    if layer not in LAYERS or not kind or LAYERS[layer].is_personal:
        raise InvalidCandidates(
            f"没有候选地点来源“{wish.candidates}”; 可用 villages、leaves, 或 图层:类型, 例如 places:shop。",
            f"There is no source of candidates {wish.candidates}: use villages, leaves, or layer:kind, such as places:shop.",
        )
    return _features(user, layer, kind, wish.grid)


def _existing(user: User, wish: Wish) -> list[Candidate]:
    """Those of the bank, beyond the border of the grid too: people go to the nearest."""
    head = wish.grid.plan.institution.head_office_path
    found = LAYERS[wish.layer].visible_to(user).filter(kind=wish.kind, institution__path__startswith=head)
    return [Candidate(one.name, one.code, *one.place.coords) for one in found.order_by("pk")]


def _features(user: User, layer: str, kind: str, grid: Grid) -> list[Candidate]:
    found = LAYERS[layer].visible_to(user).filter(kind=kind, geom__intersects=grid.geom).order_by("pk")
    return [Candidate(one.name, one.code, *one.place.coords) for one in found]


def _lonlat(places: list[Candidate]) -> FloatArray:
    return np.array([(one.lon, one.lat) for one in places], dtype=np.float64).reshape(-1, 2)


def _rows(name: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_text(name), values)
        return cursor.fetchall()


@cache
def _text(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")

"""Made-up people and places of the demo: no name, telephone number or outlet here is anybody's.

Every function is pure; the same arguments give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely import Polygon

from gis.lattice import snap
from layers.demo.county import TOWNSHIP, VILLAGE, GridRow

PlaceType = Literal["营业网点", "自助银行", "助农取款点"]

STEMS = "甲乙丙丁戊己庚辛壬癸"
BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
VILLAGE_WITHOUT_CASH_POINT = "429005105230"
"""老新镇中心村: the one village that the demo leaves without a cash point, so that a coverage rate is not 100 %."""
HOUSEHOLDS_AN_OUTLET = {"urban": 6000, "rural": 12000}
HOUSEHOLDS_A_SELF_SERVICE = {"urban": 2500, "rural": 6000}
CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """An outlet or a cash point: a lattice point (EPSG:4490) strictly inside the grid it was meant for."""

    name: str
    type: PlaceType
    grid_code: str
    lon: float
    lat: float
    synthetic: bool = True


def worker_name(i: int) -> str:
    """«演示员·甲子01» and so on: the sexagenary cycle and a number; unique for i in 0…5939.

    The title, the middle dot and the digits keep it from being anyone's name.
    """
    return f"演示员·{STEMS[i % 10]}{BRANCHES[i % 12]}{i // 60 + 1:02}"


def work_phone(i: int) -> str:
    """«0728-0000001» and so on: shaped like a number of the county's area, yet one that cannot exist; i in 0…9998.

    China's numbering plan gives subscribers in an area the first digits 2 to 8; 0 is the trunk prefix, 1 and 9 are
    for services and mobile networks. So no exchange can assign a local number that starts with 0. Numbers starting
    with 1 were avoided because dialling 110…, 119… or 120… may reach an emergency service.
    """
    return f"0728-000{i + 1:04}"


def staff_no(i: int) -> str:
    """«YS00001» (演示, demo) and so on."""
    return f"YS{i + 1:05}"


def place_outlets(rows: Sequence[GridRow], seed: int) -> list[DemoPlace]:
    """Outlets of one bank: a staffed one in each township, more (and self-service ones) by households.

    They stand in different villages of the township, the dense ones first. Another seed gives another bank.
    """
    rng = np.random.default_rng(seed)
    grids = grids_by_village(rows)
    places = []
    for town in (row for row in rows if row.level == TOWNSHIP):
        villages = [row for row in rows if row.parent_code == town.code]
        attraction = {v.code: v.households / v.geometry.area * np.exp(rng.normal(0, 0.5)) for v in villages}
        best = sorted(villages, key=lambda village: -attraction[village.code])
        staffed = 1 + town.households // HOUSEHOLDS_AN_OUTLET[town.kind]
        self_service = town.households // HOUSEHOLDS_A_SELF_SERVICE[town.kind]
        for rank, village in enumerate(best[: staffed + self_service]):
            grid = max(grids[village.code], key=lambda grid: grid.households)
            owner = town.name if rank == 0 else town.name + village.name
            if rank < staffed:
                places.append(_place(f"{owner}网点", "营业网点", grid, rng))
            else:
                places.append(_place(f"{owner}自助银行", "自助银行", grid, rng))
    return places


def place_cash_points(rows: Sequence[GridRow], seed: int) -> list[DemoPlace]:
    """A cash point in every village but `VILLAGE_WITHOUT_CASH_POINT`, in one of its grids."""
    rng = np.random.default_rng(seed)
    grids = grids_by_village(rows)
    towns = {row.code: row.name for row in rows if row.level == TOWNSHIP}
    return [
        _place(
            f"{towns[village.parent_code or '']}{village.name}助农取款点",
            "助农取款点",
            grids[village.code][rng.integers(len(grids[village.code]))],
            rng,
        )
        for village in rows
        if village.level == VILLAGE and village.code != VILLAGE_WITHOUT_CASH_POINT
    ]


def grids_by_village(rows: Sequence[GridRow]) -> dict[str, list[GridRow]]:
    grids: dict[str, list[GridRow]] = {row.code: [] for row in rows if row.level == VILLAGE}
    for row in rows:
        if row.parent_code in grids:
            grids[row.parent_code].append(row)
    return grids


def _place(name: str, kind: PlaceType, grid: GridRow, rng: np.random.Generator) -> DemoPlace:
    lon, lat = inner_point(grid.geometry, rng)
    return DemoPlace(name, kind, grid.code, lon, lat)


def inner_point(area: Polygon, rng: np.random.Generator) -> tuple[float, float]:
    """Of a few random lattice points inside the area, the one farthest from its border."""
    west, south, east, north = area.bounds
    random = shapely.points(rng.uniform((west, south), (east, north), (CANDIDATES, 2)))
    points = [snap(point) for point in (*random, area.point_on_surface())]
    inside = [point for point in points if area.contains_properly(point)]
    point = max(inside, key=area.boundary.distance)
    return point.x, point.y

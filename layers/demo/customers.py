"""Made-up customers of the demo: households, merchants, farms and firms in every grid. No name or number here is anybody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from django.contrib.gis.geos import Point
from shapely import Polygon

from gis.lattice import snap
from layers.demo.county import GridRow
from layers.demo.people import BRANCHES, STEMS
from layers.grids.models import SRID
from layers.ledger.models import PERSONS, Care, Customer
from layers.orgs.models import Institution

SEED = 4
HOUSEHOLDS_SHOWN = 40
"""One household of the register for so many that are counted: the register is being built."""
A_GRID = {
    "urban": {"merchant": 1.2, "small_firm": 0.4},
    "rural": {"merchant": 0.4, "large_grower": 0.35, "cooperative": 0.08, "family_farm": 0.2, "leading_firm": 0.02},
}
"""How many of each kind a grid has on average, beside households."""
FIRMS = {"merchant": "商店", "small_firm": "公司", "cooperative": "合作社", "leading_firm": "集团"}
CHANNELS = {"手机银行": 0.5, "微信银行": 0.35, "网上银行": 0.2, "电话银行": 0.1}
CARES = {"empty_nest": 0.01, "disabled": 0.006, "low_income": 0.008, "laid_off": 0.004, "assisted": 0.004}
FIRST_DAY = dt.date(2026, 3, 1)


def make_customers(rows: Sequence[GridRow], branches: Mapping[str, Institution], town_of: Mapping[str, str]) -> None:
    """Customers in each leaf, of the sub-branch of its township; some of them households that need care.

    Parameters
    ----------
    rows
        All grids of the demo county; customers come into the leaves.
    branches, town_of
        The sub-branch of each township, and the township of each leaf, by code.
    """
    rng = np.random.default_rng(SEED)
    depth = max(row.level for row in rows)
    made: list[Customer] = []
    for grid in (row for row in rows if row.level == depth):
        home = "resident" if grid.kind == "urban" else "farm_household"
        kinds = [home] * max(2, round(grid.households / HOUSEHOLDS_SHOWN))
        for kind, mean in A_GRID[grid.kind].items():
            kinds += [kind] * int(rng.poisson(mean))
        for kind, place in zip(kinds, _places(grid.geometry, len(kinds), rng), strict=True):
            made.append(_customer(len(made), kind, place, branches[town_of[grid.code]], rng))
    Customer.objects.bulk_create(made, batch_size=2000)
    homes = [each for each in made if each.kind in {"resident", "farm_household"}]
    Care.objects.bulk_create(
        Care(customer=each, category=category, since=FIRST_DAY, synthetic=True)
        for each in homes
        for category, share in CARES.items()
        if rng.random() < share
    )


def _customer(i: int, kind: str, place: Point, institution: Institution, rng: np.random.Generator) -> Customer:
    word = f"{STEMS[i % 10]}{BRANCHES[i % 12]}{i // 60 + 1:03}"
    attributes: dict[str, object] = {"profiled": bool(rng.random() < 0.62)}
    attributes["channels"] = [name for name, share in CHANNELS.items() if rng.random() < share]
    if kind in {"resident", "farm_household"}:
        attributes |= {
            "members": int(rng.integers(1, 7)),
            "door": f"演示 {i % 300 + 1} 号",
            "wechat_group": bool(rng.random() < 0.7),
        }
    if kind not in {"resident", "merchant", "small_firm"}:
        attributes["service_event"] = bool(rng.random() < 0.5)
    return Customer(
        institution=institution,
        code=f"C{i + 1:06}",
        name=f"演示户·{word}" if kind in PERSONS else f"演示{FIRMS[kind]}{word}",
        kind=kind,
        geom=place,
        # A local number cannot begin with 0: see people.work_phone.
        phone=f"0728-0{i + 1:06}",
        attributes=attributes,
        synthetic=True,
    )


def _places(area: Polygon, count: int, rng: np.random.Generator) -> list[Point]:
    """So many lattice points inside an area."""
    west, south, east, north = area.bounds
    found: list[Point] = []
    shapely.prepare(area)
    while len(found) < count:
        tries = shapely.points(rng.uniform((west, south), (east, north), (4 * count, 2)))
        inside = [snap(point) for point in tries[shapely.contains_properly(area, tries)]]
        found += [Point(point.x, point.y, srid=SRID) for point in inside[: count - len(found)]]
    return found

"""Made-up machines, stations, exchange points and places of the demo bank, in every grid. Nothing here stands anywhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.contrib.gis.geos import Point

from layers.demo.county import TOWNSHIP, VILLAGE, GridRow
from layers.demo.people import grids_by_village, inner_point
from layers.documents.models import Document
from layers.facilities.models import Machine, Outlet, Place
from layers.features.models import Feature
from layers.grids.models import SRID
from layers.orgs.models import Institution

SEED = 5
STATES, THEIR_SHARES = ("在用", "停用", "维修"), (0.93, 0.03, 0.04)
FIRST_MACHINE = dt.date(2019, 1, 1)
A_GRID = {
    "urban": {
        "compound": 1.2, "courtyard": 0.4, "shop": 1.5, "market": 0.15, "school": 0.2, "hospital": 0.08, "office": 0.15,
        "firm": 0.3, "transport": 0.06, "recycling": 0.3, "fire_unit": 0.3, "park": 0.03, "road": 0.2,
        "association": 0.1, "event_dispute": 0.4, "event_hazard": 0.3, "event_service": 0.5, "hydrant": 0.6, "camera": 0.5,
    },
    "rural": {
        "courtyard": 0.3, "shop": 0.5, "market": 0.06, "school": 0.06, "hospital": 0.06, "office": 0.1, "firm": 0.1,
        "transport": 0.03, "recycling": 0.12, "fire_unit": 0.06, "park": 0.01, "road": 0.1,
        "association": 0.03, "event_dispute": 0.15, "event_hazard": 0.1, "event_service": 0.15, "hydrant": 0.1, "camera": 0.1,
    },
}  # fmt: skip
"""How many places of each kind a grid has on average."""
MACHINES = {
    "urban": {"pos": 1.5, "terminal": 0.25, "transfer_phone": 0.1, "atm": 0.08, "crs": 0.08},
    "rural": {"pos": 0.4, "terminal": 0.04, "transfer_phone": 0.25, "atm": 0.01, "crs": 0.01},
}
"""How many machines of each kind a grid has on average, beside cash points."""
WORDS = {
    "compound": "小区", "courtyard": "院落", "shop": "商店", "market": "市场", "school": "小学", "hospital": "卫生室",
    "office": "便民服务中心", "firm": "企业", "transport": "客运站", "recycling": "再生资源回收点", "fire_unit": "重点单位",
    "park": "产业园", "road": "主干道", "party_site": "党群服务中心", "pos": "POS", "terminal": "自助终端",
    "transfer_phone": "转账电话", "atm": "ATM", "crs": "CRS", "station": "普惠金融工作站", "exchange": "积分兑换点",
    "association": "协会", "event_dispute": "矛盾纠纷", "event_hazard": "安全隐患", "event_service": "民生服务事项", "hydrant": "消防栓",
    "camera": "公共监控",
}  # fmt: skip
CHECKLIST = ("sign", "rules", "team", "products", "machine", "atlas", "window", "computer", "profiles", "wechat")
"""The ten of a station (QJ01), in the order in which stations come to have them."""
STATIONS = 0.55
"""The share of villages that have a station."""
FIRST_SIGNED = dt.date(2026, 3, 1)
SITES = ("小卖部", "电商站", "村部")
FUNDS = ("财政补一点", "银行出一点", "集体拿一点", "企业捐一点", "乡贤助一点")
FIRST_EVENT = dt.date(2026, 1, 10)
EVENT_STATES = ("待办", "办理中", "办结")
REPORTERS = ("网格员上报", "群众反映", "部门交办", "巡查发现")
HOUSEHOLDS_A_COMPOUND = (80, 900)
SUPERVISORS = {"A": "消防救援大队 (演示)", "B": "派出所 (演示)", "C": "派出所 (演示)"}


def furnish(rows: Sequence[GridRow], branches: Mapping[str, Institution], town_of: Mapping[str, str]) -> None:
    """Give each grid its machines and places, villages their stations and party sites, townships their exchange points.

    Parameters
    ----------
    rows
        All grids of the demo county.
    branches, town_of
        The sub-branch of each township, and the township of each grid, by code.
    """
    rng = np.random.default_rng(SEED)
    depth = max(row.level for row in rows)
    names = {row.code: row.name for row in rows}
    made = _Made(rng, branches, town_of, names)
    for leaf in (row for row in rows if row.level == depth):
        for kind, mean in A_GRID[leaf.kind].items():
            made.add(Place, "P", kind, leaf, _poisson(rng, mean))
        for kind, mean in MACHINES[leaf.kind].items():
            made.add(Machine, "M", kind, leaf, _poisson(rng, mean))
    leaves = grids_by_village(rows)
    for village in (row for row in rows if row.level == VILLAGE):
        home = leaves[village.code][0]
        made.add(Place, "P", "party_site", home, 1)
        if rng.random() < STATIONS:
            made.add(Outlet, "S", "station", home, 1)
    for town in (row for row in rows if row.level == TOWNSHIP):
        villages = [row for row in rows if row.parent_code == town.code]
        for village in villages[: max(1, len(villages) // 8)]:
            made.add(Outlet, "D", "exchange", leaves[village.code][-1], 1)
    made.save()


def sign_documents(bank: Institution) -> None:
    """A regulation of the bank, and co-operation agreements of its first stations (QJ03)."""
    Document.objects.create(
        institution=bank,
        kind="regulation",
        number="潜农商〔2026〕演示 1 号",
        title="普惠金融网格化工作站管理办法 (演示)",
        content="工作站的设立、人员、巡查与考核。",
        signed_on=FIRST_SIGNED,
        synthetic=True,
    )
    stations = Outlet.objects.filter(institution__path__startswith=bank.path, kind="station").order_by("code")[:12]
    Document.objects.bulk_create(
        Document(
            institution=station.institution,
            kind="agreement",
            number=f"演示协〔2026〕{number:03} 号",
            title=f"{station.name}合作协议 (演示)",
            station=station,
            partner=station.attributes["keeper"],
            purpose="在村 (社区) 设立普惠金融工作站, 就近办理基础金融服务。",
            content="场所由合作方提供, 设备、培训与标识由本行提供。",
            duties="合作方落实专人值守、登记台账; 本行每月巡查, 每季对账。",
            incentives="按季考核, 与补贴挂钩; 连续两季不合格的撤站。",
            signed_on=FIRST_SIGNED + dt.timedelta(days=number),
            valid_until=FIRST_SIGNED + dt.timedelta(days=730 if number % 5 else 250),
            synthetic=True,
        )
        for number, station in enumerate(stations, 1)
    )


def _poisson(rng: np.random.Generator, mean: float) -> int:
    return int(rng.poisson(mean))


class _Made:
    """Features as they are made, and saved together."""

    def __init__(
        self,
        rng: np.random.Generator,
        branches: Mapping[str, Institution],
        town_of: Mapping[str, str],
        names: Mapping[str, str],
    ) -> None:
        self.rng = rng
        self.branches = branches
        self.town_of = town_of
        self.names = names
        self.features: dict[type[Feature], list[Feature]] = {}

    def add(self, model: type[Feature], letter: str, kind: str, grid: GridRow, count: int) -> None:
        features = self.features.setdefault(model, [])
        village = self.names[grid.parent_code or grid.code]
        for _ in range(count):
            number = len(features) + 1
            features.append(
                model(
                    institution=self.branches[self.town_of[grid.code]],
                    code=f"{letter}{number:05}",
                    name=f"{village}{WORDS[kind]}{'' if kind in ('station', 'party_site') else f' {number:05}'}",
                    kind=kind,
                    geom=Point(*inner_point(grid.geometry, self.rng), srid=SRID),
                    attributes=self.attributes(kind, village, number),
                    synthetic=True,
                )
            )

    def attributes(self, kind: str, village: str, number: int) -> dict[str, Any]:
        rng = self.rng
        if kind in MACHINES["urban"]:
            keeper = {"pos": "merchant", "transfer_phone": "keeper"}.get(kind, "address")
            installed = FIRST_MACHINE + dt.timedelta(days=int(rng.integers(0, 2600)))
            state = STATES[int(rng.choice(3, p=THEIR_SHARES))]
            return {keeper: f"{village}演示 {number} 号", "status": state, "installed": installed.isoformat()}
        found: dict[str, Any] = {"address": f"{village}演示 {number} 号"}
        if kind == "station":
            done = int(rng.choice((10, 9, 8, 7, 5, 3), p=(0.35, 0.2, 0.15, 0.12, 0.1, 0.08)))
            found |= {"keeper": f"{village}村委会 (演示)"} | {key: i < done for i, key in enumerate(CHECKLIST)}
        elif kind == "exchange":
            site = SITES[number % len(SITES)]
            found |= {"keeper": f"{village}{site} (演示)", "site": site, "ledger_public": number % 4 > 0}
            found["funded_by"] = [one for i, one in enumerate(FUNDS) if number % 5 == i or rng.random() < 0.4]
            if found["ledger_public"]:
                found["ledger_at"] = f"{village}村务公开栏 (演示)"
        elif kind.startswith("event_"):
            happened = FIRST_EVENT + dt.timedelta(days=int(rng.integers(0, 300)))
            state = EVENT_STATES[int(rng.choice(3, p=(0.15, 0.25, 0.6)))]
            found = {
                "happened": happened.isoformat(),
                "state": state,
                "reported_by": REPORTERS[number % len(REPORTERS)],
            }
            if state == "办结":
                found["closed"] = (happened + dt.timedelta(days=int(rng.integers(1, 20)))).isoformat()
        elif kind == "association":
            found["members"] = int(rng.integers(10, 200))
        elif kind in {"hydrant", "camera"}:
            found |= {"keeper": f"{village}村委会 (演示)", "status": STATES[int(rng.choice(3, p=THEIR_SHARES))]}
        elif kind == "recycling":
            found["tier"] = "站" if number % 10 == 0 else "点"
        elif kind in {"compound", "courtyard"}:
            found["households"] = int(rng.integers(*HOUSEHOLDS_A_COMPOUND)) // (1 if kind == "compound" else 10)
        elif kind == "party_site":
            found |= {
                "area_m2": int(rng.integers(18, 90)) * 10,
                "rooms": 7,
                "posts": int(rng.integers(1, 3)),
                "halls": 1,
            }
        elif kind == "fire_unit":
            grade = "ABC"[int(rng.choice(3, p=(0.15, 0.35, 0.5)))]
            found |= {"grade": grade, "supervisor": SUPERVISORS[grade]}
        return found

    def save(self) -> None:
        for model, features in self.features.items():
            model.objects.bulk_create(features, batch_size=2000)

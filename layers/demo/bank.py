"""The made-up banks of the demo: institutions, users, staff and service points. Everything here is marked synthetic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.contrib.auth.hashers import make_password
from django.contrib.gis.geos import Point

from gis.lattice import snap
from layers.demo.county import COUNTY, GRID, TOWNSHIP, GridRow
from layers.demo.people import DemoPlace, staff_no, work_phone, worker_name
from layers.facilities.models import Machine, Outlet
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import SRID, GridCount, Plan
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Staff

PASSWORD = "jingtian-2026"
"""The password of all demo users; the demo listens on this machine only."""

FIRST_DAY = dt.date(2026, 1, 1)
YEAR_BEFORE = dt.date(2025, 1, 1)
LEVEL_NAMES = ("县", "镇", "村", "网格")
DUTIES = ("publicist", "informant", "loan_scout", "supervisor", "collector")
DUTY_TEXT = "上门走访与建档; 宣传金融知识、防范电信诈骗; 收集需求并及时上报。"


def make_bank(code: str, name: str, rows: Sequence[GridRow]) -> tuple[Institution, dict[str, Institution]]:
    """A bank with a head office and a sub-branch for each township; returns it and the sub-branches by township code."""
    bank = Institution.objects.add_root(
        {"code": code, "name": name, "kind": Institution.Kind.HEAD_OFFICE, "synthetic": True}
    )
    branches = {
        row.code: Institution.objects.add_child(
            Institution.objects.get(pk=bank.pk),
            {
                "code": f"{code}-{row.code}",
                "name": f"{row.name}支行",
                "kind": Institution.Kind.SUB_BRANCH,
                "synthetic": True,
            },
        )
        for row in rows
        if row.level == TOWNSHIP
    }
    return Institution.objects.get(pk=bank.pk), branches


def make_users(institution: Institution, usernames: dict[str, User.Role]) -> dict[str, User]:
    """Demo users of an institution, all with the demo password."""
    password = make_password(PASSWORD)
    return {
        username: User.objects.create(
            username=username,
            password=password,
            role=role,
            institution=institution,
            synthetic=True,
        )
        for username, role in usernames.items()
    }


def make_plan(
    institution: Institution,
    name: str,
    rows: Sequence[GridRow],
    *,
    source: str,
    level_names: Sequence[str] = LEVEL_NAMES,
    depth: int = GRID,
    as_of: dt.date = FIRST_DAY,
    synthetic: bool = True,
) -> tuple[Plan, dict[str, int]]:
    """A draft plan with the grids down to a depth and their household counts; returns it and the grids' ids by code."""
    rows = [row for row in rows if row.level <= depth]
    plan = Plan.objects.create(
        institution=institution,
        name=name,
        area_code=next(row.code for row in rows if row.level == COUNTY),
        level_names=list(level_names[: depth + 1]),
        source=source,
        synthetic=synthetic,
    )
    ids = load_grids(
        plan, [GridRecord(row.code, row.parent_code, row.name, row.level, row.kind, row.geometry) for row in rows]
    )
    GridCount.objects.bulk_create(
        GridCount(
            grid_id=ids[row.code],
            measure=GridCount.Measure.HOUSEHOLDS,
            value=row.households,
            as_of=as_of,
            synthetic=True,
        )
        for row in rows
    )
    return plan, ids


def publish(plan: Plan, valid_from: dt.date, valid_to: dt.date | None = None) -> None:
    """Take a draft through all steps to publication; and on to retirement, where it has ended."""
    for status in (Plan.Status.SUBMITTED, Plan.Status.APPROVED):
        plan.status = status
        plan.save()
    plan.status, plan.valid_from, plan.valid_to = Plan.Status.PUBLISHED, valid_from, valid_to
    plan.save()
    if valid_to is not None:
        plan.status = Plan.Status.RETIRED
        plan.save()


def staff_grids(
    rows: Sequence[GridRow],
    ids: dict[str, int],
    branches: dict[str, Institution],
    *,
    vacant: str | None,
    first: int = 0,
    valid_from: dt.date = FIRST_DAY,
    valid_to: dt.date | None = None,
) -> list[Staff]:
    """One grid worker for each leaf but the vacant one, in charge from the first day of the plan to its last, and gone with it."""
    parents = {row.code: row.parent_code for row in rows}
    depth = max(row.level for row in rows)
    leaves = [row for row in rows if row.level == depth and row.code != vacant]
    staff = Staff.objects.bulk_create(
        Staff(
            institution=branches[township_of(row.code, parents, branches)],
            number=staff_no(first + i),
            name=worker_name(first + i),
            kind=("full_time", "part_time", "external")[i % 3],
            duties=[DUTIES[(i + n) % len(DUTIES)] for n in range(2 + i % 3)] if i % 3 == 1 else [],
            duty_text=DUTY_TEXT,
            # One in sixty lives in the grid beside.
            geom=Point(*snap(leaves[i - (i % 60 == 7)].geometry.representative_point()).coords[0], srid=SRID),
            work_phone=work_phone(first + i),
            left_on=valid_to,
            synthetic=True,
        )
        for i, row in enumerate(leaves)
    )
    Assignment.objects.bulk_create(
        Assignment(staff=person, grid_id=ids[row.code], valid_from=valid_from, valid_to=valid_to)
        for person, row in zip(staff, leaves, strict=True)
    )
    return staff


def place(
    places: Sequence[DemoPlace],
    rows: Sequence[GridRow],
    branches: dict[str, Institution],
    model: type[Outlet] | type[Machine],
) -> None:
    """Outlets or machines of a bank, each belonging to the sub-branch of its township."""
    parents = {row.code: row.parent_code for row in rows}
    kinds = {
        "营业网点": "staffed",
        "自助银行": "self_service",
        "助农取款点": "cash_point",
    }
    model.objects.bulk_create(
        model(
            institution=branches[township_of(spot.grid_code, parents, branches)],
            code=f"{i + 1:04}",
            name=spot.name,
            kind=kinds[spot.type],
            geom=Point(spot.lon, spot.lat, srid=SRID),
            synthetic=True,
        )
        for i, spot in enumerate(places)
    )


def township_of(code: str, parents: dict[str, str | None], branches: dict[str, Institution]) -> str:
    """The code of the township that a grid lies in."""
    while code not in branches:
        parent = parents[code]
        assert parent is not None, f"{code} lies in no township"
        code = parent
    return code


def towns_of(rows: Sequence[GridRow], branches: dict[str, Institution]) -> dict[str, str]:
    """The township of each grid at and below it, by code."""
    parents = {row.code: row.parent_code for row in rows}
    return {row.code: township_of(row.code, parents, branches) for row in rows if row.level >= TOWNSHIP}

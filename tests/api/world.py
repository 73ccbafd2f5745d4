"""Two banks in the same county, and a regulator: every row is named after whose it is, so that a leak can be read off an answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.gis.geos import Point
from django.http import HttpResponse
from django.test import Client

from layers.grids.loading import load_grids
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.imports.models import Import
from layers.orgs.models import ApiToken, Institution, User
from tests.factories import (
    LEVEL_NAMES,
    SIDE,
    AssignmentFactory,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
    published,
    square_records,
)

LEAF = "429005001001"
"""The leaf of both published plans in which people serve and facilities stand."""
STEP = SIDE // 4
"""Lattice steps on the side of a leaf."""
INSIDE = (113 + STEP / 2e7, 30 + STEP / 2e7)
"""The middle of LEAF."""
PHONES = {"甲总": "0728-0000001", "甲一": "0728-0000002", "甲二": "0728-0000003", "乙一": "0728-0000004"}


@dataclass
class World:
    """The rows of the tests by name; a name begins with the bank, 甲 or 乙, and the branch, 总, 一 or 二."""

    institutions: dict[str, Institution] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)

    def client(self, name: str) -> Client:
        """A client with a token of the user."""
        return bearer(self.users[name])

    def grids(self) -> list[int]:
        """Ids of the service area and of LEAF, or of another grid, of every plan."""
        return [grid for plan in self.plans.values() for grid in _first_and_last(plan)]


def _first_and_last(plan: Plan) -> tuple[int, int]:
    ordered = plan.grids.order_by("level", "-code").values_list("pk", flat=True)
    return ordered[0], ordered.last()


def bearer(user: User) -> Client:
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(user, 'tests')}"})


def named_plan(name: str, institution: Institution, *, levels: int = 3) -> Plan:
    """A draft whose grids are named after it."""
    plan = PlanFactory(institution=institution, name=f"{name}方案", level_names=list(LEVEL_NAMES[:levels]))
    records = square_records(2, levels=levels)
    load_grids(plan, [replace(record, name=f"{name}{record.name}") for record in records])
    return plan


def spot(x: int, y: int) -> Point:
    """A place in LEAF, in lattice steps."""
    return Point(113 + x / 1e7, 30 + y / 1e7, srid=SRID)


def build() -> World:
    """Bank 甲 with branches 一 and 二, bank 乙 with a branch 一, a regulator; plans, people, facilities, imports of each."""
    world = World()
    places = world.institutions
    for bank in "甲乙":
        places[f"{bank}总"] = InstitutionFactory(name=f"{bank}总行")
    for branch in ("甲一", "甲二", "乙一"):
        places[branch] = InstitutionFactory(
            name=f"{branch}支行", parent=places[f"{branch[0]}总"], kind=Institution.Kind.BRANCH
        )
    places["监管"] = InstitutionFactory(name="监管分局", kind=Institution.Kind.REGULATOR)

    world.plans = {
        "甲发布": published(named_plan("甲发布", places["甲总"])),
        "乙发布": published(named_plan("乙发布", places["乙总"])),
        **{
            name: named_plan(name, places[owner], levels=2)
            for name, owner in (("甲总草案", "甲总"), ("甲一草案", "甲一"), ("乙总草案", "乙总"))
        },
    }
    for number, (owner, phone) in enumerate(PHONES.items()):
        person = StaffFactory(institution=places[owner], name=f"{owner}员工", work_phone=phone)
        leaf = Grid.objects.get(plan=world.plans[f"{owner[0]}发布"], code=LEAF)
        kind = "backup" if owner == "甲二" else "main"
        role = "manager" if owner == "甲总" else "worker"
        AssignmentFactory(staff=person, grid=leaf, kind=kind, role=role)
        if owner[1] != "总":
            OutletFactory(institution=places[owner], name=f"{owner}网点", geom=spot(1000 * number, 1000))
            MachineFactory(institution=places[owner], name=f"{owner}机具", geom=spot(1000 * number, 2000))
    GridCount.objects.bulk_create(
        GridCount(grid=leaf, measure="households", value=value, as_of=dt.date(2026, 6, 30))
        for leaf, value in (
            (Grid.objects.get(plan=world.plans["甲发布"], code=LEAF), 301),
            (Grid.objects.get(plan=world.plans["乙发布"], code=LEAF), 909),
        )
    )
    for role in User.Role:
        if role != User.Role.REGULATOR:
            world.users[f"甲总 {role}"] = UserFactory(username=f"head-{role}", institution=places["甲总"], role=role)
    for owner, role in (("甲一", "planner"), ("甲二", "worker"), ("乙总", "administrator"), ("监管", "regulator")):
        world.users[f"{owner} {role}"] = UserFactory(institution=places[owner], role=role)
    world.users["nowhere"] = UserFactory(institution=None, is_superuser=True, role="administrator")
    for owner in ("甲总", "甲一", "乙总"):
        world.imports[owner] = Import.objects.create(
            institution=places[owner],
            user=world.users["甲总 planner"],
            options={"files": [["input-0.geojson", f"{owner}导入.geojson"]]},
            status=Import.Status.CANCELLED,
        )
    return world


def assert_fault(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The one shape of errors; the body, for more questions."""
    body = answer.json()
    assert (answer.status_code, body.get("code")) == (status, code), body
    assert set(body) == {"code", "message", "where", "details"} and set(body["message"]) == {"zh", "en"}
    assert all(body["message"].values()) and not {"!", "！"} & set("".join(body["message"].values()))
    return body

"""Rows for the tests: institutions, users, people and points by factory-boy, and plans whose grids cover exactly."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

import factory
import shapely
from django.contrib.gis.geos import Point
from django.db import connection
from shapely.geometry.base import BaseGeometry

from layers.facilities.models import Machine, Outlet
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Staff

PASSWORD = "a password of the tests"
FIRST_DAY = dt.date(2026, 1, 1)
CORNER = (1_130_000_000, 300_000_000)
"""Lattice integers of 113° E, 30° N: the lower left corner of made-up service areas."""
SIDE = 129_600
"""Lattice steps on the side of a made-up service area: about 1.3 km; 129,600 = 2⁶ · 3⁴ · 5²."""
LEVEL_NAMES = ("县", "镇", "村", "网格", "子网格")


class InstitutionFactory(factory.django.DjangoModelFactory):
    """An institution; `parent=` puts it below another."""

    class Meta:
        model = Institution

    code = factory.Sequence(lambda n: f"I{n:04}")
    name = factory.LazyAttribute(lambda self: f"机构 {self.code}")
    kind = Institution.Kind.HEAD_OFFICE

    @classmethod
    def _create(cls, model, *args, parent=None, **fields):
        if parent is None:
            return model.objects.add_root(fields)
        return model.objects.add_child(model.objects.get(pk=parent.pk), fields)


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(PASSWORD)
    role = User.Role.PLANNER
    institution = factory.SubFactory(InstitutionFactory)


class PlanFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Plan

    institution = factory.SubFactory(InstitutionFactory)
    name = factory.Sequence(lambda n: f"方案 {n}")
    area_code = "429005"
    level_names = list(LEVEL_NAMES[:3])


class StaffFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Staff

    institution = factory.SubFactory(InstitutionFactory)
    number = factory.Sequence(lambda n: f"S{n:05}")
    name = factory.Sequence(lambda n: f"员工 {n}")
    work_phone = factory.Sequence(lambda n: f"0728-000{n:04}")


class AssignmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Assignment

    staff = factory.SubFactory(StaffFactory)
    valid_from = FIRST_DAY


class OutletFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Outlet

    institution = factory.SubFactory(InstitutionFactory)
    code = factory.Sequence(lambda n: f"{n:04}")
    name = factory.Sequence(lambda n: f"网点 {n}")
    kind = "staffed"
    geom = factory.LazyFunction(lambda: Point(113.001, 30.001, srid=SRID))


class MachineFactory(OutletFactory):
    class Meta:
        model = Machine

    name = factory.Sequence(lambda n: f"机具 {n}")
    kind = "cash_point"


def square(x0: int, y0: int, x1: int, y1: int, *, step: int | None = None) -> BaseGeometry:
    """A rectangle in lattice steps from CORNER, in degrees, with a vertex every `step` steps of its border."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    ring = []
    for (ax, ay), (bx, by) in itertools.pairwise(corners):
        pieces = max(abs(bx - ax), abs(by - ay)) // (step or SIDE * 10) or 1
        ring += [(ax + (bx - ax) * i // pieces, ay + (by - ay) * i // pieces) for i in range(pieces)]
    return polygon(*ring)


def polygon(*shell: tuple[int, int], holes: Sequence[Sequence[tuple[int, int]]] = ()) -> BaseGeometry:
    """A polygon in lattice steps from CORNER, in degrees."""
    return shapely.Polygon(_degrees(shell), [_degrees(hole) for hole in holes])


def _degrees(points: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    return [((x + CORNER[0]) / 1e7, (y + CORNER[1]) / 1e7) for x, y in points]


def square_records(n: int = 2, *, levels: int = 2, kind: str = Grid.Kind.RURAL) -> list[GridRecord]:
    """The service area, cut into n × n squares, each of these again, and so on; edge-matched at every level.

    Codes are in significant form: 429005, 429005001, …, numbered from the south-west, row by row.
    """
    step = SIDE // n ** (levels - 1)
    assert step * n ** (levels - 1) == SIDE, "choose n so that it divides SIDE often enough"
    digits = (6, 9, 12, 15, 17)
    records = []

    def add(level: int, code: str, parent: str | None, x: int, y: int, side: int) -> None:
        shape = square(x, y, x + side, y + side, step=step)
        records.append(GridRecord(code, parent, f"{LEVEL_NAMES[level]} {code[6:] or '潜江'}", level, kind, shape))
        if level + 1 < levels:
            for i in range(n * n):
                width = digits[level + 1] - digits[level]
                low = (x + side // n * (i % n), y + side // n * (i // n))
                add(level + 1, f"{code}{i + 1:0{width}}", code, *low, side // n)

    add(0, "429005", None, 0, 0, SIDE)
    return sorted(records, key=lambda record: (record.level, record.code))


def square_plan(n: int = 2, *, levels: int = 2, kind: str = Grid.Kind.RURAL, **fields: object) -> Plan:
    """A draft with `square_records`."""
    plan = PlanFactory(level_names=list(LEVEL_NAMES[: max(levels, 2)]), **fields)
    load_grids(plan, square_records(n, levels=levels, kind=kind))
    return plan


def published(plan: Plan, valid_from: dt.date = FIRST_DAY) -> Plan:
    """The plan, taken through all steps to publication."""
    for status in (Plan.Status.SUBMITTED, Plan.Status.APPROVED, Plan.Status.PUBLISHED):
        plan.status = status
        plan.valid_from = valid_from if status == Plan.Status.PUBLISHED else None
        plan.save()
    move_homes()
    return plan


def move_homes() -> None:
    """What the commit would do to the grids of features after a plan has begun or ended."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS plan_moves_homes IMMEDIATE; SET CONSTRAINTS plan_moves_homes DEFERRED")


def retired(plan: Plan, valid_to: dt.date) -> Plan:
    """The published plan, put away."""
    plan.status, plan.valid_to = Plan.Status.RETIRED, valid_to
    plan.save()
    move_homes()
    return plan


def grid(plan: Plan, code: str) -> Grid:
    """A grid of a plan by its code, or by what comes after the service area's."""
    return Grid.objects.get(plan=plan, code=code if code.startswith(plan.area_code) else plan.area_code + code)

"""Features counted by grid: by the homes that the database keeps, and by place; both give the same numbers."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from layers.facilities.models import Machine, Outlet
from layers.grids.models import Grid, GridCount, Plan
from layers.rules.counts import counted
from layers.rules.measures import at_home, by_place, measure, rows
from layers.streets.models import Building
from tests.factories import (
    SIDE,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    grid,
    published,
    square_plan,
)
from tests.rules.places import HALF, at

STEP = SIDE // 8
PLACES = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda spot: (spot[0] * STEP, spot[1] * STEP))
"""Every other one lies on a border of the leaves, many on corners, some on the outer border."""


def one(cell: Grid, name: str):
    return measure([cell.pk], [name])[cell.pk][name]


def homes(plan: Plan) -> list[tuple[object, ...]]:
    """Where its households live, by the codes of its leaves."""
    codes = dict(plan.grids.values_list("pk", "code"))
    return sorted((codes[leaf], *home) for leaf, *home in rows("homes", [plan.grids.get(level=0).pk]))


class HomesAndPlaces(TestCase):
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(places=st.lists(PLACES, min_size=1, max_size=12))
    def test_homes_and_places_give_the_same_numbers(self, places: list[tuple[int, int]]) -> None:
        plan = published(square_plan(2, levels=3))
        for x, y in places:
            MachineFactory(institution=plan.institution, geom=at(x, y))
            Building.objects.create(institution=plan.institution, geom=at(x, y).buffer(3e-7), households=1)
        ids = list(plan.grids.values_list("pk", flat=True))
        for table in ("building", "machine"):
            by_home = at_home(table, ids, "1", "true")
            assert set(by_home) == set(ids)
            assert by_home == by_place(table, ids, "1", "true")
        draft = square_plan(2, levels=3, institution=plan.institution)
        assert homes(plan) == homes(draft)
        levels = [
            sum(by_home[pk] for pk in plan.grids.filter(level=level).values_list("pk", flat=True)) for level in range(3)
        ]
        assert levels == [len(places)] * 3


@pytest.mark.django_db
def test_a_draft_is_counted_by_place():
    plan = square_plan(2, levels=2)
    MachineFactory(institution=plan.institution, geom=at(HALF, HALF))
    ids = list(plan.grids.values_list("pk", flat=True))
    assert at_home("machine", ids, "1", "true") == {}
    assert sorted(counted("machines", ids).values()) == [0, 0, 0, 1, 1]


@pytest.mark.django_db
def test_where_a_bank_has_two_service_areas_homes_are_not_enough():
    """A point has its home in the area of the highest institution; the branch's own plan is counted by place."""
    bank = InstitutionFactory()
    branch = InstitutionFactory(parent=bank, kind="branch")
    whole, part = (
        published(square_plan(2, institution=bank)),
        published(square_plan(2, institution=branch)),
    )
    MachineFactory(institution=branch, geom=at(STEP, STEP))
    for plan in (whole, part):
        root = plan.grids.get(level=0)
        assert at_home("machine", [root.pk], "1", "true") == {}
        assert counted("machines", [root.pk]) == {root.pk: 1}


@pytest.mark.django_db
def test_kinds_are_told_apart_and_other_banks_are_not_counted():
    plan = published(square_plan(2))
    for kind in ("atm", "atm", "pos", "cash_point"):
        MachineFactory(institution=plan.institution, kind=kind, geom=at(STEP, STEP))
    MachineFactory(kind="atm", geom=at(STEP, STEP))  # of another bank
    cell = grid(plan, "001")
    assert [
        one(cell, name).value for name in ("machines", "machines_atm", "machines_pos", "machines_crs", "cash_points")
    ] == [4, 2, 1, 0, 1]


@pytest.mark.django_db
def test_a_rate_without_denominator_has_no_data():
    plan = published(square_plan(2))
    cell, empty = grid(plan, "001"), grid(plan, "004")
    MachineFactory(institution=plan.institution, geom=at(STEP, STEP))
    GridCount.objects.create(grid=cell, measure="households", value=500, as_of=dt.date(2026, 6, 30))
    GridCount.objects.create(grid=empty, measure="households", value=0, as_of=dt.date(2026, 6, 30))
    assert one(cell, "cash_points_per_1000").value == 2
    assert one(empty, "cash_points_per_1000").value is None
    assert one(cell, "station_completeness").value is None


@pytest.mark.django_db
def test_completeness_is_the_share_of_the_ten_items():
    plan = published(square_plan(2))
    for attributes in ({"sign": True, "team": True, "window": False}, {"sign": True}):
        OutletFactory(institution=plan.institution, kind="station", geom=at(STEP, STEP), attributes=attributes)
    cell = grid(plan, "001")
    assert one(cell, "stations").value == 2
    assert one(cell, "station_completeness").value == pytest.approx(15)


@pytest.mark.django_db
def test_overlap_and_deviation():
    plan = square_plan(2)
    assert one(grid(plan, "001"), "overlap_share").value == 0
    for code, value in (("001", 100), ("002", 100), ("003", 100), ("004", 300)):
        GridCount.objects.create(grid=grid(plan, code), measure="households", value=value, as_of=dt.date(2026, 6, 30))
    assert one(grid(plan, "004"), "workload_deviation").value == pytest.approx(100)
    assert one(grid(plan, "001"), "workload_deviation").value == pytest.approx(100 * (100 / 150 - 1))


@pytest.mark.django_db
def test_moving_a_point_moves_the_number():
    plan: Plan = published(square_plan(2))
    outlet = OutletFactory(institution=plan.institution, geom=at(STEP, STEP))
    with transaction.atomic():
        Outlet.objects.filter(pk=outlet.pk).update(geom=at(SIDE - STEP, STEP))
    assert [one(grid(plan, code), "outlets").value for code in ("001", "002")] == [0, 1]
    assert Machine.objects.count() == 0

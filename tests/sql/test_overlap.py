"""bounded_overlap: below an urban grid the children may overlap by a share of their own area, and nothing else."""

from __future__ import annotations

import pytest
from shapely.geometry.base import BaseGeometry

from layers.grids.models import Grid, Plan
from tests.factories import PlanFactory, polygon, square
from tests.sql.client import COVER, Client

ROOT, LEFT, RIGHT = "429005", "429005001", "429005002"
AREA = square(0, 0, 1000, 1000)
LIMIT = 0.1


def strip(*xs: int) -> BaseGeometry:
    """A strip of the area from the first x to the last, with nodes at all of them."""
    return polygon(*[(x, 0) for x in xs], *[(x, 1000) for x in reversed(xs)])


@pytest.fixture
def plan(committed_db: None) -> Plan:
    return PlanFactory(policy=Plan.Policy.BOUNDED_OVERLAP, overlap_limit=LIMIT)


def load(psql: Client, plan: Plan, *children: BaseGeometry, kind: str = "urban") -> None:
    psql.add(plan, ROOT, AREA, kind=kind)
    for i, child in enumerate(children, start=1):
        psql.add(plan, f"{ROOT}{i:03}", child, parent=ROOT, kind=kind)


def test_urban_grids_may_overlap_within_the_limit(psql: Client, plan: Plan):
    load(psql, plan, strip(0, 549), strip(500, 1000))
    psql.commit()
    assert psql.faults() == []


@pytest.mark.parametrize(
    ("children", "fault"),
    [
        ([strip(0, 551), strip(500, 1000)], "overlap above the limit"),
        ([strip(0, 530), strip(500, 1000), strip(470, 500)], "overlap above the limit"),
        ([strip(0, 530), strip(500, 1000), strip(500, 1000)], "overlap above the limit"),
        ([strip(0, 499), strip(500, 1000)], "gap"),
        ([strip(0, 1000)] * 2, "overlap above the limit"),
        ([strip(-1, 500), strip(500, 1000)], "outside"),
        ([strip(0, 499), strip(500, 1001)], "gap"),
    ],
    ids=[
        "too much",
        "too much of one",
        "twice",
        "a gap of one step",
        "all twice",
        "outside by one step",
        "a gap and outside",
    ],
)
def test_more_overlap_a_gap_or_anything_outside_is_refused(
    psql: Client, plan: Plan, children: list[BaseGeometry], fault: str
):
    with psql.refused(COVER, naming=f"{ROOT} () do not cover it exactly: {fault}"):
        load(psql, plan, *children)


def test_below_a_rural_grid_the_cover_is_exact(psql: Client, plan: Plan):
    with psql.refused(COVER, naming="gap or overlap"):
        load(psql, plan, strip(0, 501), strip(500, 1000), kind="rural")


def test_under_the_other_policy_the_cover_is_exact(psql: Client, plan: Plan):
    psql.run("UPDATE plan SET policy = 'partition'")
    with psql.refused(COVER, naming="gap or overlap"):
        psql.run("UPDATE plan SET policy = 'partition'")
        load(psql, plan, strip(0, 501), strip(500, 1000))


@pytest.mark.domain("ZG01")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE plan SET policy = 'partition'",
        "UPDATE plan SET overlap_limit = 0.07",
        "UPDATE grid SET kind = 'rural' WHERE level = 0",
        "UPDATE grid SET kind = 'rural'",
    ],
)
def test_changing_the_rule_checks_what_is_there(psql: Client, plan: Plan, change: str):
    """Urban and rural grids are two kinds with two rules; a grid cannot slip from one to the other unchecked."""
    load(psql, plan, strip(0, 540), strip(500, 1000))
    psql.commit()
    with psql.refused(COVER, naming=ROOT):
        psql.run(change)
    psql.run("UPDATE plan SET overlap_limit = 0.081")
    psql.run("UPDATE grid SET kind = 'rural' WHERE level = 1")
    psql.commit()
    assert set(Grid.objects.values_list("level", "kind")) == {(0, "urban"), (1, "rural")}


def test_an_edit_with_the_same_sum_is_measured_all_the_same(psql: Client, plan: Plan):
    """The sum counts how often each place is covered, not by whom."""
    load(psql, plan, strip(0, 500, 540), strip(500, 540, 1000))
    psql.commit()
    running = "SELECT children_sum FROM grid_cover JOIN grid ON grid.id = grid_id WHERE level = 0"
    total = psql.run(running)
    with psql.refused(COVER, naming="overlap above the limit"):
        psql.reshape(plan, LEFT, strip(0, 500, 540, 1000))
        psql.reshape(plan, RIGHT, strip(500, 540))
        assert psql.run(running) == total


def test_the_audit_measures_too(psql: Client, plan: Plan):
    load(psql, plan, strip(0, 540), strip(500, 1000))
    psql.commit()
    psql.run("SET session_replication_role = replica")
    psql.reshape(plan, LEFT, strip(0, 560))
    psql.commit()
    assert (ROOT, "overlap above the limit") in psql.faults()

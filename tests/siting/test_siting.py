"""Where to put the next one: as somebody at the bank asks, over HTTP and on the page."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from layers.grids.models import SRID, GridCount, Plan
from layers.orgs.models import Institution
from tests.api.world import assert_fault, bearer
from tests.factories import SIDE, InstitutionFactory, MachineFactory, UserFactory, grid, published, square_plan

STEP = SIDE // 4
"""Lattice steps on the side of a leaf: some hundred metres."""


@pytest.fixture
def plan(db: None) -> Plan:
    """Four villages of four grids; the north-east has most households."""
    plan = published(square_plan(2, levels=3, institution=InstitutionFactory()))
    for leaf in plan.grids.filter(level=2):
        value = 300 if leaf.code.startswith("429005004") else 100
        GridCount.objects.create(grid=leaf, measure="households", value=value, as_of="2026-06-30")
    return plan


@pytest.fixture
def planner(plan: Plan) -> Client:
    return bearer(UserFactory(institution=plan.institution, role="planner"))


def ask(client: Client, plan: Plan, **wish: object):
    body = {"grid": grid(plan, "").pk, "layer": "machines", "kind": "cash_point", "radius_m": side_m(), "k": 1} | wish
    return client.post("/api/siting", body, content_type="application/json")


def side_m() -> float:
    """A radius that from the middle of a village reaches its own four grids only."""
    return 1.3 * STEP / 1e7 * 96_000


@pytest.mark.domain("OB04")
def test_the_next_cash_point_goes_where_most_households_are(planner: Client, plan: Plan) -> None:
    found = ask(planner, plan).json()
    assert [one["properties"]["code"] for one in found["chosen"]] == ["429005004"]
    assert (found["households"], found["covered"]) == (2400, {"before": 0, "after": 1200})


def test_what_is_there_counts_already(planner: Client, plan: Plan) -> None:
    north_east = Point(113 + 3 * STEP / 1e7, 30 + 3 * STEP / 1e7, srid=SRID)
    MachineFactory(institution=plan.institution, geom=north_east)
    MachineFactory(institution=InstitutionFactory(), geom=Point(113 + STEP / 1e7, 30 + STEP / 1e7, srid=SRID))
    found = ask(planner, plan, k=2).json()
    assert len(found["existing"]) == 1 and "429005004" not in {one["properties"]["code"] for one in found["chosen"]}
    assert found["covered"] == {"before": 1200, "after": 2000}


def test_least_distance(planner: Client, plan: Plan) -> None:
    found = ask(planner, plan, objective="distance", k=4).json()
    assert len(found["chosen"]) == 4 and found["mean_m"]["before"] is None and found["mean_m"]["after"] < side_m()


def test_each_proposed_place_says_what_it_adds(planner: Client, plan: Plan) -> None:
    MachineFactory(institution=plan.institution, geom=Point(113 + 3 * STEP / 1e7, 30 + 3 * STEP / 1e7, srid=SRID))
    found = ask(planner, plan, k=2).json()
    gains = [one["gain"] for one in found["chosen"]]
    assert [gain["covered"] for gain in gains] == [400, 400]
    assert sum(gain["covered"] for gain in gains) == found["covered"]["after"] - found["covered"]["before"]
    assert all(gain["nearer"] >= gain["covered"] and gain["saved_m"] > 0 for gain in gains)
    body = {"grid": grid(plan, "").pk, "radius_m": side_m(), "k": 2}
    table = planner.post("/api/siting/csv", body, content_type="application/json")
    text = b"".join(table.streaming_content).decode() if table.streaming else table.content.decode()
    assert "新增覆盖户数" in text and ",400" in text


def test_only_what_a_bank_places_is_offered(planner: Client, plan: Plan) -> None:
    ends = planner.get("/siting/")
    if ends.status_code == 302:
        planner.force_login(UserFactory(institution=plan.institution, role="planner"))
        ends = planner.get("/siting/")
    offered = {(layer, kind["id"]) for layer, kinds in ends.context["page"]["sited"].items() for kind in kinds}
    assert {("outlets", "station"), ("machines", "atm"), ("places", "recycling")} <= offered
    assert {key for layer, key in offered if layer == "places"} == {"recycling"}
    for kind in ("school", "event_dispute"):
        assert_fault(ask(planner, plan, layer="places", kind=kind), 400, "invalid_candidates")
    assert ask(planner, plan, layer="places", kind="recycling").status_code == 200


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"k": 5}, 400, "not_enough_candidates"),
        ({"candidates": "customers:resident"}, 400, "invalid_candidates"),
        ({"candidates": "nowhere"}, 400, "invalid_candidates"),
        ({"kind": "nothing"}, 400, "invalid_candidates"),
        ({"k": 0}, 422, "invalid_request"),
        ({"grid": 0}, 404, "not_found"),
    ],
)
def test_a_wish_that_cannot_be(planner: Client, plan: Plan, wish: dict, status: int, code: str) -> None:
    assert_fault(ask(planner, plan, **wish), status, code)


def test_no_households_are_known(planner: Client, plan: Plan) -> None:
    GridCount.objects.all().delete()
    assert_fault(ask(planner, plan), 400, "nothing_to_serve")


@pytest.mark.parametrize("role", ["worker", "regulator"])
def test_it_is_for_those_who_plan(plan: Plan, role: str) -> None:
    assert ask(bearer(UserFactory(institution=plan.institution, role=role)), plan).status_code == 403


def test_another_bank_is_not_found(plan: Plan) -> None:
    other: Institution = InstitutionFactory()
    assert ask(bearer(UserFactory(institution=other, role="planner")), plan).status_code == 404

"""ZG04 through the API: an urban grid reaches into its neighbour up to the plan's limit, and draws back."""

from __future__ import annotations

import pytest

from layers.grids.coverage import audit
from layers.grids.models import Grid
from tests.api.world import assert_fault
from tests.editing.test_editing import Desk, at, contents
from tests.factories import square_plan

LITTLE = at((0.9, 0.3), (1.1, 0.3), (1.1, 0.7), (0.9, 0.7))
MUCH = at((0.9, 0.1), (1.4, 0.1), (1.4, 0.9), (0.9, 0.9))


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(square_plan(2, levels=3, kind="urban", policy="bounded_overlap", overlap_limit=0.1))


@pytest.mark.domain("ZG04")
def test_a_grid_reaches_into_its_neighbour_is_measured_and_draws_back(desk: Desk) -> None:
    one, beside = desk.grid("001001"), desk.grid("001002")
    before = contents(desk.plan)
    foreseen = desk.do("extend", dry_run=True, ring=LITTLE, grid=one.pk)
    assert contents(desk.plan) == before
    answer = desk.do("extend", ring=LITTLE, grid=one.pk)
    for measures in (foreseen["measures"], answer["measures"]):
        assert measures[str(one.pk)]["before"]["overlap_share"]["value"] == 0
        assert measures[str(one.pk)]["after"]["overlap_share"]["value"] == pytest.approx(4 / 1.04, rel=1e-3)
        # Who is overlapped has changed in nothing else.
        assert measures[str(beside.pk)]["after"]["overlap_share"]["value"] == pytest.approx(4, rel=1e-3)
    assert desk.grid("001002").geom.area == pytest.approx(beside.geom.area, rel=1e-6)
    assert answer["edit"]["label"] == "延伸 001" and not audit(desk.plan)
    desk.do("withdraw", ring=MUCH, grid=one.pk)
    assert desk.grid("001001").geom.area == pytest.approx(one.geom.area, rel=1e-6) and not audit(desk.plan)
    for _step in range(2):
        assert desk.post("undo", base_revision=0).status_code == 200
    assert contents(desk.plan) == before


def test_too_much_is_refused_with_the_place_and_the_limit(desk: Desk) -> None:
    before = contents(desk.plan)
    for dry_run in (True, False):
        refused = desk.try_to("extend", dry_run=dry_run, ring=MUCH, grid=desk.grid("001001").pk)
        assert_fault(refused, 409, "coverage_broken")
        fault = refused.json()
        assert "10%" in fault["message"]["zh"] and "at most 10%" in fault["message"]["en"]
        [feature] = fault["where"]["features"]
        assert feature["properties"]["kind"] == "overlap" and feature["properties"]["number"] == 1
    assert contents(desk.plan) == before


def test_only_urban_grids_of_a_plan_that_allows_it(desk: Desk) -> None:
    one = desk.grid("001001")
    Grid.objects.filter(plan=desk.plan, code=one.code[:9]).update(kind="rural")
    assert_fault(desk.try_to("extend", ring=LITTLE, grid=one.pk), 400, "bad_arguments")
    strict = Desk(square_plan(2, levels=3, kind="urban"))
    for op in ("extend", "withdraw"):
        assert_fault(strict.try_to(op, ring=LITTLE, grid=strict.grid("001001").pk), 400, "bad_arguments")
    assert_fault(strict.try_to("extend", ring=LITTLE, grid=desk.grid("001001").pk), 400, "bad_arguments")

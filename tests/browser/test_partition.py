"""Dividing and evening out from the panel, the coverage rule and an empty draft from the list of plans, and remarks on the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from playwright.sync_api import Page, expect

from layers.facilities.models import Outlet
from layers.grids.coverage import audit
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.review.models import Comment
from layers.review.versions import copy
from tests.browser.conftest import PHONE, READY
from tests.browser.test_review import shot

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
NAME = "自动划分草稿"


@pytest.fixture
def county(demo_site: None, django_db_blocker: Any) -> Iterator[Plan]:
    """The plan in force of 潜江; drafts named NAME are taken out again afterwards, past the logs that only grow."""
    with django_db_blocker.unblock():
        yield Plan.objects.get(institution__code="QJ", name="2026 年网格划分")
        ids = list(Plan.objects.filter(name__startswith=NAME).values_list("pk", flat=True))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table, column in (
                ("grid_cover", "grid_id IN (SELECT id FROM grid WHERE plan_id = ANY (%s)) --"),
                ("grid_count", "grid_id IN (SELECT id FROM grid WHERE plan_id = ANY (%s)) --"),
                ("edit", "plan_id"),
                ("decision", "plan_id"),
                ("plan_comment", "plan_id"),
                ("grid", "plan_id"),
                ("plan", "id"),
            ):
                condition = column.removesuffix(" --") if column.endswith("--") else f"{column} = ANY (%s)"
                cursor.execute(f"DELETE FROM {table} WHERE {condition}", [ids])


def planner() -> User:
    return User.objects.get(username="planner")


def open_at(open_map: Open, plan: Plan, grid: Grid, **options: Any) -> Page:
    page = open_map(f"?plan={plan.pk}&level={grid.level}&grid={grid.pk}", **options)
    page.set_default_timeout(30_000)
    expect(page.locator(".partition summary").first).to_be_attached()
    return page


def unfold(page: Page, name: str) -> None:
    page.locator(f"details.{name}").evaluate("(details) => { details.open = true; }")


@pytest.mark.domain("ZG05")
def test_a_county_is_divided_round_its_outlets(county: Plan, open_map: Open) -> None:
    """From an empty draft: 以网点为中心, with the radius; what is shown is what is saved."""
    page = open_map("")
    page.set_default_timeout(30_000)
    page.goto("/plans/")
    page.locator(f"tr[data-plan='{county.pk}'] [data-step=empty]").click()
    page.fill("#ask input", NAME)
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text(NAME)
    draft = Plan.objects.get(name=NAME)
    root = Grid.objects.get(plan=draft)
    page.goto(f"/?plan={draft.pk}&level=0&grid={root.pk}")
    page.wait_for_selector(READY)
    expect(page.locator("details.partition")).to_be_attached()
    unfold(page, "partition")
    page.select_option("#partition-way", "outlets")
    expect(page.locator("#partition-count")).to_be_hidden()
    page.fill("#partition-radius", "8")
    page.click("#partition-try")
    outlets = Outlet.objects.filter(institution__path__startswith=draft.institution.head_office_path, kind="staffed")
    expect(page.locator(".parts tbody")).to_have_count(outlets.count(), timeout=60_000)
    expect(page.locator("#map .pin.part")).to_have_count(outlets.count())
    expect(page.locator(".parts")).to_contain_text("网点")
    shot(page, "outlets")
    page.locator(".parts tbody button").first.click()
    page.click("#partition-apply")
    expect(page.locator("#undo")).to_contain_text("撤销: 划分", timeout=60_000)
    expect(page.locator("#map .pin.part")).to_have_count(0)
    children = root.children.all()
    assert not audit(draft) and {child.name for child in children} == {outlet.name for outlet in outlets}
    for child in children:
        assert child.geom.covers(outlets.get(name=child.name).geom)


@pytest.mark.domain("HG01")
@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}, {"locale": "en-GB"}], ids=["wide", "phone", "english"])
def test_a_grid_is_evened_out_and_takes_households_from_its_neighbour(
    county: Plan, open_map: Open, options: dict
) -> None:
    draft = copy(county, planner(), NAME)
    mine, other = Grid.objects.filter(plan=draft, parent__code="429005001002").order_by("code")[:2]
    page = open_at(open_map, draft, mine, **options)
    unfold(page, "rebalance")
    page.select_option("#take-from", str(other.pk))
    page.fill("#take-amount", "23")
    page.click("#take-try")
    expect(page.locator("details.rebalance .parts tbody")).to_have_count(2)
    expect(page.locator("details.rebalance")).to_contain_text("23 moved" if "locale" in options else "移交 23")
    shot(page, f"take-{'-'.join(options) or 'wide'}")
    page.click("#partition-apply")
    expect(page.locator("#undo")).to_contain_text("Partition" if "locale" in options else "划分", timeout=30_000)
    moved = Grid.objects.get(pk=mine.pk)
    assert moved.border_sum != mine.border_sum and not audit(draft)
    expect(page.locator("details.rebalance")).not_to_have_attribute("open", "")
    unfold(page, "rebalance")
    page.click("#rebalance-try")
    expect(page.locator("details.rebalance .parts tbody")).not_to_have_count(0)
    # The proposal goes when another grid is looked at.
    page.evaluate("document.querySelector('.chain button')?.click()")
    expect(page.locator("#map .pin.part")).to_have_count(0)


def test_another_way_to_divide_and_what_is_missing(county: Plan, open_map: Open) -> None:
    draft = copy(county, planner(), NAME)
    village = Grid.objects.get(plan=draft, code="429005001001")
    page = open_at(open_map, draft, village)
    unfold(page, "partition")
    page.click("#partition-try")
    expect(page.locator("details.partition .message")).to_contain_text("请填写个数")
    page.fill("#partition-count", "5")
    with page.expect_request("**/partition") as first:
        page.click("#partition-try")
    expect(page.locator(".parts tbody")).to_have_count(5)
    with page.expect_request("**/partition") as second:
        page.click("#partition-other")
    expect(page.locator(".parts tbody")).to_have_count(5)
    assert (first.value.post_data_json["seed"], second.value.post_data_json["seed"]) == (1, 2)
    page.click("text=放弃")
    expect(page.locator("#map .pin.part")).to_have_count(0)


@pytest.mark.domain("ZG04")
def test_the_coverage_rule_is_chosen_and_printed(county: Plan, open_map: Open) -> None:
    draft = copy(county, planner(), NAME)
    page = open_map("")
    page.set_default_timeout(30_000)
    page.goto("/plans/")
    page.locator(f"tr[data-plan='{draft.pk}'] [data-step=coverage-rule]").click()
    page.select_option("#ask select", "bounded_overlap")
    page.fill("#ask input", "3")
    shot(page, "coverage-rule")
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text("3%")
    expect(page.locator(f"tr[data-plan='{draft.pk}']")).to_contain_text("上限为自身面积的 3%")
    page.goto(f"/plans/{draft.pk}/review/")
    expect(page.locator("#coverage")).to_contain_text("上限为自身面积的 3%")
    page.goto(f"/?plan={draft.pk}")
    page.wait_for_selector(READY)
    expect(page.locator("#coverage")).to_contain_text("交叉未超上限")
    expect(page.locator("#panel-body")).to_contain_text("自身面积的 3%")
    draft.refresh_from_db()
    assert (draft.policy, draft.overlap_limit) == ("bounded_overlap", 0.03)


def test_remarks_of_the_reviewers_stand_on_the_map_where_they_are_mended(county: Plan, open_map: Open) -> None:
    draft = copy(county, planner(), NAME)
    x, y = Grid.objects.get(plan=draft, code="429005001").geom.point_on_surface.coords
    boss = User.objects.get(username="manager")
    for text, place in (("<b>沿河走</b>", f"SRID=4490;POINT({x} {y})"), ("总体可以", None)):
        Comment.objects.create(plan=draft, text=text, place=place, author=boss)
    page = open_map(f"?plan={draft.pk}")
    expect(page.locator("#map .pin.remark")).to_have_count(1)
    expect(page.locator("#remarks li")).to_have_count(2)
    expect(page.locator("#remarks")).to_contain_text("<b>沿河走</b>")
    page.locator("#remarks button").click()
    shot(page, "remarks")

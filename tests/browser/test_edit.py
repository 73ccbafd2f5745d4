"""Editing a draft on the map page, as a planner does it: with the mouse, the keyboard, a finger, and a colleague."""

from __future__ import annotations

import re

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import expect

from layers.editing import service
from layers.editing.models import Edit
from layers.grids.coverage import audit
from layers.grids.models import Grid, Plan
from layers.streets.models import Street
from tests.browser.conftest import PHONE
from tests.browser.desk import Desk, Open, at_desk, colleague, on_screen, place, shot
from tests.browser.map_page import CHINESE, UI_TEXTS, drafted, painted
from tests.factories import grid

pytestmark = pytest.mark.browser


@pytest.mark.domain("ZG02")
def test_a_border_is_reshaped_by_dragging_and_undone_and_redone(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    expect(page.locator("[data-handle=node]")).to_have_count(2)
    desk.drag((2, 0.5), (2.3, 0.6))
    desk.done("撤销: 调整界线 002 与 001")
    expect(page.locator(".measures").first).to_contain_text("→")
    shot(page, "edit-reshape")
    assert Edit.objects.filter(plan=desk.plan).count() == 1 and not audit(desk.plan)
    expect(page.locator("[data-handle=vertex]")).to_have_count(1)
    page.mouse.move(*desk.pixel(2.3, 0.6))
    page.mouse.down()
    page.mouse.move(*desk.pixel(2.6, 0.4), steps=5)
    expect(page.locator(".drag-tip").last).to_contain_text("+")
    expect(page.locator(".edit-result")).to_contain_text("松手后")
    shot(page, "edit-drag")
    page.mouse.move(*desk.pixel(2.3, 0.6), steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    page.keyboard.press("Control+z")
    expect(page.locator("#redo")).to_contain_text("重做: 调整界线")
    page.click("#redo")
    desk.done("调整界线 002 与 001")
    expect(page.locator("#coverage")).to_have_attribute("data-state", "exact")
    assert [edit.op for edit in Edit.objects.filter(plan=desk.plan).order_by("revision")] == ["reshape", "undo", "redo"]


def test_a_node_moves_with_everything_that_meets_there(desk: Desk) -> None:
    page = desk.page
    page.click("[data-tool=reshape]")
    desk.click(1.5, 1)
    desk.drag((1, 1), (1.2, 1.1))
    desk.done("撤销: 调整界线")
    assert not audit(desk.plan)
    step = Edit.objects.get(plan=desk.plan)
    assert len(step.args["paths"]) == 4


def test_a_border_across_another_is_refused_at_its_place(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    desk.drag((2, 0.5), (3.4, 0.5))
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("相交")
    expect(page.locator("#map .pin").first).to_be_visible()
    shot(page, "edit-fault")
    expect(page.locator("#edit-panel .rows .pin").first).to_have_text("1")
    assert not Edit.objects.filter(plan=desk.plan).exists()
    complaints.clear()


def test_a_grid_is_split_by_a_drawn_line(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("s")
    desk.click(-0.1, 0.5)
    desk.click(0.5, 0.4)
    desk.click(1.15, 0.55)
    page.keyboard.press("Enter")
    desk.done("撤销: 拆分 001")
    expect(page.locator(".measures")).not_to_have_count(0)
    shot(page, "edit-split")
    assert Grid.objects.filter(plan=desk.plan, level=2).count() == 17 and not audit(desk.plan)


def test_a_closed_line_carves_a_piece_out_and_double_click_ends(desk: Desk) -> None:
    page = desk.page
    page.click("[data-tool=split]")
    for point in ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7)):
        desk.click(*point)
    desk.click(0.3, 0.3)
    desk.done("撤销: 拆分 001")
    desk.click(2.5, 1.9)
    desk.click(2.5, 3.2, click_count=2)
    desk.done("撤销: 拆分 ")
    assert not audit(desk.plan)


@pytest.mark.domain("ZG02")
def test_grids_are_merged_and_land_is_transferred(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("m")
    desk.click(0.5, 0.5)
    desk.click(1.5, 0.5)
    expect(page.locator("#edit-hint")).to_contain_text("001002")
    page.click("#finish")
    desk.done("撤销: 合并 001 与 002")
    page.keyboard.press("t")
    for point in ((1.7, 1.3), (2.4, 1.3), (2.4, 1.7), (1.7, 1.7)):
        desk.click(*point)
    page.keyboard.press("Enter")
    expect(page.locator("#edit-hint")).to_contain_text("接收")
    shot(page, "edit-transfer")
    desk.click(1.3, 1.5)
    desk.done("撤销: 移交")
    assert not audit(desk.plan)


def test_facts_are_changed_in_the_panel(desk: Desk) -> None:
    page = desk.page
    desk.click(0.5, 0.5)
    page.fill("#grid-name", "<b>城南</b>")
    page.get_by_role("button", name="重命名").click()
    expect(page.locator("#panel-body h2")).to_have_text("<b>城南</b>")
    page.select_option("#grid-kind", "urban")
    page.get_by_role("button", name="改类别").click()
    desk.done("撤销: ")
    page.click("#grid-lock")
    expect(page.locator("#grid-lock")).to_have_text("解除锁定")
    shot(page, "edit-facts")
    leaf = grid(desk.plan, "001001")
    assert (leaf.name, leaf.kind, leaf.locked) == ("<b>城南</b>", "urban", True)
    page.click("#edit-panel .history summary")
    expect(page.locator("#edit-panel .history li")).to_have_count(3)
    page.locator("#edit-panel .history li button").last.click()
    expect(page.locator(".edit-result")).to_contain_text("→ <b>城南</b>")
    # Locked: seen on the map, also after a reload, and its border is not offered.
    page.reload()
    page.wait_for_selector("#map[data-ready=true]")
    expect(page.locator("#legend")).to_contain_text("已锁定的网格")
    page.keyboard.press("r")
    page.mouse.move(*desk.pixel(1, 0.3))
    expect(page.locator(".drag-tip").last).to_contain_text("<b>城南</b> 已锁定，界线不能移动")
    expect(page.locator("#map.fixed-border")).to_have_count(1)
    desk.click(1, 0.3)
    expect(page.locator("#locked-note")).to_contain_text("<b>城南</b> 已锁定，这条界线不能移动")
    expect(page.locator("[data-handle], #straighten")).to_have_count(0)
    shot(page, "edit-locked")
    desk.click(2, 0.3)
    expect(page.locator("[data-handle=middle]")).to_have_count(1)
    expect(page.locator("#locked-note")).to_have_count(0)
    page.keyboard.press("m")
    desk.click(0.5, 0.5)
    expect(page.locator("#edit-hint")).to_contain_text("<b>城南</b> 已锁定")
    # In a corner of it, far from its name, the padlock is all that is written; in its neighbour nothing is.
    for x, is_locked in ((0.8, True), (1.5, False)):
        lon, lat = place(x, 0.9)
        page.goto(f"/?plan={desk.plan.pk}&level=2&z=20&lon={lon}&lat={lat}")
        page.wait_for_selector("#map[data-ready=true]")
        assert bool(painted(page, "jt-labels")) is is_locked
        shot(page, f"edit-locked-corner-{is_locked}")


def test_a_level_is_added_and_taken_away(desk: Desk) -> None:
    page = desk.page
    desk.click(0.5, 0.5)
    page.click("#add-level")
    expect(page.locator("#levels label")).to_have_count(4)
    page.click("#undo")
    expect(page.locator("#levels label")).to_have_count(3)


@pytest.mark.domain("ZG02")
def test_all_by_keyboard(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("s")
    page.locator("#map").focus()
    # The cross-hair is in the middle, on a corner of four grids.
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(500)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    desk.done("撤销: 拆分")
    page.keyboard.press("Control+z")
    expect(page.locator("#redo")).to_contain_text("重做: 拆分")

    page.keyboard.press("Control+Shift+Z")
    desk.done("撤销: 拆分")
    assert not audit(desk.plan)


def test_a_vertex_is_moved_by_the_keyboard(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.locator("[data-handle=middle]").first.evaluate("handle => handle.focus()")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    desk.done("撤销: 调整界线")
    expect(page.locator("[data-handle=vertex]:focus")).to_have_count(1)
    page.keyboard.press("Delete")
    expect(page.locator("[data-handle=vertex]")).to_have_count(0)
    assert not audit(desk.plan)
    moved = Edit.objects.filter(plan=desk.plan).earliest("revision").args["paths"][0]["new"][1]
    assert moved[0] - place(2, 0)[0] == pytest.approx(50 / 111_320 / 0.866, rel=0.01)


def test_a_finger_moves_a_border(plan: Plan, open_map: Open) -> None:
    desk = at_desk(open_map, plan, viewport=PHONE, has_touch=True, is_mobile=True)
    page = desk.page
    page.locator("[data-tool=reshape]").tap()
    page.touchscreen.tap(*desk.pixel(2, 1.3))
    handle = page.locator("[data-handle=middle]").first
    box = handle.bounding_box()
    assert box is not None and box["width"] >= 48
    shot(page, "edit-phone")
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 6):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 6 * step, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    desk.done("撤销: 调整界线")
    assert not audit(plan)


def test_edits_of_others_appear_by_themselves(desk: Desk) -> None:
    lines = [[place(-0.1, 0.5), place(1.1, 0.5)]]
    service.commit(
        desk.plan.pk, colleague(desk.plan), "split", {"grid": grid(desk.plan, "001001").pk, "lines": lines}, 1
    )
    expect(desk.page.locator("#notice")).to_contain_text("拆分 001", timeout=9000)
    expect(desk.page.locator("#plan option:checked")).to_contain_text("第 2 版")


def test_a_conflict_shows_both_versions_and_lets_one_choose(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.route(re.compile(r"edits\?since"), lambda route: route.abort())
    page.keyboard.press("r")
    desk.click(2, 0.3)
    border = {"old": [place(2, 0), place(2, 1)], "new": [place(2, 0), place(1.8, 0.5), place(2, 1)]}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [border]}, 1)
    page.unroute(re.compile(r"edits\?since"))
    desk.drag((2, 0.5), (2.3, 0.5))
    expect(page.locator("#theirs")).to_be_visible()
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("冲突")
    shot(page, "edit-conflict")
    page.click("#mine")
    desk.done("撤销: 调整界线")
    expect(page.locator("#theirs")).to_have_count(0)
    assert Edit.objects.filter(plan=desk.plan).count() == 2 and not audit(desk.plan)
    service.commit(
        desk.plan.pk, colleague(desk.plan), "rename", {"grid": grid(desk.plan, "001001").pk, "name": "甲"}, 3
    )
    complaints.clear()


def test_an_edit_that_cannot_be_sent_is_kept_and_offered_again(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("s")
    desk.click(-0.1, 0.5)
    desk.click(1.15, 0.5)
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("已留在本机")
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#resend")).to_be_visible()
    page.click("#resend")
    desk.done("撤销: 拆分 001")
    assert not audit(desk.plan)
    complaints.clear()


@pytest.mark.domain("ZG02")
def test_a_grid_is_divided_by_proposal(desk: Desk) -> None:
    page = desk.page
    desk.click(0.5, 0.5)
    page.click(".partition summary")
    page.fill("#partition-count", "3")
    page.select_option("#partition-weight", "area")
    page.click("#partition-try")
    expect(page.locator(".parts tbody tr")).to_have_count(3)
    shot(page, "edit-partition")
    assert not Edit.objects.filter(plan=desk.plan).exists()
    page.click("#partition-apply")
    desk.done("撤销: ")
    expect(page.locator("#levels label")).to_have_count(4)
    assert not audit(desk.plan)


def test_a_line_follows_the_streets(open_map: Open, demo_site: None) -> None:
    draft = drafted()
    streets = Street.objects.filter(institution=draft.institution).order_by("pk")
    both = ([street.geom.coords[0], street.geom.coords[-1]] for street in streets)
    ends = next(
        pair for pair in both if 0.002 < abs(pair[0][0] - pair[1][0]) < 0.008 and abs(pair[0][1] - pair[1][1]) < 0.005
    )
    lon, lat = ((a + b) / 2 for a, b in zip(*ends, strict=True))
    page = open_map(f"?plan={draft.pk}&level=3&lon={lon}&lat={lat}&z=16")
    page.keyboard.press("s")
    page.get_by_label("沿街描线").check()
    with page.expect_response(re.compile("streets/trace")) as traced:
        for end in ends:
            page.mouse.click(*on_screen(page, *end))
    assert len(traced.value.json()["path"]) >= 2
    shot(page, "edit-trace")
    page.keyboard.press("Escape")


def test_english_has_no_chinese_but_data(plan: Plan, open_map: Open) -> None:
    desk = at_desk(open_map, plan, locale="en-US")
    page = desk.page
    desk.click(0.5, 0.5)
    expect(page.locator("#grid-name")).to_be_visible()
    texts = page.evaluate(UI_TEXTS)
    for key in "smtr":
        page.keyboard.press(key)
        texts += page.evaluate(UI_TEXTS)
    desk.click(2, 0.3)
    expect(page.locator("#straighten")).to_be_visible()
    texts += page.evaluate(UI_TEXTS)
    shot(page, "edit-english")
    assert [text for text in texts if CHINESE.search(text)] == []


def test_who_may_only_look_gets_no_tools(open_map: Open) -> None:
    page = open_map()
    expect(page.locator("[data-tool=split]")).to_be_hidden()
    expect(page.locator("#edit-panel")).to_be_hidden()


@pytest.mark.domain("ZG04")
def test_a_grid_reaches_into_its_neighbour_where_the_plan_allows_it(
    plan: Plan, open_map: Open, complaints: list[str]
) -> None:
    desk = at_desk(open_map, plan)
    expect(desk.page.locator("[data-tool=extend]")).to_be_hidden()
    desk.page.context.close()
    Grid.objects.filter(plan=plan).update(kind="urban")
    Plan.objects.filter(pk=plan.pk).update(policy="bounded_overlap", overlap_limit=0.1)
    desk = at_desk(open_map, plan)
    page = desk.page
    result = page.locator(".edit-result")

    def draw(east: float) -> None:
        for point in ((0.7, 0.35), (east, 0.35), (east, 0.65), (0.7, 0.65)):
            desk.click(*point)
        page.keyboard.press("Enter")
        expect(page.locator("#edit-hint")).to_have_text(re.compile("^再点选"))

    page.click("[data-tool=extend]")
    expect(page.locator("#edit-hint")).to_contain_text(re.compile("同属一个上级.*自身面积的 10%"))
    draw(1.6)
    page.mouse.move(*desk.pixel(0.5, 0.5))
    # Before the drop: too much, where, and what the limit is.
    expect(result).to_contain_text("最多有自身面积的 10%", timeout=15_000)
    expect(page.locator("#map .pin").first).to_be_visible()
    shot(page, "edit-overlap-too-much")
    page.keyboard.press("Escape")
    complaints.clear()
    expect(page.locator("#edit-hint")).to_contain_text(re.compile("同属一个上级.*自身面积的 10%"))
    draw(1.25)
    page.mouse.move(*desk.pixel(0.5, 0.5))
    expect(result).to_contain_text("交叉比例", timeout=15_000)
    shot(page, "edit-overlap")
    desk.click(0.5, 0.5)
    desk.done("撤销: 延伸 001")
    expect(result).to_contain_text(re.compile(r"0 → 6\.\d+ %"))
    assert grid(plan, "001001").geom.contains(Point(*place(1.05, 0.5), srid=4490)) and not audit(plan)
    page.click("[data-tool=withdraw]")
    draw(1.5)
    desk.click(0.5, 0.5)
    desk.done("撤销: 收缩 001")
    assert not grid(plan, "001001").geom.contains(Point(*place(1.05, 0.5), srid=4490)) and not audit(plan)

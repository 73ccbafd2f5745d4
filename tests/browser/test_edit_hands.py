"""Editing with whatever hand: freehand strokes, fingers, the keyboard alone; and what the planner sees while she draws."""

from __future__ import annotations

import re

import pytest
import shapely
from django.contrib.gis.geos import LineString
from playwright.sync_api import expect

from layers.editing import service
from layers.editing.models import Edit
from layers.grids.coverage import audit
from layers.grids.models import Grid, Plan
from layers.rules.models import Rule
from layers.staff.models import Post
from layers.streets.models import Building, Street
from tests.browser.conftest import PHONE
from tests.browser.desk import Desk, Open, at_desk, colleague, finger, paths, place, shot

pytestmark = pytest.mark.browser


def house(plan: Plan, low: tuple[float, float], high: tuple[float, float]) -> Building:
    """A house with seven households; low and high are its corners."""
    (west, south), (east, north) = low, high
    ring = [place(*corner) for corner in ((west, south), (east, south), (east, north), (west, north), (west, south))]
    text = ", ".join(f"{x} {y}" for x, y in ring)
    return Building.objects.create(institution=plan.institution, geom=f"SRID=4490;POLYGON(({text}))", households=7)


def border_sums(plan: Plan) -> dict[str, int]:
    """The borders of all grids, whatever vertex their rings begin with."""
    return dict(Grid.objects.filter(plan=plan).values_list("code", "border_sum"))


def hue(desk: Desk, x: float, y: float) -> list[int]:
    """Colour of the fill at a place, of grids at rest or in the hand."""
    found: list[int] = desk.page.evaluate(
        """([x, y]) => { const canvases = document.querySelectorAll('.leaflet-jt-moving-pane canvas, .leaflet-jt-grids-pane canvas');
        return [...canvases].map((canvas) => { const { left, top } = canvas.getBoundingClientRect();
            const ratio = canvas.width / canvas.getBoundingClientRect().width;
            return [...canvas.getContext('2d').getImageData((x - left) * ratio, (y - top) * ratio, 1, 1).data];
        }).find(([, , , alpha]) => alpha > 0) ?? []; }""",
        list(desk.pixel(x, y)),
    )
    return found


def test_a_stretch_is_redrawn_freehand_from_anywhere_on_the_border(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.click("#redraw")
    page.get_by_label("手绘").check()
    desk.stroke((2, 0.25), (2.2, 0.3), (2.25, 0.5), (2.2, 0.7), (2, 0.75))
    # What comes of it is seen first.
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    expect(page.locator(".edit-result")).to_contain_text("→")
    assert not Edit.objects.filter(plan=desk.plan).exists()
    # A colleague moves the very border meanwhile: the line stays in the hand, for the border as it is now.
    bend = {"old": [place(2, 0), place(2, 1)], "new": [place(2, 0), place(1.9, 0.5), place(2, 1)]}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [bend]}, 1)
    expect(page.locator("#notice")).to_contain_text("调整界线", timeout=9000)
    page.keyboard.press("Enter")
    desk.done("撤销: 重画界线 002 与 001")
    path = Edit.objects.get(plan=desk.plan, op="redraw").args
    assert path["old"] == bend["new"] and len(path["new"]) > 5
    # Only the stretch between the two places has moved.
    border = shapely.LineString(bend["new"])
    assert all(border.distance(shapely.Point(path["new"][i])) < 2e-7 for i in (1, -2))
    assert path["new"][1][1] == pytest.approx(place(2, 0.25)[1], abs=3e-4)
    assert not audit(desk.plan)
    # The border stays in the hand, and the map moves again.
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    expect(page.locator("[data-handle=vertex]").first).to_be_visible()
    expect(page.locator("#map.holding")).to_have_count(0)


@pytest.mark.domain("ZG02")
def test_a_line_of_borders_is_redrawn_past_a_corner_by_the_keyboard_alone(desk: Desk, complaints: list[str]) -> None:
    """The border of two villages, on which a border ends from either side; an arrow moves the map by a leaf."""
    page = desk.page
    lon, lat = place(2, 1.5)
    page.goto(f"/?plan={desk.plan.pk}&level=2&lon={lon}&lat={lat}&z=15")
    page.wait_for_selector("#map[data-ready=true]")

    def draw(*keys: str) -> None:
        page.keyboard.press("Space")
        for key in keys:
            before = page.evaluate("() => location.href")  # page.url may lag behind
            page.keyboard.press(key)
            page.wait_for_function("before => location.href !== before", arg=before)

    page.keyboard.press("r")
    page.locator("#map").focus()
    page.keyboard.press("Space")
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    # Too far into the next village: said, and shown, and nothing is saved.
    page.keyboard.press("d")
    expect(page.locator("[data-handle]")).to_have_count(0)
    draw("ArrowRight", "ArrowRight", "ArrowRight")
    draw("ArrowDown")
    draw("ArrowLeft", "ArrowLeft", "ArrowLeft")
    draw()
    page.keyboard.press("Enter")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("服务区域之外")
    expect(page.locator("#map .pin").first).to_be_visible()
    shot(page, "edit-redraw-refused")
    # Back up the line: the border is still in the hand.
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    page.keyboard.press("d")
    draw("ArrowRight")
    draw("ArrowUp")
    draw("ArrowLeft")
    draw()
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    expect(page.locator(".edit-result")).to_contain_text("001004")
    assert not Edit.objects.filter(plan=desk.plan).exists()
    shot(page, "edit-redraw")
    page.keyboard.press("Enter")
    desk.done("撤销: 重画界线")
    assert not audit(desk.plan)
    old = Edit.objects.get(plan=desk.plan).args["old"]
    assert place(2, 1) in old[1:-1]
    complaints.clear()


def test_a_border_is_aligned_to_a_street_after_a_look_at_what_comes_of_it(desk: Desk) -> None:
    page = desk.page
    line = ", ".join(f"{x} {y}" for x, y in (place(2.05, -0.2), place(2.05, 1.2)))
    street = Street.objects.create(
        institution=desk.plan.institution, geom=f"SRID=4490;LINESTRING({line})", kind="residential"
    )
    try:
        page.keyboard.press("r")
        desk.click(2, 0.3)
        page.get_by_label("容差").fill("60")
        page.click("#align")
        expect(page.locator("#edit-hint")).to_contain_text("尚未保存")
        expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
        expect(page.locator(".drag-tip").last).to_contain_text("平方米")
        shot(page, "edit-align")
        page.click("#decline")
        expect(page.locator("#edit-hint")).to_contain_text("｜")
        expect(page.locator(".edit-result")).to_be_empty()
        assert not Edit.objects.filter(plan=desk.plan).exists()
        page.click("#align")
        expect(page.locator("#accept")).to_be_focused()
        page.keyboard.press("Enter")
        desk.done("撤销: 调整界线")
        assert not audit(desk.plan)
    finally:
        street.delete()


def test_a_border_is_straightened_after_a_look_at_what_comes_of_it_and_undone(desk: Desk) -> None:
    page = desk.page
    bent = [place(2, 0), place(2.4, 0.4), place(2.2, 0.7), place(2, 1)]
    bend = {"old": [place(2, 0), place(2, 1)], "new": bent}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [bend]}, 1)
    expect(page.locator("#notice")).to_contain_text("调整界线", timeout=9000)
    before = border_sums(desk.plan)
    page.keyboard.press("r")
    desk.click(2.2, 0.2)
    expect(page.locator("[data-handle=vertex]")).to_have_count(2)
    page.click("#straighten")
    # The new line, and what it comes to: nothing is saved yet.
    expect(page.locator("#edit-hint")).to_contain_text("尚未保存")
    expect(page.locator("[data-handle]")).to_have_count(0)
    result = page.locator(".edit-result")
    expect(result).to_contain_text("保存后：", timeout=15_000)
    expect(result.locator(".measures").first).to_contain_text("→")
    expect(page.locator(".drag-tip").last).to_contain_text(re.compile(r"002001 \+[\d,]+ 平方米"))
    shot(page, "edit-straighten")
    page.keyboard.press("Escape")
    expect(page.locator("[data-handle=vertex]")).to_have_count(2)
    expect(result).to_be_empty()
    page.click("#straighten")
    expect(page.locator("#accept")).to_be_focused()
    assert Edit.objects.filter(plan=desk.plan).count() == 1
    page.keyboard.press("Enter")
    desk.done("撤销: 调整界线 002 与 001")
    assert paths(desk.plan) == [{"old": bent, "new": [bent[0], bent[-1]]}] and not audit(desk.plan)
    # The border stays in the hand; straight, it cannot be made straighter.
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    expect(page.locator("[data-handle=vertex]")).to_have_count(0)
    page.click("#straighten")
    expect(page.locator("#notice")).to_contain_text("已经是直线")
    page.click("#undo")
    expect(page.locator("#redo")).to_contain_text("重做: 调整界线")
    assert border_sums(desk.plan) == before and not audit(desk.plan)
    expect(page.locator("[data-handle=vertex]")).to_have_count(2)


def test_a_stroke_splits_and_one_that_comes_back_carves_out(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("s")
    page.get_by_label("手绘").check()
    desk.stroke((-0.1, 0.5), (0.5, 0.6), (1.1, 0.5))
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    page.keyboard.press("Enter")
    desk.done("撤销: 拆分 001")
    expect(page.locator("#plan option:checked")).to_contain_text("第 2 版")
    desk.stroke((2.3, 2.3), (2.7, 2.3), (2.7, 2.7), (2.3, 2.7), (2.3, 2.31))
    page.click("#finish")
    expect(page.locator("#plan option:checked")).to_contain_text("第 3 版")
    assert Grid.objects.filter(plan=desk.plan, level=2).count() == 18 and not audit(desk.plan)


def test_a_finger_draws_a_stroke_and_deletes_a_vertex(plan: Plan, open_map: Open) -> None:
    desk = at_desk(open_map, plan, viewport=PHONE, has_touch=True, is_mobile=True)
    page = desk.page
    page.locator("[data-tool=split]").tap()
    page.get_by_label("手绘").check()
    finger(page, *(desk.pixel(0.9 + i / 8, 1.5) for i in range(11)))
    # On a small screen, too, what comes of it is in sight, and the button beside it.
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    expect(page.locator("#finish")).to_be_in_viewport(ratio=1)
    shot(page, "edit-phone-stroke")
    page.locator("#finish").tap()
    desk.done("撤销: 拆分")
    page.wait_for_timeout(500)
    page.locator("[data-tool=reshape]").tap()
    page.touchscreen.tap(*desk.pixel(2, 2.2))
    expect(page.locator("[data-handle=middle]")).to_be_visible()
    shot(page, "edit-phone-picked")
    touch = page.context.new_cdp_session(page)
    for step in range(6):
        x, y = desk.pixel(2 + step / 20, 2.5)
        kind = "touchMove" if step else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    # The border that is moved does not hold the finger back.
    expect(page.locator(".drag-tip").last).to_contain_text(re.compile(r"\+[1-9][\d,]* 平方米"))
    box = page.locator(".drag-tip").last.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    shot(page, "edit-phone-tip")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    desk.done("撤销: 调整界线")
    page.locator("[data-handle=vertex]").first.tap()
    page.locator("#delete-vertex").tap()
    expect(page.locator("[data-handle=vertex]")).to_have_count(0)
    assert not audit(plan)


def test_a_dragged_vertex_snaps_to_a_node_and_to_a_wall(desk: Desk) -> None:
    page = desk.page
    wall = house(desk.plan, (2.3, 0.3), (2.4, 0.7))
    line = LineString(place(2.29, 0.1), place(2.29, 0.95), srid=4490)
    road = Post.objects.create(institution=desk.plan.institution, code="路-1", name="路段", kind="road", geom=line)
    try:
        lon, lat = place(2.1, 0.5)
        page.goto(f"/?plan={desk.plan.pk}&level=2&lon={lon}&lat={lat}&z=17")
        page.wait_for_selector("#map[data-ready=true]")
        with page.expect_response(re.compile("/api/buildings")):
            page.keyboard.press("r")
        page.wait_for_timeout(300)
        desk.click(2, 0.45)
        middle = desk.pixel(2, 0.5)
        x, y = desk.pixel(2.3, 0.5)
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(x + 6, y, steps=6)
        shot(page, "edit-snap")
        page.mouse.up()
        desk.done("撤销: 调整界线")
        assert paths(desk.plan)[0]["new"][1][0] == pytest.approx(place(2.3, 0)[0], abs=1e-7)
        # Each source has its switch: without walls, the road that somebody is in charge of is nearest.
        page.click(".snap-sources summary")
        with page.expect_response(re.compile("borders-beside")):
            page.get_by_label("房屋的墙").uncheck()
        page.wait_for_timeout(300)
        shot(page, "edit-snap-sources")
        page.mouse.move(*desk.pixel(2.3, 0.5))
        page.mouse.down()
        x, y = desk.pixel(2.29, 0.6)
        page.mouse.move(x + 3, y, steps=6)
        page.mouse.up()
        expect(page.locator("#plan option:checked")).to_contain_text("第 3 版")
        assert paths(desk.plan)[0]["new"][1][0] == pytest.approx(place(2.29, 0)[0], abs=1e-7)
    finally:
        road.delete()
        wall.delete()


def test_while_dragging_the_old_line_what_changes_hands_and_the_figures_are_seen(desk: Desk) -> None:
    page = desk.page
    home = house(desk.plan, (2.08, 0.48), (2.12, 0.52))
    rule = Rule.objects.create(
        institution=desk.plan.institution,
        name="面积",
        measure="area_km2",
        level=0,
        high=0.001,
        severity=Rule.Severity.BLOCK,
    )
    try:
        page.keyboard.press("r")
        page.mouse.move(*desk.pixel(2, 0.3))
        expect(page.locator(".drag-tip").last).to_contain_text("｜")
        desk.click(2, 0.3)
        left, right = hue(desk, 1.5, 0.5), hue(desk, 2.8, 0.5)
        assert left != right == hue(desk, 2.2, 0.52)
        page.mouse.move(*desk.pixel(2, 0.5))
        page.mouse.down()
        page.mouse.move(*desk.pixel(2.3, 0.55), steps=6)
        page.wait_for_timeout(100)
        # Before the drop: the fills of both sides are those of the border in the hand.
        assert [hue(desk, x, 0.52) for x in (1.5, 2.2, 2.8)] == [left, left, right]
        tip = page.locator(".drag-tip").last
        expect(tip).to_contain_text(re.compile(r"001002 \+[\d,]+ 平方米"))
        expect(tip).to_contain_text("+7 户")
        expect(tip).to_contain_text("−7 户")
        expect(page.locator("#map .pin.rule").first).to_be_visible()
        expect(page.locator(".edit-result")).to_contain_text("必须满足")
        shot(page, "edit-drag-figures")
        page.mouse.up()
        desk.done("撤销: 调整界线")
        page.locator(".edit-result .rows button").first.click()
        expect(page.locator("#panel-body h2")).to_be_visible()
    finally:
        rule.delete()
        home.delete()


def test_a_drag_across_another_border_is_marked_at_once(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.mouse.move(*desk.pixel(2, 0.5))
    page.mouse.down()
    page.mouse.move(*desk.pixel(3.3, 0.5), steps=6)
    expect(page.locator("#map .pin").first).to_be_visible()
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("相交")
    page.mouse.move(*desk.pixel(2.4, 0.5), steps=6)
    expect(page.locator("#map .pin")).to_have_count(0)
    page.mouse.up()
    desk.done("撤销: 调整界线")
    complaints.clear()


def test_measures_are_seen_before_a_split_a_merge_and_a_transfer(desk: Desk) -> None:
    page = desk.page
    result = page.locator(".edit-result")
    page.keyboard.press("s")
    desk.click(-0.1, 0.5)
    desk.click(1.15, 0.5)
    expect(result).to_contain_text("保存后", timeout=15_000)
    page.keyboard.press("Escape")
    expect(result).to_be_empty()
    page.keyboard.press("m")
    desk.click(0.5, 0.5)
    desk.click(1.5, 0.5)
    expect(result).to_contain_text("已不存在")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    for point in ((1.7, 1.3), (2.4, 1.3), (2.4, 1.7), (1.7, 1.7)):
        desk.click(*point)
    # The browser may send a movement of its own when the panel changes, before the hand moves.
    with page.expect_request(lambda request: '"transfer"' in (request.post_data or "")):
        page.keyboard.press("Enter")
        expect(page.locator("#edit-hint")).to_have_text("再点选接收的网格。")
        page.mouse.move(*desk.pixel(1.3, 1.5))
    expect(result).to_contain_text("→")
    assert not Edit.objects.filter(plan=desk.plan).exists()


def test_a_border_is_picked_and_grids_are_merged_by_the_keyboard_alone(desk: Desk) -> None:
    """The cross-hair begins on a corner of four grids; an arrow moves the map by half a leaf."""
    page = desk.page
    lon, lat = place(2, 2)
    page.goto(f"/?plan={desk.plan.pk}&level=2&lon={lon}&lat={lat}&z=16")
    page.wait_for_selector("#map[data-ready=true]")

    def go(key: str, times: int = 1) -> None:
        for _ in range(times):
            page.keyboard.press(key)
            page.wait_for_timeout(450)

    page.keyboard.press("m")
    page.locator("#map").focus()
    go("ArrowRight")
    go("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#edit-hint")).to_contain_text("合并：")
    go("ArrowRight", 2)
    page.keyboard.press("Space")
    expect(page.locator("#edit-hint")).to_contain_text("、")
    page.keyboard.press("Enter")
    desk.done("撤销: 合并")
    page.keyboard.press("r")
    page.locator("#map").focus()
    go("ArrowLeft", 3)
    page.keyboard.press("Space")
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.dataset.handle") != "middle":
        page.keyboard.press("Tab")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    desk.done("撤销: 调整界线")
    page.keyboard.press("v")
    page.locator("#map").focus()
    go("ArrowLeft")
    page.keyboard.press("Space")
    expect(page.locator("#grid-name")).to_be_visible()
    assert not audit(desk.plan)

"""Editing beside others: without a network, with answers that are lost, and with colleagues who edit the same draft."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from playwright.sync_api import expect

from layers.editing import service
from layers.editing.models import Edit
from layers.grids.coverage import audit
from layers.grids.models import Plan
from tests.browser.conftest import log_in
from tests.browser.desk import MINE, THEIRS, Desk, colleague, paths, place, shot
from tests.factories import grid

pytestmark = pytest.mark.browser


def test_several_edits_wait_in_their_order_while_there_is_no_network(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.context.set_offline(True)
    desk.drag((2, 0.5), (2.3, 0.5))
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("已留在本机")
    page.keyboard.press("s")
    desk.click(-0.1, 2.5)
    desk.click(1.15, 2.5)
    page.keyboard.press("Enter")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("有 2 步没有保存")
    shot(page, "edit-unsent")
    page.context.set_offline(False)
    page.click("#resend")
    desk.done("撤销: 拆分")
    assert [edit.op for edit in Edit.objects.filter(plan=desk.plan).order_by("revision")] == ["reshape", "split"]
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('jt-unsent'))") == []
    assert not audit(desk.plan)
    complaints.clear()


def test_an_edit_after_the_session_has_ended_waits_until_somebody_signs_in(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.route(re.compile(r"edits\?since"), lambda route: route.abort())  # else it may be the first to learn of it
    page.context.clear_cookies(name="sessionid")
    desk.drag((2, 0.5), (2.3, 0.5))
    expect(page.locator("#id_username")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.unroute_all()
    log_in(page, "planner")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("已留在本机")
    page.click("#resend")
    desk.done("撤销: 调整界线")
    assert [edit.op for edit in Edit.objects.filter(plan=desk.plan)] == ["reshape"]
    complaints.clear()  # Chromium reports the answer 401


def test_a_line_in_the_making_outlasts_the_session(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("s")
    desk.click(-0.1, 2.5)
    page.context.clear_cookies(name="sessionid")
    expect(page.locator("#notice")).to_contain_text("登录已结束。请先完成手上的这一步")
    desk.click(1.15, 2.5)
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_username")
    log_in(page, "planner")
    page.click("#resend")
    desk.done("撤销: 拆分")
    assert [edit.op for edit in Edit.objects.filter(plan=desk.plan)] == ["split"]
    complaints.clear()  # Chromium reports the answers 401


def test_asking_for_news_is_no_sign_of_life_but_a_key_is(desk: Desk) -> None:
    page = desk.page
    with page.expect_request(re.compile(r"edits\?since")) as asked:
        page.wait_for_timeout(1)
    assert asked.value.headers["x-unattended"] == "1"
    page.evaluate("const now = Date.now; Date.now = () => now() + 60_000")
    with page.expect_request("**/api/me") as told:
        page.keyboard.press("Shift")
    assert "x-unattended" not in told.value.headers


def test_an_answer_that_is_lost_does_not_make_the_edit_twice(desk: Desk, complaints: list[str]) -> None:
    """The server has saved, and is killed before it answers."""
    page = desk.page
    page.keyboard.press("s")
    desk.click(-0.1, 0.5)
    desk.click(1.15, 0.5)

    def lose(route: Any) -> None:
        if '"dry_run"' in route.request.post_data:
            route.continue_()
        else:
            route.fetch()
            route.abort()

    page.route(re.compile(r"/edits$"), lose)
    page.keyboard.press("Enter")
    expect(page.locator("#resend")).to_be_visible()
    page.unroute(re.compile(r"/edits$"))
    page.click("#resend")
    desk.done("撤销: 拆分 001")
    expect(page.locator("#resend")).to_have_count(0)
    assert Edit.objects.filter(plan=desk.plan).count() == 1 and not audit(desk.plan)
    complaints.clear()


def test_a_step_is_undone_out_of_the_history_and_refused_where_a_neighbour_has_changed(
    desk: Desk, complaints: list[str]
) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    desk.drag((2, 0.5), (2.3, 0.5))
    desk.done("撤销: 调整界线")
    service.commit(
        desk.plan.pk, colleague(desk.plan), "lock", {"grids": [grid(desk.plan, "004004").pk], "locked": True}, 2
    )
    page.click("#edit-panel .history summary")
    page.locator("#edit-panel .history li button", has_text="调整界线").last.click()
    page.click("#undo-step")
    expect(page.locator("#redo")).to_contain_text("重做: 调整界线")
    page.click("#redo")
    desk.done("撤销: 调整界线")
    vertex = paths(desk.plan)[0]["new"][1]
    bend = {"old": [place(2, 0), vertex], "new": [place(2, 0), place(2.2, 0.2), vertex]}
    revision = Plan.objects.get(pk=desk.plan.pk).revision
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [bend]}, revision)
    page.click("#undo")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("之后又有改动")
    expect(page.locator("#map .pin").first).to_be_visible()
    assert not audit(desk.plan)
    complaints.clear()


def test_a_colleagues_edit_does_not_take_the_vertex_out_of_the_moving_hand(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.mouse.move(*desk.pixel(2, 0.5))
    page.mouse.down()
    page.mouse.move(*desk.pixel(2.2, 0.5), steps=5)
    lines = [[place(-0.1, 3.5), place(1.1, 3.5)]]
    service.commit(
        desk.plan.pk, colleague(desk.plan), "split", {"grid": grid(desk.plan, "003003").pk, "lines": lines}, 1
    )
    expect(page.locator("#notice")).to_contain_text("拆分 003", timeout=9000)
    page.mouse.move(*desk.pixel(2.3, 0.5), steps=5)
    page.mouse.up()
    desk.done("撤销: 调整界线 002 与 001")
    # Again, and this time the colleague moves the very border.
    vertex = paths(desk.plan)[0]["new"][1]
    page.mouse.move(*desk.pixel(2.3, 0.5))
    page.mouse.down()
    page.mouse.move(*desk.pixel(2.1, 0.5), steps=5)
    bend = {"old": [place(2, 0), vertex, place(2, 1)], "new": [place(2, 0), place(1.7, 0.5), place(2, 1)]}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [bend]}, 3)
    expect(page.locator("#notice")).to_contain_text("调整界线", timeout=9000)
    page.mouse.move(*desk.pixel(2.2, 0.5), steps=5)
    page.mouse.up()
    expect(page.locator("#theirs")).to_be_visible()
    shot(page, "edit-conflict-drag")
    assert Edit.objects.filter(plan=desk.plan).count() == 3
    page.click("#mine")
    desk.done("撤销: 调整界线 002 与 001")
    assert not audit(desk.plan)
    complaints.clear()


def test_a_conflict_about_a_merge_shows_the_grids_that_were_chosen(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    page.route(re.compile(r"edits\?since"), lambda route: route.abort())
    page.keyboard.press("m")
    desk.click(0.5, 0.5)
    desk.click(1.5, 0.5)
    service.commit(
        desk.plan.pk, colleague(desk.plan), "rename", {"grid": grid(desk.plan, "001002").pk, "name": "城东"}, 1
    )
    page.unroute_all()
    page.click("#finish")
    expect(page.locator("#theirs")).to_be_visible()
    shot(page, "edit-conflict-merge")
    page.click("#mine")
    desk.done("撤销: 合并 001 与 002")
    complaints.clear()


def redrawn_meanwhile(desk: Desk, border: list[list[float]], theirs: list[list[float]]) -> None:
    """The border of 001002 and 002001 is redrawn in one stroke while a colleague has made something else of it."""
    page = desk.page
    page.route(re.compile(r"edits\?since"), lambda route: route.abort())
    page.keyboard.press("r")
    desk.click(2, 0.3)
    page.click("#redraw")
    page.get_by_label("手绘").check()
    desk.stroke((2, 0.25), (2.3, 0.3), (2.3, 0.7), (2, 0.75))
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    revision = Plan.objects.get(pk=desk.plan.pk).revision
    change = {"paths": [{"old": border, "new": theirs}]}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", change, revision)
    page.unroute_all()
    page.keyboard.press("Enter")
    expect(page.locator("#edit-panel [role=alert]")).to_contain_text("冲突")


def test_a_stretch_redrawn_in_vain_is_redrawn_on_what_the_colleague_made(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    theirs = [place(2, 0), place(1.7, 0.5), place(2, 1)]
    redrawn_meanwhile(desk, [place(2, 0), place(2, 1)], theirs)
    desk.sees(MINE, 2.3, 0.5)
    desk.sees(THEIRS, 1.7, 0.5)
    shot(page, "edit-conflict-redraw")
    page.click("#mine")
    desk.done("撤销: 重画界线 002 与 001")
    expect(page.locator("#theirs")).to_have_count(0)
    step = Edit.objects.filter(plan=desk.plan, op="redraw").get()
    assert step.args["old"] == theirs and not audit(desk.plan)
    assert grid(desk.plan, "001002").geom.contains(Point(*place(2.25, 0.5), srid=4490))
    complaints.clear()


def test_a_stretch_redrawn_in_vain_finds_its_border_though_its_vertices_are_gone(
    desk: Desk, complaints: list[str]
) -> None:
    page = desk.page
    bend = [place(2, 0), place(2, 0.2), place(1.9, 0.5), place(2, 0.8), place(2, 1)]
    straight = {"old": [place(2, 0), place(2, 1)], "new": bend}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [straight]}, 1)
    expect(page.locator("#notice")).to_contain_text("调整界线", timeout=9000)
    redrawn_meanwhile(desk, bend, [place(2, 0), place(1.7, 0.5), place(2, 1)])
    page.click("#mine")
    desk.done("撤销: 重画界线 002 与 001")
    assert grid(desk.plan, "001002").geom.contains(Point(*place(2.25, 0.5), srid=4490)) and not audit(desk.plan)
    complaints.clear()


def test_a_line_that_the_border_has_been_moved_away_from_is_to_be_drawn_again(
    desk: Desk, complaints: list[str]
) -> None:
    page = desk.page
    lon, lat = place(2, 0.5)
    page.goto(f"/?plan={desk.plan.pk}&level=2&lon={lon}&lat={lat}&z=17")
    page.wait_for_selector("#map[data-ready=true]")
    bend = [place(2, 0), place(2, 0.25), place(1.9, 0.5), place(2, 0.75), place(2, 1)]
    straight = {"old": [place(2, 0), place(2, 1)], "new": bend}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [straight]}, 1)
    expect(page.locator("#notice")).to_contain_text("调整界线", timeout=9000)
    redrawn_meanwhile(desk, bend, [place(2, 0), place(1.2, 0.1), place(1.2, 0.9), place(2, 1)])
    page.click("#mine")
    expect(page.locator("#notice")).to_contain_text("请重画")
    expect(page.locator("#theirs")).to_be_visible()
    assert not Edit.objects.filter(plan=desk.plan, op="redraw").exists()
    complaints.clear()


def test_the_colleagues_line_is_kept_where_that_is_chosen(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    theirs = [place(2, 0), place(1.7, 0.5), place(2, 1)]
    redrawn_meanwhile(desk, [place(2, 0), place(2, 1)], theirs)
    page.click("#theirs")
    expect(page.locator("#theirs")).to_have_count(0)
    expect(page.locator(".edit-result")).to_be_empty()
    assert not Edit.objects.filter(plan=desk.plan, op="redraw").exists()
    # The border, as it is now, is still in the hand.
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    expect(page.locator("[data-handle=vertex]")).to_have_count(1)
    desk.drag((1.7, 0.5), (1.8, 0.5))
    desk.done("撤销: 调整界线")
    complaints.clear()

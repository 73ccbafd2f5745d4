"""Where am I: the device's position, candidates near a border, and base maps in another datum."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Route, expect

from gis.datum import GCJ02, from_cgcs2000
from layers.orgs.models import User
from layers.presence.models import CheckIn
from layers.staff.models import Assignment, Staff
from tests.browser.conftest import Open, panel_text
from tests.browser.map_page import (
    BLANK,
    a_grid,
    at,
    click_middle,
    inside,
)

pytestmark = pytest.mark.browser


@pytest.mark.domain("MY01")
def test_locate_by_the_device(open_map: Open) -> None:
    grid = a_grid()
    lon, lat = inside(grid)
    page = open_map(
        user="worker", geolocation={"longitude": lon, "latitude": lat, "accuracy": 5}, permissions=["geolocation"]
    )
    page.click("[data-tool=locate]")
    expect(page.locator("#panel-body h2")).to_have_text(grid.name)
    name = Assignment.objects.on().get(grid=grid, kind="main").staff.name
    expect(page.locator(".others")).to_have_text(f"{name}的网格")
    expect(page.locator("#panel-body .distance")).to_contain_text("距界线")
    assert "定位精度约 5 米" in panel_text(page)
    assert "最近的网点" in panel_text(page)
    expect(page.locator("#panel-body .message.warning")).to_have_count(0)


def test_my_own_grid_is_called_mine(open_map: Open) -> None:
    worker = Staff.objects.get(user=User.objects.get(username="worker"))
    lon, lat = inside(Assignment.objects.filter(staff=worker).first().grid)  # type: ignore[union-attr]
    page = open_map(
        user="worker", geolocation={"longitude": lon, "latitude": lat, "accuracy": 1}, permissions=["geolocation"]
    )
    page.click("[data-tool=locate]")
    expect(page.locator(".mine")).to_have_text("我的网格")
    page.get_by_role("button", name="上岗签到").click()
    expect(page.locator(".duty")).to_contain_text("在岗, ")
    boss = open_map(user="manager")
    boss.locator("#layers > summary").click()
    boss.get_by_label("在岗人员").check()
    boss.locator(".point.on-duty").click()
    expect(boss.locator("#panel-body")).to_contain_text("本人的网格")
    page.get_by_role("button", name="离岗").click()
    expect(page.locator(".duty")).to_contain_text("未签到")
    boss.locator(".point.on-duty").click()  # from before she left
    expect(boss.locator("#notice")).to_have_text("此人已离岗。")
    expect(boss.locator(".point.on-duty")).to_have_count(0)
    expect(boss.locator("[data-layer=on-duty] .figures")).to_have_text("0")


def test_leaving_needs_no_place(open_map: Open, complaints: list[str]) -> None:
    """Whoever checked in outside every grid leaves where the device does not find her."""
    away = {"longitude": 112.2, "latitude": 30.4, "accuracy": 5}
    page = open_map(user="worker", geolocation=away, permissions=["geolocation"])
    page.click("[data-tool=locate]")
    expect(page.get_by_role("alert")).to_contain_text("不在任何网格内")
    page.get_by_role("button", name="上岗签到").click()
    expect(page.locator(".duty")).to_contain_text("在岗, ")
    later = open_map(user="worker", permissions=[])
    later.click("[data-tool=locate]")
    expect(later.get_by_role("alert")).to_contain_text("没有获得定位许可")
    expect(later.locator(".duty button")).to_have_text(["离岗"])
    later.get_by_role("button", name="离岗").click()
    expect(later.locator(".duty")).to_contain_text("未签到")
    expect(later.locator(".duty button")).to_have_count(0)
    assert not CheckIn.objects.exists()
    complaints.clear()  # Chromium reports the answer 404


def test_who_asks_before_the_page_knows_her_can_check_in_all_the_same(open_map: Open) -> None:
    held: list[Route] = []
    lon, lat = inside(a_grid())
    page = open_map(
        user="worker",
        before=lambda page: page.route("**/api/on-duty/mine", lambda route: held.append(route)),
        geolocation={"longitude": lon, "latitude": lat, "accuracy": 5},
        permissions=["geolocation"],
    )
    page.click("[data-tool=locate]")
    expect(page.locator("#panel-body .distance")).to_be_visible()
    assert held
    expect(page.locator(".duty button")).to_have_count(0)
    held[0].continue_()
    expect(page.locator(".duty button")).to_have_text(["上岗签到"])


def test_near_a_border_names_the_candidates(open_map: Open) -> None:
    grid = a_grid()
    lon, lat = inside(grid)
    page = open_map(geolocation={"longitude": lon, "latitude": lat, "accuracy": 3000}, permissions=["geolocation"])
    page.click("[data-tool=locate]")
    expect(page.locator("#panel-body .message.warning")).to_contain_text("靠近界线")
    assert page.locator("#panel-body .message.warning li").count() >= 2


def test_tap_in_locate_mode_and_outside_every_grid(open_map: Open, complaints: list[str]) -> None:
    grid = a_grid()
    page = open_map(at(grid), permissions=[])
    page.click("[data-tool=locate]")
    expect(page.get_by_role("alert")).to_contain_text("没有获得定位许可")
    click_middle(page)
    expect(page.locator("#panel-body h2")).to_have_text(grid.name)
    page.keyboard.press("Escape")
    expect(page.locator("[data-tool=select]")).to_have_attribute("aria-pressed", "true")

    away = open_map("?lon=112.2&lat=30.4&z=12")
    away.click("[data-tool=locate]")
    expect(away.get_by_role("alert")).to_be_visible()
    click_middle(away)
    expect(away.get_by_role("alert")).to_contain_text("不在任何网格内")
    complaints.clear()  # Chromium reports the answer 404


def test_shifted_base_map_keeps_the_page_right(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(
        at(grid, 16, base="amap"),
        before=lambda page: page.route(
            re.compile("^https://"), lambda route: route.fulfill(body=BLANK, content_type="image/png")
        ),
    )
    click_middle(page)
    expect(page.locator("[data-field=code]")).to_have_text(grid.code)
    lon, lat = inside(grid)
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = [float(number) for number in re.findall(r"[\d.]{6,}", page.inner_text("#pointer"))[:2]]
    assert shown == pytest.approx([lon, lat], abs=3e-5)
    page.click("#layers summary")
    page.select_option("#base", "none")
    assert "base=" not in page.url
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    again = [float(number) for number in re.findall(r"[\d.]{6,}", page.inner_text("#pointer"))[:2]]
    assert again == pytest.approx([lon, lat], abs=6e-5)


def test_datum_of_the_page_is_that_of_the_server(open_map: Open) -> None:
    page = open_map()
    places = [[112.9, 30.42], [120.1, 30.2], [87.6, 43.8], [139.7, 35.7]]
    there, back = page.evaluate(
        """async places => { const { fromCgcs2000, toCgcs2000 } = await import('jt/datum');
        const there = places.map(fromCgcs2000('gcj02')); return [there, there.map(toCgcs2000('gcj02'))]; }""",
        places,
    )
    assert np.allclose(there, from_cgcs2000(np.array(places), GCJ02), rtol=0, atol=1e-10)
    assert np.allclose(back, places, rtol=0, atol=1e-9)

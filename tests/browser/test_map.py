"""The map page, as its users use it: what is painted, clicked, searched, and kept in the address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from layers.facilities.models import Outlet
from layers.grids.models import Grid
from tests.browser.conftest import PHONE, READY, Open, panel_text
from tests.browser.map_page import (
    IMAGE,
    a_grid,
    at,
    change_json,
    click_middle,
    drafted,
    inside,
    painted,
    published,
)

pytestmark = pytest.mark.browser


def test_map_is_painted_with_borders_labels_and_legend(open_map: Open) -> None:
    page = open_map()
    for pane in ("jt-grids", "jt-borders", "jt-labels"):
        assert painted(page, pane) > 1000
    expect(page.locator("#plan option:checked")).to_contain_text("2026 年网格划分 (已发布·第")
    expect(page.locator("#legend")).to_contain_text("城区网格")
    expect(page.locator("#synthetic")).to_have_text("演示数据: 内部界线为合成")


def test_first_map_is_less_than_a_megabyte(open_map: Open) -> None:
    page = open_map("?level=3")
    page.context.new_cdp_session(page).send("Network.clearBrowserCache")
    page.reload()
    page.wait_for_selector(READY)
    sent = page.evaluate("performance.getEntriesByType('resource').reduce((sum, entry) => sum + entry.transferSize, 0)")
    assert 100_000 < sent < 1_000_000


@pytest.mark.parametrize("zoom", [12, 14, 17, 20])
def test_no_sliver_between_neighbours(open_map: Open, zoom: int) -> None:
    grid = a_grid(code__startswith="429005101")
    page = open_map(at(grid, zoom))
    bare = page.evaluate(
        """() => { const canvas = document.querySelector('.leaflet-jt-grids-pane canvas');
        const { width, height } = canvas; const map = document.querySelector('#map').getBoundingClientRect();
        const box = canvas.getBoundingClientRect();
        const side = Math.min(map.width, map.height) / 3;
        const { data } = canvas.getContext('2d').getImageData(
          map.left - box.left + map.width / 2 - side / 2, map.top - box.top + map.height / 2 - side / 2, side, side);
        let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] === 0; return n; }"""
    )
    assert bare == 0


def test_neighbours_differ_in_hue_and_kinds_in_pattern(open_map: Open) -> None:
    page = open_map()
    result = page.evaluate(
        """async plan => { const { Topology } = await import('jt/topology');
        const json = await (await fetch(`/api/plans/${plan}/topology`)).json();
        const { neighbors } = self.topojson;
        return [1, 2, 3].map((level) => {
          const hues = new Topology(json).grids(level).map((grid) => grid.hue);
          const alike = neighbors(json.objects[`level${level}`].geometries)
            .flatMap((list, i) => list.filter((j) => hues[i] === hues[j])).length;
          return [alike, Math.max(...hues) + 1]; }); }""",
        published().pk,
    )
    assert all(alike == 0 and 4 <= hues <= 6 for alike, hues in result)


def test_the_browser_has_the_very_coordinates_that_are_stored(open_map: Open) -> None:
    page = open_map()
    grid = a_grid()
    rings = page.evaluate(
        """async ([plan, id]) => { const { Topology } = await import('jt/topology');
        return new Topology(await (await fetch(`/api/plans/${plan}/topology`)).json()).grid(id).polygons; }""",
        [grid.plan_id, grid.pk],
    )
    stored = {tuple(point) for point in grid.geom.coords[0][0]}
    assert {tuple(point) for point in rings[0][0]} == stored


def test_click_shows_the_grid(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(at(grid))
    click_middle(page)
    expect(page.locator("#panel-body h2")).to_have_text(grid.name)
    expect(page.locator("[data-field=code]")).to_have_text(grid.code)
    text = panel_text(page)
    for word in (
        "农村" if grid.kind == "rural" else "城区",
        "面积",
        "户数",
        "截至 2026-01-01",
        "演示数据",
        "相邻网格",
        "责任人",
    ):
        assert word in text
    assert f"grid={grid.pk}" in page.url


def test_a_grid_without_a_person_in_charge_is_said_to_be_vacant(open_map: Open) -> None:
    vacant = Grid.objects.filter(plan=published(), level=3, assignments=None).get()
    page = open_map(f"?grid={vacant.pk}&level=3")
    expect(page.locator("#panel-body .vacant")).to_have_text("空缺")


def test_walking_by_the_panel_from_grid_to_grid(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(f"?grid={grid.pk}&level=3")
    parent = page.locator("#panel-body .chain button", has_text=grid.parent.name).first
    parent.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-field=code]")).to_have_text(grid.parent.code)
    first = page.locator("#panel-body .rows:not(.contents, .contents *) button").first
    name = first.inner_text()
    first.click()
    expect(page.locator("#panel-body h2")).to_have_text(name)


def test_search_by_name_with_the_keyboard(open_map: Open) -> None:
    page = open_map()
    page.locator("body").press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("浩口")
    expect(page.locator("#search-results [role=option]").first).to_contain_text("浩口")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#search-results [aria-selected=true] span").first.inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-body h2")).to_have_text(chosen)
    expect(page.locator("#search-results")).to_be_hidden()


def test_search_by_code_goes_to_the_grid(open_map: Open) -> None:
    grid = a_grid()
    page = open_map()
    page.fill("#search", grid.code)
    page.locator("#search-results [role=option]").first.click()
    expect(page.locator("[data-field=code]")).to_have_text(grid.code)
    expect(page.locator("#levels input[value='3']")).to_be_checked()
    west, south, east, north = grid.geom.extent
    lon, lat = (float(re.search(rf"{name}=([\d.]+)", page.url)[1]) for name in ("lon", "lat"))  # type: ignore[index]
    assert west < lon < east and south < lat < north


def test_search_finds_what_stands_in_the_grids(open_map: Open) -> None:
    """An outlet by its name; its card opens, and it comes into sight."""
    outlet = Outlet.objects.filter(kind="staffed", institution__path__startswith=published().institution.path).first()
    page = open_map()
    page.fill("#search", outlet.name)
    found = page.locator("#search-results [role=option]", has_text=outlet.code)
    expect(found).to_contain_text("网点 · 营业网点")
    found.click()
    expect(page.locator("#panel-body h2")).to_contain_text(outlet.name)
    lon, lat = (float(re.search(rf"{name}=([\d.]+)", page.url)[1]) for name in ("lon", "lat"))  # type: ignore[index]
    assert abs(lon - outlet.geom.x) < 0.01 and abs(lat - outlet.geom.y) < 0.01


def test_escape_gives_the_focus_back_to_what_opened_the_menu(open_map: Open) -> None:
    page = open_map()
    page.locator("#layers > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#layer-choice input").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#layer-choice")).to_be_hidden()
    expect(page.locator("#layers > summary")).to_be_focused()


def test_search_that_finds_nothing_says_so(open_map: Open) -> None:
    page = open_map()
    page.fill("#search", "没有这个名字")
    expect(page.locator("#search-results")).to_contain_text("没有找到")


def test_level_switch_by_click_and_key_stays_in_the_address(open_map: Open) -> None:
    page = open_map()
    before = painted(page, "jt-borders")
    page.locator("#levels label", has_text="网格").click()
    expect(page).to_have_url(re.compile("level=3"))
    assert painted(page, "jt-borders") > before
    page.locator("#map").press("2")
    expect(page).to_have_url(re.compile("level=1"))
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#levels input:checked")).to_have_value("1")


def test_deep_link_restores_everything(open_map: Open) -> None:
    grid = a_grid()
    lon, lat = inside(grid)
    page = open_map(f"?plan={grid.plan_id}&level=3&grid={grid.pk}&lon={lon:.5f}&lat={lat:.5f}&z=15&layers=outlets")
    expect(page.locator("[data-field=code]")).to_have_text(grid.code)
    expect(page.locator("#layer-choice input[value=outlets]")).to_be_checked()
    for part in (f"grid={grid.pk}", "level=3", "z=15", f"lon={float(f'{lon:.5f}')}", "layers=outlets"):
        assert part in page.url


def test_draft_plan_can_be_chosen(open_map: Open) -> None:
    draft = drafted()
    page = open_map()
    page.select_option("#plan", str(draft.pk))
    expect(page.locator("#panel-body h2")).to_have_text(draft.name)
    expect(page.locator("#coverage")).to_have_attribute("data-state", "exact")
    assert f"plan={draft.pk}" in page.url


@pytest.mark.domain("HY01")
def test_coverage_badge_is_computed(open_map: Open) -> None:
    page = open_map()
    expect(page.locator("#coverage")).to_contain_text("无缺口、无重叠")
    page.click("#coverage")
    expect(page.locator("#panel-body")).to_contain_text(f"{Grid.objects.filter(plan=published()).count():,}")


def test_defects_are_objects_on_the_map_and_in_the_list(open_map: Open) -> None:
    square = [[[112.8, 30.4], [112.82, 30.4], [112.82, 30.42], [112.8, 30.42], [112.8, 30.4]]]
    line = {"type": "LineString", "coordinates": [[112.9, 30.4], [112.9, 30.42]]}

    def broken(report: dict[str, Any]) -> dict[str, Any]:
        kinds = [
            ("gap", {"type": "Polygon", "coordinates": square}),
            ("overlap", {"type": "MultiPolygon", "coordinates": [square]}),
            ("unmatched", line),
        ]
        features = [
            {
                "type": "Feature",
                "id": number,
                "geometry": geometry,
                "properties": {"kind": kind, "area_m2": 12.5, "grids": [IMAGE]},
            }
            for number, (kind, geometry) in enumerate(kinds, 1)
        ]
        return report | {"exact": False, "defects": {"type": "FeatureCollection", "features": features}}

    page = open_map(before=lambda page: change_json(page, "/coverage$", broken))
    badge = page.locator("#coverage")
    expect(badge).to_have_attribute("data-state", "broken")
    expect(badge).to_contain_text("3 处问题")
    expect(page.locator("#map .pin")).to_have_count(3)
    badge.click()
    expect(page.locator("#panel-body .rows .pin")).to_have_text(["1", "2", "3"])
    page.get_by_role("button", name="重叠").click()
    expect(page).to_have_url(re.compile("z=1[3-9]"))
    page.get_by_role("button", name="界线顶点不一致").click()
    page.locator("#map .pin", has_text="3").click()
    expect(page.locator("#defect-3 button")).to_be_focused()
    assert page.evaluate("window.hacked") is None


def test_layers_are_shown_and_put_away(open_map: Open) -> None:
    page = open_map("?layers=outlets")
    expect(page.locator("#map .cluster, #map .point").first).to_be_visible()
    page.click("#layers summary")
    page.check("#layer-choice input[value=machines]")
    expect(page.locator("#map .cluster.machines").first).to_be_visible()
    page.uncheck("#layer-choice input[value=machines]")
    expect(page.locator("#map .cluster.machines")).to_have_count(0)
    assert "layers=outlets" in page.url


def test_escape_closes_and_focus_is_visible(open_map: Open) -> None:
    page = open_map()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width != "0px"
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).not_to_be_visible()
    page.click("#panel-toggle")
    expect(page.locator("#panel")).to_be_visible()


def test_phone_has_a_sheet_with_three_heights(open_map: Open) -> None:
    grid = a_grid()
    lon, lat = inside(grid)
    page = open_map(
        user="worker", viewport=PHONE, has_touch=True, is_mobile=True,
        geolocation={"longitude": lon, "latitude": lat, "accuracy": 5}, permissions=["geolocation"],
    )  # fmt: skip
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    handle, panel = page.locator("#sheet-handle"), page.locator("#panel")

    def height() -> float:
        box = panel.bounding_box()
        assert box is not None
        return box["height"]

    heights = [height()]
    for _ in range(2):
        handle.tap()
        heights.append(height())
    assert heights == sorted(set(heights))
    handle.tap()
    assert height() == heights[0]
    page.locator("[data-tool=locate]").tap()
    expect(page.locator("#panel-body h2")).to_have_text(grid.name)
    assert height() == heights[1]
    small = page.evaluate(
        """() => [...document.querySelectorAll('.rail button, .statusbar label, .statusbar summary, .topbar button, .leaflet-bar a')]
        .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 48).map((e) => e.outerHTML)"""
    )
    assert small == []


def test_phone_can_change_the_plan_and_the_level(open_map: Open) -> None:
    page = open_map(viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator("#levels label", has_text="村").tap()
    expect(page).to_have_url(re.compile("level=2"))
    page.locator("#sheet-handle").tap()
    page.locator("#panel-body button", has_text="2027 年调整").tap()
    expect(page.locator("#panel-body h2")).to_have_text("2027 年调整")


def test_another_bank_sees_its_own_plan_only(open_map: Open) -> None:
    page = open_map(user="planner2")
    expect(page.locator("#plan option")).to_have_count(1)
    expect(page.locator("#plan option")).to_contain_text("2026 年责任区")


def test_regulator_is_told_that_people_are_not_shown(open_map: Open) -> None:
    grid = a_grid()
    lon, lat = inside(grid)
    page = open_map(
        f"?plan={grid.plan_id}", user="regulator",
        geolocation={"longitude": lon, "latitude": lat, "accuracy": 1}, permissions=["geolocation"],
    )  # fmt: skip
    page.click("[data-tool=locate]")
    expect(page.locator("#panel-body")).to_contain_text("不能查看责任人")
    assert "演示员" not in panel_text(page)

"""Editing on a tablet held upright, by the fingers alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from layers.editing import service
from layers.editing.models import Edit
from layers.grids.coverage import audit
from layers.grids.models import Plan
from layers.streets.models import Street
from tests.browser.conftest import TABLET
from tests.browser.desk import MINE, THEIRS, Desk, Open, at_desk, colleague, finger, place, shot

pytestmark = pytest.mark.browser

OUT_OF_REACH = """() => {
  const name = (element) => element.id || element.textContent.trim() || element.outerHTML;
  const all = [...document.querySelectorAll('button, a, summary, select, input, label.check, .segments label')]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.tabIndex >= -1
      && !element.closest('.leaflet-marker-pane, .leaflet-control-attribution, .skip') && element.getBoundingClientRect().width > 1);
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is too wide');
  for (const element of all) {
    element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
    if (left < 0 || top < 0 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5) faults.push(`outside: ${name(element)}`);
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!element.contains(hit) && !hit?.closest('label')?.contains(element)) faults.push(`covered: ${name(element)} by ${hit && name(hit)}`);
    const cut = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== 'visible';
    if (element.matches('button') && cut) faults.push(`cut: ${name(element)}`);
    if (element.matches('button, summary, label, .link, .leaflet-bar a') && height < 44) faults.push(`small: ${name(element)} ${height}`);
  }
  return faults;
}"""
"""Controls that a finger does not reach: outside the window, under something else, cut off, or too small."""


@pytest.fixture
def desk(plan: Plan, open_map: Open) -> Desk:
    return at_desk(open_map, plan, **TOUCH)


TOUCH = {"viewport": TABLET, "has_touch": True, "is_mobile": True}


def drag(desk: Desk, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger from one point to another."""
    steps = [(start[0] + (end[0] - start[0]) * i / 6, start[1] + (end[1] - start[1]) * i / 6) for i in range(7)]
    finger(desk.page, *(desk.pixel(*step) for step in steps))


@pytest.mark.domain("ZG02")
def test_a_line_follows_the_streets_between_two_taps(desk: Desk) -> None:
    page = desk.page
    corners = [place(-0.2, 0.3), place(0.5, 0.3), place(0.5, 0.8), place(1.2, 0.8)]
    line = ", ".join(f"{x} {y}" for x, y in corners)
    street = Street.objects.create(
        institution=desk.plan.institution, geom=f"SRID=4490;LINESTRING({line})", kind="residential"
    )
    try:
        page.locator("[data-tool=split]").tap()
        page.get_by_text("沿街描线").tap()
        with page.expect_response(re.compile("streets/trace")):
            desk.tap(-0.1, 0.3)
            desk.tap(1.1, 0.8)
        expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
        shot(page, "tablet-trace")
        page.locator("#finish").tap()
        desk.done("撤销: 拆分 001")
        (line,) = Edit.objects.get(plan=desk.plan).args["lines"]
        assert corners[1] in line and corners[2] in line and not audit(desk.plan)
    finally:
        street.delete()


def test_a_tap_beside_a_node_is_meant_for_the_node(desk: Desk) -> None:
    page = desk.page
    page.locator("[data-tool=split]").tap()
    desk.tap(1, 1, aside=(14, 4))
    desk.tap(2, 2, aside=(-4, 14))
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    page.locator("#finish").tap()
    desk.done("撤销: 拆分")
    assert Edit.objects.get(plan=desk.plan).args["lines"] == [[place(1, 1), place(2, 2)]]
    assert not audit(desk.plan)


def test_a_conflict_shows_both_versions_and_one_is_chosen_with_a_finger(desk: Desk, complaints: list[str]) -> None:
    page = desk.page
    conflict(desk)
    shot(page, "tablet-conflict")
    assert page.evaluate(OUT_OF_REACH) == []
    page.locator("#mine").tap()
    desk.done("撤销: 调整界线")
    expect(page.locator("#theirs")).to_have_count(0)
    assert Edit.objects.filter(plan=desk.plan).count() == 2 and not audit(desk.plan)
    complaints.clear()


def conflict(desk: Desk) -> None:
    """A border is dragged that a colleague has moved just before."""
    page = desk.page
    page.route(re.compile(r"edits\?since"), lambda route: route.abort())
    page.locator("[data-tool=reshape]").tap()
    desk.tap(2, 0.3)
    expect(page.locator("[data-handle=middle]")).to_be_visible()
    border = {"old": [place(2, 0), place(2, 1)], "new": [place(2, 0), place(1.8, 0.5), place(2, 1)]}
    service.commit(desk.plan.pk, colleague(desk.plan), "reshape", {"paths": [border]}, 1)
    page.unroute(re.compile(r"edits\?since"))
    drag(desk, (2, 0.5), (2.3, 0.5))
    expect(page.locator("#theirs")).to_be_visible()
    desk.sees(MINE, 2.3, 0.5)
    desk.sees(THEIRS, 1.8, 0.5)


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_every_control_is_within_reach_of_a_finger(
    plan: Plan, open_map: Open, locale: str, complaints: list[str]
) -> None:
    bend = {"old": [place(2, 0), place(2, 1)], "new": [place(2, 0), place(1.8, 0.5), place(2, 1)]}
    service.commit(plan.pk, colleague(plan), "reshape", {"paths": [bend]}, 1)
    desk = at_desk(open_map, plan, locale=locale, **TOUCH)
    page = desk.page
    faults: dict[str, list[str]] = {}

    def look(state: str) -> None:
        shot(page, f"tablet-{locale[:2]}-{state}")
        if found := page.evaluate(OUT_OF_REACH):
            faults[state] = found

    desk.tap(0.5, 0.5)
    expect(page.locator("#grid-name")).to_be_visible()
    look("select")
    page.locator("[data-tool=reshape]").tap()
    desk.tap(1.9, 0.25)
    expect(page.locator("#straighten")).to_be_visible()
    desk.tap(1.8, 0.5)
    expect(page.locator("#delete-vertex")).to_be_visible()
    look("reshape")
    page.locator("#straighten").tap()
    expect(page.locator(".edit-result .measures").first).to_be_visible(timeout=15_000)
    look("straighten")
    page.locator("#decline").tap()
    page.locator("#redraw").tap()
    look("redraw")
    for tool in ("split", "merge", "transfer"):
        page.locator(f"[data-tool={tool}]").tap()
        desk.tap(0.5, 0.5)
        desk.tap(1.5, 0.5)
        look(tool)
    page.locator(".history summary").tap()
    page.locator(".history li button").first.tap()
    expect(page.locator("#undo-step")).to_be_visible()
    look("history")
    assert faults == {}
    complaints.clear()

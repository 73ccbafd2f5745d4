"""A walk through the site as each role: manager, administrator, regulator, and anybody on a phone; asserted on what is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from layers.features.models import Kind
from layers.grids.models import Grid
from layers.oversight.models import OversightSettings
from layers.staff.models import PublicSheet, Staff
from tests.browser.conftest import PHONE, READY, Open, sign_in
from tests.browser.test_manager import colour_by
from tests.browser.test_people import shot

pytestmark = pytest.mark.browser
New = Callable[..., Page]
SLOW = 60_000


def test_a_manager_sees_vacancy_and_double_holder_and_colours_the_map(open_map: Open) -> None:
    page = open_map("?level=3", user="manager")
    page.locator(".pages-menu > summary").click()
    page.locator(".pages-menu a", has_text="人员").click()
    page.wait_for_selector("#lists[data-ready=true]")
    for name, pins in (("vacant", 1), ("double", 2)):
        page.locator(f"[data-list={name}]").click()
        page.wait_for_url(f"**/people/?list={name}")
        expect(page.locator("#rows[data-ready=true] tbody tr")).to_have_count(1)
        expect(page.locator(".people-map .pin")).to_have_count(pins)
    page.go_back()
    page.goto("/?level=2")
    page.wait_for_selector("#map[data-ready=true]")
    colour_by(page, "cash_points_per_1000")
    expect(page.locator("#legend")).to_contain_text("每千户")


@pytest.fixture
def own_kind() -> Iterator[str]:
    yield "walk_kind"
    Kind.objects.filter(key="walk_kind").delete()


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_kinds_can_be_read_on_a_phone(new_page: Callable[..., Page], locale: str) -> None:
    page = new_page(viewport=PHONE, locale=locale)
    sign_in(page, "admin", after="/kinds/")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    narrowest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.kinds .named')].map((name) => name.clientWidth))"
    )
    assert narrowest > 100
    shot(page, f"kinds-{locale}")


def test_an_administrator_adds_a_kind_switches_on_sheets_and_reads_the_log_of_it(new_page: New, own_kind: str) -> None:
    page = new_page()
    sign_in(page, "admin", after="/kinds/new/?layer=places")
    page.fill("[name=key]", own_kind)
    page.fill("[name=name]", "走查驿站")
    page.locator(".signs label").first.click()
    page.click(".kind-form .primary")
    expect(page.locator("main")).to_contain_text("走查驿站")
    page.goto("/people/settings/")
    sheets = page.locator("input[name$=public_sheets]")
    for wanted in (False, True):
        sheets.set_checked(wanted)
        page.locator(".grid-form").first.locator("button.primary").click()
        page.wait_for_load_state()
        expect(sheets).to_be_checked(checked=wanted)
    page.goto("/audit/")
    log = page.locator("#entries tbody")
    expect(log.locator("tr", has_text="对外公示").first).to_contain_text("admin")
    shot(page, "walk-audit")
    # The newest entry of its table is the kind that was added; those of former runs, and their deletion, lie below.
    page.goto("/audit/?table=feature_kind")
    added = log.locator("tr").first
    for text in ("admin", "新增", own_kind, "走查驿站"):
        expect(added).to_contain_text(text)


@pytest.fixture
def limits() -> Iterator[None]:
    before = list(OversightSettings.objects.all())
    yield
    OversightSettings.objects.all().delete()
    OversightSettings.objects.bulk_create(before)


@pytest.mark.usefixtures("limits")
def test_a_regulator_sees_blanks_and_concentration_and_no_people(new_page: New) -> None:
    page = new_page()
    page.set_default_timeout(SLOW)
    sign_in(page, "regulator", after="/oversight/")
    page.wait_for_selector("#map[data-ready=true]")
    page.select_option("[name=area]", "429005")  # another test's area may come first
    expect(page.locator("#sums")).to_contain_text("2 家机构")
    expect(page.locator("#sums")).to_contain_text("空白")
    expect(page.locator("#depths")).not_to_contain_text("过度集中")
    page.locator(".limits summary").click()
    page.fill("[name=depth_limit]", "1")
    page.locator("#limits button").click()
    expect(page.locator("#depths")).to_contain_text("过度集中", timeout=SLOW)
    expect(page.locator("#townships")).to_contain_text("机构过多")
    shot(page, "walk-oversight")
    text = page.locator("body").inner_text()
    assert not [name for name in Staff.objects.values_list("name", flat=True) if name in text]
    assert page.request.get("/people/").status in {403, 404}
    page.goto("/")
    page.wait_for_selector("#map[data-ready=true]")
    expect(page.locator(".menu-pages a", has_text="人员")).to_have_count(0)


def test_a_regulator_asks_a_piece_of_the_map_which_banks_serve_it(new_page: New) -> None:
    page = new_page()
    page.set_default_timeout(SLOW)
    sign_in(page, "regulator", after="/oversight/")
    page.wait_for_selector("#map[data-ready=true]")
    page.select_option("[name=area]", "429005")
    expect(page.locator("#depths .bank-sign")).to_have_count(2, timeout=SLOW)
    banks = page.locator("#depths p:has(.bank-sign) [translate=no]:not(.bank-sign)").all_inner_texts()
    frame = page.locator("#map").bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + 0.5 * frame["width"], frame["y"] + 0.4 * frame["height"])
    piece = page.locator("#piece")
    expect(piece.locator("h2")).to_contain_text("家机构")
    expect(piece).to_contain_text("平方公里")
    for bank in banks:
        expect(piece).to_contain_text(bank)
    expect(piece.locator("small").first).to_contain_text(" › ", timeout=SLOW)
    # The same by the keyboard: a township, then a piece in it.
    town = page.locator("#townships tbody th button").first
    town.press("Enter")
    expect(piece.locator("h2")).to_have_text(town.inner_text())
    piece.locator("li button").first.press("Enter")
    expect(piece).to_contain_text("这一块面积")
    expect(piece.locator("small").first).to_contain_text(" › ", timeout=SLOW)
    decimals = [
        {len(text.partition(".")[2].rstrip("%")) for text in page.locator(f"[data-title='{title}']").all_inner_texts()}
        for title in ("空白占比", "平均机构数", "每万户网点")
    ]
    assert decimals == [{1}, {2}, {1}]


def test_a_grid_of_the_last_page_of_registers_opens_on_the_map(new_page: New) -> None:
    page = new_page()
    page.set_default_timeout(SLOW)
    sign_in(page, "manager", after="/registers/?level=3&sort=-house")
    page.locator("#pages a").last.click()
    expect(page.locator("#pages [aria-current]")).to_have_text(re.compile(r"[5-9]"))
    assert "page=" in page.url and "sort=-house" in page.url
    row = page.locator("#registers tbody tr").last
    grid = Grid.objects.get(pk=row.get_attribute("data-grid"))
    row.locator("th a").click()
    page.wait_for_selector(READY)
    expect(page.locator("#panel-body h2")).to_have_text(grid.name)
    seen = parse_qs(urlsplit(page.url).query)
    west, south, east, north = grid.geom.extent
    assert west < float(seen["lon"][0]) < east and south < float(seen["lat"][0]) < north and float(seen["z"][0]) > 13


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_regulator_reads_the_townships_on_a_phone(new_page: New, locale: str) -> None:
    page = new_page(viewport=PHONE, locale=locale)
    page.set_default_timeout(SLOW)
    sign_in(page, "regulator", after="/oversight/")
    page.wait_for_selector("#map[data-ready=true]")
    fits = "(table) => table.scrollWidth <= table.parentElement.clientWidth"
    assert page.locator("#townships").evaluate(fits)
    first = page.locator("#townships tbody").first
    assert first.locator(".number").first.evaluate("(cell) => getComputedStyle(cell, '::before').content") in {
        '"户数"',
        '"Households"',
    }
    page.locator("#townships thead button").nth(1).click()
    expect(page.locator("#townships [aria-sort=descending]")).to_have_count(1)


def test_the_public_sheet_needs_no_login_on_a_phone(new_page: New) -> None:
    sheet = PublicSheet.objects.filter(institution__code="QJ", code="429005001001002").first()
    assert sheet is not None
    page = new_page(viewport=PHONE)
    page.goto(f"/public/{sheet.token}/")
    expect(page.locator(".people article").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The site behind it asks who is there.
    page.goto("/people/")
    expect(page.locator("#id_username")).to_be_visible()

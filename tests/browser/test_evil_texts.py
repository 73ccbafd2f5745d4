"""Every text that somebody can type, in every table, on every page: it is shown as text, in Chromium with the CSP switched off.

The CSP would stop a script that a page let in; here nothing does, so a page that takes a name for HTML fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from layers.people.lists import LISTS
from tests.browser.conftest import PHONE, READY, sign_in
from tests.conftest import kept_in_database
from tests.evil import MARKUP
from tests.evil_world import Bank, evil_bank

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def bank(
    django_db_setup: None, django_db_blocker: Any, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bank]:
    """Made once for all tests here, which only look."""
    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")), kept_in_database(django_db_blocker):
        yield evil_bank()


@pytest.fixture
def look(bank: Bank, open_window: Callable[..., Page]) -> Iterator[Callable[..., Page]]:
    """Opens an address as somebody, without the CSP, and afterwards sees whether anything ran."""
    pages: list[Page] = []

    def open_(user: str | None, address: str, **options: Any) -> Page:
        page = open_window(bypass_csp=True, **options)
        pages.append(page)
        page.on("dialog", lambda dialog: page.evaluate("window.hacked = 1"))
        if user is None:
            page.goto(address)
        else:
            sign_in(page, user, after=address)
        return page

    yield open_
    for page in pages:
        assert_nothing_ran(page)


def assert_nothing_ran(page: Page) -> None:
    assert page.evaluate("window.hacked") is None, page.url
    found = page.evaluate(
        'document.querySelectorAll(\'img[src=x], svg[onload], [onerror], a[href^="javascript:"], a[href^="JAVASCRIPT:"]\').length'
        " + [...document.scripts].filter((script) => !script.type.endsWith('json') && script.textContent.includes('hacked')).length"
        " + [...document.querySelectorAll('b')].filter((b) => b.textContent === '不是粗体').length"
    )
    assert found == 0, page.url


def shown(page: Page, text: str = "<img src=x onerror") -> None:
    """The markup is there to be read, as text."""
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text)


def printed(page: Page) -> None:
    page.emulate_media(media="print")
    assert_nothing_ran(page)
    assert page.pdf()[:4] == b"%PDF"
    page.emulate_media(media="screen")


def test_the_harness_notices_a_page_that_takes_text_for_html(look: Callable[..., Page]) -> None:
    page = look(None, "/login/")
    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", MARKUP[0])
    page.wait_for_function("window.hacked === 1")
    with pytest.raises(AssertionError):
        assert_nothing_ran(page)
    page.goto("/login/")


def test_the_map_its_panels_search_and_popups(look: Callable[..., Page], bank: Bank) -> None:
    spot = bank.leaf.geom.point_on_surface.coords
    query = f"/?plan={bank.plan.pk}&grid={bank.leaf.pk}&level=2&z=16&lon={spot[0]}&lat={spot[1]}&layers=outlets,machines,places"
    page = look(
        "planner",
        query,
        geolocation={"longitude": spot[0], "latitude": spot[1], "accuracy": 900},
        permissions=["geolocation"],
    )
    page.wait_for_selector(READY)
    shown(page)
    for user_text in ("=HYPERLINK", "\u202e"):
        shown(page, user_text)
    page.fill("#search", "window")
    expect(page.locator("#search-results [role=option]").first).to_contain_text("window.hacked")
    page.keyboard.press("Escape")
    page.evaluate(
        "document.querySelectorAll('#map .point').forEach((point) => point.closest('.leaflet-marker-icon').click())"
    )
    page.evaluate("document.querySelectorAll('#map .marker-cluster').forEach((cluster) => cluster.click())")
    assert_nothing_ran(page)
    page.click("[data-tool=locate]")
    page.wait_for_timeout(500)
    printed(page)


@pytest.mark.parametrize("layer", ["outlets", "machines", "places", "customers", "posts", "staff"])
@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "locale": "en-US"}], ids=["wide", "phone"])
def test_the_layers_their_lists_and_cards(look: Callable[..., Page], layer: str, options: dict[str, Any]) -> None:
    page = look("administrator", f"/?layers={layer}.own&find={layer}%3Fkind%3Down", **options)
    page.wait_for_selector(READY)
    expect(page.locator(".matched")).to_be_visible()
    page.evaluate("document.querySelectorAll('#layers, #layers details').forEach((part) => { part.open = true })")
    expect(page.locator(f"#layer-choice .layer[data-layer={layer}] [data-kind=own]")).to_have_count(1)
    for number in range(3):
        page.locator(".found-row").nth(number).dispatch_event("click")
        expect(page.locator(".facts").first).to_be_visible()
        shown(page)
        assert_nothing_ran(page)
        if number == 0:
            printed(page)
        if layer not in {"customers", "staff"}:  # those are changed where they are registered
            page.locator("#panel-body .actions button").first.dispatch_event("click")
            expect(page.locator(".feature-form")).to_be_visible()
            page.locator(".back-link").dispatch_event("click")
            expect(page.locator(".facts").first).to_be_visible()
        page.locator(".back-link").dispatch_event("click")
        expect(page.locator(".matched")).to_be_visible()


def test_the_values_of_a_measure(look: Callable[..., Page], bank: Bank) -> None:
    page = look("manager", f"/?plan={bank.plan.pk}&level=2&measure=households")
    page.wait_for_selector(READY)
    expect(page.locator("#measure-panel:not([aria-busy]) .values tbody tr").first).to_be_visible()
    shown(page)
    printed(page)


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "locale": "en-US"}], ids=["wide", "phone"])
def test_the_lists_of_people(look: Callable[..., Page], options: dict[str, Any]) -> None:
    page = look("administrator", "/people/", **options)
    filled = set()
    for key in ("all", "all-posts", *LISTS):
        page.goto(f"/people/?list={key}")
        page.wait_for_selector("#lists[data-ready=true]")
        page.wait_for_selector("#rows[data-ready=true]")
        assert_nothing_ran(page)
        if page.locator("#rows tbody tr").count():
            filled.add(key)
            shown(page, "window.hacked")
    assert filled >= {"all", "all-posts", "vacant", "double", "absent"}
    printed(page)
    page.goto("/people/?q=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E")
    page.wait_for_selector("#rows[data-ready=true]")


def test_the_findings(look: Callable[..., Page], bank: Bank) -> None:
    page = look("manager", f"/findings/?plan={bank.plan.pk}")
    page.wait_for_selector("#map[data-ready=true]")
    shown(page)
    filled = 0
    for key in page.eval_on_selector_all("#lists button", "buttons => buttons.map((button) => button.dataset.list)"):
        page.click(f'#lists button[data-list="{key}"]')
        page.wait_for_load_state("networkidle")
        filled += bool(page.locator("#work li").count())
        assert_nothing_ran(page)
    assert filled > 1
    printed(page)


def test_a_proposal_of_places(look: Callable[..., Page], bank: Bank) -> None:
    page = look("planner", "/siting/")
    page.wait_for_selector("#map[data-ready=true]")
    for what, candidates in (("machines:own", "villages"), ("outlets:own", "outlets:own"), ("machines:atm", "leaves")):
        page.select_option("[name=what]", what)
        page.select_option("[name=candidates]", candidates)
        page.fill("[name=radius]", "200")
        page.click("#wish button.primary")
        expect(page.locator("#busy")).to_be_hidden()
        expect(page.locator("#fault")).to_be_hidden()
        expect(page.locator("#outcome")).to_be_visible()
    shown(page, "window.hacked")
    printed(page)


def test_the_view_of_the_regulator(look: Callable[..., Page]) -> None:
    page = look("regulator", "/oversight/")
    page.wait_for_selector("#townships tbody tr")
    expect(page.locator("#fault")).to_be_hidden()
    shown(page, "window.hacked")
    printed(page)
    page.goto("/?layers=outlets")
    page.wait_for_selector(READY)


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE, "locale": "en-US"}], ids=["wide", "phone"])
def test_an_uploaded_file_its_rejected_rows_and_its_columns(look: Callable[..., Page], options: dict[str, Any]) -> None:
    page = look("planner", "/exchange/", **options)
    page.wait_for_selector("body[data-drawn]")
    expect(page.locator("tr[data-line]").first).to_be_visible()
    shown(page)
    for number in range(page.locator("tr[data-line] button").count()):
        page.locator("tr[data-line] button").nth(number).dispatch_event("click")
    printed(page)
    page.locator(".actions button").first.click()
    page.wait_for_selector("#columns-form .words select")
    shown(page)
    page.select_option("#columns-form select[data-column='名称']", "kind")
    page.wait_for_function("() => document.querySelectorAll('.words select').length > 7")
    printed(page)


def test_the_draft_on_the_map_with_its_history(look: Callable[..., Page], bank: Bank) -> None:
    page = look("planner", f"/?plan={bank.draft.pk}&level=1&grid={bank.draft.grids.get(level=0).pk}", viewport=PHONE)
    page.wait_for_selector(READY)
    shown(page, "script>window.hacked")
    printed(page)


def test_the_list_of_plans_and_the_comparison(look: Callable[..., Page], bank: Bank) -> None:
    page = look("manager", "/plans/")
    page.wait_for_selector("#plans[data-ready]")
    shown(page)
    printed(page)
    page.goto(f"/plans/{bank.draft.pk}/review/")
    page.wait_for_selector("body[data-ready]")
    shown(page)
    printed(page)
    page.goto(f"/plans/{bank.plan.pk}/review/")
    page.wait_for_selector("body[data-ready]")
    shown(page, "svg onload")
    printed(page)


@pytest.mark.parametrize(
    ("user", "address", "ready"),
    [
        ("administrator", "/rules/", "#rules[data-ready=true]"),
        ("planner", "/import/", "main"),
        ("administrator", "/account/", "main"),
        ("administrator", "/people/{person}/", "main"),
        ("manager", "/people/{person}/", "main"),
        ("administrator", "/people/{person}/edit/", "main"),
        ("administrator", "/people/new/", "main"),
        ("administrator", "/people/grids/{leaf}/", "main"),
        ("administrator", "/people/posts/{post}/", "main"),
        ("administrator", "/people/posts/{post}/edit/", "main"),
        ("administrator", "/people/posts/new/", "main"),
        ("manager", "/people/proposals/", ".card-row"),
        ("administrator", "/people/settings/", "main"),
        ("administrator", "/people/roster/", "main"),
        ("manager", "/people/subsidies/?staff={person}", "#dues"),
        ("manager", "/registers/", "#registers"),
        ("manager", "/registers/?grid={leaf}", "main"),
        ("administrator", "/people/settings/?institution={branch}", "main"),
        ("planner", "/notices/", "#notices"),
        ("administrator", "/documents/", "#documents"),
        ("administrator", "/documents/new/", "main"),
        ("administrator", "/kinds/", "main"),
        ("administrator", "/kinds/{kind}/", "main"),
        ("administrator", "/kinds/new/", "main"),
        ("administrator", "/exchange/", "main"),
        (None, "/public/{sheet}/", ".people article"),
        ("administrator", "/audit/", "#entries"),
        ("administrator", "/audit/?user=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E&kind=%3Cb%3E", "main"),
        ("auditor", "/audit/?kind=read", "#entries"),
        (None, "/shared/{token}/", "#map"),
        (None, "/login/?next=%22%3E%3Cscript%3Ewindow.hacked%3D1%3C/script%3E", "main"),
        (None, "/%3Cimg%20src=x%20onerror=window.hacked=1%3E/", "main"),
    ],
)
def test_the_other_pages(look: Callable[..., Page], bank: Bank, user: str | None, address: str, ready: str) -> None:
    for options in ({}, {"viewport": PHONE, "locale": "en-US"}):
        page = look(user, address.format(**bank.numbers), **options)
        page.wait_for_selector(ready)
        page.wait_for_load_state("networkidle")
        printed(page)
        if user is not None or "public" in address:
            assert "hacked=1" in page.content(), "there was nothing evil to show"


def test_what_is_typed_at_the_login_is_text_when_it_is_locked(look: Callable[..., Page], settings: Any) -> None:
    settings.AXES_ENABLED = True
    page = look(None, "/login/")
    for _ in range(5):
        page.fill("#id_username", MARKUP[1])
        page.fill("#id_password", "wrong")
        page.click("button.primary")
        page.wait_for_load_state()
        if page.locator("#id_username").count() == 0:
            break
    expect(page.get_by_role("heading", name="暂停登录")).to_be_visible()

"""Links to files: what takes time says so and can be stopped; a refusal is read where the link is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from layers.facilities.models import Outlet
from layers.orgs.models import User
from tests.browser.conftest import PHONE, Open, sign_in
from tests.conftest import WIDE

pytestmark = pytest.mark.browser

New = Callable[..., Page]


@pytest.fixture
def a_long_address(demo_site: None) -> Iterator[Outlet]:
    """An outlet with an address that no Shapefile holds. Both banks of the demo county count theirs from 0001."""
    bank = User.objects.get(username="planner").institution
    assert bank is not None
    outlet = Outlet.objects.get(code="0001", institution__path__startswith=bank.path)
    before = outlet.attributes
    Outlet.objects.filter(pk=outlet.pk).update(attributes=before | {"address": "长" * 120})
    yield outlet
    Outlet.objects.filter(pk=outlet.pk).update(attributes=before)


@pytest.mark.parametrize("screen", [WIDE, PHONE])
def test_a_refusal_stands_below_the_link(
    open_map: Open, complaints: list[str], a_long_address: Outlet, screen: dict[str, int]
) -> None:
    page = open_map("?find=outlets%3Fkind%3Dstaffed", viewport=screen)
    page.locator(".exports summary").click()
    page.get_by_role("link", name="Shapefile").click()
    expect(page.locator(".exports .download-said [role=alert]")).to_contain_text("Shapefile")
    expect(page.locator(".exports .download-said [role=alert]")).to_contain_text(a_long_address.code)
    complaints.clear()  # the browser tells of the refusal, too
    with page.expect_download() as started:
        page.get_by_role("link", name="GeoJSON").click()
    assert started.value.suggested_filename == "outlets.geojson"
    expect(page.locator(".exports .download-said")).to_be_empty()


def test_what_takes_long_says_so_and_can_be_stopped(open_map: Open) -> None:
    page = open_map("?find=outlets%3Fkind%3Dstaffed")
    page.route("**/export?*", lambda route: None)
    page.locator(".exports summary").click()
    link = page.get_by_role("link", name="XLSX")
    link.click()
    said = page.locator(".exports .download-said")
    expect(said.locator("progress")).to_be_visible()
    expect(link).to_have_attribute("aria-busy", "true")
    said.get_by_role("button", name="取消").click()
    expect(said).to_be_empty()
    expect(link).not_to_have_attribute("aria-busy", "true")
    expect(link).to_be_focused()
    page.unroute("**/export?*")
    with page.expect_download():
        link.click()


@pytest.mark.parametrize(
    ("user", "address", "name"),
    [
        ("auditor", "/audit/", "导出 CSV"),
        ("manager", "/documents/", "CSV"),
        ("manager", "/people/subsidies/", "CSV"),
        ("manager", "/people/", "XLSX"),
        ("manager", "/registers/", "XLSX"),
        ("manager", "/findings/", "CSV"),
        ("regulator", "/oversight/", "CSV"),
    ],
)
def test_every_page_fetches_its_files_alike(
    new_page: New, complaints: list[str], user: str, address: str, name: str
) -> None:
    page = new_page()
    sign_in(page, user, after=address)
    link = page.get_by_role("link", name=name, exact=True)
    expect(link).to_have_attribute("href", re.compile(".+"), timeout=30_000)
    page.wait_for_load_state("networkidle")
    with page.expect_download() as started:
        link.click()
    assert started.value.url.startswith("blob:")
    assert started.value.suggested_filename.endswith(f".{name[-4:].strip().lower()}")
    page.context.clear_cookies()
    link.click()
    page.wait_for_url("**/login/?next=*")
    complaints.clear()  # the browser tells of the refusal, too

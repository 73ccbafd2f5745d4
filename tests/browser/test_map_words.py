"""The words of the map page: one language at a time, and names that are text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY, Open
from tests.browser.map_page import (
    CHINESE,
    IMAGE,
    UI_TEXTS,
    a_grid,
    at,
    change_json,
    click_middle,
    inside,
)

pytestmark = pytest.mark.browser


def test_english_page_has_no_chinese_but_data(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(f"?level=3&grid={grid.pk}&layers=outlets,machines", locale="en-US")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.click("#layers summary")
    page.click("[data-tool=locate]")
    texts = page.evaluate(UI_TEXTS)
    page.click("#coverage")
    expect(page.locator("#panel-body")).to_contain_text("Grids checked")
    texts += page.evaluate(UI_TEXTS)
    # Names of institutions' levels, plans and people are data; so is the proper name of a base map.
    assert [text for text in texts if CHINESE.search(text)] == []


def test_chinese_page_has_no_english_but_names(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(f"?level=3&grid={grid.pk}&layers=outlets,machines")
    page.click("#layers summary")
    words = re.findall("[A-Za-z]{2,}", " ".join(page.evaluate(UI_TEXTS)))
    assert set(words) <= {"EN", "CGCS", "km", "ATM", "CRS", "POS", "OpenStreetMap", "Switch", "to", "English"}


def test_language_switch_keeps_what_is_shown(open_map: Open) -> None:
    grid = a_grid()
    page = open_map(f"?level=3&grid={grid.pk}")
    expect(page.locator("[data-field=code]")).to_be_visible()
    page.click(".language button")
    page.wait_for_selector(READY)
    expect(page.locator("#panel-body")).to_contain_text("Neighbours")
    expect(page.locator("[data-field=code]")).to_have_text(grid.code)
    page.click(".language button")
    expect(page.locator("#panel-body")).to_contain_text("相邻网格")


def test_names_are_text_never_html(open_map: Open) -> None:
    grid = a_grid()

    def named(value: Any) -> Any:
        """Every name and every other text that people type, replaced by markup."""
        if isinstance(value, list):
            return [named(item) for item in value]
        if isinstance(value, dict):
            typed = {"name", "institution", "source", "bank_code", "parent_name"}
            return {
                key: IMAGE if key in typed and isinstance(item, str) else named(item) for key, item in value.items()
            }
        return value

    page = open_map(
        at(grid, layers="outlets"),
        before=lambda page: change_json(page, r"/api/", named),
        geolocation={"longitude": inside(grid)[0], "latitude": inside(grid)[1], "accuracy": 3000},
        permissions=["geolocation"],
    )
    page.fill("#search", "村")
    expect(page.locator("#search-results [role=option]").first).to_contain_text(IMAGE)
    page.keyboard.press("Escape")
    click_middle(page)
    expect(page.locator("#panel-body h2")).to_have_text(IMAGE)
    page.click("[data-tool=locate]")
    expect(page.locator("#panel-body .message.warning")).to_contain_text(IMAGE)
    page.evaluate("document.querySelector('#map .point')?.closest('.leaflet-marker-icon').click()")
    expect(page.locator("#panel-body h2")).to_contain_text(IMAGE)
    expect(page.locator("#panel-body .facts")).to_contain_text(IMAGE)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0

"""Signing in and out, throttling, languages, and the pages that say no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axes.utils import reset
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY, log_in, sign_in

pytestmark = pytest.mark.browser
New = Callable[..., Page]


def test_anonymous_visitor_signs_in_and_arrives_where_he_was_going(new_page: New) -> None:
    page = new_page()
    page.goto("/?level=2")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    expect(page.locator(".message")).to_contain_text("请先登录")
    page.fill("#id_username", "planner")
    page.fill("#id_password", "jingtian-2026")
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    assert "level=2" in page.url


def test_sign_out_ends_the_session(open_map: New) -> None:
    page = open_map()
    page.click(".user-menu summary")
    page.get_by_role("button", name="退出").click()
    expect(page.locator("#id_username")).to_be_visible()
    page.goto("/")
    expect(page.locator("#id_username")).to_be_visible()


def test_wrong_password_is_said_and_then_locked(new_page: New, complaints: list[str], settings: Any) -> None:
    settings.AXES_ENABLED = True
    page = new_page()
    page.goto("/login/")
    try:
        log_in(page, "auditor", "wrong")
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.input_value("#id_username") == "auditor"
        for _ in range(4):
            log_in(page, "auditor", "wrong")
        expect(page.get_by_role("heading", name="暂停登录")).to_be_visible()
        page.goto("/login/")
        log_in(page, "auditor")
        expect(page.get_by_role("heading", name="暂停登录")).to_be_visible()
    finally:
        reset(username="auditor")
        complaints.clear()  # Chromium reports the answers 429


def test_a_name_typed_at_the_login_is_text(new_page: New) -> None:
    page = new_page()
    page.goto("/login/")
    name = '"><img src=x onerror=window.hacked=1>'
    log_in(page, name, "wrong")
    assert page.input_value("#id_username") == name
    assert page.evaluate("window.hacked") is None


def test_login_page_in_english(new_page: New) -> None:
    page = new_page()
    page.goto("/login/")
    page.click(".language button")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(("locale", "heading"), [("zh-CN", "没有找到页面"), ("en-US", "Page not found")])
def test_missing_page(new_page: New, complaints: list[str], locale: str, heading: str) -> None:
    page = new_page(locale=locale)
    page.goto("/nowhere/")
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    complaints.clear()  # Chromium reports the answer 404


def test_login_page_fits_a_phone(new_page: New) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    page.goto("/login/")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_who_was_idle_is_told_so_and_returns_to_the_same_map(
    open_map: New, complaints: list[str], settings: Any
) -> None:
    page = open_map("?level=2")
    settings.SECURITY = settings.SECURITY | {"idle_minutes": 0}
    page.wait_for_timeout(2500)
    page.fill("#search", "村")
    expect(page.locator(".message")).to_contain_text("没有操作，登录已结束")
    complaints.clear()  # Chromium reports the answer 401
    settings.SECURITY = settings.SECURITY | {"idle_minutes": 30}
    page.fill("#id_username", "planner")
    page.fill("#id_password", "jingtian-2026")
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    assert "level=2" in page.url


@pytest.fixture
def half_written(new_page: New) -> Page:
    """A document that was being written when the session ended, at the page of login."""
    page = new_page()
    sign_in(page, "manager", after="/documents/new/")
    page.get_by_label("文号").fill("K-7")
    page.get_by_label("标题").fill("<b>考核办法</b>")
    page.get_by_label("类别").select_option("agreement")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#id_username")).to_be_visible()
    return page


def test_what_was_typed_into_a_form_outlasts_the_session(half_written: Page, complaints: list[str]) -> None:
    page = half_written
    log_in(page, "manager")
    expect(page.locator("form [role=status]")).to_contain_text("尚未保存")
    expect(page.get_by_label("文号")).to_have_value("K-7")
    expect(page.get_by_label("标题")).to_have_value("<b>考核办法</b>")
    expect(page.get_by_label("类别")).to_have_value("agreement")
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".message.error").first).to_contain_text("须填写这一项")
    expect(page.locator("form [role=status]")).to_have_count(0)
    page.goto("/documents/new/")
    expect(page.get_by_label("文号")).to_have_value("")
    complaints.clear()  # Chromium reports the answer 400


def test_no_password_is_kept(new_page: New) -> None:
    page = new_page()
    sign_in(page, "manager", after="/account/password/")
    for field in ("old_password", "new_password1", "new_password2"):
        page.fill(f"#id_{field}", "Nie-Geheim-9")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="保存新密码").click()
    expect(page.locator("#id_username")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_what_somebody_typed_is_not_shown_to_another(half_written: Page) -> None:
    page = half_written
    log_in(page, "admin")
    expect(page.get_by_label("文号")).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0


def test_what_was_typed_on_one_page_is_not_put_into_another(half_written: Page) -> None:
    page = half_written
    page.goto("/login/?next=/people/new/")
    log_in(page, "manager")
    expect(page.locator("#id_number")).to_have_value("")
    expect(page.locator("form [role=status]")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


def test_a_page_that_notices_the_end_by_itself_keeps_what_was_typed(new_page: New, complaints: list[str]) -> None:
    page = new_page()
    sign_in(page, "manager", after="/people/new/")
    page.get_by_label("工号").fill("Z-9")
    page.context.clear_cookies(name="sessionid")
    page.locator("input[data-people]").fill("王")
    log_in(page, "manager")
    expect(page.get_by_label("工号")).to_have_value("Z-9")
    expect(page.locator("input[data-people]")).to_have_value("王")
    complaints.clear()  # Chromium reports the answer 401

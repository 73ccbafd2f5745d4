"""Plans in Chromium: the list and its steps, the comparison with comments and a decision, a shared link; on a phone too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from layers.grids.models import Plan
from layers.orgs.models import User
from layers.review.models import ReviewSettings
from layers.review.versions import copy
from tests.browser.conftest import PHONE, sign_in

pytestmark = pytest.mark.browser
New = Callable[..., Page]
NAME = "浏览器对照草稿"


@pytest.fixture
def open_plans(new_page: New) -> Iterator[New]:
    """Opens a page of plans, and afterwards removes what was copied."""

    def open_(path: str = "/plans/", *, user: str = "planner", **options: object) -> Page:
        page = new_page(**options)
        page.set_default_timeout(30_000)
        sign_in(page, user, after=path)
        return page

    yield open_
    for plan in Plan.objects.filter(name__startswith=NAME):
        plan.grids.all().delete()
        plan.delete()


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for it is named."""
    if folder := os.environ.get("JINGTIAN_SHOTS"):
        page.screenshot(path=Path(folder) / f"review-{name}.png", full_page=True)


def ready(page: Page) -> None:
    page.wait_for_selector("body[data-ready]")


@pytest.mark.domain("HY05")
def test_a_draft_is_copied_submitted_commented_and_returned(open_plans: New) -> None:
    page = open_plans()
    page.wait_for_selector("#plans[data-ready]")
    shot(page, "plans")
    page.locator("tr.now [data-step=copy]").first.click()
    page.fill("#ask input", NAME)
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text(NAME)
    plan = Plan.objects.get(name=NAME)
    # It is the author's; she names a colleague.
    mine = page.locator(f"tr[data-plan='{plan.pk}']")
    expect(mine).to_contain_text("未公开: 只给 planner")
    mine.locator("[data-step=access]").click()
    page.get_by_label("与 admin 一起编制").check()
    shot(page, "access")
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text("只给作者和勾选的同事")
    expect(mine).to_contain_text("、")
    assert [one.username for one in plan.editors.all()] == ["admin"]
    page.locator(f"tr[data-plan='{plan.pk}'] [data-step=submit]").click()
    page.fill("#ask textarea", "请审定")
    shot(page, "submit")
    page.click("#ask .primary")
    expect(page.locator("#said, #fault").filter(visible=True)).to_be_visible()
    expect(page.locator("#said")).to_contain_text("待审定")

    boss = open_plans(f"/plans/{plan.pk}/review/", user="manager")
    ready(boss)
    expect(boss.locator("#result")).to_contain_text("两个方案的网格相同")
    boss.locator("#map").click(position={"x": 300, "y": 300})
    boss.fill("#comment textarea", "<b>此处</b>请再看")
    boss.click("#comment [type=submit]")
    expect(boss.locator("#comments li")).to_contain_text("<b>此处</b>请再看")
    expect(boss.locator(".pin.comment")).to_have_count(1)
    boss.click("[data-step=return]")
    boss.fill("#ask textarea", "见意见")
    boss.click("#ask .primary")
    expect(boss.locator("#history")).to_contain_text("退回")
    shot(boss, "returned")

    page.reload()
    page.locator(".user-menu .unread").click()
    page.locator(".user-menu a[href='/notices/']").click()
    expect(page.locator("#notices .new").first).to_contain_text("退回了方案")
    page.click("#read")
    expect(page.locator("#notices .new")).to_have_count(0)
    expect(page.locator(".unread")).to_have_count(0)
    page.goto("/plans/")
    page.locator(f"tr[data-plan='{plan.pk}'] [data-step=share]").click()
    address = page.locator("#ask input").input_value()
    visitor = page.context.browser.new_context().new_page()
    visitor.goto(address)
    visitor.wait_for_selector("#map[data-ready]")
    shot(visitor, "shared")
    expect(visitor.locator("#grids tbody tr").first).to_be_visible()
    page.click("#ask .primary")
    page.goto(f"/plans/{plan.pk}/review/")
    page.click("[data-revoke]")
    expect(page.locator("#links-part")).to_be_hidden()
    assert visitor.reload().status == 404
    visitor.context.close()


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}, {"locale": "en-GB"}], ids=["wide", "phone", "english"])
def test_the_draft_of_next_year_beside_the_plan_in_force(open_plans: New, options: dict) -> None:
    draft = Plan.objects.get(institution__code="QJ", name="2027 年调整")
    page = open_plans(f"/plans/{draft.pk}/review/", **options)
    page.wait_for_selector("body[data-compared]")
    ready(page)
    expect(page.locator("#result .table tbody tr").first).to_be_visible()
    name = "phone" if "viewport" in options else "english" if "locale" in options else "wide"
    shot(page, f"compare-{name}")
    page.locator("#result .table button").first.click()
    page.goto("/plans/")
    page.wait_for_selector("#plans[data-ready]")
    shot(page, f"plans-{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.domain("LA02")
def test_an_administrator_sets_the_period_below_which_a_change_warns(open_plans: New) -> None:
    page = open_plans(user="admin")
    page.wait_for_selector("#plans[data-ready]")
    page.click("#settings")
    page.locator("#ask input").first.fill("1")
    shot(page, "settings")
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text("已保存")
    draft = Plan.objects.get(institution__code="QJ", name="2027 年调整")
    page.goto(f"/plans/{draft.pk}/review/")
    page.wait_for_selector("body[data-compared]")
    expect(page.locator("#result")).not_to_contain_text("未满")
    ReviewSettings.objects.all().delete()
    page.reload()
    page.wait_for_selector("body[data-compared]")
    expect(page.locator("#result")).to_contain_text("未满 365 天")
    planner = open_plans()
    planner.wait_for_selector("#plans[data-ready]")
    expect(planner.locator("#settings")).to_have_count(0)


def test_a_clash_is_shown_and_resolved_on_the_map(open_plans: New, complaints: list[str]) -> None:
    """As if the plan in force had been published while the draft, made of another one, was edited."""
    current, other = (
        Plan.objects.get(institution__code="QJ", name=name) for name in ("2026 年网格划分", "2027 年调整")
    )
    draft = copy(current, User.objects.get(username="planner"), f"{NAME} 冲突")
    Plan.objects.filter(pk=draft.pk).update(base=other)
    draft.grids.filter(code="429005001001002").update(name="我的名称")
    page = open_plans(f"/plans/{draft.pk}/review/")
    ready(page)
    page.click("[data-step=rebase]")
    expect(page.locator(".clash-choice")).to_have_count(1)
    expect(page.locator("#fault")).to_contain_text("2026 年网格划分")
    shot(page, "clash")
    page.locator(".clash-choice input[value=mine]").check()
    page.locator("#clash [type=submit]").click()
    expect(page.locator("#said")).to_contain_text("已合入")
    draft.refresh_from_db()
    assert draft.base == current and draft.grids.get(code="429005001001002").name == "我的名称"
    # The browser reports the 409 by itself.
    complaints[:] = [text for text in complaints if "409" not in text]

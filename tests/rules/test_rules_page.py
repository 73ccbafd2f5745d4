"""The page of rules in a real Chromium: take a preset over, change, add and delete rules; wide and on a phone, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from layers.orgs.models import Institution
from layers.rules.models import MeasureSettings, Rule
from tests.browser.conftest import sign_in
from tests.factories import InstitutionFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = Path(".local/pictures")
Open = Callable[..., Page]


@pytest.fixture
def bank(committed_db: None) -> Institution:
    bank = InstitutionFactory(name="潜江农商行")
    UserFactory(username="admin", institution=bank, role="administrator")
    UserFactory(username="planner", institution=bank, role="planner")
    branch = InstitutionFactory(name="城南<b>支行</b>", parent=bank, kind="branch")
    UserFactory(username="branch", institution=branch, role="administrator")
    return bank


@pytest.fixture
def open_rules(bank: Institution, new_page: Callable[..., Page]) -> Open:
    def open_(user: str, **options: Any) -> Page:
        page = new_page(**options)
        sign_in(page, user, after="/rules/")
        page.wait_for_selector("#rules[data-ready=true]")
        return page

    return open_


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def test_an_administrator_sets_the_rules(open_rules: Open, bank: Institution, complaints: list[str]):
    page = open_rules("admin")
    expect(page.locator("#rules")).to_contain_text("还没有规则")
    page.select_option("#presets select", "la01")
    expect(page.locator("#preset-source")).to_contain_text("乐安县四级网格")
    page.click("#presets button")
    expect(page.locator("#said")).to_have_text("已采用 2 条规则。")
    row = page.locator("tr[data-rule]", has_text="小网格 100")
    expect(row).to_contain_text("100–150 户")
    row.get_by_role("button", name="修改").click()
    form = page.locator(".rule-form")
    form.locator("[name=low]").fill("160")
    form.get_by_role("button", name="保存").click()
    expect(form.locator(".error")).to_have_text("下限不能大于上限。")
    assert "400" in complaints.pop()
    form.locator("[name=low]").fill("90")
    form.locator("[name=severity]").select_option("block")
    picture(page, "rules-edit")
    form.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("90–150 户")
    expect(row).to_contain_text("禁止")

    page.click("#new")
    form.locator("[name=name]").fill("<i>任务相当</i>")
    form.locator("[name=measure]").select_option("workload")
    form.locator("[name=form]").select_option("balance")
    expect(form.locator("[name=low]")).to_be_hidden()
    form.locator("[name=high]").fill("10")
    form.get_by_role("button", name="保存").click()
    new = page.locator("tr[data-rule]", has_text="<i>任务相当</i>")
    expect(new).to_contain_text("与同级平均相差至多 10%")
    picture(page, "rules-wide")
    new.get_by_role("button", name="删除").click()
    new.get_by_role("button", name="确认删除").click()
    expect(new).to_have_count(0)
    assert set(Rule.objects.values_list("low", "high", "severity")) == {(300, 500, "warn"), (90, 150, "block")}

    page.fill("[name=km2_weight]", "4")
    page.click("#settings button")
    expect(page.locator("#said")).to_have_text("已保存。")
    assert MeasureSettings.objects.get(institution=bank).km2_weight == 4


def test_a_branch_reads_what_it_inherits_on_a_phone_in_english(open_rules: Open, bank: Institution):
    Rule.objects.create(
        institution=bank, name="网格约 300 户", name_en="About 300", measure="households", low=240, high=360
    )
    page = open_rules("branch", viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True)
    row = page.locator("tr[data-rule]")
    expect(row).to_contain_text("About 300")
    expect(row).to_contain_text("240–360 households")
    expect(row).to_contain_text("From 潜江农商行")
    expect(row.get_by_role("button")).to_have_count(0)
    expect(page.locator("#institution option")).to_have_text("城南<b>支行</b>")
    page.click("#new")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "rules-phone")


def test_a_planner_reads_only(open_rules: Open, bank: Institution):
    Rule.objects.create(institution=bank, name="连片", measure="pieces", high=1, severity="block")
    page = open_rules("planner")
    expect(page.locator("tr[data-rule]")).to_contain_text("至多 1 块")
    expect(page.locator("main button")).to_have_count(0)
    expect(page.locator("[name=km2_weight]")).to_be_disabled()

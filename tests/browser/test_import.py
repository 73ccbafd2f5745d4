"""The import page in Chromium: upload a dirty file, see its defects, repair, load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from layers.grids.models import Plan
from layers.imports import processes
from layers.imports.models import Import
from tests.browser.conftest import PHONE, sign_in
from tests.imports.conftest import child_database  # noqa: F401
from tests.imports.files import collection, finely, records, with_gap, with_overlap

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("child_database")]
New = Callable[..., Page]


@pytest.fixture
def open_import(new_page: New) -> Iterator[New]:
    """Opens the import page, and afterwards removes what was imported."""
    before = set(Plan.objects.values_list("pk", flat=True))

    def open_(*, user: str = "planner", **options: Any) -> Page:
        page = new_page(**options)
        page.set_default_timeout(30_000)
        sign_in(page, user, after="/import/")
        return page

    yield open_
    for job in Import.objects.all():
        processes.cancel(job)
        job.delete()
    Plan.objects.exclude(pk__in=before).delete()


def choose(page: Page, tmp_path: Path, content: Any, datum: str = "cgcs2000") -> None:
    file = tmp_path / "grids.geojson"
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    page.set_input_files("#files", file)
    page.select_option("[name=datum]", datum)


def upload(page: Page, tmp_path: Path, content: Any) -> None:
    choose(page, tmp_path, content)
    page.click("#upload [type=submit]")


@pytest.mark.domain("HY01")
def test_a_dirty_file_is_shown_repaired_and_loaded(open_import: New, tmp_path: Path) -> None:
    page = open_import()
    choose(page, tmp_path, collection(finely(with_gap(records()), 20)))
    network = page.context.new_cdp_session(page)
    network.send("Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000})  # fmt: skip
    page.click("#upload [type=submit]")
    for step in ("正在上传", "正在处理：读取与检查"):
        percent = page.locator(f".working:has(progress[aria-label='{step}'][value]) .percent")
        expect(percent).to_have_text(re.compile(r"^[1-9]\d?%$"), timeout=30_000)
    expect(page.get_by_text("发现 1 处缺陷")).to_be_visible(timeout=60_000)
    expect(page.locator("tr[data-number='1']")).to_contain_text("缺口")
    page.wait_for_selector("body[data-drawn]")
    # There are far too many vertices for a map; the page says how it differs from the file.
    expect(page.locator("#drawn-as")).to_contain_text("图上已简化，偏离不超过")
    answer = page.request.get(f"/api/imports/{Import.objects.latest('pk').pk}/preview")
    assert len(answer.body()) < 6_000_000

    page.locator(".leaflet-marker-icon .pin").click()
    expect(page.locator("tr[data-number='1']")).to_have_attribute("aria-selected", "true")
    page.locator("tr[data-number='1'] button").click()
    expect(page.locator(".leaflet-marker-icon .chosen-pin")).to_have_count(1)

    page.fill("[name=gap_width]", "8")
    page.get_by_role("button", name="修复", exact=True).click()
    expect(page.get_by_text("修复后不重不漏")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("region", name="改动的网格")).to_contain_text("+")

    page.fill("[name=plan_name]", "浏览器试点")
    page.get_by_role("button", name="载入为草稿方案").click()
    link = page.locator("#open-plan")
    expect(link).to_be_visible(timeout=30_000)
    plan = Plan.objects.get(name="浏览器试点")
    assert link.get_attribute("href") == f"/?plan={plan.pk}"


def test_an_import_goes_on_after_the_page_is_opened_anew(open_import: New, tmp_path: Path) -> None:
    page = open_import()
    upload(page, tmp_path, collection(with_overlap(records())))
    page.wait_for_selector("#repair-form")
    page.goto("/import/")
    expect(page.locator("#repair-form")).to_be_visible()
    page.get_by_role("button", name="放弃此次导入").click()
    expect(page.locator("#upload")).to_be_visible()
    assert Import.objects.latest("pk").status == "cancelled"


def test_names_are_text_and_a_refusal_is_a_sentence(open_import: New, tmp_path: Path) -> None:
    page = open_import()
    hostile = '<img src=x onerror="window.hacked=1">'
    content = collection(with_overlap(records()), lambda r: {"code": r.code, "name": hostile})
    upload(page, tmp_path, content)
    page.click("#repair-form [type=submit]")
    expect(page.get_by_role("region", name="改动的网格")).to_contain_text("<img src=x", timeout=30_000)
    assert page.evaluate("window.hacked") is None

    page.get_by_role("button", name="放弃此次导入").click()
    expect(page.locator("#upload")).to_be_visible()
    upload(page, tmp_path, {"type": "FeatureCollection", "features": []})
    expect(page.locator(".reason")).to_contain_text("没有要素", timeout=30_000)
    page.get_by_role("button", name="重新上传").click()
    expect(page.locator("#upload")).to_be_visible()


def test_the_datum_is_never_guessed(open_import: New, tmp_path: Path, complaints: list[str]) -> None:
    page = open_import()
    page.click("#upload [type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("请选择要导入的文件")
    choose(page, tmp_path, collection(records()), datum="")
    page.click("#upload [type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("请选择坐标系")
    page.select_option("[name=datum]", "epsg")
    page.fill("[name=epsg]", "2436")
    page.click("#upload [type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("2436")
    complaints.clear()  # Chromium reports the answer 400


def test_phone_width_in_english(open_import: New, tmp_path: Path) -> None:
    page = open_import(viewport=PHONE, locale="en")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    upload(page, tmp_path, collection(with_gap(records())))
    expect(page.get_by_text("There is 1 defect")).to_be_visible(timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.wait_for_selector("body[data-drawn]")
    expect(page.locator("#map")).to_be_visible()
    shown = page.locator("body").inner_text()
    names = [record.name for record in records()]
    for name in [*names, "县", "镇", "村", "中"]:
        shown = shown.replace(name, "")
    assert not [c for c in shown if "一" <= c <= "鿿" and c not in "潜江农商行演示网格规划员分支机构"]


def test_others_than_planners_are_sent_away_kindly(open_import: New, complaints: list[str]) -> None:
    page = open_import(user="worker")
    expect(page.get_by_role("heading", name="没有权限")).to_be_visible()
    complaints.clear()  # Chromium reports the answer 403

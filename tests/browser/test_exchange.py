"""A planner's file of outlets in Chromium: bad rows with why, the columns put right, loaded, and on the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from layers.exchange.models import ColumnMapping, PointImport
from layers.facilities.models import Outlet
from layers.imports import processes
from tests.browser.conftest import PHONE, sign_in
from tests.conftest import PATIENCE
from tests.imports.conftest import child_database  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("child_database")]
New = Callable[..., Page]

SECONDS = 60_000
"""A child process starts and works within this, on a busy machine too."""
ROWS = """网点编码,网点名称,机型,X,Y,地址,柜员
测0001,浏览器试验支行,厅堂,112.8969,30.4212,园林路 1 号,4
测0002,<img src=x onerror=window.hacked=1>,厅堂,112.8902,30.4180,,3
测0003,老新试验分理处,自助银行,112.7500,30.2500,,
测0004,坏柜员,厅堂,112.8930,30.4200,,许多
测0005,写反了,厅堂,30.42,112.89,,1
"""


@pytest.fixture
def open_exchange(new_page: New) -> Iterator[New]:
    """Opens the page, and afterwards removes what was imported."""
    before = set(Outlet.objects.values_list("pk", flat=True))
    expect.set_options(timeout=SECONDS)

    def open_(*, user: str = "planner", **options: Any) -> Page:
        page = new_page(**options)
        page.set_default_timeout(SECONDS)
        sign_in(page, user, after="/exchange/")
        return page

    yield open_
    expect.set_options(timeout=PATIENCE)
    for job in PointImport.objects.all():
        processes.cancel(job)
        job.delete()
    ColumnMapping.objects.all().delete()
    Outlet.objects.exclude(pk__in=before).delete()


def upload(page: Page, tmp_path: Path, text: str = ROWS, name: str = "网点.csv") -> None:
    file = tmp_path / name
    file.write_text(text, encoding="gb18030")
    page.set_input_files("#file", file)
    page.select_option("#upload [name=datum]", "cgcs2000")
    page.click("#upload [type=submit]")
    page.wait_for_selector("#columns-form")


def test_bad_rows_are_shown_with_why_and_the_good_ones_loaded(open_exchange: New, tmp_path: Path) -> None:
    page = open_exchange()
    upload(page, tmp_path)
    expect(page.get_by_role("region", name="列与样例")).to_contain_text("浏览器试验支行")
    page.get_by_role("button", name="检查各行").click()
    expect(page.get_by_text("请指定哪一列是：类型")).to_be_visible()

    page.get_by_label("列“机型”是").select_option("kind")
    words = page.locator(".words select[data-word='厅堂']")
    expect(words).to_have_value("")
    words.select_option("staffed")
    page.get_by_role("button", name="检查各行").click()
    page.wait_for_selector("body[data-drawn]")
    expect(page.get_by_text("2 行不能载入，原因如下。")).to_be_visible()
    expect(page.locator("tr[data-line='5']")).to_contain_text("“柜员”的值“许多”不对")
    expect(page.locator("tr[data-line='6']")).to_contain_text("经纬度像是写反了")
    page.locator("tr[data-line='5'] button").click()
    expect(page.locator(".leaflet-marker-icon .chosen-pin")).to_have_text("5")
    page.locator("tr[data-line='6'] button").click()
    expect(page.locator("tr[data-line='6']")).to_have_attribute("aria-selected", "true")

    load = page.locator("#load-form [type=submit]")
    load.click()
    expect(page.locator(".reason")).to_contain_text("2 行不能载入，没有保存任何内容")
    page.get_by_label("略过不能载入的 2 行").check()
    load.click()
    expect(page.get_by_text("已载入“网点”：新增 3，更新 0，未变 0。")).to_be_visible()
    assert Outlet.objects.filter(code__startswith="测").count() == 3
    assert Outlet.objects.get(code="测0002").name == "<img src=x onerror=window.hacked=1>"
    page.locator("#open-map").click()
    page.wait_for_selector("#map[data-ready=true]")
    assert page.evaluate("window.hacked") is None


def test_the_columns_are_remembered_and_a_change_is_told(open_exchange: New, tmp_path: Path) -> None:
    good = "\n".join(ROWS.splitlines()[:4])
    page = open_exchange(viewport=PHONE)
    upload(page, tmp_path, good)
    page.get_by_label("列“机型”是").select_option("kind")
    page.locator(".words select[data-word='厅堂']").select_option("staffed")
    page.get_by_role("button", name="检查各行").click()
    page.wait_for_selector("#load-form")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator("#load-form [type=submit]").click()
    expect(page.get_by_text("新增 3")).to_be_visible()
    page.get_by_role("button", name="再导入一个").click()
    upload(page, tmp_path, good.replace("园林路 1 号", "园林路 2 号"))
    expect(page.get_by_text("这样的表头以前导入过")).to_be_visible()
    page.get_by_role("button", name="检查各行").click()
    expect(page.get_by_text("3 行可以载入：新增 0，更新 1，未变 2。")).to_be_visible()
    # One row fewer: the place is offered to be made inactive, not deleted.
    page.get_by_role("button", name="放弃此次导入").click()
    expect(page.locator("#upload")).to_be_visible()
    upload(page, tmp_path, "\n".join(good.splitlines()[i] for i in (0, 1, 3)))
    page.get_by_role("button", name="检查各行").click()
    page.get_by_label("撤销库中来自同一来源、文件中已没有的 1 个").check()
    page.locator("#load-form [type=submit]").click()
    expect(page.get_by_text("撤销 1 个。")).to_be_visible()
    assert list(Outlet.objects.filter(is_active=False).values_list("code", flat=True)) == ["测0002"]


def test_what_was_found_can_be_asked_for_again(open_exchange: New, tmp_path: Path, complaints: list[str]) -> None:
    page = open_exchange()
    upload(page, tmp_path, "\n".join(ROWS.splitlines()[:4]))
    page.get_by_label("列“机型”是").select_option("kind")
    page.locator(".words select[data-word='厅堂']").select_option("staffed")
    held: list[Route] = []
    page.route("**/points", lambda route: held.append(route))
    with page.expect_response("**/found"), page.expect_request("**/points"):
        page.get_by_role("button", name="检查各行").click()
    # Nothing can be pressed before all is there: given up or loaded, the import has no points to ask for.
    page.wait_for_timeout(200)
    expect(page.locator("#load-form")).to_have_count(0)
    held.pop().abort()
    expect(page.locator(".reason")).to_contain_text("连接不上服务器")
    complaints.clear()  # The browser's own line about the request.
    page.unroute("**/points")
    page.get_by_role("button", name="再试一次").click()
    expect(page.get_by_text("3 行可以载入：新增 3，更新 0，未变 0。")).to_be_visible()


def test_a_hopeless_file_says_why_in_english(open_exchange: New, tmp_path: Path) -> None:
    page = open_exchange(locale="en-US")
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
    page.reload()
    file = tmp_path / "old.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    page.set_input_files("#file", file)
    page.select_option("#upload [name=datum]", "wgs84")
    page.click("#upload [type=submit]")
    expect(page.locator(".reason")).to_contain_text("old Excel file (.xls)")
    page.get_by_role("button", name="Upload again").click()
    expect(page.locator("#upload")).to_be_visible()


def test_an_export_is_a_download(open_exchange: New, complaints: list[str]) -> None:
    page = open_exchange()
    page.select_option("#export [name=format]", "geojson")
    with page.expect_download() as download:
        page.click("#export [type=submit]")
    assert download.value.suggested_filename == "outlets.geojson"
    page.select_option("#export [name=datum]", "epsg")
    page.fill("#export [name=epsg]", "4214")
    page.click("#export [type=submit]")
    expect(page.locator("#export + .download-said")).to_contain_text("EPSG:4214")
    complaints.clear()  # the browser tells of the refusal, too

"""A manager reads maps: colours villages by a measure, goes from a number to its rows, takes the map along, and works through a list."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from openpyxl import load_workbook
from PIL import Image
from playwright.sync_api import Page, expect

from layers.demo.people import VILLAGE_WITHOUT_CASH_POINT
from tests.browser.conftest import READY, Open, sign_in
from tests.browser.test_edit import shot

pytestmark = pytest.mark.browser
MEASURE = "cash_points_per_1000"
SLOW = 60_000


def colour_by(page: Page, measure: str) -> None:
    page.click("#measure summary")
    page.select_option("#measure-name", measure)
    page.keyboard.press("Escape")
    expect(page.locator("#measure-panel:not([aria-busy]) .values tbody tr").first).to_be_visible(timeout=SLOW)


def download(page: Page, kind: str) -> bytes:
    with page.expect_download(timeout=SLOW) as found:
        page.click(f".downloads [data-format={kind}]")
    path = found.value.path()
    assert found.value.suggested_filename.endswith(f".{kind}")
    return Path(path).read_bytes()


def pixel(page: Page, x: int, y: int) -> str:
    """Colour of the grids' canvas."""
    return page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector(".leaflet-jt-grids-pane canvas");
            const box = canvas.getBoundingClientRect();
            const scale = canvas.width / box.width;
            return canvas.getContext("2d").getImageData((x - box.left) * scale, (y - box.top) * scale, 1, 1).data.join();
        }""",
        [x, y],
    )


@pytest.mark.domain("OB04")
def test_communities_without_a_recycling_point_and_where_the_next_go(new_page: Callable[..., Page]) -> None:
    page = new_page()
    sign_in(page, "manager", after="/findings/?list=rule-ob04-1")
    expect(page.locator("#work h2")).to_contain_text("社区和村至少 1 个回收站点", timeout=SLOW)
    without = page.locator("#work li")
    assert without.count() > 10
    without.first.locator("button").click()
    expect(page.locator("#work li[aria-current]")).to_have_count(1)
    page.goto("/siting/")
    page.wait_for_selector(READY)
    page.select_option("[name=what]", "places:recycling")
    page.get_by_role("button", name="试算").click()
    expect(page.locator("#outcome tbody tr")).to_have_count(3, timeout=SLOW)
    expect(page.locator("#outcome")).to_contain_text("新设后")
    # The address asks the same again; what is proposed leaves as a table.
    page.reload()
    expect(page.locator("#outcome tbody tr")).to_have_count(3, timeout=SLOW)
    assert page.input_value("[name=what]") == "places:recycling"
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert len(download.value.path().read_text("utf-8-sig").splitlines()) == 4


@pytest.mark.domain("YL04", "ZG08", "YL05")
def test_a_manager_colours_villages_and_takes_the_map_along(open_map: Open, new_page: Callable[..., Page]) -> None:
    page = open_map("?level=2&layers=machines", user="manager")
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = (int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2))
    plain = pixel(page, *middle)
    colour_by(page, MEASURE)
    expect(page.locator("#measure-said")).to_have_text("每千户助农取款点")
    assert pixel(page, *middle) != plain
    page.click(".notes summary")
    expect(page.locator("#measure-panel")).to_contain_text("分母: 网格内的户数")
    expect(page.locator("#legend")).to_contain_text("每千户助农取款点")
    assert re.search(r"^0\.00 \(1\)$", page.inner_text("#legend"), re.MULTILINE)
    shot(page, "manager-measure")

    # Sorted upwards, the village without a cash point comes first; its row and its grid belong together.
    page.click("[data-sort=value]")
    first = page.locator(".values tbody tr").first
    expect(first).to_contain_text("中心村")
    expect(first.locator("td")).to_contain_text("0")
    page.click("[data-sort=value]")
    last = page.locator(".values tbody tr").first
    name = last.locator("th .link").inner_text()
    last.locator("th .link").click()
    expect(page.locator("#panel-body .big")).to_have_text(name, timeout=SLOW)
    expect(page.locator(".values tr[aria-selected]")).to_contain_text(name)

    # From the number to what it is made of: the cash point, and the households of the grids below.
    last.locator("td button").click()
    behind = page.locator("#panel-body")
    expect(behind).to_contain_text("登记的对象: 1", timeout=SLOW)
    expect(behind).to_contain_text(f"{name}助农取款点")
    expect(behind).to_contain_text(f"{name}第一网格")
    shot(page, "manager-behind")

    book = load_workbook(io.BytesIO(download(page, "xlsx")))
    lines = list(book.active.iter_rows(values_only=True))
    assert lines[0][4] == "每千户助农取款点 (个)"
    assert {line[0]: line[4] for line in lines}[VILLAGE_WITHOUT_CASH_POINT] == 0
    text = pypdfium2.PdfDocument(document := download(page, "pdf"))[0].get_textpage().get_text_range()
    for words in ("每千户助农取款点", "分母", "演示数据", "助农取款点 (", "1 : ", "北"):
        assert words in text, words
    picture = Image.open(io.BytesIO(download(page, "png")))
    assert picture.width > 1500 and len(document) < 3_000_000

    # The link shows the same: measure, classes, order, layers, grid.
    page.click("#measure summary")
    page.select_option("#measure-how", "equal")
    page.keyboard.press("Escape")
    page.click("[data-sort=name]")
    page.wait_for_url("**classes=equal*")
    page.wait_for_url("**sort=name*")
    names = page.locator(".values tbody th .link").all_inner_texts()[:5]
    other = new_page()
    sign_in(other, "manager", after=page.url[page.url.index("/?") :])
    other.wait_for_selector(READY)
    expect(other.locator(".values tbody tr").first).to_be_visible(timeout=SLOW)
    assert other.locator(".values tbody th .link").all_inner_texts()[:5] == names
    assert other.input_value("#measure-how") == "equal" and other.inner_text("#legend") == page.inner_text("#legend")
    expect(other.locator(".values tr[aria-selected]")).to_contain_text(name)


@pytest.mark.domain("ZG05")
def test_from_far_households_down_to_their_homes(open_map: Open) -> None:
    page = open_map("?level=1&measure=far_households&sort=-value", user="manager")
    panel = page.locator("#panel-body")
    page.locator(".values tbody tr").first.locator("td button").click(timeout=SLOW)
    # The leaves, then the homes of one.
    leaves = panel.locator("li", has=page.locator(".figures button"))
    expect(leaves.first).to_be_visible(timeout=SLOW)
    name = leaves.first.locator("button").first.inner_text()
    leaves.first.locator(".figures button").click()
    expect(panel.locator("h2")).to_have_text(name, timeout=SLOW)
    expect(panel).to_contain_text(re.compile(r"超出服务半径的住处: [1-9]"))
    expect(panel.locator("li").first).to_contain_text(re.compile(r"\d 户, [\d.]+ 公里到 "))
    shot(page, "manager-far-homes")
    panel.locator("li button").first.click()
    page.wait_for_url("**lon=*")


@pytest.mark.parametrize(
    ("measure", "level", "heading", "line"),
    [
        ("compactness", 2, "组成网格的各块: 1", "周长"),
        ("children", 1, "直接下级网格: ", "面积"),
        ("outlet_distance_km", 2, "最近的营业网点: 1", "从网格的标注点起"),
        ("workload_deviation", 2, "同一上级下的网格: ", "工作量"),
        ("households", 3, "有住户的建筑: ", "户"),
    ],
)
def test_each_number_leads_to_what_it_is_made_of(
    open_map: Open, measure: str, level: int, heading: str, line: str
) -> None:
    page = open_map(f"?level={level}&measure={measure}&sort=-value", user="manager")
    page.locator(".values tbody tr").first.locator("td button").click(timeout=SLOW)
    panel = page.locator("#panel-body")
    expect(panel).to_contain_text(heading, timeout=SLOW)
    expect(panel.locator("li").first).to_contain_text(line)
    shot(page, f"manager-behind-{measure}")


def test_a_measure_without_data_is_hatched_and_never_zero(open_map: Open) -> None:
    page = open_map("?level=3&measure=station_completeness", user="manager")
    expect(page.locator("#measure-panel")).to_contain_text("没有数据", timeout=SLOW)
    assert re.search(r"没有数据 \([\d,]+\)", page.inner_text("#legend"))


def test_limits_that_are_no_numbers_are_explained(open_map: Open, complaints: list[str]) -> None:
    page = open_map("?level=1&measure=households&classes=manual&limits=9,3", user="manager")
    expect(page.locator("#measure-panel .message.error")).to_contain_text("从小到大", timeout=SLOW)
    complaints.clear()


@pytest.mark.domain("YL04", "QJ02", "ZG05")
def test_a_manager_works_through_the_lists(new_page: Callable[..., Page]) -> None:
    page = new_page()
    sign_in(page, "manager", after="/findings/")
    page.wait_for_selector(READY, timeout=SLOW)
    expect(page.locator("[data-list=rule-qj02-1]")).to_contain_text("QJ02")
    # The size bands that the bank has taken over.
    expect(page.locator("[data-list]", has_text="LA01")).to_have_count(2)
    expect(page.locator("[data-list]", has_text="OC06")).to_have_count(1)
    page.click("[data-list=rule-yl04-1]")
    expect(page.locator("#work h2")).to_contain_text("村级网格至少 1 个助农取款点", timeout=SLOW)
    expect(page.locator("#work li")).to_have_count(1)
    expect(page.locator("#work .demand")).to_contain_text("助农取款点 至少 1 个")
    page.click("#work li button")
    expect(page.locator("#work li[aria-current]")).to_contain_text("中心村")
    pin = page.locator("#map .pin").bounding_box()
    area = page.locator("#map").bounding_box()
    assert pin is not None and area is not None
    # Zoomed to it: the pin stands in the middle half of the map.
    assert abs(pin["x"] + pin["width"] / 2 - area["x"] - area["width"] / 2) < area["width"] / 4
    assert abs(pin["y"] + pin["height"] / 2 - area["y"] - area["height"] / 2) < area["height"] / 4
    shot(page, "manager-findings")
    lines = list(load_workbook(io.BytesIO(download(page, "xlsx"))).active.iter_rows(values_only=True))
    assert (lines[1][1], lines[1][3]) == ("YL04", VILLAGE_WITHOUT_CASH_POINT)

    # Households out of reach, in words with the number; the same row after a reload.
    page.click("[data-list=far-households]")
    expect(page.locator("#work .demand")).to_contain_text("公里", timeout=SLOW)
    # The homes behind a row, with the outlet nearest to them; and back to the row.
    first = page.locator("#work li").first
    far = int(re.sub(r"[^0-9].*", "", first.locator("p").first.inner_text().replace(",", "")))
    first.locator("[data-behind]").click()
    expect(page.locator("#work h2")).to_contain_text("离网点远的住处", timeout=SLOW)
    homes = [
        int(re.match(r"[\d,]+", text)[0].replace(",", ""))
        for text in page.locator("#work li p:first-of-type").all_inner_texts()
    ]
    assert sum(homes) == far
    expect(page.locator("#map .pin.finding")).to_have_count(len(homes))
    expect(page.locator("#map .pin.outlet").first).to_be_attached()
    page.reload()
    page.locator("#work li").first.locator("button").click(timeout=SLOW)
    expect(page.locator("#work li[aria-current]")).to_contain_text("公里到")
    page.click("[data-within]")
    expect(page.locator("#work li[aria-current]")).to_contain_text("户超出", timeout=SLOW)

    page.locator("#work li").nth(1).locator("button").first.click()
    chosen = page.locator("#work li[aria-current]")
    expect(chosen).to_contain_text("户超出")
    row = chosen.inner_text()
    page.reload()
    page.wait_for_selector(READY, timeout=SLOW)
    expect(chosen).to_have_text(row, use_inner_text=True)
    page.click("#work li[aria-current] a")
    page.wait_for_selector(READY, timeout=SLOW)
    expect(page.locator("#panel-body .big")).to_have_text(row.splitlines()[1], timeout=SLOW)

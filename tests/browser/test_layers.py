"""Layers on the map: choose, filter, list, look, add, move, delete; near a place; in a grid; dense ones in tiles."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest
from django.contrib.gis.db.models.functions import Distance
from playwright.sync_api import Page, expect

from layers.facilities.models import Outlet, Place
from layers.grids.models import Grid
from layers.orgs.models import Institution
from layers.streets.models import Street
from tests.browser.conftest import PHONE, Open
from tests.browser.map_page import click_middle

pytestmark = pytest.mark.browser
DEMO_PLAN = "2026 年网格划分"


def matched(page: Page) -> str:
    return page.locator(".matched strong").inner_text()


@pytest.mark.domain("QJ01")
def test_stations_in_a_list_and_what_one_lacks(open_map: Open) -> None:
    page = open_map()
    page.click("#layers summary")
    page.click('.layer[data-layer="outlets"] .layer-head button')
    page.select_option(".finder select[aria-label=全部类型]", "station")
    count = Outlet.objects.filter(kind="station").count()
    expect(page.locator(".matched strong")).to_have_text(f"共 {count} 个")
    expect(page.locator("#map .cluster.outlets").first).to_be_visible()
    expect(page.locator('#layer-choice input[value="outlets"]')).to_be_checked()
    page.click(".pager button:last-child")
    expect(page.locator(".pager .figures")).to_have_text("21–40")
    page.get_by_label("未完备 (“十个一”不全)").check()
    page.wait_for_url(re.compile("incomplete"))
    expect(page.locator(".found-row", has_text=re.compile(r"\b[3-9]/10"))).to_have_count(20)
    page.reload()
    expect(page.get_by_label("未完备 (“十个一”不全)")).to_be_checked()
    expect(page.locator(".matched strong")).not_to_have_text(f"共 {count} 个")
    page.get_by_label("未完备 (“十个一”不全)").uncheck()
    expect(page.locator(".matched strong")).to_have_text(f"共 {count} 个")
    lacking = page.locator(".found-row", has_text=re.compile(r"\b[3-9]/10")).first
    lacking.click()
    expect(page.locator(".completeness")).to_contain_text("尚缺")
    expect(page.locator(".chain li")).to_have_count(4)
    page.click(".back-link")
    expect(page.locator(".matched strong")).to_have_text(f"共 {count} 个")
    # The address brings the same list back.
    page.reload()
    expect(page.locator(".matched strong")).to_have_text(f"共 {count} 个")


@pytest.mark.domain("HY12", "YL04", "ZG16")
def test_numbers_of_a_grid_lead_to_their_rows(open_map: Open) -> None:
    village = Grid.objects.get(plan__name=DEMO_PLAN, code="429005105230")
    page = open_map(f"?level=2&grid={village.pk}")
    places = page.locator('.contents > [data-layer="places"]')
    total = places.locator("summary .link").inner_text()
    places.locator("summary .link").click()
    expect(page.locator(".matched strong")).to_have_text(f"共 {total} 个")
    expect(page.locator(".chip")).to_contain_text(village.name)
    page.locator(".chip button").click()
    expect(page.locator(".matched strong")).to_have_text(f"共 {Place.objects.count():,} 个")


@pytest.mark.domain("ZG16")
def test_channels_of_a_grid_on_its_card_and_on_the_map(open_map: Open) -> None:
    """Four online channels and the places, of one grid; and a channel as a map of all townships."""
    town = Grid.objects.get(plan__name=DEMO_PLAN, level=1, code__startswith="429005105")
    page = open_map(f"?level=1&grid={town.pk}", user="manager")
    page.locator(".channels > summary").click()
    rows = page.locator(".channels [data-channel]")
    expect(rows).to_have_count(10)
    for number in range(1, 5):
        expect(page.locator(f'[data-channel="channel_{number}"]')).to_have_text(re.compile(r"银行使用率[\d.]+ %"))
    expect(page.locator('[data-channel="cash_points"]')).to_have_text(re.compile(r"助农取款点[1-9]\d* 个"))
    said = page.locator('[data-channel="channel_2"] .figures').inner_text().removesuffix(" %")
    page.click("#measure summary")
    page.select_option("#measure-name", "channel_2")
    row = page.locator(f'#measure-panel tr[data-grid="{town.pk}"] td')
    expect(row).to_have_text(said, timeout=60_000)
    expect(page.locator("#legend")).to_contain_text("手机银行使用率 (%)")


@pytest.mark.domain("OC07")
def test_the_five_registers_of_a_township_lead_to_their_rows(open_map: Open) -> None:
    town = Grid.objects.get(plan__name=DEMO_PLAN, level=1, code__startswith="429005105")
    page = open_map(f"?level=1&grid={town.pk}")
    page.locator(".registers > summary").click()
    expect(page.locator("[data-register]")).to_have_count(6)
    events = page.locator('[data-register="event"]')
    expect(events).to_contain_text("事")
    for name in ("person", "house", "event", "organisation", "thing"):
        expect(page.locator(f'[data-register="{name}"] > details > summary .figures')).not_to_have_text("0")
    events.locator("summary").click()
    number = events.locator("li .link").first
    total = number.inner_text()
    number.click()
    expect(page.locator(".matched strong")).to_have_text(f"共 {total} 个")


@pytest.mark.domain("OC07")
def test_a_register_colours_the_map_and_its_numbers_lead_to_kinds_and_rows(open_map: Open) -> None:
    town = Grid.objects.get(plan__name=DEMO_PLAN, level=1, code__startswith="429005105")
    page = open_map("?level=1&measure=register_event")
    page.locator(f'#measure-panel tr[data-grid="{town.pk}"] td button').click()
    number = page.locator("#panel-body .panel-head + ul.rows .link").first
    total = number.inner_text()
    number.click()
    expect(page.locator(".matched strong")).to_have_text(f"共 {total} 个")


def test_by_bounds_of_an_attribute_and_along_a_street(open_map: Open) -> None:
    somewhere = Place.objects.filter(kind="compound").earliest("pk").geom
    street = Street.objects.exclude(name="").order_by(Distance("geom", somewhere)).first()
    page = open_map("?find=places%3Fkind%3Dcompound")
    expect(page.locator(".matched")).to_be_visible()
    page.select_option(".finder select[aria-label=属性]", "households")
    page.get_by_label("户数至少").fill("500")
    page.get_by_label("户数至少").press("Tab")
    page.get_by_label("户数至多").fill("600")
    page.get_by_label("户数至多").press("Tab")
    some = Place.objects.filter(kind="compound", attributes__households__gte=500, attributes__households__lte=600)
    expect(page.locator(".matched strong")).to_have_text(f"共 {some.count()} 个")
    page.reload()
    expect(page.get_by_label("户数至多")).to_have_value("600")
    expect(page.locator(".matched strong")).to_have_text(f"共 {some.count()} 个")
    page.locator(".more-filters summary").click()
    page.get_by_label("沿街道 (全名)").fill(street.name)
    page.get_by_label("沿街道 (全名)").press("Tab")
    expect(page.locator(".matched strong")).not_to_have_text(f"共 {some.count()} 个")
    assert "along" in page.url
    page.locator(".attribute-filter", has=page.get_by_label("户数至少")).get_by_role("button").click()
    page.get_by_label("离街道至多 (米)").fill("3000")
    page.get_by_label("离街道至多 (米)").press("Tab")
    expect(page.locator(".found-row").first).to_contain_text(re.compile("米|公里"))


def test_attributes_are_those_of_the_kind(open_map: Open) -> None:
    """Another kind: other attributes, and what was asked of the former is asked no more, nor by an old address."""
    page = open_map("?find=outlets%3Fkind%3Dstaffed%26attributes.tellers.min%3D1")
    offered = page.locator(".attribute-filters > select")
    expect(page.get_by_label("柜员至少")).to_have_value("1")
    offered.select_option(label="地址")
    page.get_by_label("地址").fill("路")
    page.get_by_label("地址").press("Tab")
    page.wait_for_url(re.compile("attributes.address"))
    assert "attributes.tellers.min" in page.url
    page.select_option(".finder select[aria-label=全部类型]", "station")
    page.wait_for_url(lambda url: "tellers" not in url)
    expect(page.get_by_label("地址")).to_have_value("路")
    expect(page.locator(".matched")).to_be_visible()
    assert "柜员" not in offered.inner_text()
    page.goto("/?find=outlets%3Fkind%3Dstation%26attributes.tellers.min%3D1")
    expect(page.locator(".matched strong")).to_have_text(f"共 {Outlet.objects.filter(kind='station').count()} 个")
    assert "tellers" not in page.url


def test_a_regulator_tells_the_banks_apart(open_map: Open) -> None:
    page = open_map("?find=outlets%3Fkind%3Dstaffed", user="regulator")
    expect(page.locator(".found-row").first).to_be_visible()
    choice = page.locator(".finder select[aria-label=全部机构]")
    banks = list(Institution.objects.filter(depth=1).exclude(kind="regulator").order_by("path"))
    groups = choice.locator("optgroup")
    assert groups.evaluate_all("groups => groups.map(({ label }) => label)") == [bank.name for bank in banks]
    assert choice.locator("option").count() - 1 == Institution.objects.exclude(kind="regulator").count()
    row = page.locator(".found-row").first
    same = Outlet.objects.filter(name=row.locator("span[translate=no]").first.inner_text(), kind="staffed")
    assert row.locator("small span").first.inner_text() in {
        bank.name for bank in banks for one in same if one.institution.path.startswith(bank.path)
    }
    mine = open_map("?find=outlets%3Fkind%3Dstaffed")
    expect(mine.locator(".found-row").first).to_be_visible()
    assert mine.locator(".finder optgroup").count() == 0


def test_a_limit_is_said_in_words(open_map: Open, complaints: list[str]) -> None:
    page = open_map("?find=outlets%3Fwithin%3D6000")
    expect(page.locator(".found [role=alert]")).to_have_text("填写有误: 离街道的距离 (米) 至多 5,000。")
    page.wait_for_load_state("networkidle")
    complaints.clear()  # Chromium reports the answers 422


def test_the_nearest_of_a_click(open_map: Open) -> None:
    page = open_map("?find=machines%3Fkind%3Datm")
    expect(page.locator(".matched")).to_be_visible()
    page.get_by_role("button", name="在该处附近").click()
    page.mouse.click(600, 450)
    expect(page.locator(".matched strong")).to_have_text("共 10 个")
    expect(page.locator(".found-row").first).to_contain_text(re.compile("米|公里"))
    assert "near" in page.url
    page.get_by_label("附近").select_option("3000")
    expect(page.locator(".matched strong")).not_to_have_text("共 10 个")
    near = matched(page)
    page.reload()
    expect(page.locator(".matched strong")).to_have_text(near)
    expect(page.get_by_label("附近")).to_have_value("3000")
    # Another place, as far around.
    page.get_by_role("button", name="在该处附近").click()
    page.mouse.click(500, 400)
    page.wait_for_url(re.compile("radius%3D3000"))
    assert "nearest" not in page.url
    expect(page.get_by_label("附近")).to_have_value("3000")
    page.locator(".chip button").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_what_the_map_shows_and_names_of_streets(open_map: Open) -> None:
    page = open_map("?level=1&z=13&lon=112.9&lat=30.4&find=places%3Fkind%3Dshop")
    expect(page.locator(".matched strong")).to_have_text(f"共 {Place.objects.filter(kind='shop').count()} 个")
    rows = page.locator("#legend .legend-row")
    expect(rows.filter(has_text="商铺")).to_have_count(1)
    expect(rows.filter(has_text="学校")).to_have_count(0)
    page.get_by_role("button", name="图上范围").click()
    expect(page.locator(".chip")).to_contain_text("图上框定的范围")
    expect(page.locator(".matched strong")).not_to_have_text(f"共 {Place.objects.filter(kind='shop').count()} 个")
    some = matched(page)
    page.reload()
    expect(page.locator(".matched strong")).to_have_text(some)
    street = Street.objects.exclude(name="").order_by("name").first()
    page.locator(".more-filters summary").click()
    page.get_by_label("沿街道 (全名)").press_sequentially(street.name[:3])
    expect(page.locator(f'#street-names option[value="{street.name}"]')).to_have_count(1)


def test_add_move_and_delete(open_map: Open, complaints: list[str]) -> None:
    page = open_map("?find=places%3Fkind%3Drecycling")
    expect(page.locator(".matched")).to_be_visible()
    page.get_by_role("button", name="新增一个").click()
    page.mouse.click(600, 450)
    expect(page.locator("input[name=lon]")).not_to_have_value("")
    page.select_option("select[name=kind]", "recycling")
    page.fill("input[name=name]", "<img src=x onerror=alert(1)>")
    page.click(".feature-form button.primary")
    # Without a code: said at the field.
    expect(page.locator("input[name=code] + .field-fault")).to_be_visible()
    complaints.clear()
    page.fill("input[name=code]", "TEST-1")
    page.click(".feature-form button.primary")
    expect(page.locator("#panel-body h2")).to_contain_text("<img src=x onerror=alert(1)>")
    made = Place.objects.get(code="TEST-1")
    assert made.grid_code and not made.synthetic
    page.get_by_role("button", name="编辑与移动").click()
    page.fill("input[name=lat]", "30.99")
    page.click(".feature-form button.primary")
    expect(page.locator("#panel-body .vacant")).to_contain_text("不在任何网格内")
    page.get_by_role("button", name="删除").click()
    page.click("button.danger")
    expect(page.locator(".matched")).to_be_visible()
    assert not Place.objects.filter(code="TEST-1").exists()


def test_a_list_without_filters_is_one(open_map: Open) -> None:
    page = open_map("?find=outlets")
    expect(page.locator(".matched")).to_be_visible()
    assert "outlets%3Foutlets" not in page.url and "find=outlets" in page.url


def test_who_may_not_change_is_not_asked_to(open_map: Open) -> None:
    page = open_map("?find=outlets%3Fkind%3Dstation", user="manager")
    expect(page.locator(".matched")).to_be_visible()
    expect(page.get_by_role("button", name="新增一个")).to_have_count(0)
    page.locator(".found-row").first.click()
    expect(page.locator(".facts")).to_be_visible()
    expect(page.get_by_role("button", name="删除")).to_have_count(0)


def test_a_dense_layer_comes_in_tiles_and_can_be_clicked(open_map: Open, settings: Any) -> None:
    settings.DENSE_LAYER = 100
    shops = Place.objects.filter(kind="shop").order_by("pk")
    shop = next(one for one in shops if Place.objects.filter(geom__dwithin=(one.geom, 0.001)).count() == 1)
    page = open_map(f"?layers=places&level=3&lon={shop.geom.x}&lat={shop.geom.y}&z=17")
    # Who clicks a sign has seen it: something is painted in the middle.
    page.wait_for_function(
        """() => {
            const canvas = document.querySelector(".leaflet-jt-dense-pane canvas");
            if (!canvas) return false;
            const map = document.querySelector("#map").getBoundingClientRect(), own = canvas.getBoundingClientRect();
            const scale = canvas.width / own.width;
            const x = (map.x + map.width / 2 - own.x) * scale, y = (map.y + map.height / 2 - own.y) * scale;
            return canvas.getContext("2d").getImageData(x - 4, y - 4, 8, 8).data.some(value => value > 0);
        }"""
    )
    expect(page.locator("#map .leaflet-marker-icon .point")).to_have_count(0)
    click_middle(page)
    expect(page.locator("#panel-body h2")).to_contain_text(shop.name)


def test_what_lies_under_another_sign_can_be_opened(open_map: Open) -> None:
    shop = Place.objects.filter(kind="shop").first()
    under = Place.objects.create(institution=shop.institution, code="UNDER", name="楼下", kind="market", geom=shop.geom)
    page = open_map(f"?layers=places&level=3&lon={shop.geom.x}&lat={shop.geom.y}&z=17")
    expect(page.locator(f"#map .leaflet-marker-icon[title={under.name}]")).to_have_count(1)
    click_middle(page)
    others = Place.objects.filter(is_active=True, geom=shop.geom).count() - 1
    page.get_by_role("button", name=f"同一处另有 {others} 个").click()
    expect(page.locator(".matched")).to_contain_text(f"共 {others + 1} 个")
    page.locator(".found-row", has_text=under.name).click()
    expect(page.locator("#panel-body h2")).to_contain_text(under.name)
    under.delete()


def test_on_a_phone(open_map: Open) -> None:
    page = open_map("?find=outlets%3Fkind%3Dstation", viewport=PHONE, has_touch=True)
    expect(page.locator(".matched")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".found-row").first.click()
    expect(page.locator(".completeness")).to_be_visible()


def test_the_legend_tells_layers_apart_and_lies_folded(open_map: Open) -> None:
    page = open_map("?layers=outlets,machines,staff&level=1")
    folded = page.locator("#legend details")
    expect(folded).to_have_count(3)
    assert not folded.evaluate_all("all => all.some(({ open }) => open)")
    page.wait_for_function(
        """() => {
            const look = (one) => { const { borderTopColor, borderRadius } = getComputedStyle(one); return borderTopColor + borderRadius; };
            return new Set([...document.querySelectorAll("#legend summary .cluster")].map(look)).size === 3;
        }"""
    )
    folded.first.locator("summary").click()
    expect(folded.first.locator(".legend-row").first).to_be_visible()
    # It stays open when the legend is drawn anew.
    page.keyboard.press("3")
    expect(page.locator("#legend")).to_contain_text("村")
    expect(folded.first.locator(".legend-row").first).to_be_visible()


def test_gathered_points_of_two_layers_do_not_hide_each_other(open_map: Open) -> None:
    page = open_map("?layers=outlets,machines&level=1")
    page.wait_for_function("() => document.querySelectorAll('.cluster.outlets').length > 10")
    page.wait_for_function("() => document.querySelectorAll('.cluster.machines').length > 10")
    page.wait_for_function(
        """() => {
            const boxes = [...document.querySelectorAll('.cluster')].map((one) => one.getBoundingClientRect());
            const near = (a, b) => a !== b && Math.hypot(a.x - b.x, a.y - b.y) < 24;
            return !boxes.some((a) => boxes.some((b) => near(a, b)));
        }"""
    )
    # Where all stand on one place, they still get away from each other, and from one that stays.
    moves = page.evaluate(
        "import('jt/apart').then(({apart}) => apart([{x: 0, y: 0, stays: true}, {x: 0, y: 0}, {x: 0, y: 0}], 30))"
    )
    assert moves[0] == {"x": 0, "y": 0}
    places = [(move["x"], move["y"]) for move in moves]
    assert min(math.dist(a, b) for a, b in itertools.combinations(places, 2)) > 29

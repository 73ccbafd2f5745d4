"""People in Chromium: a manager finds a vacancy and a double holder, assigns, hands over, and reads who served; anybody opens the sheet."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from layers.audit.models import Entry
from layers.grids.models import Grid
from layers.notices.models import Notice
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Post, PublicSheet, Staff
from tests.browser.conftest import PHONE, READY, sign_in

pytestmark = pytest.mark.browser
New = Callable[..., Page]
ROWS = "#rows[data-ready=true]"


@pytest.fixture
def open_people(new_page: New) -> Iterator[New]:
    """Opens a page of people, and afterwards leaves all assignments as they were."""
    before = {one.pk: one for one in Assignment.objects.all()}

    def open_(path: str = "/people/", *, user: str = "manager", **options: object) -> Page:
        page = new_page(**options)
        page.set_default_timeout(30_000)
        sign_in(page, user, after=path)
        return page

    yield open_
    Assignment.objects.exclude(pk__in=before).delete()
    for one in Assignment.objects.all():
        if one.valid_to != before[one.pk].valid_to:
            before[one.pk].save()


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for it is named."""
    if folder := os.environ.get("JINGTIAN_SHOTS"):
        page.screenshot(path=Path(folder) / f"people-{name}.png", full_page=True)


def choose(field: Locator, person: Staff) -> None:
    """Type a part of the name, wait until the list offers the person, and take it."""
    field.fill(person.name[4:])
    written = f"{person.name} ({person.number})"
    expect(field.locator(f"xpath=following-sibling::datalist[1]/option[@value='{written}']")).to_be_attached()
    field.fill(written)


def demo_grid(code: str) -> Grid:
    return Grid.objects.get(plan__institution__code="QJ", plan__status="published", code=code)


@pytest.mark.domain("ZG07", "JG01")
def test_a_manager_fills_the_vacancy_relieves_the_double_holder_and_reads_the_history(open_people: New) -> None:
    page = open_people("/people/?list=vacant")
    page.wait_for_selector("#lists[data-ready=true]")
    expect(page.locator("[data-list=vacant] .number")).to_have_text("1")
    expect(page.locator(f"{ROWS} tbody tr")).to_have_count(1)
    # The pin on the map and the row in the table are one thing.
    page.locator(".people-map .pin").click()
    expect(page.locator("tr.chosen")).to_have_count(1)
    shot(page, "vacant")
    page.locator("[data-list=double]").click()
    page.wait_for_url("**/people/?list=double")
    # One person, and where her two grids are.
    expect(page.locator("[data-list=double] .number")).to_have_text("1")
    expect(page.locator(f"{ROWS} tbody tr")).to_have_count(1)
    expect(page.locator(".people-map .pin")).to_have_count(2)
    shot(page, "double")
    second = page.locator("#rows tbody td:nth-child(2) a").nth(1)
    held = second.inner_text()
    idle = Staff.objects.get(number="YS00005", institution__path__startswith=bank())

    page.goto("/people/?list=vacant")
    page.locator(f"{ROWS} tbody td:nth-child(2) a").click()
    expect(page.locator(".vacant")).to_be_visible()
    choose(page.locator("#id_assign-staff"), idle)
    shot(page, "assign")
    page.click("#assign .primary")
    expect(page.locator(".card-row")).to_contain_text(idle.name)
    expect(page.locator(".vacant")).to_have_count(0)

    # She who has two grids gives one of them up, tomorrow.
    page.goto("/people/?list=double")
    page.locator(f"{ROWS} tbody td:nth-child(2) a").nth(1).click()
    expect(page.locator("h1")).to_have_text(held)
    card = page.locator(".card-row").filter(has=page.get_by_text("责任人", exact=False)).first
    card.get_by_text("交接", exact=True).first.click()
    other = Staff.objects.filter(kind="grid_manager", institution=idle.institution).first()
    choose(card.locator("[data-people]").first, other)
    day = card.locator("input[type=date]").first
    first_day = page.evaluate("new Date(Date.now() + 36 * 3600e3).toISOString().slice(0, 10)")
    day.fill(first_day)
    shot(page, "hand-over")
    card.locator("button.primary").click()
    expect(page.locator("#history tbody tr").first).to_contain_text(other.name)
    expect(page.locator("#history tbody")).to_contain_text(first_day)
    page.fill("input[name=at]", first_day)
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".card-row").first).to_contain_text(other.name)
    shot(page, "handed-over")

    page.locator(".card-row a").first.click()
    expect(page.locator("#under")).to_be_visible()
    expect(page.locator(".tree li").first).to_be_visible()


def bank() -> str:
    return User.objects.get(username="manager").institution.path


@pytest.mark.domain("LA02")
def test_a_branch_proposes_and_the_head_office_approves(open_people: New) -> None:
    vacant = demo_grid("429005001001001")
    page = open_people(f"/people/grids/{vacant.pk}/", user="branch")
    idle = Staff.objects.get(number="YS00005", institution__path__startswith=bank())
    choose(page.locator("#id_assign-staff"), idle)
    page.click("#assign .primary")
    expect(page.locator("main")).to_contain_text("待审批")
    expect(page.locator(".vacant")).to_be_visible()
    boss = open_people("/people/proposals/")
    shot(boss, "proposals")
    boss.locator(".card-row", has_text=idle.name).get_by_role("button", name="同意", exact=True).click()
    expect(boss.locator(".message")).to_contain_text("已办理")
    page.goto(f"/people/grids/{vacant.pk}/")
    expect(page.locator(".vacant")).to_have_count(0)


@pytest.mark.domain("LA12")
def test_a_colleagues_telephone_is_shown_for_a_reason_that_is_logged(open_people: New, complaints: list[str]) -> None:
    me = Staff.objects.get(user__username="worker", institution__path__startswith=bank())
    mine = Assignment.objects.on().filter(staff=me, grid__isnull=False).first()
    assert mine is not None
    others = Staff.objects.employed().exclude(institution=me.institution).exclude(work_phone="")
    colleague = others.filter(institution__path__startswith=bank(), institution__depth=2).first()
    assert colleague is not None
    Assignment.objects.create(staff=colleague, grid=mine.grid, kind="backup", valid_from=timezone.localdate())
    page = open_people(f"/people/{colleague.pk}/", user="worker")
    facts = page.locator(".facts").first
    expect(facts).not_to_contain_text(colleague.work_phone)
    page.locator(".unmask summary").click()
    page.fill(".unmask input", "联系")
    page.locator(".unmask button").click()
    expect(page.locator(".unmask [role=alert]")).to_contain_text("事由")
    complaints.clear()
    page.fill(".unmask input", "联系交接事宜")
    page.locator(".unmask button").click()
    expect(page.locator(".unmasked")).to_contain_text(colleague.work_phone)
    shot(page, "unmasked")
    seen = Entry.objects.filter(kind="unmask", table_name="staff", keys=[str(colleague.pk)]).latest("pk")
    assert (seen.username, seen.reason) == ("worker", "联系交接事宜")


def test_the_map_leads_to_the_people_of_a_grid(open_people: New) -> None:
    vacant = demo_grid("429005001001001")
    page = open_people(f"/?grid={vacant.pk}&level=3")
    page.wait_for_selector(READY)
    page.locator("#panel-body a", has_text="安排、交接与历任").click()
    expect(page.locator(".vacant")).to_be_visible()


def test_who_leaves_is_told_to_those_who_find_the_vacancies_on_that_day(open_people: New) -> None:
    turn = Assignment.objects.on().filter(grid=demo_grid("429005001001002"), kind="main", role="worker").get()
    day = timezone.localdate() + dt.timedelta(days=10)
    page = open_people(f"/people/{turn.staff_id}/edit/")
    try:
        page.fill("[name=left_on]", day.isoformat())
        page.get_by_role("button", name="保存").click()
        expect(page.locator(".message.error")).to_contain_text(turn.unit.name)
        page.get_by_role("button", name="确认离岗").click()
        page.wait_for_url(f"**/people/{turn.staff_id}/")
        page = open_people("/notices/", user="admin")
        page.locator("#notices a", has_text=turn.unit.name).first.click()
        page.wait_for_url(f"**/people/grids/{turn.grid_id}/")
        page.goto(f"/people/?list=vacant&at={day}")
        expect(page.locator(f"{ROWS} tbody tr", has_text=turn.unit.name)).to_have_count(1)
        page.locator("#at").fill("")
        expect(page.locator(f"{ROWS} tbody tr", has_text=turn.unit.name)).to_have_count(0)
        page.wait_for_url("**/people/?list=vacant")
    finally:
        Staff.objects.filter(pk=turn.staff_id).update(left_on=None)
        Notice.objects.filter(kind="left").delete()


@pytest.mark.domain("GB02")
def test_a_post_is_put_on_the_map_by_mouse_keyboard_and_typing(open_people: New) -> None:
    page = open_people("/people/posts/new/")
    places, ready = page.locator("[name=places]"), "#place-map[data-ready=true]"
    page.wait_for_selector(ready)
    square = page.locator("#map").bounding_box()
    assert square is not None
    middle = (square["x"] + square["width"] / 2, square["y"] + square["height"] / 2)
    page.mouse.click(middle[0] - 60, middle[1])
    page.mouse.click(middle[0] + 60, middle[1] + 20)
    pins = page.locator("#map .pin")
    expect(pins).to_have_count(2)
    west, east = ([float(part) for part in line.split(",")] for line in places.input_value().splitlines())
    assert west[0] < east[0] and west[1] > east[1]
    # A point is moved by hand and by key, the middle of the map is put down by Space and taken back.
    pins.nth(1).drag_to(
        page.locator("#map"), target_position={"x": square["width"] / 2 + 90, "y": square["height"] / 2}
    )
    moved = places.input_value().splitlines()[1]
    assert float(moved.split(",")[0]) > east[0]
    page.locator("#map .handle-box").nth(1).press("ArrowRight")
    assert float(places.input_value().splitlines()[1].split(",")[0]) > float(moved.split(",")[0])
    page.locator("#map").focus()
    page.keyboard.press("Space")
    expect(pins).to_have_count(3)
    page.keyboard.press("Backspace")
    expect(pins).to_have_count(2)
    # What is typed is drawn.
    places.fill("112.9001, 30.4001\n112.9101, 30.4101\n112.92")
    expect(pins).to_have_count(2)
    places.fill("112.9001, 30.4001\n112.9101, 30.4101")
    shot(page, "post-drawn")
    page.fill("[name=code]", "T001")
    page.fill("[name=name]", "试画路段")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("h1")).to_have_text("试画路段")
    made = Post.objects.get(code="T001", institution__path__startswith=bank())
    assert made.geom.coords == ((112.9001, 30.4001), (112.9101, 30.4101))
    made.delete()
    page.goto("/people/new/")
    page.wait_for_selector(ready)
    page.locator("#map").scroll_into_view_if_needed()
    for x in (100, 140):
        page.locator("#map").click(position={"x": x, "y": 100})
    expect(pins).to_have_count(1)
    assert page.locator("[name=lon]").input_value() and page.locator("[name=lat]").input_value()
    page.locator("#place-clear").click()
    expect(pins).to_have_count(0)
    assert page.locator("[name=lon]").input_value() == ""


def test_what_is_folded_is_opened_for_the_paper(open_people: New) -> None:
    head = Staff.objects.get(number="YS05025", institution__path__startswith=bank())
    page = open_people(f"/people/{head.pk}/")
    folded = page.locator(".tree details:not([open])")
    before = folded.count()
    assert before > 0
    expect(page.locator("#print-all")).to_contain_text("人")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(folded).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(folded).to_have_count(before)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wide", {}),
        ("phone", {"viewport": PHONE}),
        ("english", {"locale": "en-GB"}),
        ("english-phone", {"viewport": PHONE, "locale": "en-GB"}),
    ],
    ids=["wide", "phone", "english", "english-phone"],
)
def test_the_pages_fit_and_speak_one_language(open_people: New, name: str, options: dict) -> None:
    page = open_people(**options)
    page.wait_for_selector("#lists[data-ready=true]")
    page.wait_for_selector(ROWS)
    chief = Staff.objects.get(number="YS04001", institution__path__startswith=bank())
    worker = Staff.objects.get(number="YS00001", institution__path__startswith=bank())
    grid = Assignment.objects.get(replaces__isnull=False, replaces__staff__number="YS05501").grid
    for path, called in (
        ("/people/?list=absent", "absent"),
        ("/people/", "all"),
        (f"/people/{chief.pk}/", "person"),
        (f"/people/{worker.pk}/", "worker"),
        (f"/people/grids/{grid.pk}/", "grid"),
        ("/people/proposals/", "waiting"),
        ("/people/new/", "new"),
        ("/people/posts/new/", "new-post"),
        ("/documents/", "documents"),
        ("/people/subsidies/", "subsidies"),
        ("/registers/?level=1&sort=-event", "registers"),
        (f"/registers/?grid={grid.pk}", "registers-of-grid"),
    ):
        page.goto(path)
        if "list" in path or path == "/people/":
            page.wait_for_selector("#lists[data-ready=true]")
        shot(page, f"{called}-{name}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        if name.startswith("english"):
            words = page.evaluate(CHINESE_OUTSIDE_DATA)
            assert words == [], (path, words)


CHINESE_OUTSIDE_DATA = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (/[\\u4e00-\\u9fff]/.test(node.textContent) && !node.parentElement.closest("[translate=no], [lang=zh], script, select, .leaflet-container, .plain-list"))
      found.push(node.textContent.trim());
  return found;
}"""
"""Texts with Chinese characters that are not marked as data."""


@pytest.mark.domain("LA07", "MY02")
def test_anybody_opens_the_public_sheet_on_a_phone(new_page: New, site: str) -> None:
    sheet = PublicSheet.objects.get(institution__code="QJ", code="429005001001002")
    page = new_page(viewport=PHONE)
    page.goto(f"/public/{sheet.token}/")
    worker = Assignment.objects.on().get(grid=demo_grid(sheet.code), kind="main", role="worker").staff
    expect(page.locator(".people article")).to_contain_text(worker.name)
    expect(page.locator(".people article a")).to_have_attribute("href", f"tel:{worker.work_phone}")
    for picture in page.locator("img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert page.locator("svg .street").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.context.cookies() == []
    shot(page, "sheet-phone")
    # Nothing leads from here into the site.
    assert page.locator("a:not([href^='tel:'])").count() == 0


APART = """(svg) => {
  const boxes = [...svg.querySelectorAll("text")].map((text) => ({ name: text.textContent, box: text.getBoundingClientRect() }));
  const meets = ({ box: a }, { box: b }) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const frame = svg.querySelector(".frame").getBoundingClientRect();
  const inside = ({ box }) => box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  return {
    over: boxes.flatMap((one, i) => boxes.slice(i + 1).filter((other) => meets(one, other)).map((other) => `${one.name} ${other.name}`)),
    out: boxes.filter((one) => !inside(one)).map(({ name }) => name),
    points: parseFloat(getComputedStyle(svg.querySelector("text")).fontSize) * svg.getScreenCTM().a * 0.75,
    share: frame.width * frame.height / innerWidth / innerHeight,
  };
}"""


@pytest.mark.parametrize("code", ["429005001001002", "429005001"])
def test_the_public_sheet_fills_a_page_of_paper_with_names_apart(new_page: New, site: str, code: str) -> None:
    head = Institution.objects.get(code="QJ")
    sheet = PublicSheet.objects.get_or_create(institution=head, code=code)[0]
    page = new_page(viewport={"width": 688, "height": 1016})  # A4 within its margins
    page.goto(f"/public/{sheet.token}/")
    assert len(pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))) == 1
    page.emulate_media(media="print")
    seen = page.locator("figure svg").evaluate(APART)
    assert (seen["over"], seen["out"]) == ([], [])
    assert seen["points"] >= 8 and seen["share"] > 0.3
    expect(page.locator("figure svg .far").first).to_be_visible()
    page.emulate_media(media="screen")
    page.set_viewport_size(PHONE)
    seen = page.locator("figure svg").evaluate(APART)
    assert (seen["over"], seen["out"]) == ([], [])

"""Every text that somebody can type, in every table, on every page: it is shown as text, in Chromium with the CSP switched off.

The CSP would stop a script that a page let in; here nothing does, so a page that takes a name for HTML fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import models
from playwright.sync_api import Browser, Page, expect

from layers.audit.events import record_read
from layers.audit.tables import logged_models
from layers.editing import service
from layers.grids.loading import load_grids
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.imports.models import Import
from layers.orgs.models import ApiToken, Institution, User
from layers.review import workflow
from layers.review.models import Comment, Notice, ShareLink
from layers.review.versions import copy
from layers.rules.models import Rule
from layers.streets.models import Building, Street
from tests.browser.conftest import PHONE, READY, WIDE, sign_in
from tests.evil import EVIL, MARKUP
from tests.factories import (
    CORNER,
    FIRST_DAY,
    PASSWORD,
    AssignmentFactory,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
    published,
    square_records,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NOT_TYPED = {
    "account": {"username", "password", "email", "first_name", "last_name"},  # names are set below
    "institution": {"path"},
    "plan": {"area_code"},
    "grid": {"code"},
    "grid_count": {"measure"},
    "feature_kind": {"layer", "key", "icon", "colour", "domain"},
    **{table: {"kind", "grid_code"} for table in ("outlet", "machine", "place", "customer")},
    "service_area": {"area_code"},
    "api_token": {"digest"},
    "share_link": {"digest"},
    "former_password": {"password"},
    "recovery_code": {"digest"},
    "rule": {"measure", "domain", "preset"},
    "otp_totp_totpdevice": {"key"},
}
"""Texts that the site makes, or that have a form of their own; every other text of every table is filled with what is evil."""
WITHOUT_ROWS = {
    "account_groups", "account_user_permissions", "auth_group", "auth_group_permissions", "edit", "former_password",
    "measure_settings", "otp_totp_totpdevice", "recovery_code", "review_settings",
}  # fmt: skip
"""Tables without a text that is typed, or, the last, filled by the pages."""
TYPED = [text for text in EVIL if "\0" not in text and "\r" not in text]


@dataclass
class Bank:
    """What the pages are opened with."""

    plan: Plan
    draft: Plan
    leaf: Grid
    token: str


def fill_all_texts() -> None:
    """Put an evil text into every text column of every row of every table, cut to its length; another one in each."""
    empty = set()
    for model in logged_models():
        table = model._meta.db_table
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField)
            and not field.choices
            and field.attname not in NOT_TYPED.get(table, ())
        ]
        keys = list(model.objects.order_by("pk").values_list("pk", flat=True))
        if not keys:
            empty.add(table)
        for number, key in enumerate(keys):
            values = {}
            for offset, field in enumerate(fields):
                text = TYPED[(number + offset) % len(TYPED)]
                unique = field.unique or any(
                    field.name in constraint.fields
                    for constraint in model._meta.constraints
                    if isinstance(constraint, models.UniqueConstraint)
                )
                end = f" {number}" if unique else ""
                values[field.attname] = text[: (field.max_length or len(text)) - len(end)] + end
            if values:
                model.objects.filter(pk=key).update(**values)
    assert empty <= WITHOUT_ROWS, f"put a row into {empty - WITHOUT_ROWS}, so that its texts are tried, too"


@pytest.fixture
def bank(committed_db: None, chromium: Browser) -> Bank:
    head = InstitutionFactory()
    branch = InstitutionFactory(parent=head, kind=Institution.Kind.BRANCH)
    users = {
        role: UserFactory(username=role, institution=head, role=role, first_name="", last_name=text[:150])
        for role, text in zip(User.Role.values, MARKUP, strict=False)
    }
    plan = PlanFactory(institution=head, level_names=[text[:30] for text in MARKUP[:3]])
    records = square_records(2, levels=3)
    load_grids(plan, [replace(record, name=TYPED[n % len(TYPED)][:120]) for n, record in enumerate(records)])
    leaf = plan.grids.filter(level=2).order_by("code")[0]
    spot = Point(CORNER[0] / 1e7 + 0.0005, CORNER[1] / 1e7 + 0.0005, srid=SRID)
    for number in range(len(TYPED)):
        person = StaffFactory(institution=branch)
        AssignmentFactory(staff=person, grid=leaf, kind="backup" if number else "main")
        place = Point(spot.x + number * 1e-5, spot.y, srid=SRID)
        OutletFactory(institution=branch, geom=place)
        MachineFactory(institution=branch, geom=place)
    GridCount.objects.create(grid=leaf, measure="households", value=5, as_of=FIRST_DAY)
    Street.objects.create(institution=head, geom=LineString((113, 30), (113.01, 30.01), srid=SRID))
    Building.objects.create(institution=head, geom=spot, households=3)
    Rule.objects.create(institution=head, name="x", measure="households", level=0, low=100)
    for number in range(len(MARKUP)):
        Comment.objects.create(plan=plan, author=users["planner"], text=str(number), place=spot if number else None)
    ApiToken.issue(users["administrator"], "x")
    Import.objects.create(
        institution=head, user=users["planner"], status=Import.Status.DIRTY, options={"files": [[MARKUP[0]] * 2]}
    )
    Notice.objects.create(
        user=users["planner"], plan=plan, kind="submitted", facts={"note": MARKUP[0], "by": MARKUP[1]}
    )
    _link, token = ShareLink.issue(plan, users["planner"], 5)
    record_read(users["administrator"], Plan, [plan.pk], fields=[MARKUP[0]], purpose=MARKUP[1])
    fill_all_texts()
    plan.refresh_from_db()
    published(plan)
    draft = copy(plan, users["planner"], MARKUP[0])
    root = draft.grids.get(level=0)
    service.commit(draft.pk, users["planner"], "rename", {"grid": root.pk, "name": MARKUP[1] + " 改"}, draft.revision)
    draft = workflow.submit(draft.pk, users["planner"], MARKUP[3])
    return Bank(plan, draft, Grid.objects.get(pk=leaf.pk), token)


@pytest.fixture
def look(bank: Bank, chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Opens an address as somebody, without the CSP, and afterwards sees whether anything ran."""
    pages: list[Page] = []

    def open_(user: str | None, address: str, **options: Any) -> Page:
        context = chromium.new_context(
            **{"base_url": live_server.url, "viewport": WIDE, "locale": "zh-CN", "bypass_csp": True} | options
        )
        context.set_default_timeout(15_000)
        page = context.new_page()
        pages.append(page)
        page.on("dialog", lambda dialog: page.evaluate("window.hacked = 1"))
        if user is None:
            page.goto(address)
        else:
            sign_in(page, user, PASSWORD, after=address)
        return page

    yield open_
    for page in pages:
        assert_nothing_ran(page)
        page.context.close()


def assert_nothing_ran(page: Page) -> None:
    assert page.evaluate("window.hacked") is None, page.url
    found = page.evaluate(
        'document.querySelectorAll(\'img[src=x], svg[onload], [onerror], a[href^="javascript:"], a[href^="JAVASCRIPT:"]\').length'
        " + [...document.scripts].filter((script) => !script.type.endsWith('json') && script.textContent.includes('hacked')).length"
        " + [...document.querySelectorAll('b')].filter((b) => b.textContent === '不是粗体').length"
    )
    assert found == 0, page.url


def shown(page: Page, text: str = "<img src=x onerror") -> None:
    """The markup is there to be read, as text."""
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text)


def printed(page: Page) -> None:
    page.emulate_media(media="print")
    assert_nothing_ran(page)
    assert page.pdf()[:4] == b"%PDF"
    page.emulate_media(media="screen")


def test_the_harness_notices_a_page_that_takes_text_for_html(look: Callable[..., Page]) -> None:
    page = look(None, "/login/")
    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", MARKUP[0])
    page.wait_for_function("window.hacked === 1")
    with pytest.raises(AssertionError):
        assert_nothing_ran(page)
    page.goto("/login/")


def test_the_map_its_panels_search_and_popups(look: Callable[..., Page], bank: Bank) -> None:
    spot = bank.leaf.geom.point_on_surface.coords
    query = (
        f"/?plan={bank.plan.pk}&grid={bank.leaf.pk}&level=2&z=16&lon={spot[0]}&lat={spot[1]}&layers=outlets,machines"
    )
    page = look(
        "planner",
        query,
        geolocation={"longitude": spot[0], "latitude": spot[1], "accuracy": 900},
        permissions=["geolocation"],
    )
    page.wait_for_selector(READY)
    shown(page)
    for user_text in ("=HYPERLINK", "\u202e"):
        shown(page, user_text)
    page.fill("#search", "window")
    expect(page.locator("#search-results [role=option]").first).to_contain_text("window.hacked")
    page.keyboard.press("Escape")
    page.evaluate(
        "document.querySelectorAll('#map .point').forEach((point) => point.closest('.leaflet-marker-icon').click())"
    )
    page.evaluate("document.querySelectorAll('#map .marker-cluster').forEach((cluster) => cluster.click())")
    assert_nothing_ran(page)
    page.click("[data-tool=locate]")
    page.wait_for_timeout(500)
    printed(page)


def test_the_draft_on_the_map_with_its_history(look: Callable[..., Page], bank: Bank) -> None:
    page = look("planner", f"/?plan={bank.draft.pk}&level=1&grid={bank.draft.grids.get(level=0).pk}", viewport=PHONE)
    page.wait_for_selector(READY)
    shown(page, "script>window.hacked")
    printed(page)


def test_the_list_of_plans_and_the_comparison(look: Callable[..., Page], bank: Bank) -> None:
    page = look("manager", "/plans/")
    page.wait_for_selector("#plans[data-ready]")
    shown(page)
    printed(page)
    page.goto(f"/plans/{bank.draft.pk}/review/")
    page.wait_for_selector("body[data-ready]")
    shown(page)
    printed(page)
    page.goto(f"/plans/{bank.plan.pk}/review/")
    page.wait_for_selector("body[data-ready]")
    shown(page, "svg onload")
    printed(page)


@pytest.mark.parametrize(
    ("user", "address", "ready"),
    [
        ("administrator", "/rules/", "#rules[data-ready=true]"),
        ("planner", "/import/", "main"),
        ("administrator", "/account/", "main"),
        ("administrator", "/audit/", "#entries"),
        ("administrator", "/audit/?user=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E&kind=%3Cb%3E", "main"),
        ("auditor", "/audit/?kind=read", "#entries"),
        (None, "/shared/{token}/", "#map"),
        (None, "/login/?next=%22%3E%3Cscript%3Ewindow.hacked%3D1%3C/script%3E", "main"),
        (None, "/%3Cimg%20src=x%20onerror=window.hacked=1%3E/", "main"),
    ],
)
def test_the_other_pages(look: Callable[..., Page], bank: Bank, user: str | None, address: str, ready: str) -> None:
    for options in ({}, {"viewport": PHONE, "locale": "en-US"}):
        page = look(user, address.format(token=bank.token), **options)
        page.wait_for_selector(ready)
        page.wait_for_load_state("networkidle")
        printed(page)
        if user is not None:
            assert "hacked=1" in page.content(), "there was nothing evil to show"


def test_what_is_typed_at_the_login_is_text_when_it_is_locked(look: Callable[..., Page], settings: Any) -> None:
    settings.AXES_ENABLED = True
    page = look(None, "/login/")
    for _ in range(5):
        page.fill("#id_username", MARKUP[1])
        page.fill("#id_password", "wrong")
        page.click("button.primary")
        page.wait_for_load_state()
        if page.locator("#id_username").count() == 0:
            break
    expect(page.get_by_role("heading", name="暂停登录")).to_be_visible()

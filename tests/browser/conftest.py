"""Real Chromium on the demo county. A test fails on any error in the console, and on any breach of the CSP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from layers.demo.bank import PASSWORD
from layers.grids.loading import load_grids
from layers.grids.models import Plan
from layers.orgs.models import User
from tests.browser.desk import Desk, at_desk, forget
from tests.factories import LEVEL_NAMES, square_records

TABLET = {"width": 820, "height": 1180}
PHONE = {"width": 390, "height": 844}
READY = "#map[data-ready=true]"

Open = Callable[..., Page]


@pytest.fixture
def site(demo_site: None, live_server: Any) -> str:
    """The address of the served demo county."""
    return str(live_server.url)


@pytest.fixture
def new_page(demo_site: None, new_page: Callable[..., Page]) -> Callable[..., Page]:
    """As elsewhere, on the demo county."""
    return new_page


@pytest.fixture
def open_map(new_page: Callable[..., Page]) -> Open:
    """Signs in and opens the map at an address, and waits until it is painted."""

    def open_(
        query: str = "", *, user: str = "planner", before: Callable[[Page], None] | None = None, **options: Any
    ) -> Page:
        page = new_page(**options)
        if before is not None:
            before(page)
        sign_in(page, user, after=f"/{query}")
        page.wait_for_selector(READY)
        return page

    return open_


def sign_in(page: Page, user: str, *, after: str = "/") -> None:
    """Opens an address as somebody: with the session that the page of login would have given."""
    session = Client()
    session.force_login(User.objects.get(username=user))
    cookie = session.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "domain": "localhost", "path": "/"}])
    page.goto(after)


def log_in(page: Page, user: str, password: str = PASSWORD) -> None:
    """Types name and password at the page of login, which is open."""
    page.fill("#id_username", user)
    page.fill("#id_password", password)
    with page.expect_navigation():
        page.click("button.primary")


def panel_text(page: Page) -> str:
    return page.inner_text("#panel-body")


@pytest.fixture
def plan(demo_site: None, django_db_blocker: Any) -> Iterator[Plan]:
    """A draft of 4 × 4 squares on three levels, of the bank of the demo county."""
    with django_db_blocker.unblock():
        user = User.objects.get(username="planner")
        assert user.institution is not None
        plan = Plan.objects.create(
            institution=user.institution, name="编辑草案", area_code="429005", level_names=list(LEVEL_NAMES[:3])
        )
        load_grids(plan, square_records(2, levels=3))
        yield plan
        forget(plan)


@pytest.fixture
def desk(plan: Plan, open_map: Open) -> Desk:
    return at_desk(open_map, plan)

"""The first map in headless Chromium: from a click on the address, with nothing cached, to the painted grids."""

from __future__ import annotations

import os

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, sync_playwright

from layers.grids.models import Grid
from layers.orgs.models import User
from tests.bench.server import serving
from tests.bench.table import Line, in_turn, slower
from tests.chromium import EXECUTABLE

ROUNDS = 7
VIEWPORT = {"width": 1440, "height": 900}
SENT = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def first_map(database: str) -> Line:
    """All grids of the demo county's plan in force, beside the empty login page; both with a cold cache."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's synchronous API runs an event loop in this thread
    client = Client()
    client.force_login(User.objects.get(username="planner"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    grids = Grid.objects.filter(plan__institution__code="QJ", plan__status="published").count()
    with serving(database) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": f"http://{address}"}
        sent: list[int] = []

        def opened() -> None:
            sent.append(_open(browser, f"http://{address}/?level=3", "#map[data-ready=true]", [cookie]))

        def login() -> None:
            _open(browser, f"http://{address}/login/", "#id_username", [])

        login()
        ours, theirs = in_turn(opened, login, ROUNDS)
        browser.close()
    what = f"first map, {grids:,} grids, cold cache, {max(sent) / 1000:.0f} kB sent (≤ 1,000)"
    return slower(what, ours, "the login page", theirs, "ours ≤ 2 s")


def _open(browser: Browser, address: str, ready: str, cookies: list[dict[str, str]]) -> int:
    context = browser.new_context(viewport=VIEWPORT, locale="zh-CN")
    try:
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(ready)
        return int(page.evaluate(SENT))
    finally:
        context.close()

"""The database of the tests: real PostGIS, made by the migrations, with rows rolled back, committed, or a whole demo county.

- `db` (or `@pytest.mark.django_db`): rolled back.
- `committed_db`, `transactional_db`, `live_server`: committed, and emptied afterwards.
- `raw`: other clients of the same database, that know nothing of Django; `site_role`: one as the role of the site.
- `demo_site`: the demo county, committed once a session; its tests run last, and leave it as they found it.

A test is the owner of the database; whatever it requests is answered as the role of the site (tests.as_the_site).
"""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.contrib.gis.db.backends.postgis.operations import PostGISOperations
from django.core.management import call_command
from django.core.management.commands import flush
from django.db import connection, connections
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests import as_the_site
from tests.chromium import EXECUTABLE
from tests.sql.client import Client

# Playwright's synchronous API runs an event loop in this thread; Django would take it for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# How long one example takes says more about the machine than about the code.
hypothesis_settings.register_profile("no-deadline", deadline=None)
hypothesis_settings.load_profile("no-deadline")

Connect = Callable[[], psycopg2.extensions.connection]
WIDE = {"width": 1440, "height": 900}
PATIENCE = 15_000
"""Milliseconds that a page has for what a test expects of it, on a busy machine too."""
emptying = {"suspended": False}
KEPT = {"django_content_type", "auth_permission", "audit"}
"""Tables that the migrations fill, and the audit log, which only grows."""


def pytest_configure() -> None:
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        # Hashed names would need collectstatic first.
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.WHITENOISE_AUTOREFRESH = True
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    # Counts failed logins in the database; the test of the throttle turns it on.
    settings.AXES_ENABLED = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    PostGISOperations.sql_flush = empty_as_replica
    flush.emit_post_migrate_signal = restore_vocabulary
    as_the_site.begin()


def restore_vocabulary(*_: object, **__: object) -> None:
    """What the migrations leave in an empty database, beside the tables that are KEPT."""
    from layers.features.kinds import load_common_kinds

    load_common_kinds()


def empty_as_replica(operations: PostGISOperations, style: object, tables: list[str], **_: object) -> list[str]:
    """What ends a committed test: the guard refuses TRUNCATE, so the owner deletes as a replica does, past all triggers."""
    if emptying["suspended"]:
        return []
    return [
        "SET LOCAL session_replication_role = replica",
        *(f"DELETE FROM {operations.quote_name(table)}" for table in {*tables, "grid_cover"} - KEPT),
        "SET LOCAL session_replication_role = DEFAULT",
    ]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """The tests on the demo county come last: nothing empties the database from then on."""
    yield
    items.sort(key=lambda item: "demo_site" in getattr(item, "fixturenames", ()))


@pytest.fixture
def committed_db(transactional_db: None) -> None:
    """What a test writes is committed, so that other connections see it; emptied afterwards."""


@pytest.fixture
def raw(committed_db: None) -> Iterator[Connect]:
    """Opens further connections to the test database, as psql would; each starts a transaction by itself. `user`: another role."""
    opened = []

    def connect(**changes: str) -> psycopg2.extensions.connection:
        opened.append(psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None} | changes))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


@pytest.fixture
def site_role(raw: Connect) -> Client:
    """A client as the role that the site connects as."""
    return Client(raw(user=settings.DATABASE_SITE_ROLE))


@pytest.fixture(scope="session")
def demo_site(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The demo county 潜江市 as `make demo` loads it, with its users (layers.demo.bank.PASSWORD)."""
    with kept_in_database(django_db_blocker):
        call_command("demo", area="qianjiang", env_file=tmp_path_factory.mktemp("demo") / "env", stdout=io.StringIO())
        yield


@contextmanager
def kept_in_database(django_db_blocker: Any) -> Iterator[None]:
    """What is written here is committed and outlives the tests until this ends: nothing empties the database meanwhile."""
    with django_db_blocker.unblock():
        emptying["suspended"] = True
        try:
            yield
        finally:
            emptying["suspended"] = False
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One for all: a second one cannot be driven while the first is open."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
        # Playwright's event loop keeps connections of its own open; the test database is dropped after this.
        connections.close_all()


@pytest.fixture(scope="session")
def windows(chromium: Browser) -> dict[str, list[BrowserContext]]:
    """Windows that tests are through with, by their options: empty, but for the files that they have fetched."""
    return defaultdict(list)


@pytest.fixture
def open_window(
    chromium: Browser, live_server: Any, windows: dict[str, list[BrowserContext]]
) -> Iterator[Callable[..., Page]]:
    """Opens a page that is signed in nowhere, in a window of its own; options are those of a browser context."""
    opened: list[tuple[str, BrowserContext]] = []

    def open_(**options: Any) -> Page:
        given = {"viewport": WIDE, "locale": "zh-CN", "base_url": live_server.url} | options
        free = windows[key := repr(sorted(given.items()))]
        opened.append((key, free.pop() if free else chromium.new_context(**given)))
        opened[-1][1].set_default_timeout(PATIENCE)
        return opened[-1][1].new_page()

    yield open_
    for key, window in opened:
        if forget_visits(window, live_server.url):
            windows[key].append(window)


def forget_visits(window: BrowserContext, origin: str) -> bool:
    """Nothing is left of what was signed in or kept by pages; whether the window can be used again."""
    if not window.pages:
        window.close()
        return False
    window.set_offline(False)
    window.clear_cookies()
    for page in window.pages[1:]:
        page.close()
    page = window.pages[0]
    window.new_cdp_session(page).send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    page.close()
    return True


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of; empty it in a test that expects complaints."""
    return []


@pytest.fixture
def new_page(open_window: Callable[..., Page], complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page as `open_window` does; the test fails if the browser complains of anything."""

    def new(**options: Any) -> Page:
        page = open_window(**options)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )
        return page

    yield new
    assert complaints == []

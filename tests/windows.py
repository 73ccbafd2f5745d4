"""Windows of a browser that are used again: with what they have fetched and compiled before, a page opens in half the time."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

WIDE = {"width": 1440, "height": 900}
PATIENCE = 15_000
"""How long a test waits for what it expects, on a busy machine too."""
KEPT_BY_SITES = "local_storage,indexeddb,cache_storage,service_workers"
"""All but cookies, which a context can forget itself, and the cache of HTTP, for which it is used again."""


class Windows:
    """A browser context for each set of options, as many as are open at once."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = defaultdict(list)
        self._open: list[tuple[str, BrowserContext]] = []

    def open(self, site: str, **options: Any) -> Page:
        """A page in a window that knows nobody and nothing, whoever had it before; options are those of a context."""
        key = json.dumps([site, options], sort_keys=True)
        free = self._free[key]
        context = free.pop() if free else self._browser.new_context(base_url=site, **options)
        self._open.append((key, context))
        context.clear_cookies()
        page = context.new_page()
        emptying = context.new_cdp_session(page)
        emptying.send("Storage.clearDataForOrigin", {"origin": site, "storageTypes": KEPT_BY_SITES})
        emptying.detach()
        return page

    def put_back(self) -> None:
        """Close all pages; with them goes what belongs to a page: its listeners, scripts and routes, and its session storage."""
        for key, context in self._open:
            if context not in self._browser.contexts:
                continue
            for page in context.pages:
                page.close()
            context.set_offline(False)
            self._free[key].append(context)
        self._open.clear()

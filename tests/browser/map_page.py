"""What the tests of the map page share: grids to look at, and ways to ask the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route

from layers.grids.models import Grid, Plan

IMAGE = "<img src=x onerror=window.hacked=1>"
BLANK = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\0\x01\0\0\x05\0\x01"
    b"\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
)
CHINESE = re.compile("[\u3400-\u9fff]")
UI_TEXTS = """() => {
  const data = (node) => node.parentElement?.closest('[translate=no], [lang=zh], script, template, title');
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (!data(walk.currentNode)) texts.push(walk.currentNode.data.trim());
  for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]'))
    if (!element.closest('[translate=no], [lang=zh], .leaflet-marker-icon'))
      texts.push(...['title', 'aria-label', 'placeholder'].map((name) => element.getAttribute(name) ?? ''));
  return texts.filter(Boolean);
}"""


def published(institution: str = "QJ") -> Plan:
    return Plan.objects.get(institution__code=institution, status=Plan.Status.PUBLISHED)


def drafted(institution: str = "QJ") -> Plan:
    """The demo's own draft; other tests may have left drafts of other banks."""
    return Plan.objects.get(institution__code=institution, name="2027 年调整")


def a_grid(level: int = 3, **conditions: Any) -> Grid:
    return Grid.objects.filter(plan=published(), level=level, **conditions).order_by("code")[3]


def inside(grid: Grid) -> tuple[float, float]:
    return grid.geom.point_on_surface.coords


def at(grid: Grid, zoom: int = 14, **query: Any) -> str:
    """The address of the page with a grid in the middle of the map."""
    lon, lat = inside(grid)
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"?level={grid.level}&lon={lon}&lat={lat}&z={zoom}{more}"


def click_middle(page: Page) -> None:
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def change_json(page: Page, pattern: str, change: Callable[[Any], Any]) -> None:
    """Lets the page see other answers than the server's."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps(change(response.json())))

    page.route(re.compile(pattern), answer)


def painted(page: Page, pane: str) -> int:
    """How many pixels of a pane's canvas are painted."""
    return int(page.evaluate(
        """pane => { const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`);
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n; }""",
        pane,
    ))  # fmt: skip

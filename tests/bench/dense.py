"""200,000 places on the map, in headless Chromium: frames a second, whether the counts are right, clicks, memory.

Not a test: times depend on the machine. Run with `make bench ARGS=dense`; or on a site that has the places, with a session of its own:

    .venv/bin/python -m tests.bench.dense http://127.0.0.1:8000 SESSION
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import mapbox_vector_tile
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Error, Page, Response, sync_playwright

from tests.chromium import EXECUTABLE

POINTS = 200_000
WIDTH, HEIGHT = 1440, 900
LON, LAT = 112.9, 30.42
ZOOMS = range(9, 19)
FRAMES = """(count) => new Promise((done) => { const times = []; const tick = (now) => { times.push(now);
    times.length < count ? requestAnimationFrame(tick) : done(times); }; requestAnimationFrame(tick); })"""
HEAP = "performance.memory.usedJSHeapSize"

Tiles = dict[tuple[int, int, int], bytes]
Spot = tuple[float, float, int, int | None]
"""Column and row in the world (0 to 1), how many features it stands for, and the id of the one."""


def run(database: str) -> Iterator[str]:
    """On the demo county, with the places added."""
    from layers.orgs.models import User
    from tests.bench.county import fill, load
    from tests.bench.server import serving

    load()
    fill(POINTS)
    client = Client()
    client.force_login(User.objects.get(username="planner"), "django.contrib.auth.backends.ModelBackend")
    with serving(database) as address:
        yield from measure(f"http://{address}", client.cookies[settings.SESSION_COOKIE_NAME].value)


def measure(site: str, session: str) -> Iterator[str]:
    """A line for each thing that was measured or checked."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's synchronous API runs an event loop in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=EXECUTABLE,
            args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info", "--js-flags=--expose-gc"],
        )
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", base_url=site)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}])
        page = context.new_page()
        seen: Tiles = {}
        page.on("response", lambda answer: _keep(seen, answer))
        for zoom in ZOOMS:
            seen.clear()
            _open(page, zoom)
            tiles = {place: content for place, content in seen.items() if place[0] == zoom}
            spots = list(_spots(tiles))
            counted, known = sum(spot[2] for spot in spots), _known(tiles)
            size = sum(map(len, tiles.values()))
            assert counted == known, (zoom, counted, known)
            yield f"| zoom {zoom}: {len(tiles)} tiles, {size / 1000:,.0f} kB; {len(spots):,} signs for {counted:,} features, as many as there are; {_click(page, zoom, spots)} |"
        for zoom in (10, 13, 14, 16):
            _open(page, zoom)
            yield f"| zoom {zoom}: panning {_rate(page, _pan)} frames a second, zooming {_rate(page, _zoom)} (median / 95th percentile) |"
        page.evaluate("gc()")
        yield f"| {page.evaluate(HEAP) / 1e6:.0f} MB of JavaScript heap after all of this |"
        browser.close()
        connection.close()  # inside playwright's event loop it is another than outside


def _open(page: Page, zoom: int) -> None:
    page.goto(f"/?layers=places&level=1&lon={LON}&lat={LAT}&z={zoom}")
    page.wait_for_selector("#map[data-ready=true]")
    page.wait_for_load_state("networkidle")


def _keep(tiles: Tiles, answer: Response) -> None:
    place = answer.url.partition("/tiles/places/")[2].partition(".mvt")[0]
    if place:
        z, x, y = map(int, place.split("/"))
        with suppress(Error):  # the page has gone on
            tiles[z, x, y] = answer.body()


def _spots(tiles: Tiles) -> Iterator[Spot]:
    for (z, x, y), content in tiles.items():
        layer: dict[str, Any] = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True}).get(
            "places", {}
        )
        for feature in layer.get("features", ()):
            column, row = feature["geometry"]["coordinates"]
            if 0 <= column < layer["extent"] and 0 <= row < layer["extent"]:  # the margin is the neighbour's
                n = feature["properties"].get("n")
                here = ((x + column / layer["extent"]) / 2**z, (y + row / layer["extent"]) / 2**z)
                yield *here, n or 1, None if n else feature["id"]


def _known(tiles: Tiles) -> int:
    """How many features lie in the tiles: where they are one by one, rounded as tiles round."""
    found = 0
    with connection.cursor() as cursor:
        for (z, x, y), content in tiles.items():
            counted = any(one is None for *_place, one in _spots({(z, x, y): content}))
            cursor.execute(
                """
                SELECT count(*)
                FROM ST_TileEnvelope(%s, %s, %s) AS tile, place, ST_Transform(place.geom, 3857) AS spot,
                    floor((ST_X(spot) - ST_XMin(tile)) / (ST_XMax(tile) - ST_XMin(tile)) * 4096 + %s) AS i,
                    floor((ST_YMax(tile) - ST_Y(spot)) / (ST_YMax(tile) - ST_YMin(tile)) * 4096 + %s) AS j
                WHERE place.geom && ST_Transform(ST_Expand(tile, ST_XMax(tile) - ST_XMin(tile)), 4490)
                    AND i BETWEEN 0 AND 4095 AND j BETWEEN 0 AND 4095
                """,
                [z, x, y, *[0 if counted else 0.5] * 2],
            )
            found += cursor.fetchone()[0]
    return found


def _click(page: Page, zoom: int, spots: list[Spot]) -> str:
    """A click on the sign nearest to the middle: a single one opens, one that stands for several is looked at more closely."""
    world = 256 * 2**zoom
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = ((LON + 180) / 360, (1 - math.asinh(math.tan(math.radians(LAT))) / math.pi) / 2)
    x, y, n, one = min(spots, key=lambda spot: math.dist(spot[:2], middle))
    place = (
        box["x"] + box["width"] / 2 + (x - middle[0]) * world,
        box["y"] + box["height"] / 2 + (y - middle[1]) * world,
    )
    if one is None:
        page.mouse.click(*place)
        page.wait_for_function("(was) => new URLSearchParams(location.search).get('z') > was", arg=zoom)
        return f"a click on {n:,} looks closer"
    with page.expect_response(lambda answer: "/api/layers/places/" in answer.url) as answer:
        page.mouse.click(*place)
    assert answer.value.ok
    return "a click opens the feature"


def _rate(page: Page, act: Any) -> str:
    page.evaluate(f"window.measured = ({FRAMES})(150)")
    act(page)
    times = page.evaluate("window.measured")
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    return f"{1000 / gaps[len(gaps) // 2]:.0f} / {1000 / gaps[int(len(gaps) * 0.95)]:.0f}"


def _pan(page: Page) -> None:
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    page.mouse.down()
    for step in range(120):
        page.mouse.move(WIDTH / 2 + 3 * step % 300, HEIGHT / 2 + 2 * step % 200)
    page.mouse.up()


def _zoom(page: Page) -> None:
    for turn in (-240, 240, -240, 240):
        page.mouse.wheel(0, turn)
        page.wait_for_timeout(400)


if __name__ == "__main__":
    import django

    django.setup()
    for line in measure(*sys.argv[1:3]):
        print(line, flush=True)

"""Frames a second while a border of a draft is dragged, in headless Chromium.

Not a test: times depend on the machine. Start the demo (make demo, or make demo AREA=xihu for 600 grids), then

    .venv/bin/python -m tests.bench.dragging http://127.0.0.1:8000 USER PASSWORD PLAN LON LAT [LEVEL [ZOOM]]

Beside the frames, the longest of them: the first of a drag takes the grids that move out of the drawing of all others.
"""

from __future__ import annotations

import itertools
import sys

from playwright.sync_api import sync_playwright

from tests.chromium import EXECUTABLE

FRAMES = """() => new Promise((done) => { const times = []; const tick = (now) => { times.push(now);
    times.length < 180 ? requestAnimationFrame(tick) : done(times); }; requestAnimationFrame(tick); })"""


def main(
    site: str, user: str, password: str, plan: str, lon: str, lat: str, level: str = "3", zoom: str = "15"
) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=site)
        page.goto("/login/")
        page.fill("#id_username", user)
        page.fill("#id_password", password)
        with page.expect_navigation():
            page.click("button.primary")
        page.goto(f"/?plan={plan}&level={level}&lon={lon}&lat={lat}&z={zoom}")
        page.wait_for_selector("#map[data-ready=true]")
        page.keyboard.press("r")
        box = page.locator("#map").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for reach in range(0, 400, 8):
            page.mouse.click(x + reach, y)
            if page.locator("[data-handle]").count():
                break
        handle = page.locator("[data-handle=vertex], [data-handle=middle]").first.bounding_box()
        assert handle is not None, "no border near the middle of the map"
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate(f"window.measured = ({FRAMES})()")
        for step in range(180):
            page.mouse.move(x + step % 60, y + step % 40)
        times = page.evaluate("window.measured")
        page.keyboard.press("Escape")
        gaps = sorted(after - before for before, after in itertools.pairwise(times))
        seconds = (times[-1] - times[0]) / 1000
        print(
            f"{len(gaps) / seconds:.0f} frames a second, {1000 / gaps[int(len(gaps) * 0.95)]:.0f} at the 95th percentile,"
            f" the longest frame {gaps[-1]:.0f} ms"
        )
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:9])

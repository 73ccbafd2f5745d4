"""A planner's desk: the map page at a draft of 4 × 4 squares on three levels, and where its points stand on the screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from playwright.sync_api import Page, expect

from layers.editing.models import Edit
from layers.grids.models import Plan
from layers.orgs.models import User
from tests.factories import CORNER, SIDE

MINE, THEIRS = "#0b5fff", "#b3261e"
"""Colours of the two versions of a conflict."""
Open = Callable[..., Page]
S = SIDE // 4
"""Side of a leaf, in lattice steps."""


def place(x: float, y: float) -> list[float]:
    """A point in sides of a leaf from the corner, in degrees."""
    return [(CORNER[0] + round(x * S)) / 1e7, (CORNER[1] + round(y * S)) / 1e7]


def forget(plan: Plan) -> None:
    """Takes the draft out of the demo county again, past the log that only grows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (
            # First, as every edit does: one that is under way ends before.
            "SELECT FROM plan WHERE id = %s FOR UPDATE",
            "DELETE FROM grid_cover WHERE grid_id IN (SELECT id FROM grid WHERE plan_id = %s)",
            "DELETE FROM edit WHERE plan_id = %s",
            "DELETE FROM grid WHERE plan_id = %s",
            "DELETE FROM plan WHERE id = %s",
        ):
            cursor.execute(statement, [plan.pk])
        cursor.execute("DELETE FROM account WHERE username = 'planner-colleague'")


def on_screen(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a place stands on the screen, by the address of the page."""
    x, y = page.evaluate(
        """([lon, lat]) => { const map = document.querySelector('#map').getBoundingClientRect();
        const address = new URLSearchParams(location.search);
        const [middle, parallel, z] = ['lon', 'lat', 'z'].map((name) => Number(address.get(name)));
        const size = 256 * 2 ** z;
        const mercator = (degrees) => Math.log(Math.tan(Math.PI / 4 + degrees * Math.PI / 360)) / (2 * Math.PI);
        return [map.left + map.width / 2 + (lon - middle) / 360 * size,
            map.top + map.height / 2 - (mercator(lat) - mercator(parallel)) * size]; }""",
        [lon, lat],
    )
    return x, y


class Desk:
    """The map page at the draft."""

    def __init__(self, page: Page, plan: Plan) -> None:
        self.page = page
        self.plan = plan

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a point stands on the screen."""
        return on_screen(self.page, *place(x, y))

    def click(self, x: float, y: float, **options: Any) -> None:
        self.page.mouse.click(*self.pixel(x, y), **options)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.pixel(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.pixel((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), steps=4)
        self.page.mouse.move(*self.pixel(*end), steps=4)
        self.page.mouse.up()

    def stroke(self, *points: tuple[float, float]) -> None:
        """A line drawn without lifting the hand."""
        self.page.mouse.move(*self.pixel(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.pixel(*point), steps=8)
        self.page.mouse.up()

    def sees(self, colour: str, x: float, y: float) -> None:
        """Waits until a line of a colour is drawn over the map, within a few pixels of a point."""
        self.page.wait_for_function(
            """([colour, x, y]) => [...document.querySelectorAll('.leaflet-jt-edit-pane canvas')].some((canvas) => {
            const { left, top, width } = canvas.getBoundingClientRect();
            const ratio = canvas.width / width;
            const { data } = canvas.getContext('2d').getImageData((x - left - 6) * ratio, (y - top - 6) * ratio, 12 * ratio, 12 * ratio);
            return Array.from({ length: data.length / 4 }, (_, i) => [...data.slice(4 * i, 4 * i + 4)]).some(([r, g, b, alpha]) =>
                alpha > 250 && `#${[r, g, b].map((v) => v.toString(16).padStart(2, '0')).join('')}` === colour); })""",
            arg=[colour, *self.pixel(x, y)],
        )

    def tap(self, x: float, y: float, *, aside: tuple[float, float] = (0, 0)) -> None:
        """A finger put onto a point, or so many pixels beside it."""
        left, top = self.pixel(x, y)
        # Two at once would be a double tap.
        self.page.wait_for_timeout(300)
        self.page.touchscreen.tap(left + aside[0], top + aside[1])

    def done(self, label: str) -> None:
        expect(self.page.locator("#undo")).to_contain_text(label)


def at_desk(open_map: Open, plan: Plan, **options: Any) -> Desk:
    lon, lat = place(2, 2)
    page = open_map(f"?plan={plan.pk}&level=2&lon={lon}&lat={lat}&z=15", **options)
    expect(page.locator("#edit-panel")).to_be_visible()
    return Desk(page, plan)


def finger(page: Page, *pixels: tuple[float, float]) -> None:
    """A finger drawn over the screen."""
    touch = page.context.new_cdp_session(page)
    for kind, (x, y) in zip(["touchStart", *["touchMove"] * (len(pixels) - 1)], pixels, strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for it is named."""
    if folder := os.environ.get("JINGTIAN_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def colleague(plan: Plan) -> User:
    """Another planner of the same bank."""
    user, _new = User.objects.get_or_create(
        username="planner-colleague",
        defaults={"institution": plan.institution, "role": User.Role.PLANNER, "last_name": "同事"},
    )
    return user


def paths(plan: Plan) -> list[dict[str, Any]]:
    """The stretches of the last reshape, as they were sent."""
    return list(Edit.objects.filter(plan=plan, op="reshape").latest("revision").args["paths"])

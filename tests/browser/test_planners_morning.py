"""A planner's morning on the real tree of 杭州西湖区: from a copy of the plan in force to the next plan in force."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shapely
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect
from shapely.geometry.base import BaseGeometry

from gis.edit import Grid as Piece
from gis.edit import Sheet
from gis.edit.chain import chain_of, turned
from layers.demo.areas import XIHU_FILES, XIHU_FOLDER
from layers.editing.models import Edit
from layers.grids.coverage import audit, guard_faults, shape_of
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from layers.rules.models import Rule
from layers.streets.models import Street
from tests.browser.conftest import READY, sign_in
from tests.browser.desk import on_screen, shot

pytestmark = pytest.mark.browser
NAME = "早间调整"
LEAF = 3


@pytest.fixture
def xihu(demo_site: None, tmp_path: Any, django_db_blocker: Any) -> Iterator[Plan]:
    """The plan in force of 西湖区, and a rule that blocks grids of fewer than 20 households."""
    if not all((XIHU_FOLDER / f"{name}.geojson").is_file() for name in XIHU_FILES):
        pytest.skip("the real data of 西湖区 is not on this machine")
    with django_db_blocker.unblock():
        call_command("demo", area="xihu", env_file=tmp_path / "env", stdout=io.StringIO())
        bank = Institution.objects.get(code="XH")
        Rule.objects.create(institution=bank, name="最少户数", measure="households", level=0, low=20, severity="block")
        yield Plan.objects.get(institution=bank, status="published")


class Desk:
    """A planner's browser, and the draft."""

    def __init__(self, page: Page, draft: Plan) -> None:
        self.page, self.draft = page, draft

    def go(self, lon: float, lat: float, *, level: int = LEAF, z: int = 17) -> None:
        self.page.goto(f"/?plan={self.draft.pk}&level={level}&lon={lon:.6f}&lat={lat:.6f}&z={z}")
        self.page.wait_for_selector(READY)
        expect(self.page.locator("#edit-panel")).to_be_visible()

    def click(self, lon: float, lat: float) -> None:
        self.page.mouse.click(*on_screen(self.page, lon, lat))

    def done(self, label: str) -> None:
        expect(self.page.locator("#undo")).to_contain_text(label, timeout=20_000)
        assert not audit(self.draft) and not guard_faults()


def leaves(plan: Plan) -> dict[str, BaseGeometry]:
    return {grid.code: shape_of(grid) for grid in Grid.objects.filter(plan=plan, level=LEAF)}


def sums(plan: Plan) -> dict[str, int]:
    """The borders of all grids, whatever vertex their rings begin with."""
    return dict(Grid.objects.filter(plan=plan).values_list("code", "border_sum"))


def border_of_two_streets(plan: Plan) -> tuple[tuple[float, float], tuple[float, float]]:
    """An edge, some 100 m long, that parts grids of two streets, and with nothing else near."""
    sheet = Sheet.of(
        Piece(grid.pk, grid.parent_id, grid.level, chain_of(shape_of(grid)))
        for grid in Grid.objects.filter(plan=plan, level__gte=1)
    )
    for edge, keys in sorted(sheet.sides.items()):
        length = ((edge[0] - edge[2]) ** 2 + (edge[1] - edge[3]) ** 2) ** 0.5 / 90
        levels = sorted(sheet.grids[key].level for key in sheet.sides.get(turned(edge), []))
        if 90 < length < 160 and levels == sorted(sheet.grids[key].level for key in keys) == [1, 2, 3]:
            return (edge[0] / 1e7, edge[1] / 1e7), (edge[2] / 1e7, edge[3] / 1e7)
    raise LookupError("no straight border of two streets")


def line_of_two_streets(plan: Plan) -> BaseGeometry:
    """A straight border of two streets, 350 to 900 m long, on which other borders end in two places in between."""
    sheet = Sheet.of(
        Piece(grid.pk, grid.parent_id, grid.level, chain_of(shape_of(grid)))
        for grid in Grid.objects.filter(plan=plan, level__gte=1)
    )
    meeting: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    parting: dict[frozenset[int], list[Any]] = defaultdict(list)
    for edge, keys in sheet.sides.items():
        meeting[edge[:2]].add(edge[2:])
        meeting[edge[2:]].add(edge[:2])
        both = [key for key in (*keys, *sheet.sides.get(turned(edge), [])) if sheet.grids[key].level == 1]
        if len(both) == 2 and edge < turned(edge):
            parting[frozenset(both)].append(((edge[0], edge[1]), (edge[2], edge[3])))
    found = []
    for edges in parting.values():
        for line in shapely.get_parts(shapely.line_merge(shapely.multilinestrings(edges))):
            places = [(round(x), round(y)) for x, y in line.coords]
            nodes = [i for i in range(1, len(places) - 1) if len(meeting[places[i]]) > 2]
            for first, last in zip(nodes, nodes[3:], strict=False):
                part = shapely.LineString(places[first : last + 1])
                straight = shapely.Point(part.coords[0]).distance(shapely.Point(part.coords[-1])) / part.length
                if 350 < part.length / 90 < 900 and straight > 0.999:
                    found.append((straight, shapely.transform(part, lambda xy: xy / 1e7)))
    return max(found, key=lambda each: each[0])[1]


def lane_across_a_grid(plan: Plan) -> tuple[str, list[tuple[float, float]]]:
    """A street that cuts a grid in two, from border to border."""
    shapes = leaves(plan)
    codes = list(shapes)
    tree = shapely.STRtree(list(shapes.values()))
    for street in Street.objects.filter(institution__code="XH").order_by("pk"):
        line = shapely.from_wkb(bytes(street.geom.wkb))
        for i in tree.query(line.centroid, predicate="within").tolist():
            grid = shapes[codes[i]]
            ends = [shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])]
            if (
                all(grid.boundary.distance(end) < 1e-7 for end in ends)
                and line.within(grid)
                and 0.0012 < line.length < 0.004
                and len(grid.geoms) == 1
            ):
                pieces = shapely.get_parts(
                    shapely.polygonize(shapely.get_parts(shapely.node(line.union(grid.boundary))))
                )
                if len(pieces) == 2 and min(piece.area for piece in pieces) > 0.2 * grid.area:
                    return codes[i], [(end.x, end.y) for end in ends]
    raise LookupError("no lane across a grid")


def neighbours(shapes: dict[str, BaseGeometry], avoid: set[str]) -> Iterator[tuple[str, str, BaseGeometry]]:
    """Pairs of grids of one community with a common border, away from those already changed."""
    by_parent = itertools.groupby(sorted(shapes), key=lambda code: code[:12])
    for _parent, group in by_parent:
        for a, b in itertools.combinations(list(group), 2):
            common = shapely.line_merge(shapes[a].intersection(shapes[b]))
            far = (shapes[code].representative_point().distance(common) > 0.0004 for code in (a, b))
            if common.geom_type == "LineString" and common.length > 0.001 and not {a, b} & avoid and all(far):
                yield a, b, common


@pytest.mark.domain("ZG02", "HY05", "HY01")
def test_a_planners_morning(xihu: Plan, new_page: Callable[..., Page], complaints: list[str], client: Any) -> None:
    today = timezone.localdate()
    # She copies the plan in force.
    page = new_page()
    page.set_default_timeout(30_000)
    sign_in(page, "xihu-planner", after="/plans/")
    page.locator(f"tr[data-plan='{xihu.pk}'] [data-step=copy]").click()
    page.fill("#ask input", NAME)
    page.click("#ask .primary")
    expect(page.locator("#said")).to_contain_text(NAME)
    draft = Plan.objects.get(name=NAME)
    desk = Desk(page, draft)
    origin = leaves(draft)

    # A border of two streets: three levels move.
    a, b = border_of_two_streets(draft)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    desk.go(*middle)
    page.keyboard.press("r")
    desk.click(a[0] * 0.7 + b[0] * 0.3, a[1] * 0.7 + b[1] * 0.3)
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    x, y = on_screen(page, *middle)
    handle = page.locator("[data-handle=middle]").evaluate_all(
        """(handles, [x, y]) => handles.map((h) => h.getBoundingClientRect())
            .map((r) => [r.x + r.width / 2, r.y + r.height / 2])
            .sort((p, q) => Math.hypot(p[0] - x, p[1] - y) - Math.hypot(q[0] - x, q[1] - y))[0]""",
        [x, y],
    )
    ax, ay = on_screen(page, *a)
    bx, by = on_screen(page, *b)
    length = ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5
    page.mouse.move(*handle)
    page.mouse.down()
    page.mouse.move(handle[0] + 12 * (by - ay) / length, handle[1] - 12 * (bx - ax) / length, steps=6)
    shot(page, "morning-1-reshape")
    page.mouse.up()
    desk.done("撤销: 调整界线")
    moved = Grid.objects.filter(pk__in=[int(key) for key in Edit.objects.get(plan=draft).change["borders"]])
    assert {grid.level for grid in moved} >= {1, 2, 3} and moved.filter(level=1).count() == 2
    bent = list(moved.filter(level=LEAF).values_list("code", flat=True))

    # A split along a traced street.
    code, ends = lane_across_a_grid(draft)
    desk.go((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2)
    page.keyboard.press("s")
    page.get_by_label("沿街描线").check()
    for end in ends:
        with page.expect_response(lambda answer: "trace" in answer.url) if end is ends[1] else _nothing():
            desk.click(*end)
    page.keyboard.press("Enter")
    desk.done("撤销: 拆分")
    shot(page, "morning-2-split")
    assert Grid.objects.filter(plan=draft, level=LEAF).count() == len(origin) + 1

    # A merge, and a transfer.
    pairs = neighbours(origin, {code, *moved.values_list("code", flat=True)})
    one, other, common = next(pairs)
    desk.go(*common.centroid.coords[0], z=16)
    page.keyboard.press("m")
    for each in (one, other):
        desk.click(*origin[each].representative_point().coords[0])
    page.click("#finish")
    desk.done("撤销: 合并")
    giver, receiver, common = next(pair for pair in pairs if not {pair[0], pair[1]} & {one, other})
    spot = common.interpolate(0.5, normalized=True)
    desk.go(spot.x, spot.y)
    page.keyboard.press("t")
    size = 0.00015
    for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        desk.click(spot.x + dx * size, spot.y + dy * size)
    page.keyboard.press("Enter")
    expect(page.locator("#edit-hint")).to_contain_text("接收")
    desk.click(*origin[receiver].representative_point().coords[0])
    desk.done("撤销: 移交")
    shot(page, "morning-3-transfer")

    # A name; then five steps back, and two forward.
    page.click("[data-tool=select]")
    desk.click(*origin[giver].representative_point().coords[0])
    page.fill("#grid-name", "改过的名字")
    page.get_by_role("button", name="重命名").click()
    desk.done("撤销: 改名")
    for label in ("改名", "移交", "合并", "拆分", "调整界线"):
        expect(page.locator("#undo")).to_contain_text(f"撤销: {label}")
        page.click("#undo")
        expect(page.locator("#redo")).to_contain_text(f"重做: {label}")
    assert sums(draft) == sums(xihu)
    for label in ("调整界线", "拆分"):
        page.click("#redo")
        desk.done(f"撤销: {label}")

    # A rule is broken, and she is told where; taken back.
    small = origin[giver]
    west, south, east, north = small.bounds
    corner = shapely.box(west, south, west + (east - west) * 0.1, north)
    cut = west + (east - west) * 0.1
    assert corner.intersection(small).area > 0
    desk.go(cut, (south + north) / 2, z=16)
    page.keyboard.press("s")
    desk.click(cut, south - 0.0003)
    desk.click(cut, north + 0.0003)
    page.keyboard.press("Enter")
    desk.done("撤销: 拆分")
    expect(page.locator("#edit-panel")).to_contain_text("最少户数")
    expect(page.locator("#map .pin.rule").first).to_be_visible()
    shot(page, "morning-4-rule")
    page.click("#undo")
    expect(page.locator("#redo")).to_contain_text("重做: 拆分")

    # A long border of two streets is redrawn in one stroke, past the places where other borders end on it.
    line = line_of_two_streets(draft)
    desk.go(*line.interpolate(0.5, normalized=True).coords[0])
    page.keyboard.press("r")
    desk.click(*line.interpolate(0.45, normalized=True).coords[0])
    expect(page.locator("#edit-hint")).to_contain_text("｜")
    page.click("#redraw")
    page.get_by_label("手绘").check()
    along = [on_screen(page, *line.interpolate(i / 24, normalized=True).coords[0]) for i in range(1, 24)]
    (ax, ay), (bx, by) = along[0], along[-1]
    length = ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5
    page.mouse.move(*along[0])
    page.mouse.down()
    for i, (x, y) in enumerate(along):
        aside = 60 * math.sin(math.pi * i / (len(along) - 1)) / length
        page.mouse.move(x - aside * (by - ay), y + aside * (bx - ax))
    page.mouse.up()
    expect(page.locator(".edit-result")).to_contain_text("保存后：", timeout=15_000)
    expect(page.locator(".edit-result")).to_contain_text("户")
    shot(page, "morning-5-redraw")
    steps = Edit.objects.filter(plan=draft).count()
    page.keyboard.press("Enter")
    desk.done("撤销: 重画界线")
    redrawn = Edit.objects.filter(plan=draft).latest("revision")
    assert Edit.objects.filter(plan=draft).count() == steps + 1
    moved = Grid.objects.filter(pk__in=redrawn.grids)
    assert moved.filter(level=LEAF).count() >= 4

    # One community is divided by the computer.
    community = next(
        grid
        for grid in Grid.objects.filter(plan=draft, level=2).order_by("code")
        if grid.children.count() == 3 and grid.code not in {code[:12], giver[:12], one[:12]} and len(grid.geom) == 1
    )
    point = shape_of(community).representative_point()
    desk.go(point.x, point.y, level=2, z=15)
    desk.click(point.x, point.y)
    page.click(".partition summary")
    page.fill("#partition-count", "4")
    page.click("#partition-try")
    expect(page.locator(".parts tbody tr")).to_have_count(4, timeout=30_000)
    shot(page, "morning-6-partition")
    page.click("#partition-apply")
    desk.done("撤销: 划分")
    assert community.children.count() == 4

    # Submitted, compared, returned, mended, submitted again, approved, published.
    def step(who: Page, name: str, note: str = "") -> None:
        who.goto(f"/plans/{draft.pk}/review/")
        who.wait_for_selector("body[data-ready]")
        who.click(f"[data-step={name}]")
        if note:
            who.fill("#ask textarea", note)
        who.click("#ask .primary")
        expect(who.locator("#said")).to_be_visible(timeout=30_000)

    step(page, "submit", "请审定")
    reviewer = new_page()
    reviewer.set_default_timeout(30_000)
    sign_in(reviewer, "xihu-admin", after=f"/plans/{draft.pk}/review/")
    reviewer.wait_for_selector("body[data-compared]")
    expect(reviewer.locator("#result")).to_contain_text("界线调整")
    shot(reviewer, "morning-7-compare")
    step(reviewer, "return", "请核对名称")
    desk.go(*small.representative_point().coords[0])
    page.click("[data-tool=select]")
    desk.click(*small.representative_point().coords[0])
    page.fill("#grid-name", "核对后的名字")
    page.get_by_role("button", name="重命名").click()
    desk.done("撤销: 改名")
    step(page, "submit", "已核对")
    step(reviewer, "approve", "同意")
    tomorrow = today + dt.timedelta(days=1)
    reviewer.goto(f"/plans/{draft.pk}/review/")
    reviewer.wait_for_selector("body[data-ready]")
    reviewer.click("[data-step=publish]")
    reviewer.fill("#ask input", tomorrow.isoformat())
    reviewer.click("#ask .primary")
    expect(reviewer.locator("#said")).to_be_visible(timeout=60_000)
    shot(reviewer, "morning-8-published")
    draft.refresh_from_db()
    xihu.refresh_from_db()
    assert (draft.status, draft.valid_from, xihu.status, xihu.valid_to) == ("published", tomorrow, "retired", tomorrow)

    # Where land has changed hands, the old worker until today, and the new one from tomorrow.
    now = leaves(draft)
    changed = {c for c in origin if c.startswith(community.code)} | set(bent)
    gained = next(
        land
        for old, new in itertools.product(sorted(changed), sorted(changed & now.keys()))
        if old != new
        and (land := origin[old].intersection(now[new])).area > 1e-8
        and Grid.objects.get(plan=xihu, code=old).assignments.exists()
        and Grid.objects.get(plan=draft, code=new).assignments.exists()
    )
    place = gained.representative_point()
    who = [
        page.evaluate(
            "(address) => fetch(address).then((answer) => answer.json()).then(({ responsible }) => responsible[0].name)",
            f"/api/locate?lon={place.x}&lat={place.y}&at={day}",
        )
        for day in (today, tomorrow)
    ]
    assert who[0] != who[1]


class _nothing:
    """No response to wait for."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

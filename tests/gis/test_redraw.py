"""Redrawing a line of borders in one stroke, past the places where other borders end on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.edit import Change, Key, Sheet, merge, redraw, reshape
from gis.edit import faults as fault
from gis.errors import JingtianError
from tests.gis.editing_play import assert_exact, assert_exact_by_geometry, random_stroke, sheet_of
from tests.gis.strategies import make_tree
from tests.gis.test_edit import D, at, facts, squares

LINE = at((D, 0), (D, D), (D, 2 * D))
"""The border of the two villages of `squares`, past the corner where the borders of their grids end from either side."""


def nodes(sheet: Sheet, *keys: Key) -> list[tuple[int, int]]:
    """The vertices common to grids, in lattice steps from the corner."""
    x, y = (round(value * 1e7) for value in at((0, 0))[0])
    common = set.intersection(*({edge[:2] for edge in sheet.grids[key].border} for key in keys))
    return sorted((a - x, b - y) for a, b in common)


def assert_whole(before: Sheet, after: Sheet) -> None:
    """Exact on every level by both tests, nothing fallen apart, and undone to the letter."""
    assert_exact(after)
    assert_exact_by_geometry(after)
    assert all(len(grid.geometry.geoms) <= len(before.grids[key].geometry.geoms) for key, grid in after.grids.items())
    assert facts(Change.between(before, after).inverse().on(after)) == facts(before)


@pytest.mark.domain("ZG02")
def test_borders_that_end_on_the_line_are_cut_back_and_prolonged() -> None:
    sheet = squares()
    after = redraw(sheet, LINE, at((D, 0), (D + 4000, 3000), (D + 4000, 2 * D - 3000), (D, 2 * D)))
    assert_whole(sheet, after)
    assert Change.between(sheet, after).borders.keys() == {2, 3, 4, 5, 6, 7}
    # The western border goes straight on to the stroke, where the eastern one now begins.
    assert nodes(after, 4, 5, 6, 7) == [(D + 4000, D)]
    assert after.grids[2].geometry.area > sheet.grids[2].geometry.area
    west = redraw(sheet, LINE[::-1], at((D, 2 * D), (D - 5000, D + 1000), (D, 0)))
    assert_whole(sheet, west)
    assert after.grids[3].geometry.area < sheet.grids[3].geometry.area < west.grids[3].geometry.area


def test_a_scribble_over_the_line_is_refused_at_once() -> None:
    zigzag = [(D + (900 if n % 2 else -900), n * 2 * D // 2000) for n in range(1, 2000)]
    with pytest.raises(fault.BadLine, match="太多次"):
        redraw(squares(), LINE, at((D, 0), *zigzag, (D, 2 * D)))


def test_a_stroke_swings_to_both_sides_of_the_line() -> None:
    sheet = squares()
    after = redraw(sheet, LINE, at((D, 0), (D + 3000, 6000), (D - 3000, 14000), (D, 2 * D)))
    assert_whole(sheet, after)
    assert after.grids[4].geometry.area > sheet.grids[4].geometry.area
    assert after.grids[5].geometry.area < sheet.grids[5].geometry.area


def test_a_border_of_grids_in_one_village_leaves_the_villages_alone() -> None:
    """Across the middle of both villages: four grids, and the border of the villages stays where it is."""
    sheet = squares()
    across = at((0, D), (D, D), (2 * D, D))
    after = redraw(sheet, across, at((0, D), (4000, D + 3000), (2 * D - 4000, D + 3000), (2 * D, D)))
    assert_whole(sheet, after)
    assert nodes(after, 4, 5, 6, 7) == [(D, D + 3000)]
    moved = {key for key, (taken, _) in Change.between(sheet, after).borders.items() if taken}
    # The villages only got the new node.
    assert moved == {2, 3, 4, 5, 6, 7}
    assert after.grids[2].geometry.area == pytest.approx(sheet.grids[2].geometry.area, rel=1e-12)


def test_ends_anywhere_on_an_edge_are_put_into_all_who_share_it() -> None:
    sheet = squares()
    stroke = at((D, 0), (D, 4001), (D + 3000, D), (D, D + 6003), (D, 2 * D))
    after = redraw(sheet, LINE, stroke)
    assert_whole(sheet, after)
    assert nodes(after, 2, 3) == [(D, 0), (D, 4001), (D, D + 6003), (D, 2 * D), (D + 3000, D)]


def test_a_border_that_would_run_along_the_line_turns_aside() -> None:
    """Where the old line turns off and the ending border goes on as it came, the way on begins along the old line itself."""
    sheet = reshape(
        squares(),
        [(at((D, D), (D, 2 * D)), at((D, D), (2 * D - 1000, D + 2), (2 * D - 1000, 2 * D - 1000), (D, 2 * D)))],
    )
    line = at((D, 0), (D, D), (2 * D - 1000, D + 2), (2 * D - 1000, 2 * D - 1000), (D, 2 * D))
    stroke = at((D, 0), (D + 5000, D - 5000), (2 * D - 500, D - 500), (2 * D - 1000, 2 * D - 1000), (D, 2 * D))
    assert_whole(sheet, redraw(sheet, line, stroke))


@pytest.mark.parametrize(
    ("stroke", "refusal"),
    [
        ([(D, 0), (D + 4000, 9000), (D - 4000, 9000), (D + 4000, 3000), (D, 2 * D)], fault.LineCrossesItself),
        ([(D, 0), (3 * D, D), (D, 2 * D)], fault.LineCrossesBorder),
        ([(D + 30, 0), (D + 4000, D), (D, 2 * D)], fault.PathNotBorder),
        ([(D, 0), (D, 2 * D)], fault.BadLine),
        ([(D, 0), (2 * D - 1000, 1000), (2 * D - 1000, D + 1), (2 * D, D + 1), (D, 2 * D)], fault.FallsApart),
        ([(D, 0), (2 * D, 0), (2 * D, D), (D + 500, D + 500), (D, 2 * D)], fault.WouldVanish),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(
    stroke: list[tuple[int, int]], refusal: type[fault.EditRefused]
) -> None:
    with pytest.raises(refusal) as refused:
        redraw(squares(), LINE, at(*stroke))
    assert refused.value.zh and refused.value.en
    assert refused.value.where or refusal is fault.BadLine


def test_a_line_moves_between_its_two_sides_only() -> None:
    """The border of two grids of a village does not go into the next village, the villages' own does not leave the service area."""
    with pytest.raises(fault.LineCrossesBorder) as refused:
        redraw(squares(), at((0, D), (D, D)), at((0, D), (D + 3000, D + 3000), (D, D)))
    assert "画进了“2-3”" in refused.value.zh and len(refused.value.where["features"]) == 1
    outer = at((0, 0), (D, 0), (2 * D, 0))
    with pytest.raises(fault.OuterBorder):
        redraw(squares(), outer, at((0, 0), (D, 3000), (2 * D, 0)))
    for south in (-3000, 3000):
        after = redraw(squares(), outer, at((0, 0), (4000, south), (2 * D - 4000, south), (2 * D, 0)), outer=True)
        assert_whole(squares(), after)
        assert nodes(after, 1, 4, 6) == [(D, south)]


def test_a_border_that_cannot_reach_the_stroke_is_named() -> None:
    """The old line winds about its own corner, which does not see the stroke."""
    hook = at(
        (D, D),
        (D + 5000, D + 500),
        (D + 5000, 4000),
        (D + 500, 4000),
        (D + 500, 3000),
        (D + 6000, 3000),
        (D + 6000, D + 1000),
        (D, 2 * D),
    )
    sheet = reshape(merge(squares(), [6, 7]), [(at((D, D), (D, 2 * D)), hook)])
    with pytest.raises(fault.BorderCannotFollow) as refused:
        redraw(sheet, [LINE[0], *hook], at((D, 0), (D + 8000, 5000), (D, 2 * D)))
    assert refused.value.where["features"][0]["geometry"]["coordinates"] == pytest.approx(list(LINE[1]))


def test_what_is_no_border_and_what_is_locked_is_refused() -> None:
    sheet = squares()
    with pytest.raises(fault.PathNotBorder):
        redraw(sheet, at((D, 0), (D, D - 5), (D, 2 * D)), at((D, 0), (D + 4000, D), (D, 2 * D)))
    locked = sheet.with_grids(replace(sheet.grids[7], locked=True))
    with pytest.raises(fault.GridLocked):
        redraw(locked, LINE, at((D, 0), (D + 4000, D), (D, 2 * D)))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.booleans())
def test_any_stroke_leaves_an_exact_cover_or_is_refused(seed: int, levels: int, outer: bool) -> None:
    rng = np.random.default_rng(seed)
    sheet = sheet_of(make_tree(seed, points=60, units=14, levels=levels, span=50_000))
    for _ in range(4):
        old, new = random_stroke(sheet, rng)
        try:
            after = redraw(sheet, old, new, outer=outer)
        except JingtianError as refused:
            assert refused.where or isinstance(refused, fault.BadLine)
            continue
        assert_whole(sheet, after)
        land = shapely.buffer(shapely.MultiPoint([*old, *new]).convex_hull, 2e-7)
        for key in Change.between(sheet, after).keys:
            assert sheet.grids[key].geometry.intersects(land)
        for key, grid in after.grids.items():
            # What does not lie between the two lines has not moved: an edge with a new node bends by less than a lattice step.
            moved = shapely.symmetric_difference(grid.geometry, sheet.grids[key].geometry)
            assert shapely.difference(moved, land).buffer(-1e-7).is_empty
        sheet = after

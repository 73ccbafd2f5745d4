"""gis.edit.extend and withdraw: one grid reaches into its siblings, nobody loses anything, and it can be given up again (ZG04)."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.edit import Change, Sheet, extend, withdraw
from gis.edit import faults as fault
from tests.gis.test_edit import D, at, squares

LATTICE = 1e-7
NARROW = 3e-7
"""Nodes bend a border by less than this, in degrees."""


def same(a: shapely.Geometry, b: shapely.Geometry) -> bool:
    """Whether two geometries are the same but for what nodes bend."""
    return a.symmetric_difference(b).buffer(-NARROW).is_empty


def ring(x: int, y: int, wide: int, high: int) -> list[tuple[float, float]]:
    return at((x, y), (x + wide, y), (x + wide, y + high), (x, y + high))


def assert_covered(sheet: Sheet) -> None:
    """No gap, and nothing outside the parent, on the lattice: what the database asks for."""
    for parent, children in sheet.children.items():
        joined = shapely.union_all([sheet.grids[child].geometry for child in children], grid_size=LATTICE)
        whole = sheet.grids[parent].geometry
        assert whole.difference(joined, grid_size=LATTICE).is_empty, parent
        assert joined.difference(whole, grid_size=LATTICE).is_empty, parent


places = st.integers(-D // 2, 3 * D // 2)
sizes = st.integers(D // 20, D)


@given(places, places, sizes, sizes)
def test_what_is_added_to_one_is_taken_from_none_and_can_be_given_up(x: int, y: int, wide: int, high: int) -> None:
    before = squares()
    drawn = ring(x, y, wide, high)
    wanted = shapely.Polygon(drawn).intersection(before.grids[2].geometry).difference(before.grids[4].geometry)
    if wanted.buffer(-NARROW).is_empty:
        with pytest.raises(fault.EditRefused):
            extend(before, drawn, 4)
        return
    try:
        after = extend(before, drawn, 4, min_area_m2=0)
    except fault.EditRefused:
        # A ring that shares a corner, or a side of a centimetre, with a border may be refused; it is never half done.
        assert min(abs(x % D), abs(y % D), abs((x + wide) % D), abs((y + high) % D)) < 10
        return
    assert same(after.grids[4].geometry, before.grids[4].geometry.union(wanted))
    for key in before.grids.keys() - {4}:
        assert same(after.grids[key].geometry, before.grids[key].geometry)
    assert_covered(after)
    change = Change.between(before, after)
    assert {key: grid.border for key, grid in change.inverse().on(after).grids.items()} == {
        key: grid.border for key, grid in before.grids.items()
    }
    back = withdraw(after, ring(-D, -D, 4 * D, 4 * D), 4, min_area_m2=0) if wanted.area < 0.9 * D * D * 1e-14 else None
    if back is not None:
        assert_covered(back)
        assert same(back.grids[4].geometry, before.grids[4].geometry)


def test_it_stays_within_its_parent_and_two_may_reach_into_each_other() -> None:
    after = extend(squares(), ring(D - 1000, D - 1000, 2000, 2000), 4)
    assert after.grids[4].geometry.area == pytest.approx((D * D + 1000 * 1000) * 1e-14, rel=1e-3)
    after = extend(after, ring(3000, D - 500, 2000, 600), 5)
    assert after.grids[5].geometry.area == pytest.approx((D * D + 2000 * 500) * 1e-14, rel=1e-3)
    assert_covered(after)
    # The piece of 5 that lies in 4 goes; that of 4 in 5 stays.
    back = withdraw(after, ring(2000, D - 800, 4000, 1200), 5)
    assert back.grids[5].geometry.area == pytest.approx(D * D * 1e-14, rel=1e-3)
    assert back.grids[4].geometry.area == after.grids[4].geometry.area
    assert_covered(back)


def test_what_cannot_be_added_or_given_up_is_refused_with_the_place() -> None:
    sheet = squares()
    for drawn in (ring(D + 1000, 1000, 2000, 2000), ring(1000, 1000, 2000, 2000)):
        with pytest.raises(fault.LineMissesGrid) as refused:
            extend(sheet, drawn, 4)
        assert refused.value.where
        with pytest.raises(fault.LineMissesGrid):
            withdraw(sheet, drawn, 4)
    with pytest.raises(fault.HasNoOrOtherLevel):
        extend(sheet, ring(0, 0, 500, 500), 2)
    whole = extend(sheet, ring(-500, D - 500, 2 * D, 2 * D), 4)
    with pytest.raises(fault.WouldVanish):
        withdraw(whole, ring(-D, -D, 4 * D, 4 * D), 5)

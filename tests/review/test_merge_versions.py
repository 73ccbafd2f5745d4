"""Three-way merge of versions: edits of different leaves merge exactly, edits of the same ones clash."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.edit import Grid, Sheet, merge, split
from gis.edit.chain import add, chain_of
from gis.edit.faults import EditRefused
from gis.lattice import to_degrees
from gis.merge import Merged, Unit, Version, merge_versions

N = 4
SIDE = 9_000
CORNER = (1_130_000_000, 300_000_000)


def box(x: int, y: int, width: int, height: int) -> shapely.Polygon:
    """In sides of a leaf."""
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return shapely.transform(
        shapely.Polygon([(CORNER[0] + a * SIDE, CORNER[1] + b * SIDE) for a, b in corners]), to_degrees
    )


def base_sheet() -> Sheet:
    """A service area, four villages of four leaves; the leaf of column x and row y has the id 100 + 4y + x."""
    leaves = [
        Grid(100 + N * y + x, 1 + (y // 2) * 2 + x // 2 + 1, 2, chain_of(box(x, y, 1, 1)), f"leaf{x}{y}", f"{x}{y}")
        for y in range(N)
        for x in range(N)
    ]
    villages = [
        Grid(2 + i, 1, 1, add(*(leaf.border for leaf in leaves if leaf.parent == 2 + i)), f"v00{i}", f"村{i}")
        for i in range(4)
    ]
    return Sheet.of([Grid(1, None, 0, add(*(village.border for village in villages)), "area"), *villages, *leaves])


BASE = base_sheet()


def version(sheet: Sheet, prefix: str = "new") -> Version:
    """The sheet by code; new grids get codes of their own, of one length."""
    codes = {key: grid.code if key > 0 else f"{prefix}{-key:03}" for key, grid in sheet.grids.items()}
    return {
        codes[key]: Unit(
            codes[key],
            None if grid.parent is None else codes[grid.parent],
            grid.level,
            grid.border,
            key not in sheet.children,
            (grid.name,),
        )
        for key, grid in sheet.grids.items()
    }


def cut(sheet: Sheet, key: int, slant: tuple[float, float], upright: bool) -> Sheet:
    """A leaf split by a line from side to side, or as it was when the line makes slivers."""
    x, y = (key - 100) % N, (key - 100) // N
    a, b = slant
    line = [(x + a, y - 0.1), (x + b, y + 1.1)] if upright else [(x - 0.1, y + a), (x + 1.1, y + b)]
    try:
        return split(sheet, key, [[((CORNER[0] + p * SIDE) / 1e7, (CORNER[1] + q * SIDE) / 1e7) for p, q in line]])
    except EditRefused:
        return sheet


def check_exact(units: Version) -> None:
    """Children add up to their parents on every level, are valid, and do not overlap."""
    for code, unit in units.items():
        children = [one for one in units.values() if one.parent == code]
        assert bool(children) is not unit.is_leaf
        if children:
            assert add(*(child.border for child in children)) == unit.border
    shapes = [Grid(1, None, 0, unit.border).geometry for unit in units.values() if unit.is_leaf]
    assert shapely.coverage_is_valid(shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx(box(0, 0, N, N).area)


def shapes_of(merged: Merged) -> set[object]:
    return {(unit.level, unit.border) for unit in merged.units.values()}


slants = st.tuples(st.floats(0.15, 0.85), st.floats(0.15, 0.85))
plans = st.dictionaries(st.integers(100, 115), st.tuples(st.booleans(), slants, st.booleans()), min_size=2, max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_drafts_of_different_leaves_merge_exactly_and_symmetrically(
    cuts: dict[int, tuple[bool, tuple[float, float], bool]],
) -> None:
    mine = theirs = BASE
    for key, (is_mine, slant, upright) in cuts.items():
        if is_mine:
            mine = cut(mine, key, slant, upright)
        else:
            theirs = cut(theirs, key, slant, upright)
    one = merge_versions(version(BASE), version(mine), version(theirs))
    other = merge_versions(version(BASE), version(theirs), version(mine))
    assert one.clashes == other.clashes == []
    check_exact(one.units)
    check_exact(other.units)
    assert shapes_of(one) == shapes_of(other)
    assert len(one.units) == len(mine.grids) + len(theirs.grids) - len(BASE.grids)
    assert not set(one.recoded.values()) & (version(mine).keys() | version(theirs).keys())


def test_two_lines_that_end_on_one_border_both_get_their_node() -> None:
    mine = cut(BASE, 100, (0.3, 0.4), upright=True)
    theirs = cut(BASE, 104, (0.6, 0.7), upright=True)
    merged = merge_versions(version(BASE), version(mine), version(theirs, "neu"))
    assert merged.clashes == [] and merged.recoded == {}
    check_exact(merged.units)


def test_a_merge_and_a_split_elsewhere() -> None:
    mine = merge(BASE, [100, 101])
    theirs = cut(BASE, 102, (0.5, 0.5), upright=False)
    merged = merge_versions(version(BASE), version(mine), version(theirs))
    assert merged.clashes == [] and "leaf10" not in merged.units
    check_exact(merged.units)


def test_one_leaf_edited_twice_clashes_and_either_side_resolves_it_exactly() -> None:
    mine = merge(BASE, [100, 101])
    theirs = merge(cut(BASE, 115, (0.5, 0.5), upright=True), [101, 105])
    a, b, c = version(BASE), version(mine), version(theirs)
    (clash,) = merge_versions(a, b, c).clashes
    assert clash.codes == {"leaf00", "leaf10", "leaf11"} and clash.both == {"leaf10"}
    for side, kept in (("mine", "leaf11"), ("theirs", "leaf00")):
        merged = merge_versions(a, b, c, {"leaf10": side})
        assert merged.clashes == [] and merged.units[kept].border == a[kept].border
        assert len([unit for unit in merged.units.values() if unit.is_leaf]) == 16
        check_exact(merged.units)
    assert merge_versions(a, b, c, {"leaf00": "mine", "leaf11": "theirs"}).clashes


def test_a_leaf_given_away_twice_to_different_neighbours_clashes() -> None:
    mine, theirs = merge(BASE, [100, 101]), merge(BASE, [105, 101])
    (clash,) = merge_versions(version(BASE), version(mine), version(theirs)).clashes
    assert clash.codes == {"leaf00", "leaf10", "leaf11"}


def test_the_same_edit_on_both_sides_is_no_clash() -> None:
    edited = version(cut(BASE, 107, (0.4, 0.6), upright=True))
    merged = merge_versions(version(BASE), edited, edited)
    assert merged.clashes == [] and merged.recoded == {} and merged.units == edited


def test_names_merge_by_grid_and_clash_on_one() -> None:
    base = version(BASE)

    def named(code: str, name: str) -> Version:
        return {**base, code: replace(base[code], facts=(name,))}

    merged = merge_versions(base, named("leaf33", "甲"), named("leaf00", "乙"))
    assert (merged.units["leaf33"].facts, merged.units["leaf00"].facts) == (("甲",), ("乙",))
    assert merge_versions(base, named("leaf33", "甲"), named("leaf33", "乙")).clashes
    for code in ("v001", "leaf33"):
        merged = merge_versions(base, named(code, "甲"), named(code, "乙"), {code: "mine"})
        assert merged.units[code].facts == ("甲",)
    assert merge_versions(base, named("v001", "甲"), base).units["v001"].facts == ("甲",)

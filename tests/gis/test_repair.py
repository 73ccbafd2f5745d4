"""Repair: exact afterwards at every level and between levels, everything reported, nothing dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.border import directed_edges, net_edges
from gis.coverage import find_defects, is_exact_cover
from gis.lattice import STEP, is_on_lattice
from gis.measure import area_m2
from gis.repair import GridsUnrepairable, GridsVanish, Level, Repair, repair
from tests.gis.shared_data import load
from tests.gis.strategies import Tree, box, move_vertex, polygon, trees

NESTS = ["union", "cut"]
GAP_M = 5.0


def level(geometries: Sequence[BaseGeometry], parents: Sequence[int] | None = None, prefix: str = "g") -> Level:
    codes = [f"{prefix}{number}" for number in range(len(geometries))]
    return Level(codes, [0] * len(codes) if parents is None else parents, geometries)


def levels_of(tree: Tree) -> list[Level]:
    return [
        level(geometries, parents, f"{number}-")
        for number, (geometries, parents) in enumerate(zip(tree.geometries, tree.parents, strict=True))
    ]


def assert_exact(result: Repair, levels: Sequence[Level], gap_width_m: float = GAP_M) -> None:
    assert [len(of_level) for of_level in result.geometries] == [len(given.codes) for given in levels]
    assert find_defects(result.geometries[0], narrow_gap_m=gap_width_m) == []
    for number, given_level in enumerate(levels[1:], start=1):
        for index, parent in enumerate(result.geometries[number - 1]):
            below = zip(result.geometries[number], given_level.parents, strict=True)
            children = [child for child, of in below if of == index]
            assert not children or is_exact_cover(children, parent)


def same_border(a: BaseGeometry, b: BaseGeometry) -> bool:
    return not len(net_edges(directed_edges([a]).ends, directed_edges([b]).ends))


def metres(*corners: tuple[float, float], holes: list[list[tuple[float, float]]] | None = None) -> BaseGeometry:
    """A polygon by corners in hundreds of steps: about metres."""
    in_steps = [[(round(x * 100), round(y * 100)) for x, y in ring] for ring in (corners, *(holes or []))]
    return polygon(*in_steps[0], holes=in_steps[1:])


def box_m(x0: float, y0: float, x1: float, y1: float) -> BaseGeometry:
    return metres((x0, y0), (x1, y0), (x1, y1), (x0, y1))


# What is exact stays.


@pytest.mark.parametrize("nest", NESTS)
@given(tree=trees(levels=3))
def test_an_exact_tree_comes_back_as_it_is(nest, tree: Tree):
    result = repair(levels_of(tree), gap_width_m=0, nest=nest)
    assert result == Repair(tuple(tuple(of_level) for of_level in tree.geometries))


@given(trees(levels=4))
def test_absent_upper_levels_are_the_unions_of_the_ones_below(tree: Tree):
    given_levels = levels_of(tree)
    absent = [Level(above.codes, above.parents, None) for above in given_levels[:2]]
    result = repair([*absent, *given_levels[2:]], gap_width_m=0, nest="cut")
    for derived, original in zip(result.geometries, tree.geometries, strict=True):
        assert all(same_border(a, b) for a, b in zip(derived, original, strict=True))


# What is not exact becomes so.


@pytest.mark.parametrize("nest", NESTS)
@settings(max_examples=40)
@given(
    tree=trees(levels=3, span=200_000),
    corruptions=st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 2, 2]),
            st.integers(0, 10**6),
            st.integers(0, 10**6),
            st.integers(-300, 300),
            st.integers(-300, 300),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_corrupted_tree_is_exact_after_repair_and_the_untouched_is_untouched(nest, tree: Tree, corruptions):
    corrupted = [list(of_level) for of_level in tree.geometries]
    places = []
    for number, which, vertex, dx, dy in corruptions:
        which %= len(corrupted[number])
        before = corrupted[number][which]
        corrupted[number][which] = move_vertex(before, vertex, dx, dy)
        places += [before.boundary, corrupted[number][which].boundary]
    levels = levels_of(Tree(corrupted, tree.parents))
    result = repair(levels, gap_width_m=GAP_M, nest=nest)
    assert_exact(result, levels)
    assert all(is_on_lattice(geometry) and geometry.is_valid for of_level in result.geometries for geometry in of_level)
    touched = shapely.union_all(places).buffer(STEP)
    changed = {(change.level, change.code) for change in result.changes}
    for number, (repaired, original) in enumerate(zip(result.geometries, tree.geometries, strict=True)):
        for code, after, before in zip(levels[number].codes, repaired, original, strict=True):
            if not after.boundary.intersects(touched):
                assert same_border(after, before)
                assert (number, code) not in changed


def test_every_change_is_reported_with_what_was_gained_and_lost():
    before = {"r0": box_m(0, 0, 200, 100), "g0": box_m(0, 0, 102, 100), "g1": box_m(100, 0, 197, 100)}
    levels = [level([before["r0"]], prefix="r"), level([before["g0"], before["g1"], box_m(0, 100, 50, 150)])]
    result = repair(levels, gap_width_m=GAP_M, nest="union")
    assert_exact(result, levels)
    (overlap,), (rim,) = result.resolved, result.filled
    assert (overlap.codes, overlap.owners) == (("g0", "g1"), ("g0",))
    assert (rim.codes, rim.owners) == ((), ("g1",))
    changes = {change.code: change for change in result.changes}
    # The third grid lies outside the first level, which grows by it; of the two that overlap the first keeps all.
    assert {code: (round(c.gained_m2), round(c.lost_m2)) for code, c in changes.items()} == {
        "r0": (round(area_m2([box_m(0, 100, 50, 150)])[0]), 0),
        "g1": (round(rim.area_m2), round(overlap.area_m2)),
    }
    for code, change in changes.items():
        assert change.area_before_m2 == pytest.approx(area_m2([before[code]])[0])
        balance = change.gained_m2 - change.lost_m2
        assert change.area_after_m2 - change.area_before_m2 == pytest.approx(balance, abs=0.01)


def test_a_slip_thinner_than_the_lattice_closes_and_is_reported():
    low = polygon((0, -50_000), (100_000, -50_000), (100_000, 1), (0, 0))
    high = polygon((0, 0), (49_999, 1), (100_000, 1), (100_000, 50_000), (0, 50_000))
    assert find_defects([low, high])
    result = repair([level([low, high])], gap_width_m=GAP_M, nest="cut")
    assert find_defects(result.geometries[0]) == []
    assert result.changes


def test_coordinates_off_the_lattice_are_put_on_it_and_count_as_no_change():
    off = [shapely.transform(box(0, 0, 9999, 9999), lambda xy: xy + 3e-9), box(9999, 0, 20_000, 9999)]
    result = repair([level(off)], gap_width_m=GAP_M, nest="cut")
    assert_exact(result, [level(off)])
    assert result.changes == ()


def test_a_vertex_on_one_side_only_is_given_to_the_other():
    with_vertex = polygon((10_000, 0), (20_000, 0), (20_000, 9000), (10_000, 9000), (10_000, 4567))
    result = repair([level([box(0, 0, 10_000, 9000), with_vertex])], gap_width_m=GAP_M, nest="cut")
    assert find_defects(result.geometries[0]) == []
    assert same_border(result.geometries[0][1], with_vertex)
    assert result.changes == ()


# Who gets what.


def test_an_overlap_goes_to_the_one_that_has_the_longest_border_with_it():
    # A tongue of the first reaches into the second: its root is short, its sides are long.
    tongue = metres((0, 0), (100, 0), (100, 45), (130, 45), (130, 55), (100, 55), (100, 100), (0, 100))
    result = repair([level([tongue, box_m(100, 0, 200, 100)])], gap_width_m=GAP_M, nest="cut")
    (overlap,) = result.resolved
    assert overlap.owners == ("g1",)


def test_an_enclave_keeps_its_place_in_a_neighbour_without_a_hole():
    result = repair([level([box_m(0, 0, 100, 100), box_m(40, 40, 60, 60)])], gap_width_m=GAP_M, nest="cut")
    assert same_border(result.geometries[0][1], box_m(40, 40, 60, 60))
    assert len(result.geometries[0][0].interiors) == 1


def test_a_gap_between_several_goes_piece_by_piece_to_connected_neighbours():
    levels = [
        level([box_m(0, 0, 100, 50), box_m(0, 53, 40, 100), box_m(40, 53, 100, 100), box_m(100, 0, 120, 100)]),
    ]
    closed = metres((-20, 0), (0, 0), (0, 100), (-20, 100))
    levels[0] = level([*levels[0].geometries, closed])
    result = repair(levels, gap_width_m=GAP_M, nest="cut")
    assert_exact(result, levels)
    (gap,) = result.filled
    assert gap.owners == ("g0",)
    assert all(geometry.geom_type == "Polygon" for geometry in result.geometries[0])


def test_a_wide_gap_is_kept_and_reported():
    lake = [(40, 40), (60, 40), (60, 60), (40, 60)]
    shore = metres((0, 0), (100, 0), (100, 100), (0, 100), holes=[lake])
    levels = [level([shore, box_m(99, 0, 150, 100)])]
    result = repair(levels, gap_width_m=GAP_M, nest="cut")
    (void,) = result.kept
    assert same_border(void.geometry, metres(*lake))
    assert find_defects(result.geometries[0], narrow_gap_m=GAP_M) == []
    assert repair(levels, gap_width_m=50, nest="cut").kept == ()


def test_the_rim_towards_the_outline_of_the_first_level_is_a_gap_too():
    levels = [level([box_m(0, 0, 200, 100)], prefix="root"), level([box_m(0, 0, 100, 100), box_m(100, 0, 198, 100)])]
    result = repair(levels, gap_width_m=GAP_M, nest="union")
    assert_exact(result, levels)
    assert area_m2(result.geometries[0])[0] == pytest.approx(area_m2([box_m(0, 0, 200, 100)])[0])
    far = [levels[0], level([box_m(0, 0, 100, 100), box_m(100, 0, 150, 100)])]
    kept = repair(far, gap_width_m=GAP_M, nest="union")
    assert len(kept.kept) == 1
    assert_exact(kept, far)


def test_cut_gives_what_no_child_covers_to_a_child_of_that_parent_whatever_its_width():
    parents = level([box_m(0, 0, 100, 100), box_m(100, 0, 200, 100)], prefix="p")
    children = level([box_m(0, 0, 50, 100), box_m(50, 0, 130, 100), box_m(180, 0, 200, 100)], [0, 0, 1])
    result = repair([parents, children], gap_width_m=GAP_M, nest="cut")
    assert_exact(result, [parents, children])
    assert covered(result.geometries[0][0], box_m(0, 0, 100, 100))
    assert covered(result.geometries[1][2], box_m(100, 0, 200, 100))


def test_union_lets_the_lowest_grids_win():
    parents = level([box_m(0, 0, 100, 100), box_m(100, 0, 200, 100)], prefix="p")
    children = level([box_m(0, 0, 50, 100), box_m(50, 0, 130, 100), box_m(130, 0, 200, 100)], [0, 0, 1])
    result = repair([parents, children], gap_width_m=GAP_M, nest="union")
    assert_exact(result, [parents, children])
    assert covered(result.geometries[0][0], box_m(0, 0, 130, 100))
    assert {change.code for change in result.changes} == {"p0", "p1"}


def test_a_part_of_a_parent_far_from_all_children_goes_to_the_nearest():
    exclave = box_m(300, 0, 320, 20)
    parents = level([shapely.MultiPolygon([box_m(0, 0, 200, 100), exclave])], prefix="p")
    children = level([box_m(0, 0, 100, 100), box_m(100, 0, 200, 100)])
    result = repair([parents, children], gap_width_m=GAP_M, nest="cut")
    assert_exact(result, [parents, children])
    assert covered(result.geometries[1][1], shapely.MultiPolygon([box_m(100, 0, 200, 100), exclave]))


def test_a_bit_that_the_cut_detaches_joins_a_neighbour_and_a_given_exclave_stays():
    exclave = box_m(180, 90, 182, 92)
    parents = level([box_m(0, 0, 100, 100), box_m(100, 0, 200, 100)], prefix="p")
    # The first grid of the second parent reaches round a tooth of the first parent's grid.
    hook = metres((98, 0), (150, 0), (150, 100), (98, 100))
    first = metres((0, 0), (100, 0), (100, 100), (0, 100))
    rest = metres((150, 0), (200, 0), (200, 100), (150, 100), holes=[[(180, 90), (182, 90), (182, 92), (180, 92)]])
    third = metres((99, 10), (104, 10), (104, 14), (99, 14))
    children = level([first, shapely.union_all([hook.difference(third), exclave]), rest, third], [0, 1, 1, 1])
    result = repair([parents, children], gap_width_m=GAP_M, nest="cut")
    assert_exact(result, [parents, children])
    assert result.geometries[1][1].geom_type == "MultiPolygon"
    assert shapely.covers(result.geometries[1][1], exclave)


def test_small_bits_cut_off_are_rejoined():
    # An overlap with the second cuts the tip off the first: 2 m by 3 m beyond it.
    first = metres((0, 0), (100, 0), (100, 48), (152, 48), (152, 51), (100, 51), (100, 100), (0, 100))
    second = box_m(100, 0, 150, 100)
    third = metres((150, 0), (200, 0), (200, 100), (150, 100), (150, 51), (152, 51), (152, 48), (150, 48))
    result = repair([level([first, second, third])], gap_width_m=GAP_M, nest="cut")
    assert [(bit.codes, bit.owners) for bit in result.rejoined] == [(("g0",), ("g2",))]
    assert all(geometry.geom_type == "Polygon" for geometry in result.geometries[0])


# What cannot be kept is refused by name.


def test_a_duplicate_would_vanish_and_is_named():
    with pytest.raises(GridsVanish) as fault:
        repair([level([box_m(0, 0, 50, 50), box_m(0, 0, 50, 50)])], gap_width_m=GAP_M, nest="cut")
    assert fault.value.details["vanished"] == [{"level": 0, "code": "g1"}]
    assert fault.value.where["geometries"][0]["type"] == "Polygon"


def test_a_grid_covered_by_many_small_ones_is_named():
    small = [box_m(x, y, x + 25, y + 50) for x in range(0, 200, 25) for y in (0, 50)]
    with pytest.raises(GridsVanish) as fault:
        repair([level([box_m(0, 0, 200, 100), *small])], gap_width_m=GAP_M, nest="cut")
    assert fault.value.details["vanished"] == [{"level": 0, "code": "g0"}]


def test_a_child_wholly_outside_its_parent_is_named_when_cut_and_kept_when_united():
    parents = level([box_m(0, 0, 100, 100), box_m(100, 0, 200, 100)], prefix="p")
    children = level([box_m(0, 0, 100, 100), box_m(100, 0, 150, 100), box_m(150, 0, 200, 100)], [0, 1, 0])
    with pytest.raises(GridsVanish) as fault:
        repair([parents, children], gap_width_m=GAP_M, nest="cut")
    assert fault.value.details["vanished"] == [{"level": 1, "code": "g2"}]
    assert_exact(repair([parents, children], gap_width_m=GAP_M, nest="union"), [parents, children])


@pytest.mark.parametrize("nothing", [shapely.Polygon(), polygon((0, 0), (10, 0), (20, 0)), shapely.Point(112.9, 30.4)])
def test_what_has_no_area_cannot_be_repaired(nothing):
    with pytest.raises(GridsUnrepairable) as fault:
        repair([level([box_m(0, 0, 50, 50), nothing])], gap_width_m=GAP_M, nest="cut")
    assert fault.value.details["codes"] == ["g1"]


def test_invalid_polygons_are_made_valid_and_named():
    bow_tie = metres((50, 0), (100, 50), (100, 0), (50, 50))
    result = repair([level([box_m(0, 0, 50, 50), bow_tie])], gap_width_m=GAP_M, nest="cut")
    assert result.made_valid == ((0, "g1"),)
    assert find_defects(result.geometries[0]) == []


@pytest.mark.parametrize(
    "levels",
    [
        [],
        [Level(["a"], [0], None)],
        [level([box(0, 0, 9, 9)]), Level(["a"], [0], None)],
        [level([box(0, 0, 9, 9)]), level([box(0, 0, 9, 9)], [1])],
    ],
    ids=["nothing", "no geometries", "none at the bottom", "no such parent"],
)
def test_what_is_no_tree_is_refused(levels):
    with pytest.raises(ValueError):
        repair(levels, gap_width_m=GAP_M, nest="cut")


# Real data.


@pytest.mark.parametrize("nest", NESTS)
def test_the_real_tree_of_xihu_becomes_exact(nest):
    levels = real_tree(("xihu_demo_towns", "code9", ""), ("xihu_demo_communities", "code12", "town_code9"))
    grids, properties = load("xihu_demo_grids")
    parents = [levels[1].codes.index(p["community_code12"]) for p in properties]
    levels.append(Level([p.get("code15", str(n)) for n, p in enumerate(properties)], parents, grids))
    result = repair(levels, gap_width_m=20, nest=nest)
    assert_exact(result, levels, 20)
    assert 0 < max(max(change.gained_m2, change.lost_m2) for change in result.changes) < 1


@pytest.mark.parametrize("nest", NESTS)
def test_the_dirty_tree_of_yichang_becomes_exact(nest):
    levels = real_tree(("yichang_streets", "name", ""), ("yichang_communities", "name", "street"))
    result = repair(levels, gap_width_m=20, nest=nest)
    assert_exact(result, levels, 20)
    assert len(result.made_valid) == 3
    assert len(result.changes) > 10


def real_tree(*files: tuple[str, str, str]) -> list[Level]:
    levels: list[Level] = []
    for name, code, parent in files:
        geometries, properties = load(name)
        parents = [levels[-1].codes.index(p[parent]) if levels else 0 for p in properties]
        levels.append(Level([p[code] for p in properties], parents, geometries))
    return levels


def covered(a: BaseGeometry, b: BaseGeometry) -> bool:
    return bool(np.isclose(shapely.symmetric_difference(a, b).area, 0, atol=STEP**2))

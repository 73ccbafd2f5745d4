"""Defects: an exact coverage has none, and every other has them at their place."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.coverage import Defect, DefectKind, find_defects, is_exact_cover, to_geojson
from gis.lattice import STEP, snap
from gis.measure import area_m2
from tests.gis.shared_data import load
from tests.gis.strategies import Tree, box, make_tree, move_vertex, polygon, trees

GAP, OVERLAP, OUTSIDE = DefectKind.GAP, DefectKind.OVERLAP, DefectKind.OUTSIDE
UNMATCHED, INVALID = DefectKind.UNMATCHED, DefectKind.INVALID

moves = st.tuples(st.integers(-300, 300), st.integers(-300, 300)).filter(any)
ROOT = polygon((0, 0), (100, 0), (200, 0), (200, 100), (100, 100), (0, 100))
LEFT, RIGHT = box(0, 0, 100, 100), box(100, 0, 200, 100)
LAKE = polygon((0, 0), (200, 0), (200, 100), (0, 100), holes=[[(50, 50), (60, 50), (55, 60)]])


def facts(defects: list[Defect]) -> list[tuple[DefectKind, tuple[int, ...]]]:
    return [(defect.kind, defect.grids) for defect in defects]


def reaching(longitude: float) -> shapely.Geometry:
    with np.errstate(invalid="ignore"):
        return shapely.set_coordinates(
            box(0, 0, 9, 9), [(112.9, 30), (longitude, 30), (113, 31), (112, 31), (112.9, 30)]
        )


def covers_the_same(a: shapely.Geometry, b: shapely.Geometry) -> bool:
    return bool(shapely.symmetric_difference(a, b).area < STEP**2)


# What is exact.


@given(trees(levels=3))
def test_every_exact_coverage_is_accepted(tree: Tree):
    for level in range(2):
        for index, parent in enumerate(tree.geometries[level]):
            assert find_defects(tree.children(level, index), parent) == []
            assert is_exact_cover(tree.children(level, index), parent)


@given(trees())
def test_reversed_rings_and_a_round_trip_through_geojson_stay_exact(tree: Tree):
    children = [shapely.from_geojson(shapely.to_geojson(child.reverse())) for child in tree.geometries[1]]
    assert is_exact_cover(children, tree.geometries[0][0])


def test_a_child_may_equal_its_parent():
    assert find_defects([ROOT], ROOT) == []
    assert is_exact_cover([ROOT], ROOT)


def test_coordinates_that_differ_in_the_ninth_digit_are_the_same_place():
    drifted = shapely.transform(RIGHT, lambda xy: xy + 3e-9)
    assert find_defects([LEFT, drifted], ROOT) == []
    assert not is_exact_cover([LEFT, drifted], ROOT), "the predicate is about what can be stored as it is"
    assert is_exact_cover([LEFT, snap(drifted)], ROOT)


def test_nested_enclaves_are_exact():
    square = [(40, 40), (60, 40), (60, 60), (40, 60)]
    inner = [(45, 45), (55, 45), (55, 55), (45, 55)]
    outer = polygon((0, 0), (100, 0), (100, 100), (0, 100), holes=[square])
    assert find_defects([outer, polygon(*square, holes=[inner]), polygon(*inner), RIGHT], ROOT) == []


def test_holes_may_touch_the_shell_and_each_other_at_a_vertex():
    at_the_shell = [(0, 50), (20, 40), (20, 60)]
    beside_it = [(20, 60), (40, 50), (40, 70)]
    outer = polygon((0, 0), (100, 0), (100, 100), (0, 100), (0, 50), holes=[at_the_shell, beside_it])
    parent = polygon((0, 0), (100, 0), (100, 100), (0, 100), (0, 50))
    assert outer.is_valid
    assert find_defects([outer, polygon(*at_the_shell), polygon(*beside_it)], parent) == []
    assert facts(find_defects([outer, polygon(*at_the_shell)], parent)) == [(GAP, (0, 1))]


def test_parts_may_touch_at_a_point_and_four_grids_meet_in_one():
    black = shapely.MultiPolygon([box(0, 0, 50, 50), box(50, 50, 100, 100)])
    white = [box(50, 0, 100, 50), box(0, 50, 50, 100)]
    matched = polygon((0, 0), (50, 0), (100, 0), (100, 50), (100, 100), (50, 100), (0, 100), (0, 50))
    assert find_defects([black, *white], matched) == []


def test_exclaves_are_exact():
    exclave = box(300, 0, 310, 10)
    parent = shapely.MultiPolygon([ROOT, exclave])
    assert find_defects([shapely.MultiPolygon([LEFT, exclave]), RIGHT], parent) == []


# What is not.


def test_gap_overlap_and_outside_are_told_apart_with_place_area_and_grids():
    children = [box(0, 0, 90, 100), box(110, 0, 200, 100), box(90, 0, 120, 30), box(180, 90, 220, 100)]
    found = [defect for defect in find_defects(children, ROOT) if defect.kind != UNMATCHED]
    assert facts(found) == [(GAP, (0, 1, 2)), (OVERLAP, (1, 2)), (OVERLAP, (1, 3)), (OUTSIDE, (3,))]
    expected = [
        polygon((90, 30), (110, 30), (110, 100), (90, 100)),
        box(110, 0, 120, 30),
        box(180, 90, 200, 100),
        box(200, 90, 220, 100),
    ]
    for defect, place in zip(found, expected, strict=True):
        assert covers_the_same(defect.geometry, place)
        assert defect.area_m2 == pytest.approx(area_m2([place])[0])


@pytest.mark.parametrize(
    ("parent", "child", "kind"),
    [
        (box(0, 0, 200, 100), polygon((0, 0), (200, 0), (200, 100), (110, 100), (99, 90), (90, 100), (0, 100)), GAP),
        (box(0, 0, 200, 100), LAKE, GAP),
        (LAKE, box(0, 0, 200, 100), OUTSIDE),
    ],
    ids=["an outer notch", "an inner void", "a filled lake"],
)
def test_what_a_check_of_the_children_alone_cannot_see(parent, child, kind):
    assert shapely.coverage_is_valid([child])
    assert facts(find_defects([child], parent)) == [(kind, (0,))]


def test_duplicates_overlap_everywhere():
    (defect,) = find_defects([LEFT, RIGHT, LEFT, LEFT], ROOT)
    assert facts([defect]) == [(OVERLAP, (0, 2, 3))]
    assert covers_the_same(defect.geometry, LEFT)


def test_many_small_grids_under_one_are_one_overlap_of_all():
    small = [box(x, y, x + 25, y + 50) for x in range(0, 200, 25) for y in (0, 50)]
    matched = shapely.coverage_union_all(small)
    assert facts(find_defects([matched, *small], matched)) == [(OVERLAP, tuple(range(17)))]


def test_an_enclave_without_its_hole_is_an_overlap():
    assert facts(find_defects([LEFT, RIGHT, box(40, 40, 60, 60)], ROOT)) == [(OVERLAP, (0, 2))]


def test_adjacent_overlaps_of_other_grids_stay_apart():
    found = find_defects([LEFT, RIGHT, box(0, 10, 10, 90), box(10, 20, 20, 80), box(50, 50, 60, 60)], ROOT)
    assert facts(found) == [(OVERLAP, (0, 2)), (OVERLAP, (0, 3)), (OVERLAP, (0, 4))]


def test_a_place_half_outside_is_told_apart_though_the_border_of_the_parent_cancels():
    neighbour = box(200, 0, 300, 100)
    across = polygon((150, 0), (200, 0), (300, 0), (300, 100), (200, 100), (150, 100))
    found = find_defects([LEFT, RIGHT, across, neighbour], shapely.coverage_union_all([ROOT]))
    assert {OVERLAP, OUTSIDE} == {defect.kind for defect in found}
    areas = {kind: sum(d.area_m2 for d in found if d.kind == kind) for kind in (OVERLAP, OUTSIDE)}
    assert areas[OVERLAP] == pytest.approx(area_m2([box(150, 0, 300, 100)])[0])
    assert areas[OUTSIDE] == pytest.approx(area_m2([neighbour])[0])


def test_duplicates_outside_are_outside_and_overlap():
    there = box(300, 0, 310, 10)
    assert facts(find_defects([LEFT, RIGHT, there, there], ROOT)) == [(OVERLAP, (2, 3)), (OUTSIDE, (2, 3))]


def test_a_sliver_of_one_step_is_a_gap():
    (gap,) = find_defects([box(0, 0, 99, 100), RIGHT], ROOT)
    assert facts([gap]) == [(GAP, (0, 1))]
    assert gap.area_m2 == pytest.approx(1.07e-2, rel=0.05)


def test_a_sliver_much_thinner_than_the_lattice_is_found():
    # 0 → 100,000 east and 1 north, with a vertex half-way: off by half a step over one kilometre.
    low = polygon((0, -500), (100_000, -500), (100_000, 1), (0, 0))
    high = polygon((0, 0), (49_999, 1), (100_000, 1), (100_000, 500), (0, 500))
    parent = polygon((0, -500), (100_000, -500), (100_000, 1), (100_000, 500), (0, 500), (0, 0))
    (gap,) = find_defects([low, high], parent)
    assert facts([gap]) == [(GAP, (0, 1))]
    assert gap.area_m2 == pytest.approx(area_m2([polygon((0, 0), (100_000, 1), (49_999, 1))])[0], rel=1e-3)


def test_a_vertex_on_one_side_only_is_unmatched():
    left_without, right_with = LEFT, polygon((100, 0), (200, 0), (200, 100), (100, 100), (100, 50), (100, 20))
    (defect,) = find_defects([left_without, right_with], ROOT)
    assert facts([defect]) == [(UNMATCHED, (0, 1))]
    assert defect.area_m2 == 0
    assert covers_the_same(defect.geometry.buffer(STEP), shapely.LineString(LEFT.exterior.coords[1:3]).buffer(STEP))


def test_a_vertex_that_the_parent_lacks_is_unmatched():
    child = polygon((0, 0), (70, 0), (200, 0), (200, 100), (0, 100))
    assert facts(find_defects([child], ROOT)) == [(UNMATCHED, (0,))]


@given(trees(), st.integers(0, 10**6), st.integers(0, 10**6), moves)
def test_every_vertex_moved_in_one_grid_is_found(tree: Tree, which: int, vertex: int, move: tuple[int, int]):
    root, children = tree.geometries[0][0], list(tree.geometries[1])
    which %= len(children)
    children[which] = move_vertex(children[which], vertex, *move)
    found = find_defects(children, root)
    assert found
    assert not is_exact_cover(children, root)
    if len(children) > 1 and children[which].is_valid:
        assert any(which in defect.grids for defect in found)


@given(trees(), st.integers(0, 10**6))
def test_gaps_and_overlaps_add_up_to_what_is_wrong(tree: Tree, which: int):
    root, children = tree.geometries[0][0], list(tree.geometries[1])
    missing = children.pop(which % len(children))
    found = find_defects(children, root)
    assert {defect.kind for defect in found} == {GAP}
    assert sum(defect.area_m2 for defect in found) == pytest.approx(area_m2([missing])[0])
    again = find_defects([*tree.geometries[1], missing], root)
    assert {defect.kind for defect in again} == {OVERLAP}
    assert sum(defect.area_m2 for defect in again) == pytest.approx(area_m2([missing])[0])


# Without a parent.


def test_without_a_parent_a_narrow_hole_is_a_gap_and_a_lake_is_not():
    # Steps of about a centimetre: a strip 10 m wide, a lake of 100 m, in a square of 300 m.
    def metres(*xy: int) -> list[tuple[int, int]]:
        return [(x * 100, y * 100) for x, y in zip(xy[::2], xy[1::2], strict=True)]

    strip, lake = metres(10, 10, 20, 10, 20, 110, 10, 110), metres(100, 100, 200, 100, 200, 200, 100, 200)
    shell = metres(0, 0, 300, 0, 300, 300, 0, 300)
    children = [polygon(*shell, holes=[strip, lake]), polygon(*metres(300, 0, 400, 0, 400, 300, 300, 300))]
    assert [covers_the_same(gap.geometry, polygon(*strip)) for gap in find_defects(children)] == [True]
    assert len(find_defects(children, narrow_gap_m=200)) == 2
    assert find_defects(children, narrow_gap_m=5) == []


def test_without_a_parent_overlaps_and_unmatched_borders_are_found():
    with_vertex = polygon((100, 0), (200, 0), (200, 100), (100, 100), (100, 50))
    assert facts(find_defects([LEFT, with_vertex, box(190, 0, 250, 100)])) == [(OVERLAP, (1, 2)), (UNMATCHED, (0, 1))]


@given(trees())
def test_without_a_parent_exact_coverages_have_no_overlap_and_match(tree: Tree):
    assert find_defects(tree.geometries[1], narrow_gap_m=0) == []


# What is no polygon at all.


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (reaching(np.nan), "not finite"),
        (reaching(np.inf), "not finite"),
        (reaching(1e308), "not in degrees"),
        (shapely.Polygon(), "Empty"),
        (shapely.LineString([(112.9, 30.4), (113, 31)]), "LineString instead of Polygon"),
        (polygon((0, 0), (10, 0), (20, 0)), ""),
        (polygon((0, 0), (10, 10), (10, 0), (0, 10)), "Self-intersection"),
        (polygon((0, 0), (10, 0), (10, 10), (0, 10), holes=[[(20, 20), (30, 20), (30, 30)]]), "Hole lies outside"),
        (shapely.MultiPolygon([box(0, 0, 10, 10), box(5, 5, 15, 15)]), "Self-intersection"),
    ],
    ids=["NaN", "Infinity", "1e308", "empty", "a line", "collapsed", "a bow tie", "a stray hole", "parts overlap"],
)
def test_what_is_invalid_is_reported_with_its_reason(bad, reason):
    defects = find_defects([LEFT, bad, RIGHT], ROOT)
    assert (defects[0].kind, defects[0].grids) == (INVALID, (1,))
    assert reason in defects[0].reason
    assert not is_exact_cover([LEFT, bad, RIGHT], ROOT)
    json.dumps(to_geojson(defects, "abc"), allow_nan=False)


def test_an_invalid_grid_counts_in_the_rest_as_what_can_be_made_of_it():
    touching_itself = polygon((0, 0), (100, 0), (100, 100), (0, 100), (0, 50), (50, 50), (0, 50))
    matched = polygon((0, 0), (200, 0), (200, 100), (0, 100), (0, 50))
    assert facts(find_defects([touching_itself, RIGHT], matched))[0] == (INVALID, (0,))
    assert GAP not in {defect.kind for defect in find_defects([touching_itself, RIGHT], matched)}


def test_an_invalid_parent_is_reported_without_grids():
    bow_tie = polygon((0, 0), (10, 10), (10, 0), (0, 10))
    assert (INVALID, ()) in facts(find_defects([LEFT], bow_tie))


def test_swapped_axes_are_far_outside():
    swapped = shapely.transform(RIGHT, lambda xy: xy[:, ::-1])
    assert facts(find_defects([LEFT, swapped], ROOT)) == [(GAP, (0,)), (OUTSIDE, (1,))]


def test_no_children_are_one_gap():
    assert facts(find_defects([], ROOT)) == [(GAP, ())]
    assert find_defects([]) == []


# For the map.


def test_geojson_is_numbered_and_named():
    collection = to_geojson(find_defects([box(0, 0, 99, 100), RIGHT, box(150, 0, 210, 10)], ROOT), ["甲", "乙", "丙"])
    assert [f["properties"] | {"area_m2": None} for f in collection["features"]] == [
        {"number": 1, "kind": "gap", "area_m2": None, "grids": ["甲", "乙"], "reason": ""},
        {"number": 2, "kind": "overlap", "area_m2": None, "grids": ["乙", "丙"], "reason": ""},
        {"number": 3, "kind": "outside", "area_m2": None, "grids": ["丙"], "reason": ""},
    ]
    assert shapely.from_geojson(json.dumps(collection)).is_valid


# Real data.


@pytest.mark.parametrize("name", ["hubei_counties_tdt", "wannian_towns", "yueqing_towns", "xihu_towns"])
def test_real_coverages_that_are_exact(name):
    geometries, _ = load(name)
    assert find_defects(geometries) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("xihu_demo_grids", {GAP: 3, OVERLAP: 1}),
        ("shenzhen_streets", {GAP: 38}),
        ("yichang_communities", {INVALID: 3, GAP: 9, OVERLAP: 8}),
    ],
)
def test_real_coverages_that_are_dirty(name, expected):
    geometries, _ = load(name)
    assert Counter(defect.kind for defect in find_defects(geometries)) == expected


def test_thousands_of_grids_take_no_geometry_when_exact():
    tree = make_tree(7, points=3000, units=1000, span=10**6)
    assert is_exact_cover(tree.geometries[1], tree.geometries[0][0])

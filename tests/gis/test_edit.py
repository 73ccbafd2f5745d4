"""gis.edit: what a planner does to borders leaves an exact coverage, can be taken back, and is refused where it cannot be done."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.edit import Change, Grid, Sheet, add_level, divide, merge, remove_level, reparent, reshape, split, transfer
from gis.edit import faults as fault
from gis.edit.chain import chain_of, polygons_of, undirected
from gis.edit.noding import node
from tests.gis.editing_play import assert_exact, assert_exact_by_geometry, play, sheet_of
from tests.gis.strategies import Tree, box, make_tree, trees

D = 10_000


def squares(levels: int = 3) -> Sheet:
    """A service area of two villages side by side, each of two grids, one above the other; `levels` from the root down.

    Keys: 1 the area; 2 and 3 the villages; 4, 5 (below, above) in 2 and 6, 7 in 3. Borders have a vertex at every node only.
    """
    root = shapely.Polygon([*box(0, 0, 2 * D, 2 * D).exterior.coords])
    west, east = box(0, 0, D, 2 * D), box(D, 0, 2 * D, 2 * D)
    quarters = [box(x, y, x + D, y + D) for x in (0, D) for y in (0, D)]
    tree = Tree([[root], [west, east], quarters][:levels], [[0], [0, 0], [0, 0, 1, 1]][:levels])
    return edge_matched(tree)


def edge_matched(tree: Tree) -> Sheet:
    """The tree as a sheet, with the vertices of all put into all."""
    shapes = [shape for level in tree.geometries for shape in level]
    vertices = shapely.get_coordinates(shapes)
    levels, i = [], 0
    for level in tree.geometries:
        done = []
        for shape in level:
            ring = shape.exterior
            on = [tuple(p) for p in vertices.tolist() if ring.distance(shapely.Point(p)) < 1e-9]
            done.append(shapely.Polygon(sorted(set(on), key=lambda p, ring=ring: ring.project(shapely.Point(p)))))
            i += 1
        levels.append(done)
    return sheet_of(Tree(levels, tree.parents))


def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
    corner = shapely.get_coordinates(box(0, 0, 1, 1))[3]
    corner = np.array(box(0, 0, 1, 1).bounds[:2])
    return [tuple((corner + np.array(p) / 1e7).tolist()) for p in points]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_two_hundred_operations_keep_the_cover_exact_and_all_can_be_taken_back(seed: int, levels: int) -> None:
    before = sheet_of(make_tree(seed, points=40, units=12, levels=levels, span=50_000))
    after, changes, _ = play(before, np.random.default_rng(seed), 200)
    assert_exact(after)
    assert_exact_by_geometry(after)
    for change in reversed(changes):
        after = change.inverse().on(after)
    assert facts(after) == facts(before)


def facts(sheet: Sheet) -> dict[int, tuple]:
    return {key: (grid.parent, grid.level, grid.border) for key, grid in sheet.grids.items()}


@given(trees(levels=3, span=50_000))
def test_a_chain_is_the_polygon(tree: Tree) -> None:
    for shape in tree.geometries[-1]:
        again = polygons_of(chain_of(shape))
        assert shapely.equals(again, shape) and chain_of(again) == chain_of(shape)


def test_reshape_moves_a_border_of_three_levels_at_once() -> None:
    sheet = squares()
    after = reshape(sheet, [(at((D, 0), (D, D)), at((D, 0), (D + 3000, 5000), (D, D)))])
    assert Change.between(sheet, after).borders.keys() == {2, 3, 4, 6}
    assert_exact(after)
    assert after.grids[4].geometry.area > sheet.grids[4].geometry.area


def test_a_node_moves_with_all_its_borders() -> None:
    sheet = squares()
    ends = [(D, 0), (D, 2 * D), (0, D), (2 * D, D)]
    after = reshape(sheet, [(at((D, D), end), at((D - 700, D + 10), end)) for end in ends])
    assert_exact(after)
    assert Change.between(sheet, after).borders.keys() == {2, 3, 4, 5, 6, 7}
    with pytest.raises(fault.PathNotBorder) as left_behind:
        reshape(sheet, [(at((D, D), end), at((D - 700, D + 10), end)) for end in ends[:3]])
    assert left_behind.value.where


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        ([(D, 0), (3 * D, 3 * D), (D, D)], fault.LineCrossesBorder),
        ([(D, 0), (D - 4000, 8000), (D + 4000, 8000), (D - 4000, 4000), (D, D)], fault.LineCrossesItself),
        ([(D, 0), (D, D)], fault.BadLine),
    ],
)
def test_reshape_refuses(new: list[tuple[int, int]], refusal: type[fault.EditRefused]) -> None:
    with pytest.raises(refusal):
        reshape(squares(), [(at((D, 0), (D, D)), at(*new))])


def test_the_outer_border_moves_only_when_that_is_said() -> None:
    paths = [(at((0, 0), (D, 0)), at((0, 0), (5000, -2000), (D, 0)))]
    with pytest.raises(fault.OuterBorder):
        reshape(squares(), paths)
    after = reshape(squares(), paths, outer=True)
    assert_exact(after)
    assert after.grids[1].geometry.area > squares().grids[1].geometry.area


def test_reshape_past_a_node_is_refused() -> None:
    with pytest.raises(fault.PathNotBorder):
        reshape(squares(), [(at((D, 0), (D, D), (D, 2 * D)), at((D, 0), (D + 99, D), (D, 2 * D)))])


def test_split_puts_its_ends_into_all_that_share_the_border() -> None:
    sheet = squares()
    after = split(sheet, 4, [at((-500, 3001), (D + 500, 4003))])
    assert_exact(after)
    assert_exact_by_geometry(after)
    assert Change.between(sheet, after).borders.keys() == {1, 2, 3, 4, 6}
    assert [after.grids[key].parent for key in after.children[2]] == [2, 2, 2]


@pytest.mark.domain("ZG02")
def test_split_of_a_village_cuts_what_is_below() -> None:
    sheet = squares()
    after = split(sheet, 2, [at((4000, -10), (4100, 2 * D + 10))])
    assert_exact(after)
    assert sorted(map(len, (after.children[2], after.children[-1]))) == [2, 2]
    assert all(after.grids[key].geometry.within(after.grids[-1].geometry) for key in after.children[-1])


def test_carve_a_piece_out_of_the_middle() -> None:
    after = split(squares(), 4, [at((3000, 3000), (6000, 3000), (6000, 6000), (3000, 3000))])
    assert_exact(after)
    assert len(after.grids[4].geometry.geoms[0].interiors) == 1


def test_several_lines_that_cross_make_four() -> None:
    after = split(squares(), 4, [at((-1, 4000), (D + 1, 4000)), at((5000, -1), (5000, D + 1))])
    assert_exact(after)
    assert len(after.children[2]) == 5


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ([(3 * D, 0), (3 * D, D)], fault.LineMissesGrid),
        ([(-500, 500), (500, -500)], fault.LineMissesGrid),
        ([(0, 0), (0, D)], fault.LineMissesGrid),
        ([(-5, 5000), (5000, 5000)], fault.LineEndsInside),
        ([(3000, 3000), (5000, 3000)], fault.LineEndsInside),
        ([(-9, 15), (15, -9)], fault.Sliver),
        ([(-9, 9), (8000, 8000), (8000, 2000), (-9, 7000)], fault.LineCrossesItself),
        ([(5, 5), (5, 5)], fault.BadLine),
        ([(float("nan"), 5), (5, 5)], fault.BadLine),
        ([(0, 0), (10**9, 0)], fault.BadLine),
    ],
)
def test_split_refuses_and_says_where(line: list[tuple[float, float]], refusal: type[fault.EditRefused]) -> None:
    with pytest.raises(refusal) as refused:
        split(squares(), 4, [at(*line)])
    assert refused.value.zh and refused.value.en


def test_a_line_of_a_hundred_thousand_vertices_is_refused() -> None:
    with pytest.raises(fault.TooManyVertices):
        split(squares(), 4, [np.random.default_rng(1).random((100_000, 2))])


def test_the_service_area_is_not_split() -> None:
    with pytest.raises(fault.HasNoOrOtherLevel):
        split(squares(), 1, [at((-9, 5000), (3 * D, 5000))])


def test_a_long_new_border_is_looked_at_in_a_second() -> None:
    """Fifteen thousand vertices that return to where they were, and as many across two hundred borders."""
    border = at((D, 0), (D, D))
    there = [(D + 1 + i * (D - 9) // 15_000, 5000 + 3000 * (i % 2)) for i in range(7_500)]
    started = time.perf_counter()
    with pytest.raises(fault.LineCrossesItself):
        reshape(squares(), [(border, [border[0], *at(*there, *there), border[1]])])
    saw = [(D + 2 * i, D + 3 - 6 * (i % 2)) for i in range(1, 4_000)]
    with pytest.raises(fault.LineCrossesBorder) as refused:
        reshape(squares(), [(border[::-1], [border[1], *at(*saw, (D + 8500, 2000)), border[0]])])
    assert len(refused.value.where["features"]) == 20
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("least", [1.0, 2_000.0])
def test_how_small_a_piece_may_be_is_set(least: float) -> None:
    """A corner of about 600 m²: kept where the least is one, a sliver where it is two thousand."""
    corner = at((-9, 3009), (3009, -9))
    tongue = ([*at((D, 0), (D, D))], [*at((D, 0), (-500, 4990), (-500, 5010), (D, D))])
    sheet = squares()
    if least == 1:
        assert_exact(split(sheet, 4, [corner], min_area_m2=least))
        return
    with pytest.raises(fault.Sliver):
        split(sheet, 4, [corner], min_area_m2=least)
    with pytest.raises(fault.Sliver):
        transfer(sheet, at((D - 2000, 10), (D + 9, 10), (D + 9, 2000), (D - 2000, 2000)), 6, min_area_m2=least)
    with pytest.raises(fault.EditRefused):
        reshape(sheet, [tongue], min_area_m2=least)


def test_merge_and_its_refusals() -> None:
    sheet = squares()
    after = merge(sheet, [5, 4])
    assert after.grids[5].border == sheet.grids[2].border and 4 not in after.grids
    assert_exact(after)
    with pytest.raises(fault.NotNeighbours):
        merge(sheet, [4, 6])
    with pytest.raises(fault.NotNeighbours):
        merge(sheet, [4])
    villages = merge(sheet, [2, 3])
    assert_exact(villages)
    assert len(villages.children[2]) == 4
    four = split(split(sheet, 4, [at((-1, 3000), (D + 1, 3000))]), 5, [at((-1, 15000), (D + 1, 15000))])
    ends = sorted((four.grids[key].geometry.centroid.y, key) for key in four.children[2])
    with pytest.raises(fault.NotNeighbours):
        merge(four, [ends[0][1], ends[-1][1]])


def test_transfer_moves_a_piece_and_the_villages_follow() -> None:
    sheet = squares()
    after = transfer(sheet, at((D - 2000, 2000), (D + 3000, 2000), (D + 3000, 5000), (D - 2000, 5000)), 4)
    assert_exact(after)
    assert after.grids[2].geometry.area > sheet.grids[2].geometry.area
    assert after.grids[3].geometry.area < sheet.grids[3].geometry.area
    with pytest.raises(fault.WouldVanish):
        transfer(sheet, at((D - 10, -10), (3 * D, -10), (3 * D, D), (D - 10, D)), 4)
    with pytest.raises(fault.LineMissesGrid):
        transfer(sheet, at((1000, 1000), (2000, 1000), (2000, 2000)), 4)
    with pytest.raises(fault.HasNoOrOtherLevel):
        transfer(sheet, at((D - 10, -10), (D + 9, -10), (D + 9, 99)), 2)


def test_reparent_moves_a_whole_grid() -> None:
    after = reparent(squares(), 4, 3)
    assert_exact(after)
    assert len(after.children[3]) == 3
    with pytest.raises(fault.WouldVanish):
        reparent(after, 5, 3)


def test_levels_come_and_go() -> None:
    sheet = squares()
    deeper = add_level(sheet, [4])
    assert_exact(deeper)
    assert facts(remove_level(deeper, 4)) == facts(sheet)
    with pytest.raises(fault.HasNoOrOtherLevel):
        remove_level(sheet, 1)
    with pytest.raises(fault.HasNoOrOtherLevel):
        add_level(sheet, [2])


def test_divide_puts_the_nodes_of_the_parts_into_the_neighbours() -> None:
    sheet = squares()
    _west, _south = at((0, 0))[0]
    thirds = [box(0, 0, D, 7001), box(0, 7001, D, 13003), box(0, 13003, D, 2 * D)]
    after = divide(sheet, 2, [(part, "") for part in thirds])
    assert_exact(after)
    assert len(after.children[2]) == 3 and {4, 5} < set(after.children[2])
    with pytest.raises(fault.EditRefused):
        divide(sheet, 2, [(part, "") for part in thirds[:2]])


def test_a_locked_grid_keeps_its_border() -> None:
    sheet = squares()
    from dataclasses import replace

    locked = sheet.with_grids(replace(sheet.grids[4], locked=True))
    with pytest.raises(fault.GridLocked):
        reshape(locked, [(at((D, 0), (D, D)), at((D, 0), (D + 3000, 5000), (D, D)))])
    with pytest.raises(fault.GridLocked):
        split(locked, 4, [at((-1, 4000), (D + 1, 4000))])
    with pytest.raises(fault.GridLocked):
        merge(locked, [4, 5])
    # A node on its border moves nothing.
    assert_exact(split(locked, 6, [at((D - 1, 4001), (2 * D + 1, 4000))]))


def test_undo_is_refused_after_a_neighbour_has_changed_and_still_fits_after_a_change_elsewhere() -> None:
    sheet = squares()
    moved = reshape(sheet, [(at((D, 0), (D, D)), at((D, 0), (D + 3000, 5000), (D, D)))])
    back = Change.between(sheet, moved).inverse()
    elsewhere = reshape(moved, [(at((D, D), (D, 2 * D)), at((D, D), (D + 3000, 15000), (D, 2 * D)))])
    assert_exact(back.on(elsewhere))
    again = reshape(moved, [(at((D + 3000, 5000), (D, D)), at((D + 3000, 5000), (D + 100, 7000), (D, D)))])
    with pytest.raises(fault.Superseded) as refused:
        back.on(again)
    assert refused.value.details["grids"]


def test_one_node_on_both_edges_of_a_sharp_corner_cuts_it_off() -> None:
    a, corner, b, near = (0, 0), (100, 1), (0, 2), (99, 1)
    sheet = Sheet.of([Grid(1, None, 0, frozenset({(*a, *corner), (*corner, *b), (*b, *a)}))])
    after = sheet.with_nodes({undirected((*a, *corner)): [near], undirected((*corner, *b)): [near]})
    assert after.grids[1].border == {(*a, *near), (*near, *b), (*b, *a)}


@given(st.integers(0, 2**32 - 1))
def test_a_noded_line_meets_borders_at_common_vertices_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = make_tree(seed, points=25, units=8, span=400)
    sheet = sheet_of(tree)
    low = np.array(sorted(edge[:2] for edge in sheet.grids[1].border)).min(axis=0)
    line = [tuple(p) for p in (low + rng.integers(-50, 450, size=(3, 2))).tolist()]
    borders = {edge for leaf in sheet.leaves() for edge in leaf.border}
    try:
        path, splits = node(line, borders)
    except fault.BadLine:
        return
    after = sheet.with_nodes(splits)
    pieces = [e for leaf in after.leaves() for e in leaf.border]
    for a, b in itertools.pairwise(path):
        segment = shapely.LineString([a, b])
        for edge in pieces:
            common = segment.intersection(shapely.LineString([edge[:2], edge[2:]]))
            assert common.is_empty or set(map(tuple, shapely.get_coordinates(common).tolist())) <= {a, b} & {
                edge[:2],
                edge[2:],
            }

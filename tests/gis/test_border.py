"""The border sum: shared borders cancel, and nothing else does."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from gis.border import border_sum, directed_edges, net_edges
from tests.gis.strategies import Tree, box, make_tree, move_vertex, polygon, trees

moves = st.tuples(st.integers(-300, 300), st.integers(-300, 300)).filter(any)


def test_shells_run_counter_clockwise_and_holes_clockwise():
    ring = polygon((0, 0), (9, 0), (9, 9), (0, 9), holes=[[(3, 3), (6, 3), (6, 6), (3, 6)]])
    x0, y0, x1, y1 = (directed_edges([ring]).ends - directed_edges([ring]).ends.min(axis=0)[[0, 1, 0, 1]]).T
    assert np.sum(x0 * y1 - x1 * y0) / 2 == 81 - 9


@given(trees())
def test_reversed_rings_make_no_difference(tree: Tree):
    for geometry in tree.geometries[1]:
        assert border_sum(geometry.reverse()) == border_sum(geometry)


def test_vertices_written_twice_make_no_difference():
    assert border_sum(polygon((0, 0), (9, 0), (9, 0), (9, 9))) == border_sum(polygon((0, 0), (9, 0), (9, 9)))


def test_each_edge_knows_its_owner():
    edges = directed_edges([box(0, 0, 5, 5), shapely.MultiPolygon([box(5, 0, 9, 5), box(20, 0, 29, 5)])])
    assert np.bincount(edges.owner).tolist() == [4, 8]


def test_duplicates_leave_their_border_as_often_as_they_are_too_many():
    ends = directed_edges([box(0, 0, 5, 5)] * 3).ends
    assert len(net_edges(ends, directed_edges([box(0, 0, 5, 5)]).ends)) == 8


@given(trees(levels=4))
def test_every_exact_coverage_cancels_at_every_level(tree: Tree):
    for level in range(3):
        for index, parent in enumerate(tree.geometries[level]):
            children = tree.children(level, index)
            assert not len(net_edges(directed_edges(children).ends, directed_edges([parent]).ends))
            assert sum(map(border_sum, children)) == border_sum(parent)


@given(trees(), st.integers(0, 10**6), st.integers(0, 10**6), moves)
def test_every_vertex_moved_in_one_grid_is_caught(tree: Tree, which: int, vertex: int, move: tuple[int, int]):
    root, children = tree.geometries[0][0], list(tree.geometries[1])
    which %= len(children)
    children[which] = move_vertex(children[which], vertex, *move)
    # An invalid polygon has no inside to walk round; find_defects and the database refuse it before it is summed.
    assume(children[which].is_valid)
    assert len(net_edges(directed_edges(children).ends, directed_edges([root]).ends))
    assert sum(map(border_sum, children)) != border_sum(root)


def test_a_missing_vertex_on_a_shared_border_is_seen():
    left, right = box(0, 0, 10, 10), polygon((10, 0), (20, 0), (20, 10), (10, 10), (10, 5))
    assert len(net_edges(directed_edges([left, right]).ends, directed_edges([box(0, 0, 20, 10)]).ends))


def test_random_trees_have_what_makes_coverages_hard():
    grids = [g for seed in range(60) for g in make_tree(seed, points=50, units=9).geometries[1]]
    assert any(g.geom_type == "MultiPolygon" for g in grids)
    assert any(len(part.interiors) for g in grids for part in shapely.get_parts(g))
    assert all(g.is_valid for g in grids)

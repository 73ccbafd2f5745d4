"""Locate: the same answer as asking every leaf, whatever the point, and one answer on every border."""

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, to_degrees
from gis.locate import Locator


def ask_every_leaf(codes: Sequence[str], leaves: Sequence[BaseGeometry], xy: FloatArray) -> list[int]:
    points = shapely.points(xy)
    covers = np.array([shapely.covers(leaf, points) for leaf in leaves]).reshape(len(leaves), len(xy))
    answers = []
    for column in covers.T:
        touched = np.flatnonzero(column)
        answers.append(min(touched, key=lambda i: codes[i].encode()) if touched.size else -1)
    return answers


def mosaic(rows: int, columns: int, labels: int, rng: np.random.Generator) -> list[BaseGeometry]:
    """Polygons with ragged borders on the lattice: holes, enclaves, parts touching at corners; some squares missing."""
    nodes = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1)), axis=-1) * 1000
    nodes = nodes + rng.integers(-300, 301, nodes.shape) * rng.integers(0, 2) + [1_129_000_000, 304_000_000]
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2).reshape(-1, 4, 2)
    squares = shapely.polygons(to_degrees(corners))
    label = rng.integers(-1, labels, rows * columns)
    return [shapely.coverage_union_all(squares[label == i]) for i in np.unique(label[label >= 0])]


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_it_answers_as_asking_every_leaf_does(rows: int, columns: int, labels: int, seed: int) -> None:
    """At random points, at lattice points, at nodes, and as near to the middle of an edge as doubles come."""
    rng = np.random.default_rng(seed)
    leaves = mosaic(rows, columns, labels, rng)
    codes = [f"{code:03d}" for code in rng.permutation(len(leaves))]
    low, high = np.array([112.8999, 30.3999]), np.array([112.9 + columns / 1e4, 30.4 + rows / 1e4]) + 1e-4
    vertices = shapely.get_coordinates(leaves)
    random = rng.uniform(low, high, (200, 2))
    xy = np.vstack([random, np.round(random, 7), vertices, (vertices[1:] + vertices[:-1]) / 2])
    assert Locator(codes, leaves).locate(xy).tolist() == ask_every_leaf(codes, leaves, xy)


def test_long_slanted_edges_across_many_cells() -> None:
    """Two large triangles and many small squares: the diagonal runs through hundreds of raster cells."""
    small = [box(x / 100, 2, (x + 1) / 100, 2.01) for x in range(200)]
    leaves = [Polygon([(0, 0), (1.7, 0), (1.7, 1.3)]), Polygon([(0, 0), (1.7, 1.3), (0, 1.3)]), *small]
    codes = [f"{i:03d}" for i in range(len(leaves))]
    rng = np.random.default_rng(0)
    near_diagonal = np.outer(rng.uniform(0, 1, 3000), (1.7, 1.3)) + rng.normal(0, 0.01, (3000, 2))
    xy = np.vstack([near_diagonal, rng.uniform((0, 0), (2, 2.1), (3000, 2))])
    assert Locator(codes, leaves).locate(xy).tolist() == ask_every_leaf(codes, leaves, xy)


@pytest.mark.parametrize("codes", [["429005001001001", "429005001001002"], ["429005001001002", "429005001001001"]])
def test_a_point_on_a_border_is_in_the_leaf_with_the_smallest_code(codes: list[str]) -> None:
    leaves = [box(0, 0, 1, 1), box(1, 0, 2, 1)]
    on_border = np.array([[1, 0.5], [1, 0], [1, 1]])
    assert (Locator(codes, leaves).locate(on_border) == codes.index(min(codes))).all()


def test_codes_are_compared_in_byte_order() -> None:
    """A sub-grid's longer code comes after its grid's shorter one; digits come before letters."""
    leaves = [box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 1, 2), box(1, 1, 2, 2)]
    assert Locator(["A1", "1002", "10", "a"], leaves).locate([[1, 1]]).tolist() == [2]


def test_outside_in_a_hole_and_not_finite_is_nowhere() -> None:
    ring = shapely.difference(box(0, 0, 3, 3), box(1, 1, 2, 2))
    xy = [[1.5, 1.5], [9, 9], [-1e-9, 1], [np.nan, 1], [1, np.inf], [-np.inf, np.nan], [1e308, 0], [0, 0]]
    assert Locator(["1"], [ring]).locate(xy).tolist() == [-1, -1, -1, -1, -1, -1, -1, 0]


def test_no_leaves_and_no_points() -> None:
    assert Locator([], []).locate([[1.0, 1.0]]).tolist() == [-1]
    assert Locator(["1"], [box(0, 0, 1, 1)]).locate(np.empty((0, 2))).shape == (0,)

"""Depth of service: the pieces are the area, and each says who covers it."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gis.depth import depth_pieces

AREA = box(113, 30, 113.01, 30.01)
squares = st.tuples(st.integers(-5, 95), st.integers(-5, 95), st.integers(1, 60), st.integers(1, 60)).map(
    lambda s: box(113 + s[0] / 1e4, 30 + s[1] / 1e4, 113 + (s[0] + s[2]) / 1e4, 30 + (s[1] + s[3]) / 1e4)
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from("abcd"), st.lists(squares, min_size=1, max_size=4), max_size=4))
def test_pieces_are_the_area_each_with_who_covers_it(covers: dict) -> None:
    pieces = depth_pieces(AREA, covers)
    assert sum(piece.geometry.area for piece in pieces) == pytest.approx(AREA.area, rel=1e-6)
    assert len({piece.covered_by for piece in pieces}) == len(pieces)
    for piece in pieces:
        inside = piece.geometry.point_on_surface()
        expected = {key for key, shapes in covers.items() if shapely.intersects(shapes, inside).any()}
        assert set(piece.covered_by) == expected and piece.depth == len(expected)


def test_without_covers_all_is_blank() -> None:
    [piece] = depth_pieces(AREA, {})
    assert (piece.depth, piece.geometry.equals(AREA)) == (0, True)

"""The lattice: one double per lattice point, the same after any round trip."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.lattice import STEP, is_on_lattice, snap, to_degrees, to_lattice
from tests.gis.strategies import box

lattice_integers = st.integers(-1_800_000_000, 1_800_000_000)


@given(lattice_integers)
def test_integers_survive_degrees(n):
    assert to_lattice(to_degrees(n)) == n


@given(lattice_integers)
def test_the_double_is_the_one_that_json_reads(n):
    written = f"{n / 10_000_000:.7f}"
    assert json.loads(written) == to_degrees(n)


def test_multiplying_by_the_step_is_near_the_lattice_and_not_on_it():
    n = np.arange(1_129_000_000, 1_129_003_000)
    assert not (n * STEP == to_degrees(n)).all()
    assert not is_on_lattice(shapely.linestrings(np.column_stack([n * STEP, n * STEP])))


@pytest.mark.parametrize("off", [0.0, 1e-9, -4e-9, 4.9e-8])
def test_coordinates_that_differ_in_the_ninth_digit_are_the_same(off):
    there = shapely.transform(box(0, 0, 10, 10), lambda xy: xy + off)
    assert snap(there).equals_exact(box(0, 0, 10, 10), 0)
    assert is_on_lattice(snap(there))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_on_the_lattice(bad):
    assert not is_on_lattice(shapely.Point(bad, 30.0))


def test_snapping_leaves_the_given_geometry_alone():
    given_line = shapely.LineString([(112.900000012, 30.4), (113.0, 30.4)])
    snap(given_line)
    assert given_line.coords[0] == (112.900000012, 30.4)

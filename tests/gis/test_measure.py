"""Areas, lengths and widths against geodesics."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely import affinity

from gis.measure import area_m2, distance_m, is_narrow, length_m, segment_length_m, width_m
from tests.gis.shared_data import load

GEOD = Geod("+a=6378137 +rf=298.257222101")
METRES_PER_DEGREE = 111_320


def near_qianjiang(metres: shapely.Geometry) -> shapely.Geometry:
    """A geometry in metres, put near 112.9° E 30.4° N in degrees."""
    scale = np.array([1 / (METRES_PER_DEGREE * np.cos(np.radians(30.4))), 1 / 110_860])
    return shapely.transform(metres, lambda xy: xy * scale + (112.9, 30.4))


def geodesic(polygon: shapely.Polygon) -> tuple[float, float]:
    """Area and perimeter between geodesics so short that they follow the edges, which are straight in degrees."""
    area, perimeter = GEOD.geometry_area_perimeter(shapely.segmentize(polygon, 0.001))
    return abs(area), perimeter


@given(st.floats(73, 135), st.floats(18, 53), st.floats(20, 20_000), st.integers(3, 60))
def test_areas_agree_with_geodesics(lon, lat, radius, corners):
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = radius / METRES_PER_DEGREE * (1 + 0.5 * np.sin(5 * angle))
    star = shapely.Polygon(np.column_stack([lon + reach * np.cos(angle), lat + reach * np.sin(angle)]))
    area, length = geodesic(star)
    assert area_m2([star])[0] == pytest.approx(area, rel=1e-5)
    assert length_m([star])[0] == pytest.approx(length, rel=1e-5)


def test_areas_of_real_counties_agree_with_geodesics():
    counties, _ = load("hubei_counties_tdt")
    assert area_m2(counties) == pytest.approx([geodesic(county)[0] for county in counties], rel=1e-6)


def test_a_hole_is_no_area_but_has_a_border():
    ring = near_qianjiang(shapely.Point(0, 0).buffer(100).difference(shapely.Point(0, 0).buffer(50)))
    assert area_m2([ring])[0] == pytest.approx(np.pi * 7500, rel=0.01)
    assert length_m([ring, ring.boundary]) == pytest.approx([np.pi * 300] * 2, rel=0.01)


def test_slivers_of_one_lattice_step_have_their_area():
    sliver = shapely.box(112.9, 30.4, 112.91, 30.4000001)
    assert area_m2([sliver])[0] == pytest.approx(geodesic(sliver)[0], rel=1e-3)


def test_segments_are_as_long_as_geodesics():
    ends = np.array([[112.9, 30.4, 112.95, 30.43], [112.9, 30.4, 112.9, 30.4]])
    _, _, metres = GEOD.inv(*ends.T)
    assert segment_length_m(ends) == pytest.approx(metres, rel=1e-6)


@pytest.mark.parametrize(("length", "width"), [(500, 300), (5_000, 5), (10_000, 0.5)])
def test_the_width_of_a_strip_is_that_across(length, width):
    strip = near_qianjiang(affinity.rotate(shapely.box(0, 0, length, width), 33))
    assert width_m(strip) == pytest.approx(width, rel=0.02)
    assert is_narrow([strip, strip], width * 1.05).all()
    assert not is_narrow([strip, strip], width * 0.95).any()


def test_nothing_has_no_area_and_no_width():
    assert width_m(shapely.Polygon()) == 0
    assert area_m2([shapely.Polygon(), shapely.Point(112.9, 30.4)]).tolist() == [0, 0]
    assert area_m2([]).tolist() == []
    assert is_narrow([], 5).tolist() == []


def test_distance_is_the_shortest():
    line = shapely.LineString([(112.91, 30.3), (112.91, 30.5)])
    _, _, metres = GEOD.inv(112.9, 30.4, 112.91, 30.4)
    assert distance_m(shapely.Point(112.9, 30.4), line) == pytest.approx(metres, rel=1e-4)


def test_measuring_changes_nothing():
    square = shapely.box(112.9, 30.4, 112.91, 30.41)
    before = square.wkb
    area_m2([square]), width_m(square), length_m([square]), is_narrow([square], 5)
    assert square.wkb == before

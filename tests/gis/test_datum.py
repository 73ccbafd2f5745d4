"""Datums: known values, round trips, refusals, and the guess of what a shifted outline looks like."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.datum import (
    BD09,
    CGCS2000,
    GCJ02,
    WGS84,
    CoordinatesOutsideDatum,
    NoPreciseTransformation,
    UnknownDatum,
    from_cgcs2000,
    guess_shift,
    parse_datum,
    to_cgcs2000,
    transform_geometry,
)

DATA = Path(__file__).parents[3] / "shared" / "data"

CODES = [3857, 32650, *range(4491, 4555)]


@cache
def outline(name: str) -> BaseGeometry:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    collection = shapely.from_geojson(path.read_text(encoding="utf-8"))
    return shapely.unary_union(shapely.make_valid(shapely.get_parts(collection)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cgcs2000", "cgcs2000"),
        ("WGS 84", "wgs84"),
        ("GCJ-02", "gcj02"),
        ("BD-09", "bd09"),
        ("EPSG:4490", "cgcs2000"),
        ("4326", "wgs84"),
        ("epsg:4547", "EPSG:4547"),
        (" 4547 ", "EPSG:4547"),
        (3857, "EPSG:3857"),
    ],
)
def test_a_datum_has_one_spelling(text: str, name: str) -> None:
    assert parse_datum(text).name == name


@pytest.mark.parametrize(
    "text", ["", "mars", "EPSG:999999", "4979", "4978", "5773", "9707", "7405", "4547; DROP TABLE", "+proj=utm"]
)
def test_what_is_no_horizontal_datum_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(UnknownDatum, match="gcj02, bd09"):
        parse_datum(text)


@pytest.mark.parametrize("text", ["EPSG:4214", "EPSG:4610", "2383"])
def test_old_national_datums_need_a_survey_transformation(text: str) -> None:
    with pytest.raises(NoPreciseTransformation, match="CGCS2000"):
        parse_datum(text)


def test_every_cgcs2000_gauss_kruger_code_is_allowed() -> None:
    assert [parse_datum(code).name for code in CODES] == [f"EPSG:{code}" for code in CODES]


def test_wgs84_and_cgcs2000_are_the_same_numbers() -> None:
    xy = np.array([[112.9, 30.4]])
    for datum in (CGCS2000, WGS84):
        assert (to_cgcs2000(xy, datum) == xy).all() and (from_cgcs2000(xy, datum) == xy).all()


def test_published_values_of_the_web_map_datums() -> None:
    """Tiananmen, as the public conversion tools give it."""
    xy = np.array([[116.404, 39.915]])
    np.testing.assert_allclose(from_cgcs2000(xy, GCJ02), [[116.41024449916938, 39.91640428150164]], atol=1e-12)
    np.testing.assert_allclose(from_cgcs2000(xy, BD09), [[116.41662724378733, 39.922699552216216]], atol=1e-9)


def test_gauss_kruger_is_easting_then_northing() -> None:
    np.testing.assert_allclose(to_cgcs2000(np.array([[500000.0, 0.0]]), parse_datum(4547)), [[114, 0]], atol=1e-9)
    np.testing.assert_allclose(to_cgcs2000(np.array([[38500000.0, 0.0]]), parse_datum(4526)), [[114, 0]], atol=1e-9)


@given(st.lists(st.tuples(st.floats(73, 135), st.floats(18, 54)), min_size=1, max_size=20))
def test_web_map_datums_round_trip(points: list[tuple[float, float]]) -> None:
    xy = np.array(points)
    for datum in (GCJ02, BD09):
        shifted = from_cgcs2000(xy, datum)
        assert (np.hypot(*(shifted - xy).T) > 1e-4).all()
        assert np.abs(to_cgcs2000(shifted, datum) - xy).max() < 1e-9


def test_gcj02_is_wgs84_outside_china() -> None:
    xy = np.array([[2.35, 48.86], [-74.0, 40.7], [112.9, -30.4]])
    assert (from_cgcs2000(xy, GCJ02) == xy).all()
    np.testing.assert_allclose(to_cgcs2000(xy, GCJ02), xy, atol=1e-9)


@pytest.mark.parametrize("code", [4547, 4526, 4502, 3857, 32649])
def test_projections_round_trip(code: int) -> None:
    xy = np.random.default_rng(code).uniform((113, 29), (115, 31), (100, 2))
    datum = parse_datum(code)
    assert np.abs(to_cgcs2000(from_cgcs2000(xy, datum), datum) - xy).max() < 1e-9


def test_no_points_stay_no_points() -> None:
    for datum in (WGS84, GCJ02, BD09, parse_datum(4547)):
        assert to_cgcs2000(np.empty((0, 2)), datum).shape == (0, 2)


@pytest.mark.parametrize(
    ("xy", "advice"),
    [
        ([[30.4, 112.9]], "swapped"),
        ([[38500000.0, 3300000.0]], "metres"),
        ([[np.nan, 30.0]], "Check"),
        ([[112.0, np.inf]], "Check"),
        ([[1e308, 1e308]], "metres"),
    ],
)
@pytest.mark.parametrize("datum", [CGCS2000, GCJ02, BD09])
def test_impossible_coordinates_are_refused_with_advice(xy: list[list[float]], advice: str, datum: object) -> None:
    with pytest.raises(CoordinatesOutsideDatum, match=advice):
        to_cgcs2000(np.array(xy), datum)  # type: ignore[arg-type]


def test_a_projection_that_runs_off_the_earth_is_refused() -> None:
    with pytest.raises(CoordinatesOutsideDatum):
        to_cgcs2000(np.array([[1e308, 1e308]]), parse_datum(4547))


def test_geometries_are_transformed_with_their_structure() -> None:
    square = shapely.box(112.9, 30.4, 112.95, 30.45)
    shifted = shapely.transform(square, lambda xy: from_cgcs2000(xy, GCJ02))
    assert transform_geometry(shifted, GCJ02).equals_exact(square, 1e-9)


OUTLINES = ["xihu_towns.geojson", "yichang_streets.geojson", "wannian_towns.geojson", "yueqing_towns.geojson"]


@pytest.mark.parametrize("name", OUTLINES)
def test_a_shifted_outline_is_recognised(name: str) -> None:
    reference = outline(name)
    for datum in (GCJ02, BD09):
        wrong = shapely.transform(reference, lambda xy, datum=datum: from_cgcs2000(xy, datum))
        assert guess_shift(wrong, reference) == datum.name
    assert guess_shift(shapely.transform(reference, lambda xy: xy[:, ::-1]), reference) == "swapped axes"


@pytest.mark.parametrize("name", OUTLINES)
def test_a_correct_outline_is_never_accused(name: str) -> None:
    """As it is, generalised, with a part missing, swollen, or moved as no datum does it."""
    reference = outline(name)
    west, south, east, north = reference.bounds
    half = shapely.intersection(reference, shapely.box(west, south, (west + east) / 2, north))
    moved = shapely.transform(reference, lambda xy: np.add(xy, (-0.003, 0.004)))
    for correct in (reference, reference.simplify(0.003), reference.buffer(0.005), half, moved):
        assert guess_shift(correct, reference) is None


def test_counties_of_the_generalised_county_map() -> None:
    path = DATA / "hubei_counties_tdt.geojson"
    if not path.exists():
        pytest.skip("hubei_counties_tdt.geojson is not beside the repository")
    counties = shapely.get_parts(shapely.from_geojson(path.read_text(encoding="utf-8")))
    for county in counties[::10]:
        shifted = shapely.transform(county, lambda xy: from_cgcs2000(xy, GCJ02))
        assert guess_shift(county, county) is None
        assert guess_shift(shifted, county) == "gcj02"
        assert guess_shift(shifted.simplify(0.002), county) in ("gcj02", None)
    assert guess_shift(counties[0], counties[1]) is None

"""The demo's people and places: clearly made up, unique, and each place inside its grid."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from shapely import Point, box

from gis.lattice import is_on_lattice
from layers.demo.county import COUNTY, GRID, TOWNSHIP, VILLAGE, GridRow
from layers.demo.people import (
    VILLAGE_WITHOUT_CASH_POINT,
    DemoPlace,
    place_cash_points,
    place_outlets,
    staff_no,
    work_phone,
    worker_name,
)


@pytest.fixture(scope="module")
def rows() -> list[GridRow]:
    """A street and a town of four villages each, two square grids a village."""
    rows = [GridRow("429005", None, "潜江市", COUNTY, "rural", box(112, 30, 112.2, 30.4), 12_000)]
    for row, (town, name, kind) in enumerate((("429005001", "甲街道", "urban"), ("429005105", "乙镇", "rural"))):
        south = 30 + row * 0.2
        rows.append(GridRow(town, "429005", name, TOWNSHIP, kind, box(112, south, 112.2, south + 0.2), 6_000))
        for column, number in enumerate((1, 2, 229, 230)):
            west, village = 112 + column * 0.05, f"{town}{number:03}"
            area = box(west, south, west + 0.05, south + 0.2)
            rows.append(GridRow(village, town, f"{number}村", VILLAGE, kind, area, 1_500))
            for half in (0, 1):
                plot = box(west, south + half * 0.1, west + 0.05, south + half * 0.1 + 0.1)
                rows.append(GridRow(f"{village}00{half + 1}", village, f"第{half}网格", GRID, kind, plot, 750))
    return rows


def assert_inside(places: list[DemoPlace], rows: list[GridRow]) -> None:
    grids = {row.code: row.geometry for row in rows if row.level == GRID}
    for place in places:
        point = Point(place.lon, place.lat)
        assert place.synthetic and is_on_lattice(point)
        assert grids[place.grid_code].contains_properly(point)
    assert len({place.name for place in places}) == len(places)


def test_names_and_numbers_are_unique_and_nobodys() -> None:
    for make, pattern in (
        (worker_name, r"演示员·\w\w\d\d"),
        (work_phone, r"0728-0\d{6}"),  # no local number starts with the trunk prefix 0
        (staff_no, r"YS\d{5}"),
    ):
        made = [make(i) for i in range(2000)]
        assert len(set(made)) == 2000
        assert all(re.fullmatch(pattern, text) for text in made)


def test_every_township_has_a_staffed_outlet_and_the_urban_one_more(rows: list[GridRow]) -> None:
    outlets = place_outlets(rows, 1)
    assert_inside(outlets, rows)
    assert {o.grid_code[:9] for o in outlets if o.type == "营业网点"} == {"429005001", "429005105"}
    count = Counter(outlet.grid_code[:9] for outlet in outlets)
    assert count["429005001"] > count["429005105"]
    assert {outlet.type for outlet in outlets} == {"营业网点", "自助银行"}


def test_every_village_but_one_has_a_cash_point(rows: list[GridRow]) -> None:
    cash_points = place_cash_points(rows, 1)
    assert_inside(cash_points, rows)
    villages = {row.code for row in rows if row.level == VILLAGE}
    assert villages - {point.grid_code[:12] for point in cash_points} == {VILLAGE_WITHOUT_CASH_POINT}
    assert len(cash_points) == len(villages) - 1


def test_a_seed_fixes_the_places_and_another_moves_them(rows: list[GridRow]) -> None:
    assert place_outlets(rows, 1) == place_outlets(rows, 1) != place_outlets(rows, 2)
    assert place_cash_points(rows, 1) == place_cash_points(rows, 1) != place_cash_points(rows, 2)

"""The demo county: counts, names, exact cover at every level, and the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from shapely import Polygon

from gis.border import directed_edges, net_edges
from gis.lattice import is_on_lattice
from layers.demo.county import (
    COUNTY,
    GRID,
    TOWNSHIP,
    VILLAGE,
    Division,
    GridRow,
    build_county,
    numbering_key,
    read_divisions,
    read_outline,
)
from layers.demo.mosaic import NotDivisible

ROOT = Path(__file__).parents[2]
OUTLINE = ROOT / "fixtures" / "qianjiang_outline.geojson"
DIVISIONS = ROOT / "fixtures" / "qianjiang_divisions.csv"


def children_of(rows: list[GridRow]) -> dict[str, list[GridRow]]:
    children: dict[str, list[GridRow]] = {}
    for row in rows:
        if row.parent_code:
            children.setdefault(row.parent_code, []).append(row)
    return children


def assert_exact(rows: list[GridRow]) -> None:
    """Valid polygons on the lattice whose directed edges leave nothing but the parent's."""
    assert shapely.is_valid([row.geometry for row in rows]).all()
    assert all(row.geometry.geom_type == "Polygon" and is_on_lattice(row.geometry) for row in rows)
    by_code = {row.code: row for row in rows}
    for parent, children in children_of(rows).items():
        inside = directed_edges([child.geometry for child in children]).ends
        assert len(net_edges(inside, directed_edges([by_code[parent].geometry]).ends)) == 0, parent


@pytest.fixture(scope="module")
def outline() -> Polygon:
    return read_outline(OUTLINE)


@pytest.fixture(scope="module")
def divisions() -> list[Division]:
    return read_divisions(DIVISIONS)


@pytest.fixture(scope="module")
def rows(outline: Polygon, divisions: list[Division]) -> list[GridRow]:
    return build_county(outline, divisions)


def test_the_fixtures_are_the_county(outline: Polygon, divisions: list[Division]) -> None:
    assert Counter(len(d.code) for d in divisions) == {6: 1, 9: 24, 12: 466}
    assert all(d.code.startswith(d.parent_code or "429005") for d in divisions)
    assert {d.parent_code for d in divisions if d.parent_code} <= {d.code for d in divisions}
    assert outline.is_valid and outline.exterior.is_ccw and is_on_lattice(outline)


def test_every_division_is_a_grid_and_every_village_has_two_to_four(
    rows: list[GridRow], divisions: list[Division]
) -> None:
    levels = Counter(row.level for row in rows)
    assert (levels[COUNTY], levels[TOWNSHIP], levels[VILLAGE]) == (1, 24, 466)
    assert 1000 <= levels[GRID] <= 1500
    assert {(r.code, r.name, r.parent_code) for r in rows if r.level != GRID} == {
        (d.code, d.name, d.parent_code) for d in divisions
    }
    grids = Counter(row.parent_code for row in rows if row.level == GRID)
    assert len(grids) == 466 and set(grids.values()) == {2, 3, 4}


def test_each_level_covers_the_one_above_exactly(rows: list[GridRow]) -> None:
    assert_exact(rows)


def test_the_outline_keeps_its_vertices_and_gains_only_nodes_on_it(rows: list[GridRow], outline: Polygon) -> None:
    given_vertices = set(map(tuple, shapely.get_coordinates(outline)))
    vertices = set(map(tuple, shapely.get_coordinates(rows[0].geometry)))
    assert given_vertices <= vertices
    added = shapely.points(list(vertices - given_vertices))
    assert shapely.distance(added, outline.boundary).max() < 1e-7


def test_borders_are_rough_enough_to_look_natural(rows: list[GridRow]) -> None:
    vertices = [shapely.get_num_coordinates(row.geometry) - 1 for row in rows if row.level == GRID]
    assert 20 <= np.median(vertices) <= 45
    assert max(vertices) < 100


def test_grids_are_numbered_west_to_east_and_named_after_their_village(rows: list[GridRow]) -> None:
    names = {row.code: row.name for row in rows}
    for parent, children in children_of(rows).items():
        if len(parent) != 12:
            continue
        assert [child.code for child in children] == [f"{parent}{n:03}" for n in range(1, len(children) + 1)]
        assert children == sorted(children, key=lambda child: numbering_key(child.geometry))
        ordinals = ["第一网格", "第二网格", "第三网格", "第四网格"]
        assert [child.name for child in children] == [names[parent] + o for o in ordinals[: len(children)]]


def test_urban_are_the_streets_and_their_communities(rows: list[GridRow]) -> None:
    names = {row.code: row.name for row in rows}
    for row in rows:
        street = names.get(row.code[:9], "").endswith("街道")
        community = len(row.code) == 9 or names.get(row.code[:12], "").endswith("社区")
        assert row.kind == ("urban" if street and community else "rural")
    urban, rural = (
        [r.geometry.area for r in rows if r.level == VILLAGE and r.kind == kind] for kind in ("urban", "rural")
    )
    assert np.median(urban) < np.median(rural) / 2


def test_households_are_plausible_and_add_up(rows: list[GridRow]) -> None:
    children = children_of(rows)
    for row in rows:
        if row.level != GRID:
            assert row.households == sum(child.households for child in children[row.code])
        if row.level == VILLAGE:
            assert 149 <= row.households <= 901
    assert min(row.households for row in rows) > 0


def digest(rows: list[GridRow]) -> str:
    lines = (f"{row.code}|{row.name}|{row.kind}|{row.households}|{row.geometry.wkb_hex}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process(rows: list[GridRow]) -> None:
    program = (
        "import runpy, sys; m = runpy.run_path(sys.argv[1]);"
        "print(m['digest'](m['build_county'](m['read_outline'](m['OUTLINE']), m['read_divisions'](m['DIVISIONS']))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", program, __file__]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert re.fullmatch("[0-9a-f]{64}", other) and other == digest(rows)


def crooked_county(seed: int) -> list[GridRow]:
    """Three townships inside an outline with deep notches."""
    crooked = Polygon(
        [(112, 30), (112.2, 30), (112.2, 30.15), (112.12, 30.06), (112.1, 30.2), (112.08, 30.05), (112, 30.2)]
    )
    divisions = [Division("429005", "县", None)]
    for town, name in enumerate(("甲街道", "乙镇", "丙管理区"), start=1):
        divisions.append(Division(f"42900500{town}", name, "429005"))
        divisions += [Division(f"42900500{town}{n:03}", f"{n}社区", f"42900500{town}") for n in range(1, 2 * town)]
    return build_county(crooked, divisions, seed=seed)


def test_a_seed_whose_borders_do_not_close_is_refused() -> None:
    with pytest.raises(NotDivisible, match="does not close"):
        crooked_county(91967786)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_seed_gives_an_exact_cover_of_a_crooked_outline_or_none(seed: int) -> None:
    try:
        rows = crooked_county(seed)
    except NotDivisible:
        reject()
    assert Counter(row.level for row in rows if row.level != GRID) == {COUNTY: 1, TOWNSHIP: 3, VILLAGE: 9}
    assert_exact(rows)

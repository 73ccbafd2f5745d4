"""From files to a tree: parents, codes, names, datum; from a dirty tree to an exact one; from a tree to a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import shapely
from django.core.exceptions import PermissionDenied

from gis.coverage import DefectKind, is_exact_cover
from gis.datum import BD09, GCJ02, from_cgcs2000, parse_datum
from layers.grids.coverage import CoverageBroken, audit
from layers.grids.loading import GridRecord
from layers.grids.models import Grid, Plan
from layers.imports.pipeline import Options, Source, Tree, check, load, read_tree, repaired
from layers.imports.tree import open_tree, save_tree
from layers.orgs.models import Institution, User
from tests.factories import InstitutionFactory, UserFactory, square
from tests.imports.files import AREA, collection, of_level, records, with_gap, with_overlap, write

CGCS2000 = Options(datum="cgcs2000")


def codes(tree: Tree) -> list[list[tuple[str, str | None]]]:
    return [[(unit.code, unit.parent) for unit in units] for units in tree.levels]


def expected(given: list[GridRecord]) -> list[list[tuple[str, str | None]]]:
    return [[(r.code, r.parent_code) for r in of_level(given, level)] for level in range(1 + given[-1].level)]


def read(path: Path, options: Options = CGCS2000, **source: str) -> Tree:
    return read_tree([Source(path, **source)], options)


def test_prefix_column_and_files_make_the_same_tree(tmp_path: Path) -> None:
    given = records(levels=4)
    everything = write(tmp_path / "all.geojson", collection(given))
    with_parents = write(
        tmp_path / "parents.geojson",
        collection(given, lambda r: {"id": r.code, "parent": r.parent_code, "name": r.name}),
    )
    files = [
        Source(
            write(
                tmp_path / f"{level}.geojson",
                collection(
                    of_level(given, level), lambda r: {"code": r.code, "name": r.name, "belongs": r.parent_code}
                ),
            )
        )
        for level in range(4)
    ]
    by_column = Options(datum="cgcs2000", parents="column")
    trees = [
        read(everything),
        read(with_parents, by_column, code_field="id"),
        read_tree(files, CGCS2000),
    ]
    assert [codes(tree) for tree in trees] == [expected(given)] * 3
    assert {tree.level_names for tree in trees} == {("县", "镇", "村", "网格")}
    assert not any(tree.is_area_derived for tree in trees)


def test_the_geometry_is_the_stored_one_to_the_last_bit(tmp_path: Path) -> None:
    given = records()
    tree = read(write(tmp_path / "a.geojson", collection(given)))
    shapes = {record.code: record.geometry for record in given}
    assert all(unit.geometry.equals_exact(shapes[unit.code], 0) for units in tree.levels for unit in units)
    assert check(tree) == []


def test_padded_codes_become_significant_and_codes_may_be_numbers(tmp_path: Path) -> None:
    given = records()
    padded = collection(given, lambda r: {"code": int(r.code.ljust(12, "0")), "name": r.name})
    assert codes(read(write(tmp_path / "a.geojson", padded))) == expected(given)


def test_a_community_whose_code_ends_in_000_keeps_it(tmp_path: Path) -> None:
    numbers = ("001000", "002001", "002002", "003001")
    twelve = [
        replace(record, code=AREA + number) for record, number in zip(of_level(records(), 1), numbers, strict=True)
    ]
    tree = read(write(tmp_path / "a.geojson", collection(twelve)), replace(CGCS2000, area_code=AREA))
    assert sorted(record.code for record in twelve) == [unit.code for unit in tree.levels[1]]


def test_the_service_area_is_derived_where_the_first_level_has_several_grids(tmp_path: Path) -> None:
    given = records()
    tree = read(
        write(tmp_path / "a.geojson", collection([r for r in given if r.level])), replace(CGCS2000, area_name="试验县")
    )
    assert tree.is_area_derived
    assert (tree.area.code, tree.area.name) == (AREA, "试验县")
    assert shapely.equals_identical(
        shapely.normalize(tree.with_area().area.geometry), shapely.normalize(given[0].geometry)
    )
    assert any("合成" in note["zh"] and "union" in note["en"] for note in tree.notes)


def test_grids_without_codes_are_numbered_west_to_east_north_to_south(tmp_path: Path) -> None:
    leaves = of_level(records(levels=2), 1)
    tree = read(
        write(tmp_path / "a.geojson", collection(leaves, lambda r: {"name": r.name})),
        replace(CGCS2000, area_code=AREA),
    )
    places = [unit.geometry.centroid for unit in tree.levels[1]]
    assert [unit.code for unit in tree.levels[1]] == [f"{AREA}{n:03}" for n in (1, 2, 3, 4)]
    assert [(p.x, -p.y) for p in places] == sorted((p.x, -p.y) for p in places)


def test_a_few_missing_codes_are_numbered_beside_the_others_and_reported(tmp_path: Path) -> None:
    towns, villages = (of_level(records(), level) for level in (1, 2))
    columns = [{"code": v.code, "town": v.parent_code} for v in villages]
    columns[5]["code"] = None
    rows = iter(columns)
    files = [
        Source(write(tmp_path / "towns.geojson", collection(towns))),
        Source(write(tmp_path / "villages.geojson", collection(villages, lambda r: next(rows)))),
    ]
    tree = read_tree(files, CGCS2000)
    given = {column["code"] for column in columns} - {None}
    [new] = {unit.code for unit in tree.levels[2]} - given
    assert new.startswith(villages[5].parent_code) and len(new) == 12
    assert any(new in note["zh"] and new in note["en"] for note in tree.notes)


def test_a_parent_may_be_named_by_its_name(tmp_path: Path) -> None:
    towns, villages = (of_level(records(), level) for level in (1, 2))
    names = {town.code: town.name for town in towns}
    files = [
        Source(write(tmp_path / "t.geojson", collection(towns, lambda r: {"name": r.name}))),
        Source(
            write(
                tmp_path / "v.geojson", collection(villages, lambda r: {"name": r.name, "street": names[r.parent_code]})
            )
        ),
    ]
    tree = read_tree(files, replace(CGCS2000, area_code=AREA))
    assert [len(units) for units in tree.levels] == [1, 4, 16]
    assert check(tree) == []


def test_kinds_names_and_bank_codes_come_along(tmp_path: Path) -> None:
    kinds = iter(["城市社区", "农村", "城中村", "渔村", "别的"])
    given = records(levels=2)
    content = collection(
        given, lambda r: {"编码": r.code, "名称": r.name, "类别": next(kinds), "行内编码": f"B{r.code}"}
    )
    tree = read(write(tmp_path / "a.geojson", content))
    units = [unit for level in tree.levels for unit in level]
    assert [unit.kind for unit in units] == ["urban", "rural", "urban", "rural", "rural"]
    assert [(unit.name, unit.bank_code) for unit in units] == [(r.name, f"B{r.code}") for r in given]
    assert any("别的" in note["zh"] for note in tree.notes)


@pytest.mark.parametrize("datum", [GCJ02, BD09, parse_datum("EPSG:4547")])
def test_a_declared_datum_is_undone_exactly(tmp_path: Path, datum: object) -> None:
    given = records()
    content = collection(given, moved=lambda xy: from_cgcs2000(xy, datum))
    tree = read(write(tmp_path / "a.geojson", content), Options(datum=str(datum)))
    assert check(tree) == []
    assert tree.area.geometry.equals_exact(given[0].geometry, 1e-12)


def test_gap_and_overlap_are_found_and_repaired(tmp_path: Path) -> None:
    gap = read(write(tmp_path / "gap.geojson", collection(with_gap(records()))))
    overlap = read(write(tmp_path / "overlap.geojson", collection(with_overlap(records()))))
    [finding] = [f for f in check(gap) if f.kind == DefectKind.GAP]
    assert finding.parent == f"{AREA}004" and f"{AREA}004004" in finding.codes
    assert 200 < finding.area_m2 < 500
    assert finding.place is not None
    assert any(f.kind == DefectKind.OVERLAP for f in check(overlap))
    for tree in (gap, overlap):
        for nest in ("union", "cut"):
            exact, report = repaired(tree, 5.0, nest)
            assert check(exact) == []
            assert report.changes
            assert codes(exact) == codes(tree)


def test_a_saved_tree_opens_as_it_was(tmp_path: Path) -> None:
    tree = read(write(tmp_path / "a.geojson", collection([r for r in records() if r.level])))
    save_tree(tree, tmp_path / "tree.json")
    again = open_tree(tmp_path / "tree.json")
    assert again == tree


@pytest.mark.domain("HY01", "ZG06")
def test_an_exact_tree_becomes_a_draft_plan(bank: Institution, planner: User, tmp_path: Path) -> None:
    tree = read(write(tmp_path / "a.geojson", collection([r for r in records(levels=5) if r.level])))
    plan = load(tree, institution=bank, plan_name="试点", user=planner, source="a.geojson")
    assert (plan.status, plan.area_code, plan.created_by) == (Plan.Status.DRAFT, AREA, planner)
    assert plan.level_names == ["县", "镇", "村", "网格", "子网格"]
    assert Grid.objects.filter(plan=plan).count() == 1 + 4 + 16 + 64 + 256
    assert audit(plan) == []


def test_a_dirty_tree_is_not_loaded_even_in_part(bank: Institution, tmp_path: Path) -> None:
    tree = read(write(tmp_path / "a.geojson", collection(with_gap(records()))))
    with pytest.raises(CoverageBroken) as fault:
        load(tree, institution=bank, plan_name="试点")
    assert fault.value.where["features"]
    assert not Plan.objects.exists() and not Grid.objects.exists()


def test_nobody_loads_for_another_bank(planner: User, tmp_path: Path) -> None:
    tree = read(write(tmp_path / "a.geojson", collection(records())))
    for user, institution in ((planner, InstitutionFactory()), (UserFactory(role=User.Role.WORKER), None)):
        with pytest.raises(PermissionDenied):
            load(tree, institution=institution or user.institution, plan_name="试点", user=user)
    assert not Plan.objects.exists()


def test_a_lone_county_gets_a_service_area_on_top(tmp_path: Path) -> None:
    record = GridRecord(f"{AREA}001", None, "全县", 0, "rural", square(0, 0, 600, 600))
    tree = read(write(tmp_path / "a.geojson", collection([record])), replace(CGCS2000, area_code=AREA))
    exact = tree.with_area()
    assert [len(units) for units in exact.levels] == [1, 1]
    assert is_exact_cover([exact.levels[1][0].geometry], exact.area.geometry)

"""import_grids and export_grids as a planner at the command line meets them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import shapely
from django.conf import settings
from django.core.management import CommandError, call_command

from gis.datum import parse_datum
from layers.grids.coverage import audit, shape_of
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from tests.factories import InstitutionFactory, UserFactory, square_plan
from tests.imports.files import AREA, collection, records, with_gap, with_overlap, write


def run(*files: Path, **options: Any) -> str:
    out = io.StringIO()
    given = {"datum": "cgcs2000", "institution": "B", "name": "试点", "stdout": out, "stderr": io.StringIO()}
    call_command("import_grids", *map(str, files), **given | options)
    return out.getvalue()


def dirty(tmp_path: Path) -> Path:
    return write(tmp_path / "dirty.geojson", collection(with_gap(records())))


@pytest.mark.domain("HY01")
def test_exact_grids_are_loaded_as_they_are(bank: Institution, tmp_path: Path) -> None:
    out = run(write(tmp_path / "a.geojson", collection(records())))
    plan = Plan.objects.get()
    assert f"{plan.pk}" in out and "镇 4" in out
    assert (plan.institution, plan.name, plan.status, plan.source) == (bank, "试点", "draft", "a.geojson")
    shapes = {record.code: record.geometry for record in records()}
    for grid in Grid.objects.filter(plan=plan):
        [part] = shapely.get_parts(shape_of(grid))
        assert part.normalize().equals_exact(shapes[grid.code].normalize(), 0)


def test_dirty_grids_are_refused_with_a_table_of_their_defects(bank: Institution, tmp_path: Path) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError) as fault:
        run(dirty(tmp_path), stdout=out, defects=tmp_path / "defects.geojson")
    assert fault.value.returncode == 2
    assert "1 gap" in str(fault.value) and "--repair" in str(fault.value)
    [row] = [line for line in out.getvalue().splitlines() if "缺口/gap" in line]
    assert f"{AREA}004004" in row and "113.0" in row
    [feature] = json.loads((tmp_path / "defects.geojson").read_text("utf-8"))["features"]
    assert feature["properties"]["kind"] == "gap" and feature["geometry"]["type"] == "Polygon"
    assert not Plan.objects.exists()


@pytest.mark.parametrize("nest", ["union", "cut"])
def test_dirty_grids_are_repaired_on_request_and_every_change_is_reported(
    bank: Institution, tmp_path: Path, nest: str
) -> None:
    file = write(tmp_path / "a.geojson", collection(with_overlap(records())))
    out = run(file, repair=True, nest=nest, report=tmp_path / "report.csv")
    assert audit(Plan.objects.get()) == []
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text("utf-8-sig"))))
    assert rows and all(row["code"] in out for row in rows)
    assert {"gained_m2", "lost_m2", "area_before_m2", "area_after_m2", "name"} <= rows[0].keys()
    [changed] = {float(row["lost_m2"]) for row in rows if float(row["lost_m2"])}
    assert 200 < changed < 500


def test_a_gap_that_is_wider_than_stated_is_kept_where_it_is_not_the_parents(bank: Institution, tmp_path: Path) -> None:
    leaves = [record for record in records(levels=2) if record.level]
    hole = shapely.box(113.003, 30.003, 113.0031, 30.0031)
    content = collection(leaves)
    content["features"][0]["geometry"] = shapely.geometry.mapping(leaves[0].geometry - hole)
    file = write(tmp_path / "a.geojson", content)
    run(file, gap_width=5)
    assert len(Grid.objects.get(level=0).geom[0]) == 2
    with pytest.raises(CommandError):
        run(file, gap_width=20)


def test_dry_run_saves_nothing(bank: Institution, tmp_path: Path) -> None:
    for file, options in (
        (dirty(tmp_path), {"repair": True}),
        (write(tmp_path / "a.geojson", collection(records())), {}),
    ):
        assert "nothing saved" in run(file, dry_run=True, institution=None, name=None, **options)
    assert not Plan.objects.exists()


def test_json_output_says_everything(bank: Institution, tmp_path: Path) -> None:
    answer = json.loads(run(dirty(tmp_path), repair=True, as_json=True, report=tmp_path / "report.json"))
    assert answer["exact"] is False and answer["defects"][0]["kind"] == "gap"
    assert answer["summary"][0]["count"] == 1
    assert [level["grids"] for level in answer["levels"]] == [1, 4, 16]
    assert answer["plan"]["id"] == Plan.objects.get().pk
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["changes"] == answer["repair"]["changes"] != []
    assert report["filled"][0]["geometry"]["type"] == "Polygon"


def test_what_is_missing_to_save_is_said(bank: Institution, tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", collection(records()))
    for options in ({"name": None}, {"institution": None}, {"institution": "nowhere"}, {"user": "nobody"}):
        with pytest.raises(CommandError) as fault:
            run(file, **options)
        assert fault.value.returncode == 2
    with pytest.raises(CommandError) as fault:
        run(file, report=tmp_path / "no folder" / "a.csv")
    assert fault.value.returncode == 2 and "cannot write" in str(fault.value)
    assert not Plan.objects.exists()


def test_a_user_imports_only_where_he_may(bank: Institution, planner: User, tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", collection(records()))
    InstitutionFactory(code="OTHER")
    UserFactory(username="import-worker", institution=bank, role=User.Role.WORKER)
    for options in ({"institution": "OTHER", "user": planner.username}, {"user": "import-worker"}):
        with pytest.raises(CommandError) as fault:
            run(file, **options)
        assert fault.value.returncode == 2
    run(file, user=planner.username)
    assert Plan.objects.get().created_by == planner


def test_the_status_and_the_streams_of_the_real_command(
    transactional_db: None, child_database: dict[str, str], tmp_path: Path
) -> None:
    InstitutionFactory(code="B")
    command = [sys.executable, "manage.py", "import_grids", str(dirty(tmp_path)), "--datum", "cgcs2000"]
    command += ["--institution", "B", "--name", "试点"]
    done = subprocess.run(command, cwd=settings.ROOT, env=child_database, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "缺口/gap" in done.stdout
    assert done.stderr.count("\n") == 1 and "nothing was saved" in done.stderr
    done = subprocess.run(
        [*command, "--repair"], cwd=settings.ROOT, env=child_database, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Plan.objects.count() == 1


def test_help_shows_every_option_and_examples() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import_grids", "--help"],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for word in ("--datum", "--parents", "--gap-width", "--nest", "--dry-run", "--defects", "--report", "exit status"):
        assert word in done.stdout


# export_grids


@pytest.mark.parametrize(
    ("form", "name", "datum"),
    [
        ("geojson", "a.geojson", "cgcs2000"),
        ("gpkg", "a.gpkg", "cgcs2000"),
        ("shp", "a.zip", "wgs84"),
        ("shp", "a.shp", "cgcs2000"),
        ("topojson", "a.topojson", "cgcs2000"),
        ("geojson", "a.geojson", "gcj02"),
        ("gpkg", "a.gpkg", "EPSG:4547"),
    ],
)
def test_what_is_exported_can_be_imported_again_and_is_the_same(
    bank: Institution, tmp_path: Path, form: str, name: str, datum: str
) -> None:
    plan = square_plan(3, levels=3, institution=bank, area_code=AREA)
    Grid.objects.filter(plan=plan, level=2, code__endswith="1").update(kind="urban", bank_code="B0007")
    path = tmp_path / name
    call_command("export_grids", plan.pk, level=2, format=form, out=path, datum=datum, stdout=io.StringIO())
    run(path, datum=str(parse_datum(datum)), area_code="420000")
    again = Plan.objects.latest("pk")
    leaves = [
        list(Grid.objects.filter(plan=p, level=level).order_by("code").values_list("code", "name", "kind", "bank_code"))
        for p, level in ((plan, 2), (again, 1))
    ]
    assert leaves[0] == leaves[1]
    assert audit(again) == []
    for old, new in zip(
        *(Grid.objects.filter(plan=p, level=level).order_by("code") for p, level in ((plan, 2), (again, 1))),
        strict=True,
    ):
        assert old.border_sum == new.border_sum


def test_export_is_scoped_and_says_what_is_wrong(bank: Institution, planner: User, tmp_path: Path) -> None:
    plan = square_plan()
    out = tmp_path / "a.geojson"
    faults = (
        ([plan.pk], {"user": planner.username}),
        ([plan.pk], {"user": "nobody"}),
        ([999_999], {}),
        ([plan.pk], {"level": 4}),
        ([plan.pk], {"datum": "mars"}),
        ([plan.pk], {"datum": "gcj02", "format": "topojson"}),
    )
    for arguments, options in faults:
        with pytest.raises(CommandError) as fault:
            call_command("export_grids", *arguments, out=out, stdout=io.StringIO(), **options)
        assert fault.value.returncode == 2
        assert not out.exists()

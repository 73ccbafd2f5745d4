"""What the page draws of an import has a bound, whatever the files have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely

from layers.imports import preview as previews
from layers.imports.pipeline import Options, Source, check, read_tree
from layers.imports.preview import preview
from tests.imports.files import collection, finely, records, with_gap, write


def test_borders_are_simplified_but_not_beside_defects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_VERTICES", 3000)
    tree = read_tree(
        [Source(write(tmp_path / "a.geojson", collection(finely(with_gap(records()), 300))))], Options("cgcs2000")
    )
    findings = check(tree)
    drawn = preview(tree, findings, changed=set(), places=[finding.geometry for finding in findings])
    assert 0 < drawn["moved_m"] < 5 and drawn["left_out"] == 0
    shapes = {
        f["properties"]["code"]: shapely.from_geojson(json.dumps(f["geometry"])) for f in drawn["grids"]["features"]
    }
    assert shapely.get_num_coordinates(list(shapes.values())).sum() < 3000
    [defect] = drawn["defects"]["features"]
    gap = shapely.from_geojson(json.dumps(defect["geometry"]))
    around = shapely.box(*gap.bounds).buffer(1e-4)
    exact = {unit.code: unit.geometry for unit in tree.levels[-1]}
    for code in defect["properties"]["grids"]:
        was, now = (shapely.MultiPoint(shapely.get_coordinates(shape)) for shape in (exact[code], shapes[code]))
        assert shapely.equals(was & around, now & around)


def test_small_files_are_drawn_as_they_are(tmp_path: Path) -> None:
    tree = read_tree([Source(write(tmp_path / "a.geojson", collection(records())))], Options("cgcs2000"))
    drawn = preview(tree, [], changed=set(), places=[])
    assert drawn["moved_m"] == 0 and drawn["left_out"] == 0
    exact = [shapely.from_geojson(json.dumps(f["geometry"])) for f in drawn["grids"]["features"]]
    assert exact == [unit.geometry for units in tree.levels[1:] for unit in units]


def test_of_far_too_many_grids_those_with_defects_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_VERTICES", 600)
    tree = read_tree([Source(write(tmp_path / "a.geojson", collection(with_gap(records(6)))))], Options("cgcs2000"))
    findings = check(tree)
    drawn = preview(tree, findings, changed=set(), places=[])
    levels = [f["properties"]["level"] for f in drawn["grids"]["features"]]
    concerned = {code for finding in findings for code in finding.codes}
    assert drawn["left_out"] == 6**4 - len(concerned) and levels.count(1) == 36
    assert concerned <= {f["properties"]["code"] for f in drawn["grids"]["features"]}

"""Every kind of bad input at the command line: exit status 2, one sentence that says what to do, nothing saved."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from shapely.geometry import mapping

from gis.datum import CGCS2000, GCJ02, Datum, from_cgcs2000
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from tests.factories import square_plan
from tests.imports.files import AREA, collection, of_level, records, write

pytestmark = pytest.mark.django_db
FIXTURE = Path(__file__).parents[2] / "fixtures" / "qianjiang_outline.geojson"
XIHU = Path(__file__).parents[3] / "shared" / "data" / "xihu_towns.geojson"


def refused(*files: Path, **options: Any) -> str:
    """What the command says on standard error; it must end with status 2 and save nothing."""
    before = Plan.objects.count(), Grid.objects.count()
    with pytest.raises(CommandError) as fault:
        call_command(
            "import_grids",
            *map(str, files),
            **{"datum": "cgcs2000", "institution": "B", "name": "试点", "stdout": io.StringIO()} | options,
        )
    assert fault.value.returncode == 2
    assert (Plan.objects.count(), Grid.objects.count()) == before
    text = str(fault.value)
    assert text and "\n" not in text
    return text


def with_code(code: str, index: int = -1) -> dict[str, Any]:
    given = records()
    given[index] = replace(given[index], code=code)
    return collection(given)


def parent_column(change: Callable[[list[dict[str, Any]]], None]) -> dict[str, Any]:
    content = collection(records(), lambda r: {"code": r.code, "parent": r.parent_code, "name": r.name})
    change([feature["properties"] for feature in content["features"]])
    return content


def test_duplicate_codes(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", with_code(f"{AREA}004003")))
    assert f"{AREA}004003" in text and "more than one grid" in text


def test_unknown_parent_by_prefix(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", with_code(f"{AREA}009001")))
    assert f"{AREA}009001 → {AREA}009" in text


def test_unknown_parent_by_column(bank: Institution, tmp_path: Path) -> None:
    def orphan(rows: list[dict[str, Any]]) -> None:
        rows[-1]["parent"] = "999"

    text = refused(write(tmp_path / "a.geojson", parent_column(orphan)), parents="column")
    assert "→ 999" in text and "Add these parents" in text


def test_unknown_parent_in_several_files(bank: Institution, tmp_path: Path) -> None:
    given = records()
    towns = write(tmp_path / "towns.geojson", collection(of_level(given, 1)[:3]))
    text = refused(towns, write(tmp_path / "villages.geojson", collection(of_level(given, 2))))
    assert f"→ {AREA}004" in text


def test_cyclic_parents(bank: Institution, tmp_path: Path) -> None:
    def cycle(rows: list[dict[str, Any]]) -> None:
        rows[1]["parent"], rows[2]["parent"] = rows[2]["code"], rows[1]["code"]

    text = refused(write(tmp_path / "a.geojson", parent_column(cycle)), parents="column")
    assert f"{AREA}001 → {AREA}002 → {AREA}001" in text and "above themselves" in text


def test_no_parent_column(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection(records())), parents="column")
    assert "--parent-field" in text and "code、name、kind" in text


def test_no_column_of_codes_and_no_area_code(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection(records(), lambda r: {"label": r.name})))
    assert "--code-field" in text and "--area-code" in text and "label" in text


def test_two_columns_of_codes(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection(records(), lambda r: {"code": r.code, "编码": r.code})))
    assert "code、编码" in text and "--code-field" in text


def test_column_that_is_not_there(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection(records())), code_field=["nummer"])
    assert "nummer" in text and "code、name、kind" in text


def test_missing_codes_among_several_levels(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", with_code("")))
    assert "21" in text and "Add the codes" in text


def test_codes_that_are_not_by_rule(bank: Institution, tmp_path: Path) -> None:
    assert "A-7" in refused(write(tmp_path / "a.geojson", with_code("A-7")))


def test_area_code_that_does_not_fit(bank: Institution, tmp_path: Path) -> None:
    assert "→ 110101" in refused(write(tmp_path / "a.geojson", collection(records())), area_code="110101")


def test_service_area_without_a_code(bank: Institution, tmp_path: Path) -> None:
    given = [replace(r, code=f"G{r.code[-1]}") for r in of_level(records(), 1)]
    assert "--area-code" in refused(write(tmp_path / "a.geojson", collection(given)))


def test_too_many_levels(bank: Institution, tmp_path: Path) -> None:
    given = [record for record in records(levels=5) if record.level]
    wide = collection(given, lambda r: {"code": r.code, "parent": r.parent_code})
    below = {"type": "Feature", "properties": {"code": "x", "parent": given[-1].code}}
    wide["features"].append(below | {"geometry": mapping(given[-1].geometry)})
    text = refused(write(tmp_path / "a.geojson", wide), parents="column", area_code=AREA)
    assert "6" in text and "2 to 5" in text


def test_names_of_levels_that_are_too_few(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection(records())), level_names="县，镇")
    assert "3" in text and "Give one a level" in text


def test_names_that_are_too_long(bank: Institution, tmp_path: Path) -> None:
    given = records()
    given[3] = replace(given[3], name="长" * 200)
    assert "120" in refused(write(tmp_path / "a.geojson", collection(given)))


def test_too_many_files(bank: Institution, tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", collection(records()))
    assert "6" in refused(*[file] * 6)


def test_nothing_in_the_file(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", collection([])))
    assert "a.geojson" in text and "no features" in text


def test_no_such_file(bank: Institution, tmp_path: Path) -> None:
    assert "Check the path" in refused(tmp_path / "nowhere.geojson")


# The datum


def qianjiang(datum: Datum) -> dict[str, Any]:
    """潜江 in two halves, drawn in a datum but not saying so."""
    [outline] = [json.loads(FIXTURE.read_text("utf-8"))]
    ring = np.array(outline["geometry"]["coordinates"][0])
    shape = {"type": "Polygon", "coordinates": [from_cgcs2000(ring, datum).tolist()]}
    feature = {"type": "Feature", "properties": {"code": "429005001", "name": "全市"}, "geometry": shape}
    return {"type": "FeatureCollection", "features": [feature]}


def test_gcj02_declared_as_cgcs2000_is_noticed_by_the_known_outline(bank: Institution, tmp_path: Path) -> None:
    text = refused(write(tmp_path / "a.geojson", qianjiang(GCJ02)), area_code="429005")
    assert "looks like GCJ-02" in text and "gcj02" in text
    file = write(tmp_path / "b.geojson", qianjiang(CGCS2000))
    call_command("import_grids", str(file), datum="cgcs2000", area_code="429005", dry_run=True, stdout=io.StringIO())


def test_gcj02_is_noticed_by_a_plan_of_the_same_area(bank: Institution, tmp_path: Path) -> None:
    plan = square_plan(institution=bank, area_code=AREA)
    shifted = collection(records(), moved=lambda xy: from_cgcs2000(xy, GCJ02))
    text = refused(write(tmp_path / "a.geojson", shifted))
    assert "looks like GCJ-02" in text and plan.name in text


def test_gcj02_is_noticed_between_levels(bank: Institution, tmp_path: Path) -> None:
    given = records()
    towns = write(tmp_path / "towns.geojson", collection(of_level(given, 1)))
    shifted = collection(of_level(given, 2), moved=lambda xy: from_cgcs2000(xy, GCJ02))
    text = refused(towns, write(tmp_path / "villages.geojson", shifted))
    assert "looks like GCJ-02" in text and "towns.geojson" in text


def test_gcj02_is_noticed_by_an_outline_that_is_given(bank: Institution, tmp_path: Path) -> None:
    given = records()
    within = write(tmp_path / "outline.geojson", collection(of_level(given, 0)))
    shifted = write(tmp_path / "a.geojson", collection(given, moved=lambda xy: from_cgcs2000(xy, GCJ02)))
    assert "looks like GCJ-02" in refused(shifted, within=within)


def test_plain_coordinates_declared_as_gcj02_are_noticed(bank: Institution, tmp_path: Path) -> None:
    given = records()
    within = write(tmp_path / "outline.geojson", collection(of_level(given, 0)))
    text = refused(write(tmp_path / "a.geojson", collection(given)), within=within, datum="gcj02")
    assert "not gcj02 as declared" in text and "wgs84" in text


def test_gcj02_on_real_towns(bank: Institution, tmp_path: Path) -> None:
    if not XIHU.exists():
        pytest.skip(f"../shared/data/{XIHU.name} is absent")
    content = json.loads(XIHU.read_text("utf-8"))
    for feature in content["features"]:
        parts = feature["geometry"]["coordinates"]
        rings = parts if feature["geometry"]["type"] == "Polygon" else [ring for part in parts for ring in part]
        for ring in rings:
            ring[:] = from_cgcs2000(np.array(ring), GCJ02).tolist()
    assert "looks like GCJ-02" in refused(write(tmp_path / "a.geojson", content), within=XIHU)


def test_another_place_than_the_service_area(bank: Institution, tmp_path: Path) -> None:
    far = collection(records(), moved=lambda xy: np.add(xy, (3.0, 4.0)))
    square_plan(institution=bank, area_code=AREA)
    text = refused(write(tmp_path / "a.geojson", far))
    assert "116.0" in text and "Check the file" in text


def test_swapped_axes(bank: Institution, tmp_path: Path) -> None:
    swapped = collection(records(), moved=lambda xy: xy[:, ::-1])
    text = refused(write(tmp_path / "a.geojson", swapped))
    assert "axes look swapped" in text and "longitude first" in text


def test_metres_declared_as_degrees(bank: Institution, tmp_path: Path) -> None:
    metres = collection(records(), moved=lambda xy: from_cgcs2000(xy, Datum("EPSG:4547")))
    assert "look like metres" in refused(write(tmp_path / "a.geojson", metres))


def test_file_that_declares_another_datum(bank: Institution, tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    text = refused(write(tmp_path / "a.geojson", collection(records(), crs=crs)))
    assert "EPSG:4547" in text and "as declared" in text


@pytest.mark.parametrize("datum", ["mars", "EPSG:2436", "EPSG:99999"])
def test_datum_that_cannot_be_used(bank: Institution, tmp_path: Path, datum: str) -> None:
    assert refused(write(tmp_path / "a.geojson", collection(records())), datum=datum)


# What is wrong with the file itself: the reading process refuses it, and the command passes on why.


def text_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_not_a_number(bank: Institution, tmp_path: Path) -> None:
    for word in ("NaN", "Infinity", "1e308"):
        text = json.dumps(collection(records())).replace("113.0,", f"{word},", 1)
        assert refused(text_file(tmp_path / "a.geojson", text))


def test_a_million_vertices(bank: Institution, tmp_path: Path) -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000)
    ring = np.column_stack([113 + np.cos(angle) / 100, 30 + np.sin(angle) / 100]).round(7)
    ring[-1] = ring[0]
    shape = {"type": "Polygon", "coordinates": [ring.tolist()]}
    content = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": shape}]}
    assert "1,000,000" in refused(write(tmp_path / "a.geojson", content), area_code=AREA)


def test_deep_nesting(bank: Institution, tmp_path: Path) -> None:
    text = '{"type":"FeatureCollection","features":' + "[" * 200_000
    assert "nested" in refused(text_file(tmp_path / "a.geojson", text))


def test_collapsed_and_empty_geometry(bank: Institution, tmp_path: Path) -> None:
    content = collection(records())
    content["features"][4]["geometry"] = {
        "type": "Polygon",
        "coordinates": [[[113, 30], [113, 30], [113, 30], [113, 30]]],
    }
    assert "5" in refused(write(tmp_path / "a.geojson", content))
    content["features"][4]["geometry"] = None
    assert "5" in refused(write(tmp_path / "a.geojson", content))


def test_lines_instead_of_areas(bank: Institution, tmp_path: Path) -> None:
    content = collection(records())
    content["features"][0]["geometry"] = {"type": "LineString", "coordinates": [[113, 30], [113.1, 30]]}
    assert "LineString" in refused(write(tmp_path / "a.geojson", content))


def zip_file(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"grids.shp": bytes(600_000_000)}, "unpacks"),
        ({"../../grids.shp": b"x"}, "outside"),
        ({"readme.txt": b"x"}, "no Shapefile"),
        ({"grids.shp": b"x"}, ".dbf"),
        ({"grids.shp": b"not one", "grids.shx": b"x", "grids.dbf": b"x"}, "not part of a Shapefile"),
    ],
    ids=["zip bomb", "zip slip", "without a Shapefile", "without its parts", "not a Shapefile"],
)
def test_bad_zips(bank: Institution, tmp_path: Path, members: dict[str, bytes], word: str) -> None:
    assert word in refused(zip_file(tmp_path / "grids.zip", members))
    assert not (tmp_path.parent / "grids.shp").exists()


def test_mixed_encodings(bank: Institution, tmp_path: Path) -> None:
    text = json.dumps(collection(records()), ensure_ascii=False).encode()
    path = tmp_path / "a.geojson"
    path.write_bytes(text.replace("镇 001".encode(), "城镇".encode("gbk"), 1))
    assert "one encoding" in refused(path)


def test_unknown_format(bank: Institution, tmp_path: Path) -> None:
    assert "GeoPackage" in refused(text_file(tmp_path / "a.dwg", "AC1032"))

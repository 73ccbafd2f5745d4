"""manage.py import_points on tables and files of points: what is loaded, changed, rejected, and why."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from gis.datum import GCJ02, from_cgcs2000
from layers.exchange.models import ColumnMapping
from layers.facilities.models import Machine, Outlet
from layers.ledger.models import Customer
from layers.orgs.models import Institution, User
from tests.factories import InstitutionFactory, OutletFactory, UserFactory, grid, published, square_plan

HEADER = "网点编码,网点名称,类型,经度,纬度,地址,柜员"


@pytest.fixture
def bank(db: None) -> Institution:
    """A bank whose published plan has four grids of some 650 m around 113.0065° E, 30.0065° N."""
    found = InstitutionFactory(code="B", name="试验农商行")
    published(square_plan(institution=found))
    return found


def place(n: int) -> tuple[float, float]:
    """The n-th of 25 places in the grids."""
    return 113.001 + n % 5 * 0.0025, 30.001 + n // 5 % 5 * 0.0025


def row(n: int, **changes: Any) -> str:
    lon, lat = place(n)
    values = {
        "code": f"{n:04}",
        "name": f"{n} 号网点",
        "kind": "营业网点",
        "lon": lon,
        "lat": lat,
        "address": "",
        "tellers": "",
    }
    return ",".join(str(value) for value in (values | changes).values())


def table(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "网点.csv", encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_bytes("\n".join([header, *rows]).encode(encoding))
    return file


def run(file: Path, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    options = {"layer": "outlets", "institution": "B", "datum": "cgcs2000", "as_json": True} | options
    call_command("import_points", str(file), stdout=out, stderr=io.StringIO(), **options)
    return dict(json.loads(out.getvalue().splitlines()[-1]))


def refused(file: Path, **options: Any) -> tuple[str, dict[str, Any]]:
    """The one line of the refusal, and the report before it."""
    out = io.StringIO()
    options = {"layer": "outlets", "institution": "B", "datum": "cgcs2000", "as_json": True} | options
    with pytest.raises(CommandError) as error:
        call_command("import_points", str(file), stdout=out, stderr=io.StringIO(), **options)
    assert error.value.returncode == 2
    return str(error.value), json.loads(out.getvalue().splitlines()[-1]) if out.getvalue() else {}


def reasons(report: dict[str, Any]) -> dict[int, str]:
    return {row["line"]: row["message"]["zh"] + row["message"]["en"] for row in report["rejected"]}


def test_a_table_becomes_points_that_know_their_grid(bank: Institution, tmp_path: Path) -> None:
    answer = run(table(tmp_path, row(0, address="园林路 1 号", tellers="4"), row(12, kind="自助银行")))
    assert (answer["new"], answer["changed"], answer["rejected"], answer["loaded"]) == (2, 0, [], True)
    first, second = Outlet.objects.order_by("code")
    assert (first.code, first.name, first.kind, first.institution) == ("0000", "0 号网点", "staffed", bank)
    assert first.attributes == {"address": "园林路 1 号", "tellers": 4}
    assert first.geom.coords == (113.001, 30.001) and first.grid_code == "429005001"
    assert (second.kind, second.source) == ("self_service", "网点.csv")


def test_importing_again_changes_only_what_changed(bank: Institution, tmp_path: Path) -> None:
    run(table(tmp_path, row(0), row(1), row(2, tellers="3")))
    before = Outlet.objects.get(code="0000").updated_at
    answer = run(table(tmp_path, row(0), row(1, name="改名"), row(2, lon=113.0012, tellers=""), row(3)))
    assert (answer["new"], answer["changed"], answer["unchanged"]) == (1, 2, 1)
    assert Outlet.objects.get(code="0000").updated_at == before
    assert Outlet.objects.get(code="0001").name == "改名"
    assert Outlet.objects.get(code="0002").attributes == {}
    short = run(table(tmp_path, row(0), row(4), header=HEADER), only_new=True)
    assert (short["new"], short["missing"], short["missing_codes"]) == (1, 3, ["0001", "0002", "0003"])


def test_what_the_file_has_no_more_becomes_inactive_and_comes_back(bank: Institution, tmp_path: Path) -> None:
    lon, lat = place(9)
    run(table(tmp_path, row(0), row(1), row(2)))
    for code, source in (("by-hand", ""), ("other", "上年.csv")):
        OutletFactory(institution=bank, code=code, kind="staffed", source=source, geom=f"SRID=4490;POINT({lon} {lat})")
    looked = run(table(tmp_path, row(0), row(1)), dry_run=True, missing="deactivate")
    assert (looked["missing"], looked["stale"], looked["missing_codes"][0]) == (3, 1, "0002")
    assert Outlet.objects.filter(is_active=True).count() == 5
    # A file of another name, as every month: its rows say where they came from.
    renamed = table(tmp_path, row(0), row(1, name="改名")).rename(tmp_path / "网点 12 月.csv")
    run(renamed, missing="deactivate")
    gone = Outlet.objects.get(is_active=False)
    assert gone.code == "0002" and gone.grid_code
    assert run(table(tmp_path, row(0), row(1, name="改名")))["missing"] == 2, "what is inactive is not missing"
    bad = table(tmp_path, row(0), row(1, kind="茶馆"))
    said, _report = refused(bad, missing="deactivate", skip_rejected=True)
    assert "无法判断" in said and Outlet.objects.filter(is_active=False).count() == 1
    back = run(table(tmp_path, row(0), row(1, name="改名"), row(2)))
    assert back["changed"] == 1 and not Outlet.objects.filter(is_active=False).exists()


def test_attributes_without_a_column_stay(bank: Institution, tmp_path: Path) -> None:
    run(table(tmp_path, row(0, address="园林路", tellers="3")))
    lon, lat = place(0)
    run(table(tmp_path, f"0000,网点,营业网点,{lon},{lat},5", header="编码,名称,类型,经度,纬度,柜员"))
    assert Outlet.objects.get().attributes == {"address": "园林路", "tellers": 5}


def test_only_new_leaves_what_is_there(bank: Institution, tmp_path: Path) -> None:
    run(table(tmp_path, row(0)))
    run(table(tmp_path, row(0, name="改名"), row(1)), only_new=True)
    assert list(Outlet.objects.order_by("code").values_list("name", flat=True)) == ["0 号网点", "1 号网点"]


def test_each_bad_row_is_named_with_why(bank: Institution, tmp_path: Path) -> None:
    file = table(
        tmp_path,
        row(0),
        row(1, code=""),
        row(2, name=""),
        row(3, kind="茶馆"),
        row(4, lon="东经 113"),
        row(5, lon="NaN"),
        row(6, lat="Infinity"),
        row(7, lon=30.001, lat=113.001),
        row(8, tellers="许多"),
        row(9, code="0010"),
        row(10),
        row(11, code="1.23457E+11"),
        row(12) + ",多出来的",
    )
    message, report = refused(file)
    assert "12 行不能载入" in message and "12 rows" in message
    assert Outlet.objects.count() == 0 and report["loaded"] is False
    found = reasons(report)
    expected = {3: "编码是空的", 4: "名称是空的", 5: "不认识的类型“茶馆”", 6: "不是有效的坐标", 7: "不是有效的坐标", 8: "不是有效的坐标",
        9: "经纬度像是写反了", 10: "柜员", 11: "与第 12 行编码相同", 12: "与第 11 行编码相同", 13: "末尾几位已经丢失", 14: "多于 7 格"}  # fmt: skip
    assert set(found) == set(expected)
    for line, text in expected.items():
        assert text in found[line]
    named = {row["line"]: (row["column"], row["value"]) for row in report["rejected"]}
    assert named[10] == ("柜员", "许多") and named[5] == ("类型", "茶馆") and named[9][0] == "经度"
    assert named[7] == ("经度", "NaN") and named[8] == ("纬度", "Infinity")
    answer = run(file, skip_rejected=True)
    assert (answer["new"], answer["rejected_rows"], Outlet.objects.get().code) == (1, 12, "0000")


def test_a_dry_run_saves_nothing(bank: Institution, tmp_path: Path) -> None:
    rejected = tmp_path / "rejected.csv"
    file = table(tmp_path, row(0), row(1, name="=1+1", lon="x"))
    refused(file, dry_run=True, rejected=rejected)
    assert "不是有效的坐标数值" in rejected.read_text("utf-8")
    assert run(table(tmp_path, row(0)), dry_run=True)["new"] == 1
    assert Outlet.objects.count() == ColumnMapping.objects.count() == 0


def test_points_outside_every_grid_are_listed_and_kept(bank: Institution, tmp_path: Path) -> None:
    answer = run(table(tmp_path, row(0), row(1, lon=114.5), row(2, lon=116.4, lat=39.9)))
    assert [point["code"] for point in answer["outside"]] == ["0002", "0001"]  # the farthest first
    assert {one.code for one in Outlet.objects.outside()} == {"0001", "0002"}


def test_columns_are_remembered_by_headings(bank: Institution, tmp_path: Path) -> None:
    header = "甲,乙,丙,丁,戊"
    lon, lat = place(0)
    file = table(tmp_path, f"7,网点,厅堂,{lon},{lat}", header=header)
    columns = ["code=甲", "name=乙", "kind=丙", "lon=丁", "lat=戊"]
    assert "请指定哪一列是" in refused(file)[0]
    run(file, map=columns, kind_map=["厅堂=staffed"])
    again = table(tmp_path, f"8,另一个,厅堂,{place(1)[0]},{lat}", header=header)
    assert run(again)["new"] == 1
    branch = InstitutionFactory(code="BB", parent=bank)
    answer = run(again, institution=branch.code)
    assert answer["columns"]["code"] == "甲" and Outlet.objects.filter(institution=branch).exists()


@pytest.mark.parametrize("header", ["编码,名称,类型,坐标", "code;name;kind;lnglat", "编码\t名称\t类型\tWKT"])
def test_places_in_one_column(bank: Institution, tmp_path: Path, header: str) -> None:
    separator = next(mark for mark in "\t;," if mark in header)
    cell = "POINT (113.001 30.001)" if "WKT" in header else "(113.001，30.001)"
    run(table(tmp_path, separator.join(["007", "网点", "营业网点", cell]), header=header))
    assert Outlet.objects.get().geom.coords == (113.001, 30.001)


def test_gb18030_is_read(bank: Institution, tmp_path: Path) -> None:
    run(table(tmp_path, row(0, name="鄢家湾"), encoding="gb18030"))
    assert Outlet.objects.get().name == "鄢家湾"


def test_codes_of_a_workbook_stay_text(bank: Institution, tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    page.append(["编码", "名称", "类型", "经度", "纬度", "启用日期"])
    for n, code in enumerate(["0012", 13, 14.0, 123456789012345]):
        page.append([code, f"{n} 号机", "ATM", *place(n), 45_000 if n == 1 else None])
    page.append([15, "格式", "ATM", *place(5), "2026/1/2"])
    page.cell(6, 1).number_format = "0000"
    book.save(tmp_path / "机具.xlsx")
    answer = run(tmp_path / "机具.xlsx", layer="machines")
    assert sorted(Machine.objects.values_list("code", flat=True)) == ["0012", "0015", "123456789012345", "13", "14"]
    assert Machine.objects.get(code="13").attributes == {"installed": "2023-03-15"}
    assert any("前导零" in note["zh"] for note in answer["notes"])
    assert any("序号" in note["zh"] for note in answer["notes"])
    page.append([1234567890123456, "太长", "ATM", *place(6), None])
    book.save(tmp_path / "机具.xlsx")
    assert "末尾几位已经丢失" in refused(tmp_path / "机具.xlsx", layer="machines")[0]


def test_gcj02_is_noticed_by_the_rows_that_are_there(bank: Institution, tmp_path: Path) -> None:
    for n in range(6):
        OutletFactory(institution=bank, code=f"{n:04}", geom=f"SRID=4490;POINT({place(n)[0]} {place(n)[1]})")
    moved = from_cgcs2000(np.array([place(n) for n in range(6)]), GCJ02)
    file = table(tmp_path, *(row(n, lon=lon, lat=lat) for n, (lon, lat) in enumerate(moved)))
    [note] = [note for note in run(file, dry_run=True)["notes"] if "looks_like" in note]
    assert (
        note["looks_like"] == "gcj02"
        and "GCJ-02" in note["zh"]
        and "looks like" in note["en"].replace("look ", "looks ")
    )
    assert not any("looks_like" in note for note in run(file, datum="gcj02", dry_run=True)["notes"])
    [note] = [
        n for n in run(table(tmp_path, *map(row, range(6))), datum="gcj02", dry_run=True)["notes"] if "looks_like" in n
    ]
    assert note["looks_like"] == "cgcs2000"


def test_a_datum_is_noticed_by_the_service_area(bank: Institution, tmp_path: Path) -> None:
    file = table(tmp_path, *(row(n, lon=place(n)[1], lat=place(n)[0] - 60) for n in range(6)))
    assert not any("looks_like" in note for note in run(file, dry_run=True)["notes"])
    moved = from_cgcs2000(np.array([(113.0001 + n * 1e-4, 30.0128) for n in range(6)]), GCJ02)
    file = table(tmp_path, *(row(n, lon=lon, lat=lat) for n, (lon, lat) in enumerate(moved)))
    notes = run(file, dry_run=True)["notes"]
    assert [note["looks_like"] for note in notes if "looks_like" in note] in (["gcj02"], [])


def test_a_file_that_contradicts_the_datum_is_refused(bank: Institution, tmp_path: Path) -> None:
    content = {"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:4547"}}, "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [500000, 3300000]}, "properties": {"code": "1", "name": "a"}}]}  # fmt: skip
    (tmp_path / "a.geojson").write_text(json.dumps(content))
    assert "EPSG:4547" in refused(tmp_path / "a.geojson", kind="staffed")[0]


def test_geojson_of_other_shapes_names_the_features(bank: Institution, tmp_path: Path) -> None:
    def feature(n: int, geometry: Any) -> dict[str, Any]:
        return {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"code": str(n), "name": f"{n}", "kind": "staffed"},
        }

    features = [
        feature(1, {"type": "Point", "coordinates": [113.001, 30.001, 5]}),
        feature(2, None),
        feature(3, {"type": "Polygon", "coordinates": [[[113, 30], [114, 30], [114, 31], [113, 30]]]}),
        feature(4, {"type": "Point", "coordinates": [113.001, "30"]}),
    ]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    _, report = refused(tmp_path / "a.geojson")
    found = reasons(report)
    assert set(found) == {2, 3, 4} and "Polygon" in found[3] and "没有位置" in found[2]


def test_rows_go_to_the_institutions_of_the_subtree(bank: Institution, tmp_path: Path) -> None:
    branch, other = InstitutionFactory(code="B1", parent=bank), InstitutionFactory(code="X")
    header = HEADER + ",机构编码"
    assert run(table(tmp_path, row(0) + ",B1", row(1) + ",", header=header))["new"] == 2
    assert Outlet.objects.get(code="0000").institution == branch
    assert "X" in refused(table(tmp_path, row(2) + f",{other.code}", header=header))[0]


def test_rights(bank: Institution, tmp_path: Path) -> None:
    branch = InstitutionFactory(code="B1", parent=bank)
    UserFactory(username="p", institution=branch)
    UserFactory(username="m", institution=bank, role=User.Role.MANAGER)
    file = table(tmp_path, row(0))
    for user in ("p", "m"):
        assert "无权" in refused(file, user=user)[0]
    assert run(file, user="p", institution="B1")["new"] == 1


def test_rows_without_codes_get_the_same_ones_each_time(bank: Institution, tmp_path: Path) -> None:
    lon, lat = place(0)
    file = table(tmp_path, f"网点,{lon},{lat}", header="name,lon,lat")
    assert "编码" in refused(file, kind="staffed")[0]
    run(file, kind="staffed", make_codes=True)
    assert run(file, kind="staffed", make_codes=True)["unchanged"] == 1


@pytest.mark.domain("ZG12")
def test_households_of_the_population_platform(bank: Institution, tmp_path: Path) -> None:
    lon, lat = place(0)
    header = "户号,户主姓名,户类型,门牌号,家庭人口,联系电话,经度,纬度"
    file = table(tmp_path, f"0001,张三,农户,3 组 12 号,5,13800000000,{lon},{lat}", header=header)
    run(file, layer="customers", map=["kind=户类型"])
    found = Customer.objects.get()
    assert (found.code, found.name, found.kind, found.phone) == ("0001", "张三", "farm_household", "13800000000")
    assert found.attributes == {"door": "3 组 12 号", "members": 5}
    assert found.grid_code == grid(found.area.plan, "001").code
    without = table(tmp_path, f"0001,张三,农户,6,{lon},{lat}", header="户号,户主姓名,类型,家庭人口,经度,纬度")
    run(without, layer="customers")
    found.refresh_from_db()
    assert (found.phone, found.attributes["members"]) == ("13800000000", 6)

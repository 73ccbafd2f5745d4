"""Exports of filtered views, and that what leaves comes back the same."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from layers.audit.models import Entry, UnmaskSettings
from layers.facilities.models import Outlet
from layers.ledger.models import Customer
from layers.orgs.models import ApiToken, Institution, User
from tests.evil import FORMULAS, MARKUP
from tests.exchange.test_import_points import bank, place  # noqa: F401
from tests.factories import InstitutionFactory, OutletFactory, UserFactory, grid

DATUMS = ["cgcs2000", "wgs84", "gcj02", "bd09", "EPSG:4547", "EPSG:4526"]
FORMATS = {"geojson": "geojson", "csv": "csv", "xlsx": "xlsx", "gpkg": "gpkg", "shp": "zip"}


def client(user: User, language: str = "zh-hans") -> Client:
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(user, 'test')}", "accept-language": language})


def download(user: User, layer: str, *, expect: int = 200, language: str = "zh-hans", **query: Any) -> bytes:
    response = client(user, language).get(f"/api/layers/{layer}/export", query)
    content = b"".join(response) if response.streaming else response.content
    assert response.status_code == expect, content
    return content


@pytest.fixture
def planner(bank: Institution) -> User:  # noqa: F811
    return UserFactory(institution=bank)


@pytest.fixture
def outlets(bank: Institution) -> list[Outlet]:  # noqa: F811
    branch = InstitutionFactory(code="0B1", parent=bank, name="支行")
    rows = []
    for n in range(12):
        lon, lat = place(n)
        rows.append(
            OutletFactory(
                institution=branch if n % 2 else bank,
                code=f"00{n}",
                name=(*FORMULAS, *MARKUP)[n].strip().replace("\t", " ").replace("\r", " ") if n > 5 else f"网点 {n}",
                kind="station" if n % 3 == 0 else "staffed",
                geom=f"SRID=4490;POINT({lon + n * 1.7e-6:.7f} {lat:.7f})",
                attributes={"sign": True, "rules": False, "keeper": "村委会"}
                if n % 3 == 0
                else {"tellers": n, "hours": "8:00–17:00"},
                synthetic=n == 3,
                source="试验",
            )
        )
    return rows


def stored() -> list[Any]:
    found = Outlet.objects.order_by("code")
    return [
        (o.institution_id, o.code, o.name, o.kind, o.geom.coords, o.attributes, o.synthetic, o.source, o.grid_code)
        for o in found
    ]


@pytest.mark.parametrize("datum", DATUMS)
@pytest.mark.parametrize("format", FORMATS)
def test_what_leaves_comes_back_the_same(planner: User, outlets: Any, tmp_path: Path, format: str, datum: str) -> None:
    before = stored()
    file = tmp_path / f"outlets.{FORMATS[format]}"
    file.write_bytes(
        download(
            planner, "outlets", format=format, output_datum=datum, language="en" if datum == "wgs84" else "zh-hans"
        )
    )
    Outlet.objects.all().delete()
    call_command("import_points", str(file), layer="outlets", institution="B", datum=datum, stdout=io.StringIO())
    assert stored() == before
    out = io.StringIO()
    call_command(
        "import_points",
        str(file),
        layer="outlets",
        institution="B",
        datum=datum,
        as_json=True,
        stdout=out,
        stderr=io.StringIO(),
    )
    assert json.loads(out.getvalue())["unchanged"] == 12


def test_codes_are_text_and_nothing_is_a_formula(planner: User, outlets: Any) -> None:
    book = openpyxl.load_workbook(io.BytesIO(download(planner, "outlets", format="xlsx")))
    [_head, *rows] = list(book.active.iter_rows())
    assert [row[0].value for row in rows][:2] == ["000", "001"]
    assert all(cell.data_type != "f" for row in rows for cell in row)
    assert {(row[0].data_type, row[0].number_format) for row in rows} == {("s", "@")}
    text = download(planner, "outlets", format="csv").decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert table[0][:4] == ["编码", "名称", "类型", "机构编码"]
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@", "-"))]


def test_a_shapefile_says_that_it_is_utf8_and_keeps_names_apart(planner: User, outlets: Any) -> None:
    archive = zipfile.ZipFile(io.BytesIO(download(planner, "outlets", format="shp")))
    assert archive.read("outlets.cpg") == b"UTF-8"
    Outlet.objects.filter(code="001").update(name="长" * 100)
    assert json.loads(download(planner, "outlets", format="shp", expect=400))["code"] == "text_too_long"


def test_the_filters_are_those_of_the_layer(planner: User, outlets: Any, bank: Institution) -> None:  # noqa: F811
    west = grid(outlets[0].area.plan if outlets[0].area else Outlet.objects.first().area.plan, "001")
    for query in (
        {"kind": "station"},
        {"grid": west.pk},
        {"bbox": "113,30,113.004,30.004"},
        {"near": "113.001,30.001", "radius": 400},
        {"q": "001"},
    ):
        shown = client(planner).get("/api/layers/outlets", query).json()
        exported = json.loads(download(planner, "outlets", format="geojson", **query))
        codes = {feature["properties"]["code"] for feature in exported["features"]}
        assert codes == {feature["properties"]["code"] for feature in shown["features"]} and 0 < len(codes) < 12


def test_another_bank_and_nobody_get_nothing(outlets: Any) -> None:
    assert json.loads(download(UserFactory(), "outlets", format="geojson"))["features"] == []
    assert Client().get("/api/layers/outlets/export").status_code == 401
    assert download(UserFactory(), "nothing", expect=404)
    assert download(UserFactory(), "outlets", expect=422, format="exe")
    for format in ("csv", "xlsx", "gpkg", "shp"):
        assert download(UserFactory(), "outlets", format=format)


def household(bank: Institution, n: int, **fields: Any) -> Customer:  # noqa: F811
    lon, lat = place(n)
    values = {"code": f"{n:03}", "name": "张三丰", "kind": "farm_household", "phone": "13812345678"} | fields
    return Customer.objects.create(institution=bank, geom=f"SRID=4490;POINT({lon} {lat})", **values)


def test_people_are_masked_and_the_export_is_logged(planner: User, bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    found = household(bank, 1)
    for format in FORMATS:
        content = download(planner, "customers", format=format)
        if format in ("csv", "geojson"):
            text = content.decode("utf-8-sig")
            assert "张**" in text and "张三丰" not in text and "13812345678" not in text and "138****5678" in text
        entry = Entry.objects.filter(kind=Entry.Kind.READ).latest("pk")
        assert (entry.user_id, entry.reason, entry.table_name) == (planner.pk, f"export {format}", "customer")
    file = tmp_path / "customers.csv"
    file.write_bytes(download(planner, "customers", format="csv"))
    with pytest.raises(Exception, match="隐去过"):
        call_command(
            "import_points", str(file), layer="customers", institution="B", datum="cgcs2000", stdout=io.StringIO()
        )
    found.refresh_from_db()
    assert found.name == "张三丰"
    regulator = UserFactory(role=User.Role.REGULATOR, institution=InstitutionFactory(kind="regulator"))
    assert json.loads(download(regulator, "customers", format="geojson"))["features"] == []


def in_full(user: User, reason: str = "逐户核实联系方式", **query: Any) -> HttpResponse:
    address = f"/api/layers/customers/export?{urlencode(query)}"
    return client(user).post(address, {"reason": reason}, content_type="application/json")


def test_people_leave_in_full_for_a_reason_by_those_who_answer_for_them(bank: Institution, tmp_path: Path) -> None:  # noqa: F811
    ids = [household(bank, n).pk for n in (1, 2)]
    household(InstitutionFactory(), 3)
    manager = UserFactory(institution=bank, role=User.Role.MANAGER)
    answer = in_full(manager, format="csv")
    text = b"".join(answer).decode("utf-8-sig")
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert text.count("张三丰") == text.count("13812345678") == 2 and "*" not in text
    entry = Entry.objects.latest("pk")
    assert (entry.kind, entry.user_id, entry.reason) == (Entry.Kind.UNMASK, manager.pk, "逐户核实联系方式")
    assert entry.keys == [str(pk) for pk in ids] and {"name", "phone"} <= set(entry.fields)
    file = tmp_path / "customers.csv"
    file.write_text(text)
    call_command("import_points", str(file), layer="customers", institution="B", datum="cgcs2000", stdout=io.StringIO())
    for role in (User.Role.PLANNER, User.Role.WORKER, User.Role.AUDITOR):
        assert in_full(UserFactory(institution=bank, role=role)).status_code == 403
    regulator = UserFactory(role=User.Role.REGULATOR, institution=InstitutionFactory(kind="regulator"))
    assert in_full(regulator).status_code == 403
    assert in_full(manager, reason="急").json()["code"] == "reason_missing"
    outlets = client(manager).post(
        "/api/layers/outlets/export", {"reason": "电话核实"}, content_type="application/json"
    )
    assert outlets.json()["code"] == "not_masked"
    assert Entry.objects.filter(kind=Entry.Kind.UNMASK).count() == 1


def test_how_many_people_leave_in_full_is_limited(bank: Institution, settings: Any) -> None:  # noqa: F811
    found = [household(bank, n) for n in (1, 2, 3)]
    manager = UserFactory(institution=bank, role=User.Role.MANAGER)
    settings.UNMASK_ROWS_AT_ONCE = 2
    assert in_full(manager).json()["code"] == "too_much_unmasked"
    assert in_full(manager, q="001").status_code == 200
    settings.UNMASK_ROWS_AT_ONCE, settings.UNMASK_ROWS_A_DAY = 10, 3
    answer = in_full(manager)
    assert (answer.status_code, answer.json()["details"]) == (429, {"rows": 3, "seen": 1})
    # One by one, they count as well.
    look = {"fields": ["name"], "reason": "电话核实"}
    answers = [
        client(manager).post(f"/api/customers/{each.pk}/unmask", look, content_type="application/json").status_code
        for each in found
    ]
    assert answers == [200, 200, 429]


def test_a_bank_sets_lower_limits_and_those_below_may_set_lower_ones_only(bank: Institution, settings: Any) -> None:  # noqa: F811
    settings.UNMASK_ROWS_AT_ONCE, settings.UNMASK_ROWS_A_DAY = 10, 20
    for n in (1, 2, 3):
        household(bank, n)
    branch = InstitutionFactory(parent=bank, kind="branch")
    manager = UserFactory(institution=bank, role=User.Role.MANAGER)
    pages = Client()
    pages.force_login(UserFactory(institution=bank, role=User.Role.ADMINISTRATOR))

    def save(at_once: int, a_day: int, query: str = "") -> str:
        form = {"do": "unmask", "unmask-rows_at_once": at_once, "unmask-rows_a_day": a_day}
        answer = pages.post(f"/people/settings/{query}", form)
        return "" if answer.status_code == 302 else answer.content.decode()

    assert "不能超过上级机构和服务器的上限 10。" in save(11, 20) and not UnmaskSettings.objects.exists()
    assert not save(2, 4)
    assert in_full(manager).json()["code"] == "too_much_unmasked"
    assert in_full(manager, q="001").status_code == 200
    below = f"?institution={branch.pk}"
    assert 'name="unmask-rows_at_once" value="2"' in pages.get(f"/people/settings/{below}").content.decode()
    assert "的上限 2。" in save(3, 4, below) and not save(1, 3, below)
    assert UnmaskSettings.limits(branch.path) == {"rows_at_once": 1, "rows_a_day": 3}
    # What is set above, and on the server, later holds at once for all below.
    assert not save(0, 2)
    assert UnmaskSettings.limits(branch.path) == {"rows_at_once": 0, "rows_a_day": 2}
    assert in_full(manager, q="001").json()["code"] == "too_much_unmasked"
    settings.UNMASK_ROWS_A_DAY = 1
    assert UnmaskSettings.limits(bank.path)["rows_a_day"] == 1
    pages.force_login(manager)
    assert pages.post("/people/settings/", {"do": "unmask"}).status_code == 403


@pytest.mark.domain("ZG12")
def test_services_for_the_population_platform(planner: User, bank: Institution) -> None:  # noqa: F811
    household(bank, 1, attributes={"profiled": True, "channels": ["手机银行", "微信银行"], "contacted": "2026-03-01"})
    household(bank, 2, attributes={})
    household(bank, 3, kind="merchant", name="老王小卖部")
    response = client(planner).get("/api/layers/customers/services")
    table = list(csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    home = Customer.objects.get(code="001").grid_code
    assert table == [
        ["户编号", "网格编码", "已建档", "办理的服务", "在微信群", "最近联系"],
        ["001", home, "是", "手机银行、微信银行", "否", "2026-03-01"],
        ["002", Customer.objects.get(code="002").grid_code, "否", "", "否", ""],
    ]
    response = client(planner).get("/api/layers/customers/services", {"by": "grid"})
    [_head, *rows] = csv.reader(io.StringIO(b"".join(response).decode("utf-8-sig")))
    assert sum(int(row[1]) for row in rows) == 2 and sum(int(row[2]) for row in rows) == 1
    entry = Entry.objects.filter(kind=Entry.Kind.READ).latest("pk")
    assert entry.reason == "services by grid" and entry.user_id == planner.pk

"""The import of points over HTTP: upload, columns, check, load; what is refused, and who sees what."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from layers.audit.models import Entry
from layers.exchange import jobs
from layers.exchange.models import ColumnMapping, PointImport
from layers.facilities.models import Outlet
from layers.imports import processes
from layers.orgs.models import Institution, User
from layers.staff.models import Post
from tests.exchange.test_import_points import HEADER, bank, place, row  # noqa: F401
from tests.factories import InstitutionFactory, UserFactory
from tests.imports.api import JobsApi
from tests.imports.conftest import at_once  # noqa: F401

pytestmark = pytest.mark.usefixtures("at_once")


class Api(JobsApi):
    base = "exchange"

    def upload(self, *rows: str, header: str = HEADER, expect: int = 201, **form: Any) -> dict[str, Any]:
        file = SimpleUploadedFile("网点.csv", "\n".join([header, *rows]).encode())
        return self.send({"file": file, "layer": "outlets", "datum": "cgcs2000"} | form, expect)

    def checked(self, *rows: str, **form: Any) -> dict[str, Any]:
        """An import, read as proposed, whose rows have been looked at."""
        job = self.upload(*rows, **form)
        reading = self.get(f"{job['id']}/columns")["reading"]
        self.post(f"{job['id']}/check", reading)
        return dict(self.get(f"{job['id']}"))


@pytest.fixture
def planner(bank: Institution) -> User:  # noqa: F811
    return UserFactory(institution=bank)


@pytest.fixture
def api(planner: User) -> Api:
    return Api(planner)


def test_upload_columns_check_load(api: Api, planner: User) -> None:
    job = api.upload(row(0), row(1, tellers="许多"), row(2, lon=114.5))
    assert api.get(f"{job['id']}")["status"] == "read"
    facts = api.get(f"{job['id']}/columns")
    assert facts["reading"]["columns"]["name"] == "网点名称" and facts["samples"][0][0] == "0000"
    assert facts["words"]["类型"] == [{"word": "营业网点", "count": 3, "kind": "staffed"}]
    api.post(f"{job['id']}/check", facts["reading"])
    job = api.get(f"{job['id']}")
    assert (job["status"], job["result"]["good"], job["result"]["rejected"], job["result"]["outside"]) == (
        "checked",
        2,
        1,
        1,
    )
    found = api.get(f"{job['id']}/found")
    assert [(r["line"], r["column"], r["value"]) for r in found["rejected"]] == [(3, "柜员", "许多")]
    assert [p["code"] for p in found["outside"]] == ["0002"] and found["outside"][0]["off_m"] > 0
    points = api.get(f"{job['id']}/points")
    assert [f["properties"]["outside"] for f in points["features"]] == [False, True] and len(points["grids"]) == 4
    assert job["result"]["faults"] == 1
    table = list(csv.reader(io.StringIO(api.get(f"{job['id']}/rejected.csv"))))
    assert table[1][:3] == ["3", "柜员", "许多"]

    api.post(f"{job['id']}/load", {})
    job = api.get(f"{job['id']}")
    assert (
        job["status"] == "checked" and "1 rows cannot be loaded" in job["message"]["en"] and not Outlet.objects.exists()
    )
    api.post(f"{job['id']}/load", {"skip_rejected": True})
    job = api.get(f"{job['id']}")
    assert (job["status"], job["result"]["new"], Outlet.objects.count()) == ("loaded", 2, 2)
    assert ColumnMapping.objects.get().columns["code"] == "网点编码"
    assert not PointImport.objects.get().folder.exists()
    written = Entry.objects.filter(table_name="outlet").latest("pk")
    assert written.user_id == planner.pk


def test_a_reading_that_does_not_fit_can_be_put_right(api: Api) -> None:
    job = api.upload(row(0))
    api.post(f"{job['id']}/check", {"columns": {"name": "网点名称"}})
    job = api.get(f"{job['id']}")
    assert job["status"] == "read" and "请指定哪一列是" in job["message"]["zh"]
    api.post(f"{job['id']}/check", {"columns": {"nonsense": "网点名称"}})
    assert "nonsense" in api.get(f"{job['id']}")["message"]["en"]
    api.post(f"{job['id']}/check", {"columns": {}, "datum": "beijing"}, expect=400)
    assert api.post(f"{job['id']}/load", {}, expect=409)["code"] == "not_now"


def test_what_is_refused_at_the_door(api: Api) -> None:
    assert api.upload(row(0), datum="", expect=400)["code"] == "nothing_uploaded"
    assert api.upload(row(0), datum="mars", expect=400)["code"] == "unknown_datum"
    api.upload(row(0), layer="nothing", expect=404)
    response = api.client.post("/api/exchange/", {"layer": "outlets", "datum": "wgs84"})
    assert response.status_code == 400 and not PointImport.objects.exists()
    job = api.upload(header="")
    failed = api.get(f"{job['id']}")
    assert failed["status"] == "failed" and failed["message"]["zh"].startswith("网点.csv：文件是空的")


def test_an_import_is_its_users_own(api: Api, bank: Institution) -> None:  # noqa: F811
    job = api.checked(row(0))
    for role in User.Role.values:
        other = Api(UserFactory(institution=bank, role=role))
        expected = 404 if role in ("planner", "administrator") else 403
        for path in ("", "/columns", "/found", "/points", "/rejected.csv"):
            other.get(f"{job['id']}{path}", expect=expected)
        for path in ("check", "load", "cancel"):
            other.post(f"{job['id']}/{path}", {"columns": {}}, expect=expected)
        if expected == 403:
            other.upload(row(0), expect=403)
    assert Client().get(f"/api/exchange/{job['id']}").status_code == 401
    abroad = InstitutionFactory()
    api.upload(row(0), institution=abroad.pk, expect=404)


def test_the_page_is_for_planners(bank: Institution) -> None:  # noqa: F811
    for role in User.Role.values:
        client = Client()
        client.force_login(UserFactory(institution=bank, role=role))
        status = client.get("/exchange/").status_code
        assert status == (200 if role in ("planner", "administrator") else 403)
    assert Client().get("/exchange/").status_code == 302


def test_a_file_neither_changes_nor_names_what_its_user_does_not_see(api: Api, bank: Institution) -> None:  # noqa: F811
    """A restricted post (HY10) is seen by its holder and by managers; a planner's file meets it by its code."""
    spot = Point(*place(0), srid=4490)
    for code in ("0000", "0009"):
        Post.objects.create(
            institution=bank, code=code, name="受限", kind="shop", geom=spot, restricted=True, source="网点.csv"
        )
    rows = [
        ",".join(cells)
        for cells in (["0000", "改名", "shop", *map(str, place(1))], ["0001", "新点", "shop", *map(str, place(2))])
    ]
    job = api.checked(*rows, header="code,name,kind,lon,lat", layer="posts")
    assert (job["result"]["good"], job["result"]["rejected"]) == (1, 1)
    [refused] = api.get(f"{job['id']}/found")["rejected"]
    assert refused["line"] == 2 and "您无权查看" in str(refused)
    api.post(f"{job['id']}/load", {"skip_rejected": True, "missing": "report"})
    assert api.get(f"{job['id']}")["result"]["missing"] == 0
    assert {post.code: post.name for post in Post.objects.all()} == {"0000": "受限", "0009": "受限", "0001": "新点"}
    boss = Api(UserFactory(institution=bank, role="administrator"))
    assert boss.checked(*rows, header="code,name,kind,lon,lat", layer="posts")["result"]["rejected"] == 0


def test_cancelling_removes_the_file(api: Api) -> None:
    job = api.checked(row(0))
    folder = PointImport.objects.get().folder
    assert folder.exists()
    assert api.post(f"{job['id']}/cancel")["status"] == "cancelled"
    assert not folder.exists()


def test_a_load_that_is_cancelled_meanwhile_loads_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    job = api.checked(row(0))
    put = jobs.pipeline.load

    def cancelled_at_the_end(*arguments: Any, **options: Any) -> Any:
        done = put(*arguments, **options)
        processes.cancel(PointImport.objects.get(pk=job["id"]))
        return done

    monkeypatch.setattr(jobs.pipeline, "load", cancelled_at_the_end)
    api.post(f"{job['id']}/load", {})
    # Cancelled in the same transaction here, so that is rolled back too.
    assert api.get(f"{job['id']}")["status"] != "loaded" and not Outlet.objects.exists()


def test_an_unexpected_fault_is_said(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs.pipeline, "look", lambda *_, **__: 1 / 0)
    job = api.checked(row(0))
    assert job["status"] == "failed" and "unexpected" in job["message"]["en"] and "ZeroDivisionError" in caplog.text

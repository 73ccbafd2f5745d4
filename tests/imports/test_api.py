"""The import over HTTP: upload, look, repair, load; what is refused, and who sees what."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from layers.grids.coverage import audit
from layers.grids.models import Plan
from layers.imports import jobs, processes
from layers.imports.models import Import
from layers.imports.uploads import MAX_UPLOAD_BYTES, LimitedUpload
from layers.orgs.models import Institution, User
from tests.factories import InstitutionFactory, UserFactory
from tests.imports.api import JobsApi
from tests.imports.files import AREA, collection, of_level, records, with_gap


class Api(JobsApi):
    base = "imports"

    def upload(self, *contents: Any, expect: int = 201, **form: Any) -> dict[str, Any]:
        files = [
            SimpleUploadedFile(f"{n}.geojson", c if isinstance(c, bytes) else json.dumps(c).encode())
            for n, c in enumerate(contents)
        ]
        return self.send({"files": files, "datum": "cgcs2000"} | form, expect)


@pytest.fixture
def api(planner: User, at_once: None) -> Api:
    return Api(planner)


@pytest.mark.domain("HY01")
def test_upload_look_repair_load(api: Api, planner: User) -> None:
    job = api.upload(collection(with_gap(records())))
    job = api.get(f"{job['id']}")
    assert job["status"] == "dirty"
    [finding] = job["result"]["findings"]
    assert finding["kind"] == "gap" and f"{AREA}004004" in finding["grids"]
    preview = api.get(f"{job['id']}/preview")
    assert len(preview["grids"]["features"]) == 4 + 16
    assert preview["defects"]["features"][0]["properties"]["number"] == 1
    api.post(f"{job['id']}/load", {"name": "试点"}, expect=409)

    api.post(f"{job['id']}/repair", {"gap_width_m": 5, "nest": "union"})
    job = api.get(f"{job['id']}")
    assert job["status"] == "exact"
    [*_, change] = job["result"]["repair"]["changes"]
    assert change["gained_m2"] > 200
    changed = [f for f in api.get(f"{job['id']}/preview")["grids"]["features"] if f["properties"]["changed"]]
    assert changed

    api.post(f"{job['id']}/load", {"name": "试点"})
    job = api.get(f"{job['id']}")
    plan = Plan.objects.get(pk=job["plan_id"])
    assert (job["status"], plan.name, plan.institution, plan.created_by) == (
        "loaded",
        "试点",
        planner.institution,
        planner,
    )
    assert audit(plan) == []
    assert not Import.objects.get().folder.exists()
    assert api.get(f"{job['id']}/preview", expect=409)["code"] == "not_now"


def test_exact_files_of_several_levels_need_no_repair(api: Api) -> None:
    given = records()
    job = api.upload(
        *(collection(of_level(given, level)) for level in (1, 2)), area_name="试验县", level_names="县，镇、村"
    )
    job = api.get(f"{job['id']}")
    assert job["status"] == "exact" and job["files"] == ["0.geojson", "1.geojson"]
    assert [level["name"] for level in job["result"]["levels"]] == ["县", "镇", "村"]
    assert api.post(f"{job['id']}/repair", expect=409)["code"] == "not_now"


def test_a_file_that_is_refused_says_why_and_leaves_nothing(api: Api) -> None:
    job = api.upload(b"AC1032 drawing")
    job = api.get(f"{job['id']}")
    assert job["status"] == "failed"
    assert "0.geojson" in job["message"]["zh"] and "GeoPackage" in job["message"]["en"]
    assert not Import.objects.get().folder.exists()
    assert not Plan.objects.exists()


def test_a_repair_that_fails_can_be_tried_otherwise(api: Api) -> None:
    given = records()
    given[-1] = type(given[-1])(**{**_fields(given[-1]), "geometry": given[-2].geometry})
    job = api.upload(collection(given))
    api.post(f"{job['id']}/repair", {"nest": "union"})
    job = api.get(f"{job['id']}")
    assert job["status"] == "dirty"
    assert f"{AREA}004004" in job["message"]["zh"]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def test_cancel_removes_the_files(api: Api) -> None:
    job = api.upload(collection(records()))
    folder = Import.objects.get().folder
    assert folder.exists()
    assert api.post(f"{job['id']}/cancel")["status"] == "cancelled"
    assert not folder.exists()
    assert api.post(f"{job['id']}/load", {"name": "x"}, expect=409)["code"] == "not_now"


def test_of_two_loads_at_once_one_is_made(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Import.objects.get(pk=api.upload(collection(records()))["id"])
    monkeypatch.setattr(processes, "spawn", lambda job: None)
    stale = Import.objects.get(pk=job.pk)
    processes.start(job, Import.Task.LOAD)
    with pytest.raises(processes.NotNow):
        processes.start(stale, Import.Task.LOAD)


def test_a_load_that_is_cancelled_leaves_no_plan(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    job = api.upload(collection(records()))

    def cancelled_at_the_end(*args: Any, **options: Any) -> Plan:
        plan = load(*args, **options)
        processes.cancel(Import.objects.get(pk=job["id"]))
        return plan

    load = jobs.load
    monkeypatch.setattr(jobs, "load", cancelled_at_the_end)
    api.post(f"{job['id']}/load", {"name": "试点"})
    assert not Plan.objects.exists()


# What is refused at the door


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"datum": ""}, 400, "nothing_uploaded"),
        ({"datum": "mars"}, 400, "unknown_datum"),
        ({"files": []}, 400, "nothing_uploaded"),
        ({"gap_width_m": "-1"}, 422, "invalid_request"),
        ({"gap_width_m": "nan"}, 422, "invalid_request"),
        ({"parents": "magic"}, 422, "invalid_request"),
        ({"area_code": "4" * 40}, 422, "invalid_request"),
        ({"institution": "999999"}, 404, "not_found"),
    ],
)
def test_forms_that_are_refused(api: Api, form: dict[str, Any], status: int, code: str) -> None:
    answer = api.upload(collection(records()), expect=status, **form)
    assert answer["code"] == code
    assert answer["message"]["zh"] and answer["message"]["en"]
    assert not Import.objects.exists()


def test_too_many_files(api: Api) -> None:
    assert api.upload(*[b"{}"] * 6, expect=400)["code"] == "too_many_files"


def test_a_file_that_is_too_large(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.imports.requests.MAX_FILE_BYTES", 100)
    assert api.upload(collection(records()), expect=413)["code"] == "too_large"


def test_an_upload_that_announces_too_much_is_not_read(api: Api, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["layers.imports.uploads.LimitedUpload", *settings.FILE_UPLOAD_HANDLERS]
    body = b'--x\r\nContent-Disposition: form-data; name="datum"\r\n\r\nwgs84\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x"
    response = api.client.generic("POST", "/api/imports/", body, kind, CONTENT_LENGTH=str(MAX_UPLOAD_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"
    assert LimitedUpload().handle_raw_input(None, {}, MAX_UPLOAD_BYTES, b"x") is None
    assert LimitedUpload().handle_raw_input(None, {}, MAX_UPLOAD_BYTES + 1, b"x") is not None


def test_one_import_at_a_time(api: Api, planner: User, bank: Institution) -> None:
    Import.objects.create(user=planner, institution=bank)
    assert api.upload(collection(records()), expect=409)["code"] == "busy"
    assert Import.objects.count() == 1


# Who sees what


def test_anonymous_and_other_roles_are_refused(api: Api, bank: Institution) -> None:
    job = api.upload(collection(records()))
    for role in (User.Role.WORKER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.REGULATOR):
        other = Api(UserFactory(institution=bank, role=role))
        assert other.upload(collection(records()), expect=403)["code"] == "not_allowed"
        assert other.get(f"{job['id']}", expect=403)["code"] == "not_allowed"
    assert Api(None).upload(collection(records()), expect=401)["code"] == "not_signed_in"


def test_another_bank_and_the_branch_beside_see_nothing(api: Api, bank: Institution) -> None:
    job = api.upload(collection(records()))
    own_branch, beside = InstitutionFactory(parent=bank), InstitutionFactory(parent=bank)
    for institution in (InstitutionFactory(), own_branch):
        other = Api(UserFactory(institution=institution))
        for path in (f"{job['id']}", f"{job['id']}/preview"):
            assert other.get(path, expect=404)["code"] == "not_found"
        for path, form in (("repair", {}), ("load", {"name": "x"}), ("cancel", {})):
            assert other.post(f"{job['id']}/{path}", form, expect=404)["code"] == "not_found"
    branch_planner = Api(UserFactory(institution=own_branch))
    assert branch_planner.upload(collection(records()), institution=beside.pk, expect=404)["code"] == "not_found"
    assert branch_planner.upload(collection(records()), institution=bank.pk, expect=404)["code"] == "not_found"
    assert Import.objects.count() == 1


def test_a_planner_imports_for_his_branch(api: Api, bank: Institution) -> None:
    branch = InstitutionFactory(parent=bank, name="城东支行")
    job = api.upload(collection(records()), institution=branch.pk)
    assert job["institution"] == {"id": branch.pk, "name": "城东支行"}


def test_the_page_is_for_planners(client: Client, planner: User, bank: Institution) -> None:
    assert client.get("/import/").headers["Location"].startswith("/login/")
    client.force_login(UserFactory(institution=bank, role=User.Role.WORKER))
    assert client.get("/import/").status_code == 403
    client.force_login(planner)
    page = client.get("/import/")
    assert page.status_code == 200
    assert "上传并检查" in page.content.decode()


# What becomes of imports that nobody finishes


def test_an_import_whose_process_died_is_failed(api: Api, planner: User, bank: Institution) -> None:
    dead = Import.objects.create(user=planner, institution=bank, process=2**22 - 1)
    dead.folder.mkdir(parents=True)
    job = api.get(f"{dead.pk}")
    assert job["status"] == "failed" and "broke off" in job["message"]["en"]
    assert not dead.folder.exists()


def test_imports_end_after_a_day(api: Api) -> None:
    old = Import.objects.get(pk=api.upload(collection(records()))["id"])
    Import.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=25))
    api.upload(collection(records()))
    old.refresh_from_db()
    assert old.status == "cancelled" and "24" in old.message_zh
    assert not old.folder.exists()


def test_what_goes_wrong_unexpectedly_is_said_without_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "check", lambda *_, **__: 1 / 0)
    job = api.get(f"{api.upload(collection(records()))['id']}")
    assert job["status"] == "failed" and "ZeroDivisionError" not in job["message"]["en"]


# The child process


def finished(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (job := api.get(f"{job['id']}"))["status"] == "working":
        assert time.monotonic() < deadline, "the import takes too long"
        time.sleep(0.2)
    return job


@pytest.fixture
def api_with_processes(transactional_db: None, child_database: dict[str, str]) -> Api:
    return Api(UserFactory(institution=InstitutionFactory()))


def test_the_child_process_does_the_work(api_with_processes: Api) -> None:
    api = api_with_processes
    job = finished(api, api.upload(collection(with_gap(records()))))
    assert job["status"] == "dirty"
    job = finished(api, api.post(f"{job['id']}/repair"))
    assert job["status"] == "exact"
    job = finished(api, api.post(f"{job['id']}/load", {"name": "试点"}))
    assert job["status"] == "loaded"
    assert audit(Plan.objects.get()) == []


def test_cancel_ends_the_child_process(api_with_processes: Api, tmp_path: Path) -> None:
    api = api_with_processes
    api.upload(collection(records()))
    job = Import.objects.get()
    deadline = time.monotonic() + 10
    while not processes.is_at_work(job) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes.is_at_work(job)
    assert api.post(f"{job.pk}/cancel")["status"] == "cancelled"
    time.sleep(0.2)
    assert not processes.is_at_work(job)
    assert not job.folder.exists()

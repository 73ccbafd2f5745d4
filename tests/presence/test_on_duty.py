"""On duty: where somebody was last is kept while she is, seen by those entitled, and every look is logged."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from layers.audit.models import Entry
from layers.presence.duty import forget_those_who_left
from layers.presence.models import CheckIn
from layers.staff.models import Absence
from tests.api.world import assert_fault, bearer
from tests.staff.town import Town, build, today


@pytest.fixture
def town(db: None) -> Town:
    return build()


@pytest.fixture
def worker(town: Town) -> Client:
    return bearer(town.users["worker"])


def check_in(client: Client, town: Town, code: str = "001", **more: object):
    lon, lat = town.grid(code).geom.point_on_surface.coords
    given = {"lon": lon, "lat": lat, "accuracy": 12, "datum": "cgcs2000"} | more
    return client.put("/api/on-duty", given, content_type="application/json")


def test_a_worker_checks_in_moves_on_and_leaves(town: Town, worker: Client) -> None:
    town.serve("a", "001")
    assert worker.get("/api/on-duty/mine").json() == {"possible": True, "on_duty": None, "sees_others": False}
    first = check_in(worker, town).json()
    [own] = worker.get("/api/on-duty").json()["features"]
    assert own["properties"]["grid"] == {"id": town.grid("001").pk, "name": town.grid("001").name, "own": True}
    second = check_in(worker, town, "002").json()
    assert second["since"] == first["since"] and second["at"] > first["at"]
    [own] = worker.get("/api/on-duty").json()["features"]
    assert own["properties"]["grid"]["id"] == town.grid("002").pk and not own["properties"]["grid"]["own"]
    assert worker.delete("/api/on-duty").status_code == 204
    assert not CheckIn.objects.exists() and worker.get("/api/on-duty/mine").json()["on_duty"] is None


def test_those_who_look_after_people_see_it_and_nobody_else_does(town: Town, worker: Client) -> None:
    check_in(worker, town)
    for name, user in town.users.items():
        found = bearer(user).get("/api/on-duty").json()["features"]
        assert len(found) == (name in {"boss", "admin", "chief", "worker"}), name
    looks = Entry.objects.filter(table_name="check_in", kind=Entry.Kind.READ)
    assert {look.username for look in looks} == {town.users[name].username for name in ("boss", "admin", "chief")}
    assert {tuple(look.keys) for look in looks} == {(str(town.people["a"].pk),)}


def test_the_log_of_writes_does_not_keep_where_she_was(town: Town, worker: Client) -> None:
    check_in(worker, town)
    lon = town.grid("001").geom.point_on_surface.x
    written = str(list(Entry.objects.filter(table_name="check_in").values("old", "new")))
    assert "md5" in written and str(lon)[:7] not in written


def test_who_forgets_to_leave_is_forgotten(town: Town, worker: Client, settings) -> None:
    settings.CHECK_IN_KEPT = dt.timedelta(hours=2)
    check_in(worker, town)
    long_ago = timezone.now() - dt.timedelta(hours=3)
    CheckIn.objects.update(since=long_ago, at=long_ago)
    assert bearer(town.users["boss"]).get("/api/on-duty").json()["features"] == []
    assert worker.get("/api/on-duty/mine").json()["on_duty"] is None
    assert forget_those_who_left() == 1 and not CheckIn.objects.exists()


def test_who_cannot_check_in_is_told_why(town: Town, worker: Client) -> None:
    assert_fault(check_in(bearer(town.users["boss"]), town), 409, "not_on_duty")
    Absence.objects.create(staff=town.people["a"], first_day=today(), last_day=today())
    assert_fault(check_in(worker, town), 409, "not_on_duty")
    Absence.objects.all().delete()
    assert check_in(worker, town, lon=200).status_code == 400
    assert not CheckIn.objects.exists()

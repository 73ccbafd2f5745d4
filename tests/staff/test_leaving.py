"""Somebody leaves: what becomes vacant is said before, and told to those concerned."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from layers.notices.models import Notice
from layers.people import arrange
from layers.people.lists import rows_of
from layers.staff.faults import NotAssignable
from layers.staff.models import Staff
from tests.factories import StaffFactory, UserFactory
from tests.staff.town import Town, today


@pytest.fixture
def chief(town: Town) -> Client:
    client = Client()
    client.force_login(town.users["chief"])
    return client


def form(staff: Staff, left_on: dt.date, **more: str) -> dict[str, str]:
    kept = {"institution": str(staff.institution_id), "number": staff.number, "name": staff.name, "kind": staff.kind}
    return kept | {"left_on": left_on.isoformat()} | more


def told(town: Town) -> set[str]:
    return {name for name, user in town.users.items() if Notice.objects.filter(user=user, kind="left").exists()}


@pytest.mark.domain("ZG07")
def test_what_becomes_vacant_is_said_before_somebody_leaves_and_told_afterwards(town: Town, chief: Client) -> None:
    a, day = town.people["a"], today(5)
    town.users["over"] = UserFactory(institution=town.head, role="worker")
    town.people["over"] = StaffFactory(institution=town.head, user=town.users["over"])
    town.serve("over", "", role="chief")
    town.serve("a", "001"), town.serve("a", "002"), town.serve("b", "001", kind="backup")
    address = f"/people/{a.pk}/edit/"
    answer = chief.post(address, form(a, day)).content.decode()
    assert f"下列 2 处自 {day} 起空缺: {town.grid('001').name} (网格员)、{town.grid('002').name} (网格员)" in answer
    assert f'name="accepted" value="{day}"' in answer
    a.refresh_from_db()
    assert a.left_on is None and a.assignments.filter(valid_to=None).count() == 2 and not told(town)
    # Another day than the one that was looked at is asked about again.
    assert "确认离岗" in chief.post(address, form(a, today(6), accepted=day.isoformat())).content.decode()
    assert chief.post(address, form(a, day, accepted=day.isoformat())).status_code == 302
    assert set(a.assignments.values_list("valid_to", flat=True)) == {day}
    # Not who did it, but who decides above, who arranges, who leads the grid above, and whoever leaves.
    assert told(town) == {"boss", "admin", "over", "worker"}
    notice = Notice.objects.filter(user=town.users["boss"]).get()
    names = [town.grid(code).name for code in ("001", "002")]
    assert all(name in notice.text for name in names) and str(day) in notice.text
    assert notice.link == f"/people/?list=vacant&at={day}"
    assert {row.grid.code[-3:] for row in rows_of("vacant", town.users["boss"], day) if row.grid} >= {"001", "002"}
    # Once it is done, saving again asks for nothing and tells nobody again.
    assert chief.post(address, form(a, day)).status_code == 302 and Notice.objects.filter(kind="left").count() == 4


def test_the_notice_of_one_vacancy_leads_to_where_it_is_filled(town: Town, chief: Client) -> None:
    a, day = town.people["a"], today()
    turn = town.serve("a", "001", role="chief")
    chief.post(f"/people/{a.pk}/edit/", form(a, day, accepted=day.isoformat()))
    assert Notice.objects.get(user=town.users["boss"]).link == f"/people/grids/{turn.grid_id}/"


def test_backups_and_those_in_charge_of_nothing_leave_without_a_question(town: Town, chief: Client) -> None:
    b = town.people["b"]
    town.serve("b", "001", kind="backup")
    assert chief.post(f"/people/{b.pk}/edit/", form(b, today())).status_code == 302
    assert b.assignments.get().valid_to == today() and not told(town)


def test_who_was_in_charge_stays_when_a_leaving_is_entered_late(town: Town, chief: Client) -> None:
    a = town.people["a"]
    town.serve("a", "001")
    day = today(-40).isoformat()
    chief.post(f"/people/{a.pk}/edit/", form(a, today(-40), accepted=day))
    assert a.assignments.get().valid_to == today()


def test_who_has_left_meanwhile_is_not_approved_any_more(town: Town, chief: Client) -> None:
    b = town.people["b"]
    proposed = arrange.assign(town.users["chief"], b, town.grid("003"), today(3))
    later = arrange.assign(town.users["chief"], b, town.grid("004"), today(1))
    assert proposed.status == "proposed"
    chief.post(f"/people/{b.pk}/edit/", form(b, today(2)))
    with pytest.raises(NotAssignable, match="离岗"):
        arrange.approve(town.users["boss"], proposed)
    assert arrange.approve(town.users["boss"], later).valid_to == today(2)

"""People over HTTP: who sees and does what, and in which words it is refused."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from openpyxl import load_workbook

from layers.audit.models import Entry
from layers.people.forms import AssignForm
from layers.people.lists import LISTS
from layers.staff.models import Assignment, Post
from tests.api.world import assert_fault, bearer
from tests.factories import AssignmentFactory, StaffFactory
from tests.staff.town import Town, today


@pytest.fixture
def boss(town: Town) -> Client:
    return bearer(town.users["boss"])


def post_json(client: Client, path: str, **body: object):
    return client.post(f"/api/{path}", body, content_type="application/json")


def test_assign_hand_over_and_ask_who_was_in_charge(town: Town, boss: Client) -> None:
    grid = town.grid("001").pk
    made = post_json(boss, f"grids/{grid}/assignments", staff=town.people["a"].pk)
    assert made.status_code == 201 and made.json()["status"] == "approved"
    Assignment.objects.update(valid_from=today(-100))
    over = post_json(boss, f"assignments/{made.json()['id']}/hand-over", staff=town.people["b"].pk, day=str(today(2)))
    assert over.status_code == 201 and over.json()["replaces"] == made.json()["id"]
    for day, name in ((today(-50), "员工a"), (today(2), "员工b")):
        body = boss.get(f"/api/grids/{grid}/people?at={day}").json()
        assert [one["staff"]["name"] for one in body["in_charge"]] == [name]
    assert [one["staff"]["name"] for one in body["history"]] == ["员工b", "员工a"]
    ended = post_json(boss, f"assignments/{over.json()['id']}/end", day=str(today(9)))
    assert ended.json()["valid_to"] == str(today(9))


def test_the_branch_proposes_and_the_head_office_decides(town: Town, boss: Client) -> None:
    chief = bearer(town.users["chief"])
    made = post_json(chief, f"grids/{town.grid('001').pk}/assignments", staff=town.people["a"].pk).json()
    assert made["status"] == "proposed"
    assert [one["can_decide"] for one in chief.get("/api/people/proposals").json()] == [False]
    assert [one["can_decide"] for one in boss.get("/api/people/proposals").json()] == [True]
    assert_fault(post_json(chief, f"assignments/{made['id']}/approve"), 403, "not_allowed")
    assert post_json(boss, f"assignments/{made['id']}/approve").json()["status"] == "approved"
    assert_fault(post_json(boss, f"assignments/{made['id']}/refuse"), 409, "wrong_step")


def test_refusals_have_a_status_and_both_languages(town: Town, boss: Client) -> None:
    town.serve("a", "001")
    grid = town.grid("001").pk
    answer = post_json(boss, f"grids/{grid}/assignments", staff=town.people["b"].pk)
    assert_fault(answer, 409, "already_in_charge")
    for body in ({"staff": town.people["b"].pk, "role": "king"}, {"staff": town.people["b"].pk, "day": "2020-01-01"}):
        assert post_json(boss, f"grids/{grid}/assignments", **body).status_code == 400
    assert post_json(boss, f"grids/{grid}/assignments", staff=town.people["b"].pk, note="\0").status_code == 422
    assert boss.get("/api/people?q=%00").status_code == 400
    assert boss.get("/api/people?kind=%00").status_code == 400
    assert boss.get("/api/people/lists/nothing").status_code == 404
    assert boss.get(f"/api/people/{10**30}").status_code == 404


def test_a_branch_sees_its_people_a_worker_those_of_her_grids_others_none(town: Town) -> None:
    StaffFactory(institution=town.head, name="总行员工")
    town.serve("a", "001")
    town.serve("b", "001", kind="backup")
    sees = {
        name: {one["name"] for one in bearer(user).get("/api/people").json()["people"]}
        for name, user in town.users.items()
    }
    everybody = {"总行员工", "员工a", "员工b", "员工c"}
    assert sees == {
        "boss": everybody,
        "admin": everybody,
        "auditor": everybody,
        "chief": everybody - {"总行员工"},
        "worker": {"员工a", "员工b"},
        "stranger": set(),
        "regulator": set(),
    }


@pytest.mark.parametrize("who", ["stranger", "regulator"])
def test_outsiders_are_told_nothing(town: Town, who: str) -> None:
    one = town.serve("a", "001")
    post = Post.objects.create(
        institution=town.branch, kind="shop", code="1", name="点", geom=town.grid("001").geom.point_on_surface
    )
    client, staff, grid = bearer(town.users[who]), town.people["a"].pk, town.grid("001").pk
    for path in (f"people/{staff}", f"people/{staff}/over", f"people/{staff}/under", f"grids/{grid}/people"):
        assert_fault(client.get(f"/api/{path}"), 404, "not_found")
    assert client.get("/api/layers/posts").json()["features"] == []
    for key in LISTS:
        assert client.get(f"/api/people/lists/{key}").json()["features"] == []
        assert "员工" not in client.get(f"/api/people/lists/{key}?format=csv").getvalue().decode()
    assert "员工a" not in client.get("/api/people?format=csv").getvalue().decode()
    for path, body in (
        (f"grids/{grid}/assignments", {"staff": staff}),
        (f"posts/{post.pk}/assignments", {"staff": staff}),
        (f"assignments/{one.pk}/hand-over", {"staff": staff, "day": str(today(1))}),
        (f"assignments/{one.pk}/end", {"day": str(today(1))}),
        (f"assignments/{one.pk}/approve", {}),
    ):
        assert post_json(client, path, **body).status_code == 404


def test_every_measure_that_is_listed_has_values_and_says_how_it_is_counted(town: Town, boss: Client) -> None:
    town.serve("a", "001")
    for one in boss.get("/api/measures").json():
        assert one["about"], one["id"]
        answer = boss.get(f"/api/measures/{one['id']}")
        assert answer.status_code == 200 and answer.json()["notes"], (one["id"], answer.content)
        drawn = boss.get(f"/api/measures/{one['id']}/map?format=png") if not one["is_mapped"] else None
        assert drawn is None or (drawn.status_code, drawn.json()["code"]) == (400, "not_of_grids")
    grids = {row["name"]: row["value"] for row in boss.get("/api/measures/grids_per_person").json()["rows"]}
    assert grids == {"员工a": 1, "员工b": 0, "员工c": 0}
    table = b"".join(boss.get("/api/measures/grids_per_person?format=csv").streaming_content).decode("utf-8-sig")
    assert "员工a" in table and "负责的网格 (个)" in table
    chief = bearer(town.users["chief"]).get("/api/measures/marketing_share").json()["rows"]
    assert [row["name"] for row in chief] == ["支行"]
    for who in ("stranger", "regulator"):
        answer = bearer(town.users[who]).get("/api/measures/grids_per_person")
        assert answer.status_code == 403 if who == "regulator" else answer.json()["rows"] == []


def test_a_worker_may_look_but_not_arrange(town: Town) -> None:
    one = town.serve("a", "001")
    worker = bearer(town.users["worker"])
    assert worker.get(f"/api/people/{town.people['a'].pk}").json()["can_arrange"] is False
    assert worker.get(f"/api/people/{town.people['b'].pk}").status_code == 404
    assert_fault(post_json(worker, f"assignments/{one.pk}/end", day=str(today(1))), 403, "not_allowed")


@pytest.mark.domain("JG01")
def test_the_trees_as_json(town: Town, boss: Client) -> None:
    lead = StaffFactory(institution=town.branch, name="支行长", kind="grid_manager")
    town.serve("a", "001")
    AssignmentFactory(staff=lead, grid=town.grid(""), role="manager")
    over = boss.get(f"/api/people/{town.people['a'].pk}/over").json()
    assert [one["name"] for one in over["administrative"][0]] == ["员工a", "支行长"]
    assert [one["name"] for one in over["service"]] == ["支行长"]
    under = boss.get(f"/api/people/{lead.pk}/under").json()
    assert [one["name"] for one in under["service"]["below"]] == ["员工a", "员工b", "员工c"]
    assert [one["name"] for one in under["administrative"][0]["below"]] == ["员工a"]


def test_lists_leave_as_text_that_no_spreadsheet_runs(town: Town, boss: Client) -> None:
    town.people["b"].name = '=HYPERLINK("x")'
    town.people["b"].save()
    text = boss.get("/api/people/lists/idle?format=csv").getvalue().decode()
    assert "'=HYPERLINK" in text and '"=HYPERLINK' not in text
    book = load_workbook(io.BytesIO(boss.get("/api/people?format=xlsx").getvalue()))
    cells = {cell.value: cell.data_type for row in book.active.iter_rows() for cell in row}
    assert cells['=HYPERLINK("x")'] == "s" and town.people["a"].number in cells
    assert Entry.objects.filter(kind="read", table_name="staff", reason="export").exists()


def test_a_list_asks_the_database_a_few_times_however_long_it_is(
    town: Town, boss: Client, django_assert_max_num_queries
) -> None:
    for i in range(30):
        person = StaffFactory(institution=town.branch)
        AssignmentFactory(staff=person, grid=town.grid("00" + str(i % 4 + 1)), kind="backup")
    with django_assert_max_num_queries(8):
        assert boss.get("/api/people").json()["count"] == 33
    with django_assert_max_num_queries(8):
        boss.get("/api/people/lists/idle")


def test_the_panel_of_a_grid_says_who_is_away_and_what_is_vacant(town: Town, boss: Client) -> None:
    from layers.staff.models import Absence

    town.serve("a", "001")
    town.serve("b", "002", kind="backup")
    town.serve("c", "001", role="residence", kind="member")
    Absence.objects.create(staff=town.people["a"], first_day=today(), last_day=today())
    body = boss.get(f"/api/grids/{town.grid('001').pk}").json()
    assert [(one["name"], one["away"], one["role_label"]) for one in body["responsible"]] == [("员工a", True, "网格员")]
    assert body["vacant"] is False and body["can_arrange"] is True
    assert boss.get(f"/api/grids/{town.grid('002').pk}").json()["vacant"] is True


def test_a_colleague_from_another_branch_is_seen_without_her_telephone_and_place(town: Town) -> None:
    other = StaffFactory(institution=town.head, name="总行员工", work_phone="0728-0123456", subsidy=500)
    other.geom = town.grid("001").geom.point_on_surface
    other.save()
    other.items.create(kind="card", number="K-77", issued_on="2026-01-01")
    town.serve("a", "001")
    AssignmentFactory(staff=other, grid=town.grid("001"), kind="backup")
    worker = bearer(town.users["worker"])
    seen = worker.get(f"/api/people/{other.pk}").json()
    assert (
        seen["work_phone"].endswith("456") and "*" in seen["work_phone"] and seen["at"] is None and seen["items"] == []
    )
    assert "0728-0123456" not in worker.get("/api/people?format=csv").getvalue().decode()
    shown = Client()
    shown.force_login(town.users["worker"])
    text = shown.get(f"/people/{other.pk}/").content.decode()
    assert "总行员工" in text and "K-77" not in text and "500 元" not in text and "0728-0123456" not in text
    boss = bearer(town.users["boss"]).get(f"/api/people/{other.pk}").json()
    assert boss["work_phone"] == "0728-0123456" and boss["at"] and boss["items"]
    own = worker.get(f"/api/people/{town.people['a'].pk}").json()
    assert own["work_phone"] == town.people["a"].work_phone


def test_people_to_choose_are_those_whom_the_user_arranges(town: Town, boss: Client) -> None:
    town.serve("a", "001")
    lead = StaffFactory(institution=town.head, name="总行长", kind="grid_manager")

    def offered(who: str, **query: object) -> list[str]:
        return [
            one["written"].split(" ")[0] for one in bearer(town.users[who]).get("/api/people/choices", query).json()
        ]

    # Those without anything to do come first; a supervisor may be of the head office.
    assert offered("boss", q="员工") == ["员工b", "员工c", "员工a"]
    assert offered("chief") == ["员工b", "员工c", "员工a"] and offered("chief", leads=True) == ["总行长"]
    assert offered("boss", q=lead.number) == ["总行长"] and offered("stranger") == []
    for who in ("worker", "auditor", "regulator"):
        assert bearer(town.users[who]).get("/api/people/choices").status_code == 403
    form = AssignForm(town.users["chief"], {})
    field = form.fields["staff"]
    a = town.people["a"]
    assert field.clean(a.number) == field.clean(a.name) == field.clean(f"{a.name} ({a.number})") == a
    for text in ("总行长", lead.number, "员工", "x (", f"员工b ({a.number})"):
        with pytest.raises(ValidationError):
            field.clean(text)

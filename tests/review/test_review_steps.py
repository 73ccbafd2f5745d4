"""A plan's way into force through the API: copied, edited, submitted, returned, approved, published; and what is refused."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from layers.grids.coverage import audit
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.notices.models import Notice
from layers.orgs.models import ApiToken, Institution, User
from layers.review import workflow
from layers.review.models import Decision
from layers.rules.models import Rule
from layers.staff.models import Assignment
from tests.api.world import assert_fault
from tests.factories import (
    CORNER,
    SIDE,
    AssignmentFactory,
    InstitutionFactory,
    OutletFactory,
    StaffFactory,
    UserFactory,
    grid,
    published,
    square_plan,
)

S = SIDE // 4
JSON = "application/json"


def bearer(user: User) -> Client:
    """A client of the user; always with the same token, so that several can be at work at once."""
    if not hasattr(user, "token_of_tests"):
        user.token_of_tests = ApiToken.issue(user, "tests")
    return Client(headers={"authorization": f"Bearer {user.token_of_tests}"})


def at(*points: tuple[float, float]) -> list[list[float]]:
    """Points in sides of a leaf from the corner, in degrees."""
    return [[(CORNER[0] + round(x * S)) / 1e7, (CORNER[1] + round(y * S)) / 1e7] for x, y in points]


@dataclass
class Office:
    """A branch with a plan in force, its planner, and a reviewer in the head office."""

    head: Institution
    branch: Institution
    plan: Plan
    planner: User
    reviewer: User

    def post(self, plan: int, step: str, *, who: User | None = None, **body: Any) -> Any:
        return bearer(who or self.planner).post(f"/api/plans/{plan}/{step}", body, content_type=JSON)

    def ok(self, plan: int, step: str, *, who: User | None = None, **body: Any) -> Any:
        answer = self.post(plan, step, who=who, **body)
        assert answer.status_code in (200, 201), answer.json()
        return answer.json()

    def draft(self, name: str = "调整") -> Plan:
        """A draft of the planner's, open to whoever sees the institution's plans."""
        made = self.ok(self.plan.pk, "copy", name=name)["id"]
        Plan.objects.filter(pk=made).update(private=False)
        return Plan.objects.get(pk=made)

    def edit(self, plan: Plan, op: str, **args: Any) -> None:
        plan.refresh_from_db()
        self.ok(plan.pk, "edits", op=op, args=args, base_revision=plan.revision)

    def split(self, plan: Plan, code: str, *line: tuple[float, float]) -> None:
        self.edit(plan, "split", grid=grid(plan, code).pk, lines=[at(*line)])

    def approved(self, plan: Plan) -> Plan:
        self.ok(plan.pk, "submit", note="请审定")
        self.ok(plan.pk, "approve", who=self.reviewer, note="同意")
        return plan

    def publish(self, plan: Plan, day: dt.date | None = None) -> Any:
        return self.ok(plan.pk, "publish", valid_from=(day or timezone.localdate()).isoformat())


def make_office() -> Office:
    head = InstitutionFactory()
    branch = InstitutionFactory(parent=head, kind=Institution.Kind.BRANCH)
    plan = published(square_plan(2, levels=3, institution=branch))
    return Office(
        head,
        branch,
        plan,
        UserFactory(institution=branch),
        UserFactory(institution=head, role=User.Role.MANAGER),
    )


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


def shapes(plan: Plan) -> dict[str, Any]:
    return {
        code: rest
        for code, *rest in Grid.objects.filter(plan=plan).values_list(
            "code", "parent__code", "level", "name", "kind", "border_sum"
        )
    }


def test_a_copy_has_the_same_grids_under_the_same_codes(office: Office) -> None:
    GridCount.objects.create(grid=grid(office.plan, "001001"), measure="households", value=7, as_of="2026-06-30")
    draft = office.draft()
    assert shapes(draft) == shapes(office.plan) and draft.base == office.plan and not audit(draft)
    assert GridCount.objects.filter(grid__plan=draft).get().value == 7
    again = Plan.objects.get(pk=office.ok(draft.pk, "copy", name="再复制")["id"])
    assert again.base == office.plan and shapes(again) == shapes(office.plan)


def test_an_empty_draft_has_only_the_service_area(office: Office) -> None:
    answer = bearer(office.planner).post("/api/plans", {"name": "白纸", "root": office.plan.pk}, content_type=JSON)
    assert answer.status_code == 201 and answer.json()["grid_count"] == 1 and answer.json()["base"] is None
    for name in ("", "  ", "a\0"):
        bad = bearer(office.planner).post("/api/plans", {"name": name, "root": office.plan.pk}, content_type=JSON)
        assert_fault(bad, 422, "invalid_request")


@pytest.mark.domain("HY05")
def test_three_steps_proposed_reviewed_in_force(office: Office) -> None:
    """街道提出 → 监管中心审定 → 生效, with one return on the way, and both plans kept."""
    draft = office.draft()
    office.split(draft, "001001", (0.5, -0.1), (0.5, 1.1))
    assert office.ok(draft.pk, "submit", note="拆分 001")["status"] == "submitted"
    assert "拆分" in bearer(office.reviewer).get("/api/notices").json()["notices"][0]["text"]
    assert_fault(office.post(draft.pk, "edits", op="rename", args={}, base_revision=2), 400, "bad_arguments")
    assert_fault(office.post(draft.pk, "approve"), 403, "not_allowed")
    office.ok(draft.pk, "comments", who=office.reviewer, text="太小", lon=113.001, lat=30.001)
    assert office.ok(draft.pk, "return", who=office.reviewer, note="请调整")["status"] == "draft"
    assert bearer(office.planner).get("/api/notices").json()["unread"] == 1
    office.edit(draft, "rename", grid=grid(draft, "001005").pk, name="新格")
    office.approved(draft)
    day = timezone.localdate() + dt.timedelta(days=10)
    answer = office.publish(draft, day)
    assert answer["status"] == "published" and answer["valid_from"] == day.isoformat()
    office.plan.refresh_from_db()
    assert (office.plan.status, office.plan.valid_to) == ("retired", day)
    client = bearer(office.planner)
    x, y = grid(draft, "001005").geom.point_on_surface.coords
    names = [
        client.get("/api/locate", {"lon": x, "lat": y} | when).json()["chain"][-1]["name"]
        for when in ({}, {"at": day.isoformat()})
    ]
    assert names == ["村 001001", "新格"]
    kinds = [one["kind"] for one in client.get(f"/api/plans/{draft.pk}/decisions").json()]
    assert kinds == ["published", "approved", "submitted", "returned", "submitted", "copied"]


def test_who_may_decide(office: Office) -> None:
    draft = office.draft()
    peer = UserFactory(institution=office.branch, role=User.Role.MANAGER)
    worker = UserFactory(institution=office.head, role=User.Role.WORKER)
    assert_fault(office.post(draft.pk, "approve", who=office.reviewer), 409, "wrong_step")
    office.ok(draft.pk, "submit")
    for user in (peer, worker, office.planner):
        assert_fault(office.post(draft.pk, "approve", who=user), 403, "not_allowed")
        assert_fault(office.post(draft.pk, "return", who=user), 403, "not_allowed")
    assert_fault(office.post(draft.pk, "approve", who=UserFactory()), 404, "not_found")
    office.ok(draft.pk, "approve", who=office.reviewer)


def test_nobody_approves_her_own_submission(db: None) -> None:
    head = InstitutionFactory()
    boss, other = (UserFactory(institution=head, role=User.Role.ADMINISTRATOR) for _ in range(2))
    plan = square_plan(2, institution=head)
    office = Office(head, head, plan, boss, other)
    office.ok(plan.pk, "submit")
    assert_fault(office.post(plan.pk, "approve"), 403, "not_allowed")
    assert bearer(boss).get(f"/api/plans/{plan.pk}").json()["can_review"] is False
    assert bearer(other).get(f"/api/plans/{plan.pk}").json()["can_review"] is True
    office.ok(plan.pk, "approve", who=other)


def test_a_blocking_rule_keeps_a_draft_from_submission(office: Office) -> None:
    draft = office.draft()
    Rule.objects.create(
        institution=office.branch, name="最小面积", measure="area_km2", low=9, severity="block", level=0
    )
    body = assert_fault(office.post(draft.pk, "submit"), 409, "rules_broken")
    assert body["where"]["features"] and body["details"]["broken"]


@pytest.mark.domain("LA02")
def test_people_follow_their_grids_and_a_young_assignment_warns(office: Office) -> None:
    today = timezone.localdate()
    head_of = {}
    for code, begun in (("001001", today - dt.timedelta(days=30)), ("001002", dt.date(2020, 1, 1)), ("004004", today)):
        person = StaffFactory(institution=office.branch, user=UserFactory(institution=office.branch, role="worker"))
        head_of[code] = AssignmentFactory(staff=person, grid=grid(office.plan, code), valid_from=begun)
    draft = office.draft()
    office.edit(draft, "merge", grids=[grid(draft, "001001").pk, grid(draft, "001002").pk])
    compared = bearer(office.reviewer).get(f"/api/plans/{office.plan.pk}/compare/{draft.pk}").json()
    assert [one["rule"] for one in compared["warnings"]] == ["LA02"]
    assert compared["warnings"][0]["name"] == head_of["001001"].staff.name
    assert {person["name"] for person in compared["people"]} == {
        head_of[code].staff.name for code in ("001001", "001002")
    }
    office.approved(draft)
    people = office.publish(draft)["people"]
    assert {row["old"]["code"][6:] for row in people["moved"]} == {"001001", "004004"}
    assert [row["old"]["code"][6:] for row in people["vacated"]] == ["001002"]
    assert set(Assignment.objects.on(today).values_list("grid__plan", "grid__code")) == {
        (draft.pk, "429005001001"),
        (draft.pk, "429005004004"),
    }
    told = dict(Notice.objects.exclude(kind="plan_published").values_list("user", "kind"))
    assert told[head_of["001002"].staff.user_id] == "plan_vacated"
    assert told[head_of["001001"].staff.user_id] == "plan_moved"
    assert head_of["004004"].staff.user_id not in told


def test_a_recoded_grid_takes_its_person_along_by_land(office: Office) -> None:
    AssignmentFactory(staff=StaffFactory(institution=office.branch), grid=grid(office.plan, "002001"))
    draft = office.draft()
    office.edit(draft, "recode", grid=grid(draft, "002001").pk, code="429005002009")
    people = office.publish(office.approved(draft))["people"]
    assert people["moved"][0]["new"]["code"] == "429005002009" and not people["ambiguous"]


def test_households_are_counted_anew_where_borders_moved(office: Office) -> None:
    GridCount.objects.bulk_create(
        GridCount(grid=leaf, measure="households", value=100, as_of="2026-06-30")
        for leaf in office.plan.grids.filter(level=2)
    )
    draft = office.draft()
    office.split(draft, "001001", (0.5, -0.1), (0.5, 1.1))
    office.publish(office.approved(draft))
    counts = dict(GridCount.objects.filter(grid__plan=draft).values_list("grid__code", "value"))
    assert counts["429005001001"] == counts["429005001005"] == 50 and counts["429005001002"] == 100


@pytest.mark.parametrize("days", [-1])
def test_no_plan_begins_in_the_past(office: Office, days: int) -> None:
    draft = office.approved(office.draft())
    day = timezone.localdate() + dt.timedelta(days=days)
    assert_fault(office.post(draft.pk, "publish", valid_from=day.isoformat()), 400, "bad_date")


def test_a_plan_does_not_begin_before_the_one_that_it_follows(office: Office) -> None:
    first, second = office.approved(office.draft()), office.approved(office.draft())
    later = timezone.localdate() + dt.timedelta(days=30)
    office.publish(first, later)
    assert_fault(office.post(second.pk, "publish", valid_from=timezone.localdate().isoformat()), 400, "bad_date")
    office.publish(second, later + dt.timedelta(days=1))
    first.refresh_from_db()
    assert first.status == "retired"


def test_two_drafts_of_different_grids_are_both_published(office: Office) -> None:
    one, other = office.draft("一"), office.draft("二")
    office.split(one, "001001", (0.5, -0.1), (0.5, 1.1))
    office.split(other, "001002", (0.9, 0.4), (2.1, 0.4))
    office.publish(office.approved(one))
    office.publish(office.approved(other))
    other.refresh_from_db()
    assert other.base == one and not audit(other)
    leaves = {code[6:] for code in shapes(other)}
    assert {"001001", "001002", "001005", "001006"} <= leaves


def test_drafts_that_clash_are_resolved_by_hand(office: Office) -> None:
    one, other = office.draft("一"), office.draft("二")
    office.split(one, "001001", (0.5, -0.1), (0.5, 1.1))
    office.split(other, "001001", (-0.1, 0.5), (1.1, 0.5))
    office.publish(office.approved(one))
    body = assert_fault(office.post(other.pk, "rebase"), 409, "plans_clash")
    assert body["details"]["clashes"][0]["both"] == ["429005001001"]
    assert {feature["properties"]["side"] for feature in body["where"]["features"]} == {"mine", "theirs"}
    office.approved(other)
    assert_fault(office.post(other.pk, "publish", valid_from=timezone.localdate().isoformat()), 409, "plans_clash")
    one.refresh_from_db()
    assert one.status == "published"
    office.ok(other.pk, "return", who=office.reviewer)
    office.ok(other.pk, "rebase", resolve={"429005001001": "mine"})
    assert not audit(other)
    office.publish(office.approved(other))


def test_comments_are_pinned_and_resolved(office: Office) -> None:
    draft = office.draft()
    made = office.ok(draft.pk, "comments", text="<b>这里</b>", lon=113.001, lat=30.001)
    assert made["place"] == [113.001, 30.001] and made["text"] == "<b>这里</b>"
    office.ok(draft.pk, f"comments/{made['id']}/resolve", who=office.reviewer)
    assert bearer(office.planner).get(f"/api/plans/{draft.pk}/comments").json()[0]["resolved_by"]
    assert_fault(office.post(draft.pk, "comments", text="x", lon=113), 400, "bad_arguments")
    assert_fault(office.post(draft.pk, "comments", text=" "), 422, "invalid_request")
    worker = UserFactory(institution=office.branch, role=User.Role.WORKER)
    assert_fault(office.post(draft.pk, "comments", who=worker, text="x"), 403, "not_allowed")


def test_a_shared_link_shows_grids_but_no_people_until_it_is_revoked(office: Office) -> None:
    draft = office.draft()
    AssignmentFactory(staff=StaffFactory(name="王某"), grid=grid(draft, "001001"))
    made = office.ok(draft.pk, "share")
    path = made["url"].removeprefix("http://testserver")
    answer = Client().get(path)
    text = answer.content.decode()
    assert answer.status_code == 200 and "429005001001" in text and "王某" not in text and "0728" not in text
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    client = bearer(office.planner)
    assert client.get(f"/api/plans/{draft.pk}/share").json()[0]["id"] == made["id"]
    assert client.delete(f"/api/plans/{draft.pk}/share/{made['id']}").status_code == 204
    assert Client().get(path).status_code == 404 and Client().get("/shared/x/").status_code == 404


def test_compare_shows_land_facilities_and_facts(office: Office) -> None:
    OutletFactory(institution=office.branch, name="东所", geom=Point(*at((1.5, 0.5))[0], srid=SRID))
    OutletFactory(institution=office.branch, name="旧所", geom=Point(*at((1.5, 0.5))[0], srid=SRID), is_active=False)
    draft = office.draft()
    office.edit(draft, "transfer", ring=at((1, 0), (1.8, 0), (1.8, 1), (1, 1), (1, 0)), to=grid(draft, "001001").pk)
    office.edit(draft, "rename", grid=grid(draft, "004004").pk, name="改了名")
    body = bearer(office.reviewer).get(f"/api/plans/{office.plan.pk}/compare/{draft.pk}").json()
    assert {row["code"][6:]: row["change"] for row in body["grids"]} == {
        "001001": "changed",
        "001002": "changed",
        "004004": "renamed",
    }
    land = [feature["properties"] for feature in body["land"]["features"]]
    assert [(one["from"]["code"][6:], one["to"]["code"][6:]) for one in land] == [("001002", "001001")]
    changed = next(row for row in body["grids"] if row["code"].endswith("001001"))
    assert changed["after"]["area_m2"] - changed["before"]["area_m2"] == pytest.approx(land[0]["area_m2"], rel=1e-3)
    assert [point["name"] for point in body["points"]] == ["东所"]
    assert body["summary"]["changed"] == 2 and body["summary"]["renamed"] == 1


def test_decisions_cannot_be_rewritten(office: Office) -> None:
    office.draft()
    for statement in ("UPDATE decision SET note = 'x'", "DELETE FROM decision"):
        with (
            pytest.raises((InternalError, OperationalError), match="only grows"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert Decision.objects.count() == 1


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What came of calls made at the same moment, each on a connection of its own."""
    barrier = threading.Barrier(len(works))
    answers: list[Any] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            answers.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("at", ["rehome", "_tell_people"])
def test_a_server_killed_while_publishing_leaves_everything_as_it_was(
    committed_db: None, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """One transaction: neither a plan half in force nor people half moved; and it can be done again."""
    office = make_office()
    AssignmentFactory(staff=StaffFactory(institution=office.branch), grid=grid(office.plan, "001001"))
    draft = office.approved(office.draft())
    before = [Assignment.objects.values_list("grid", "valid_from", "valid_to").get(), Notice.objects.count()]
    real = getattr(workflow, at)

    def dies(*args: Any) -> Any:
        real(*args)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(workflow, at, dies)
    with pytest.raises((OperationalError, InterfaceError)):
        workflow.publish(draft.pk, office.planner, timezone.localdate())
    monkeypatch.undo()
    connection.close()
    statuses = dict(Plan.objects.values_list("pk", "status"))
    assert statuses == {office.plan.pk: "published", draft.pk: "approved"}
    assert [Assignment.objects.values_list("grid", "valid_from", "valid_to").get(), Notice.objects.count()] == before
    office.publish(draft)


def test_of_two_submissions_at_once_one_goes_through(committed_db: None) -> None:
    office = make_office()
    draft = office.draft()
    answers = at_once(*[lambda: office.post(draft.pk, "submit")] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"wrong_step"}
    assert Decision.objects.filter(plan=draft, kind="submitted").count() == 1


def test_of_two_publications_at_once_one_goes_through(committed_db: None) -> None:
    office = make_office()
    draft = office.approved(office.draft())
    today = timezone.localdate().isoformat()
    answers = at_once(*[lambda: office.post(draft.pk, "publish", valid_from=today)] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"wrong_step"}


def test_two_plans_published_at_once_follow_one_another(committed_db: None) -> None:
    office = make_office()
    one, other = office.draft("一"), office.draft("二")
    office.split(one, "001001", (0.5, -0.1), (0.5, 1.1))
    office.split(other, "004004", (3.5, 2.9), (3.5, 4.1))
    office.approved(one), office.approved(other)
    today = timezone.localdate().isoformat()
    answers = at_once(*[lambda plan=plan: office.post(plan.pk, "publish", valid_from=today) for plan in (one, other)])
    assert [answer.status_code for answer in answers] == [200, 200]
    last = Plan.objects.get(status="published")
    assert {"001005", "004005"} <= {code[6:] for code in shapes(last)} and not audit(last)
    assert Plan.objects.in_force().count() == 1

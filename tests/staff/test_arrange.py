"""Assignments: by whom, approved by whom, handed over, and what the database and the rules refuse."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import override

from layers.grids.models import Plan
from layers.notices.models import Notice
from layers.orgs.models import User
from layers.people import arrange
from layers.review.rehome import rehome
from layers.rules.models import Rule
from layers.rules.presets import take_over
from layers.staff.faults import AlreadyInCharge, NotAssignable, NotProposed, RatioBroken, TermNotOver, UnknownTerm
from layers.staff.history import grid_on, history, in_charge
from layers.staff.models import Absence, Assignment, Staff, StaffSettings
from tests.factories import (
    AssignmentFactory,
    InstitutionFactory,
    StaffFactory,
    UserFactory,
    published,
    retired,
    square_plan,
)
from tests.factories import grid as grid_of
from tests.staff.town import Town, build, today

JANUARY = dt.date(2026, 1, 1)


def names(rows: list[Assignment]) -> list[str]:
    return [one.staff.name for one in rows]


def test_the_unit_above_arranges_at_once_and_the_unit_itself_proposes(town: Town) -> None:
    grid = town.grid("001")
    direct = arrange.assign(town.users["boss"], town.people["a"], grid, today())
    assert direct.status == "approved" and names(in_charge(Q(grid=grid))) == ["员工a"]
    proposal = arrange.assign(town.users["chief"], town.people["b"], town.grid("002"), today())
    assert proposal.status == "proposed" and in_charge(Q(grid=town.grid("002"))) == []
    with pytest.raises(PermissionDenied):
        arrange.approve(town.users["chief"], proposal)
    arrange.approve(town.users["boss"], proposal)
    assert names(in_charge(Q(grid=town.grid("002")))) == ["员工b"]
    with pytest.raises(NotProposed):
        arrange.approve(town.users["boss"], proposal)


def test_where_the_setting_asks_for_no_approval_the_unit_itself_arranges(town: Town) -> None:
    StaffSettings.objects.create(institution=town.head, approval="none")
    made = arrange.assign(town.users["chief"], town.people["a"], town.grid("001"), today())
    assert made.status == "approved" and made.decided_by == town.users["chief"]


def test_people_of_the_head_office_are_decided_by_another_head(town: Town) -> None:
    clerk = StaffFactory(institution=town.head)
    proposal = arrange.assign(town.users["boss"], clerk, town.grid("001"), today())
    with pytest.raises(PermissionDenied):
        arrange.approve(town.users["boss"], proposal)
    arrange.approve(town.users["admin"], proposal)


@pytest.mark.parametrize("who", ["worker", "auditor", "stranger", "regulator"])
def test_nobody_else_arranges(town: Town, who: str) -> None:
    with pytest.raises(PermissionDenied):
        arrange.assign(town.users[who], town.people["a"], town.grid("001"), today())


def test_refused_proposals_stay_on_record_and_count_for_nothing(town: Town) -> None:
    proposal = arrange.assign(town.users["chief"], town.people["a"], town.grid("001"), today())
    arrange.refuse(town.users["boss"], proposal, "另有安排")
    assert in_charge(Q(grid=town.grid("001"))) == []
    assert [one.note for one in history(town.grid("001"))] == ["另有安排"]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "main", "role": "worker", "who": "b"},
        {"kind": "main", "role": "worker", "who": "a"},
        {"kind": "backup", "role": "worker", "who": "a"},
    ],
)
def test_the_database_refuses_two_in_charge_and_anybody_twice(town: Town, values: dict) -> None:
    town.serve("a", "001", valid_from=JANUARY, valid_to=dt.date(2026, 3, 1))
    more = {"kind": values["kind"], "role": values["role"]}
    with pytest.raises(IntegrityError), transaction.atomic():
        town.serve(values["who"], "001", valid_from=dt.date(2026, 2, 28), **more)
    town.serve(values["who"], "001", valid_from=dt.date(2026, 3, 1), **more)


def test_another_role_and_a_backup_have_room(town: Town) -> None:
    town.serve("a", "001")
    town.serve("b", "001", role="chief")
    town.serve("b", "001", kind="backup")
    town.serve("c", "001", kind="backup")


def test_the_refusal_is_said_in_words(town: Town) -> None:
    town.serve("a", "001")
    with pytest.raises(AlreadyInCharge, match="交接"):
        arrange.assign(town.users["boss"], town.people["b"], town.grid("001"), today())
    with pytest.raises(AlreadyInCharge, match="已经是"):
        arrange.assign(town.users["boss"], town.people["a"], town.grid("001"), today(), kind="backup")
    with pytest.raises(AlreadyInCharge):
        arrange.assign(town.users["chief"], town.people["b"], town.grid("001"), today())
    assert Assignment.objects.count() == 1


@pytest.mark.domain("ZG07")
def test_a_hand_over_ends_one_turn_and_begins_another_and_keeps_both(town: Town) -> None:
    old = town.serve("a", "001", valid_from=JANUARY)
    new = arrange.hand_over(town.users["boss"], old, town.people["b"], today(10), note="轮岗")
    old.refresh_from_db()
    assert old.valid_to == new.valid_from == today(10) and new.replaces == old
    grid = town.grid("001")
    assert names(in_charge(Q(grid=grid), today(9))) == ["员工a"]
    assert names(in_charge(Q(grid=grid), today(10))) == ["员工b"]
    was = grid_on(grid, dt.date(2026, 3, 1))
    assert was is not None and names(in_charge(Q(grid=was), dt.date(2026, 3, 1))) == ["员工a"]


def test_a_proposed_hand_over_changes_nothing_until_it_is_approved(town: Town) -> None:
    old = town.serve("a", "001")
    new = arrange.hand_over(town.users["chief"], old, town.people["b"], today(1))
    old.refresh_from_db()
    assert new.status == "proposed" and old.valid_to is None
    arrange.approve(town.users["boss"], new)
    old.refresh_from_db()
    assert old.valid_to == today(1)


def test_a_hand_over_that_fails_leaves_the_first_in_charge(town: Town) -> None:
    old = town.serve("a", "001")
    gone = StaffFactory(institution=town.branch, left_on=today())
    with pytest.raises(NotAssignable, match="离岗"):
        arrange.hand_over(town.users["boss"], old, gone, today(1))
    old.refresh_from_db()
    assert old.valid_to is None
    with pytest.raises(NotAssignable, match="同一人"):
        arrange.hand_over(town.users["boss"], old, town.people["a"], today(1))


@pytest.mark.domain("LA02")
def test_a_chief_serves_her_term_before_she_is_moved(town: Town) -> None:
    StaffSettings.objects.create(institution=town.head, term_roles=["chief"], term_days=365)
    chief = town.serve("a", "001", role="chief", valid_from=today(-100))
    with pytest.raises(TermNotOver, match="365"):
        arrange.hand_over(town.users["boss"], chief, town.people["b"], today(1))
    # Not moved before her 365 days, but on the day that ends them.
    arrange.end(town.users["boss"], chief, today(265))
    worker = town.serve("a", "002", valid_from=today(-100))
    arrange.end(town.users["boss"], worker, today())


def test_what_cannot_be_is_refused_with_a_way_on(town: Town) -> None:
    boss, a, grid = town.users["boss"], town.people["a"], town.grid("001")
    for day, until, words in ((today(-1), None, "不能早于今天"), (today(2), today(2), "晚于开始")):
        with pytest.raises(NotAssignable, match=words):
            arrange.assign(boss, a, grid, day, until=until)
    with pytest.raises(UnknownTerm, match="网格长"):
        arrange.assign(boss, a, grid, today(), role="king")
    other = build()
    with pytest.raises(NotAssignable, match="同一家银行"):
        arrange.assign(boss, a, other.grid("001"), today())
    draft = square_plan(2, institution=town.head)
    with pytest.raises(NotAssignable, match="随发布转入"):
        arrange.assign(boss, a, grid_of(draft, "001"), today())


@pytest.mark.domain("LA03")
def test_a_rule_that_forbids_refuses_and_one_that_warns_does_not(town: Town) -> None:
    take_over(town.head, "la03")
    boss, a = town.users["boss"], town.people["a"]
    for code in ("001", "002"):
        arrange.assign(boss, a, town.grid(code), today())
    with pytest.raises(RatioBroken, match="至多 2 个") as caught:
        arrange.assign(boss, a, town.grid("003"), today())
    assert caught.value.details["broken"][0]["staff"] == a.pk
    assert Assignment.objects.count() == 2
    with pytest.raises(RatioBroken):
        arrange.assign(town.users["chief"], a, town.grid("003"), today())
    Rule.objects.filter(institution=town.head).update(severity="warn")
    arrange.assign(boss, a, town.grid("003"), today())


def test_an_arrangement_is_judged_by_the_people_of_its_first_day(town: Town) -> None:
    take_over(town.head, "la03")
    for code in ("001", "002"):
        town.serve("a", code, valid_to=today(30))
    with pytest.raises(RatioBroken):
        arrange.assign(town.users["boss"], town.people["a"], town.grid("003"), today(29))
    arrange.assign(town.users["boss"], town.people["a"], town.grid("003"), today(30))


def test_what_is_bad_already_may_get_better(town: Town) -> None:
    """Six grids where two are allowed: taking one over from her is no new breach, nor is a backup."""
    take_over(town.head, "la03")
    held = [town.serve("a", code) for code in ("001", "002", "003", "004")]
    arrange.hand_over(town.users["boss"], held[0], town.people["b"], today(1))
    arrange.assign(town.users["boss"], town.people["a"], town.grid("001"), today(1), kind="backup")


@pytest.mark.domain("LA03")
def test_the_backup_is_in_charge_while_the_other_is_away(town: Town) -> None:
    town.serve("a", "001")
    town.serve("b", "001", kind="backup")
    assert names(in_charge(Q(grid=town.grid("001"))))[0] == "员工a"
    Absence.objects.create(staff=town.people["a"], first_day=today(), last_day=today(3))
    first, second = in_charge(Q(grid=town.grid("001")))
    assert (first.staff.name, first.away) == ("员工b", False) and second.away
    assert names(in_charge(Q(grid=town.grid("001")), today(4)))[0] == "员工a"


@pytest.mark.domain("OC14")
def test_somebody_belongs_to_two_grids_without_being_in_charge(town: Town) -> None:
    boss, a = town.users["boss"], town.people["a"]
    arrange.assign(boss, a, town.grid("001"), today(), role="residence", kind="member")
    arrange.assign(boss, a, town.grid("002"), today(), role="organisation", kind="member")
    assert in_charge(Q(grid=town.grid("001"))) == [] == in_charge(Q(grid=town.grid("002")))
    assert set(a.assignments.values_list("role", flat=True)) == {"residence", "organisation"}


@pytest.mark.domain("OB02")
def test_a_share_of_what_moves_up_stays_with_the_first(town: Town) -> None:
    boss = town.users["boss"]
    arrange.assign(boss, town.people["a"], town.grid("001"), today(), share=30)
    above = arrange.assign(boss, town.people["b"], town.grid("001"), today(), role="account_manager", share=70)
    assert sum(one.share for one in in_charge(Q(grid=town.grid("001")))) == 100
    above.share = 101
    with pytest.raises(IntegrityError, match="percentage"):
        above.save()


def test_of_two_who_assign_at_once_one_is_refused(committed_db: None) -> None:
    town = build()
    outcome = []

    def take(who: str) -> None:
        try:
            arrange.assign(town.users["boss"], Staff.objects.get(pk=town.people[who].pk), town.grid("001"), today())
            outcome.append("done")
        except AlreadyInCharge:
            outcome.append("refused")
        finally:
            connection.close()

    both = [threading.Thread(target=take, args=(who,)) for who in "ab"]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(outcome) == ["done", "refused"]


def test_a_new_plan_takes_everything_over(town: Town) -> None:
    town.serve("a", "001", share=60, filing="备 1")
    town.serve("b", "001", role="chief")
    town.serve("c", "001", kind="backup")
    AssignmentFactory(staff=town.people["c"], grid=town.grid("002"), status="proposed")
    new = square_plan(2, institution=town.head)
    rehome(town.plan, new, today(5))
    begun = Assignment.objects.filter(grid__plan=new).order_by("pk")
    assert [(one.staff.name, one.role, one.kind, one.share, one.filing, one.status) for one in begun] == [
        ("员工a", "worker", "main", 60, "备 1", "approved"),
        ("员工b", "chief", "main", 100, "", "approved"),
        ("员工c", "worker", "backup", 100, "", "approved"),
    ]
    assert {one.valid_from for one in begun} == {today(5)}
    # What waits for a decision begins earlier, and so stays where it was asked for.
    assert Assignment.objects.get(status="proposed").grid.plan == town.plan
    later = AssignmentFactory(staff=town.people["c"], grid=grid_of(new, "003"), status="proposed", valid_from=today(20))
    newest = square_plan(2, institution=town.head)
    rehome(new, newest, today(15))
    later.refresh_from_db()
    assert later.grid == grid_of(newest, "003") and later.valid_from == today(20)


@pytest.mark.domain("ZG07")
def test_ending_a_turn_waits_for_the_unit_above_as_beginning_one_does(town: Town) -> None:
    turn = town.serve("a", "001", valid_from=JANUARY)
    arrange.end(town.users["chief"], turn, today(3))
    turn.refresh_from_db()
    assert turn.valid_to is None and list(Assignment.objects.waiting()) == [turn]
    with pytest.raises(PermissionDenied):
        arrange.approve(town.users["chief"], turn)
    arrange.refuse(town.users["boss"], turn, "留任")
    turn.refresh_from_db()
    assert turn.valid_to is None and turn.status == "approved" and not Assignment.objects.waiting()
    arrange.end(town.users["chief"], turn, today(3))
    arrange.approve(town.users["boss"], turn)
    turn.refresh_from_db()
    assert turn.valid_to == today(3) and not Assignment.objects.waiting()
    with pytest.raises(NotProposed):
        arrange.approve(town.users["boss"], turn)


def test_a_hand_over_to_a_unit_below_still_needs_the_approval_of_the_unit_above_the_first(town: Town) -> None:
    below = InstitutionFactory(parent=town.branch, kind="office")
    turn = town.serve("a", "001", valid_from=JANUARY)
    made = arrange.hand_over(town.users["chief"], turn, StaffFactory(institution=below), today(1))
    assert made.status == "proposed"
    colleague = UserFactory(institution=town.branch, role="manager")
    with pytest.raises(PermissionDenied):
        arrange.approve(colleague, made)
    arrange.approve(town.users["boss"], made)


def waiting_plan(town: Town, days: int) -> Plan:
    """A plan that is published already, and in force in some days."""
    retired(town.plan, today(days))
    new = published(square_plan(2, institution=town.head), today(days))
    rehome(town.plan, new, today(days))
    town.plan.refresh_from_db()
    return new


def holders(plan: Plan, code: str) -> list[tuple[str, int, int | None]]:
    """Who serves a grid of a plan, from and to how many days from now; turns that never held are left out."""
    rows = Assignment.objects.filter(grid=grid_of(plan, code), status="approved").order_by("valid_from", "pk")
    return [
        (one.staff.name, (one.valid_from - today()).days, one.valid_to and (one.valid_to - today()).days)
        for one in rows
        if one.valid_to != one.valid_from
    ]


def test_what_is_arranged_while_a_plan_waits_goes_on_in_it(town: Town) -> None:
    boss = town.users["boss"]
    for who, code in (("a", "001"), ("b", "002"), ("c", "003")):
        town.serve(who, code, valid_from=today(-10))
    new = waiting_plan(town, 5)
    # A hand-over holds in both plans; so does an end; and an assignment begins in both.
    arrange.hand_over(boss, town.grid("001").assignments.get(), town.people["c"], today(1))
    arrange.end(boss, town.grid("002").assignments.get(), today(2))
    arrange.assign(boss, town.people["a"], town.grid("004"), today(1), until=today(9))
    assert holders(town.plan, "001") == [("员工a", -10, 1), ("员工c", 1, 5)]
    assert holders(new, "001") == [("员工c", 5, None)]
    assert holders(town.plan, "002") == [("员工b", -10, 2)] and holders(new, "002") == []
    assert holders(new, "004") == [("员工a", 5, 9)]
    # From its first day on, the plan that waits is the one that is changed, whichever grid one began with.
    arrange.hand_over(boss, town.grid("003").assignments.get(), town.people["b"], today(7))
    assert holders(town.plan, "003") == [("员工c", -10, 5)]
    assert holders(new, "003") == [("员工c", 5, 7), ("员工b", 7, None)]
    arrange.assign(boss, town.people["a"], town.grid("002"), today(6))
    assert holders(new, "002") == [("员工a", 6, None)]


def test_a_proposal_made_before_a_publication_is_approved_into_the_plan_of_its_day(town: Town) -> None:
    town.serve("a", "001", valid_from=today(-10))
    early = arrange.hand_over(town.users["chief"], town.grid("001").assignments.get(), town.people["b"], today(1))
    town.serve("c", "002", valid_from=today(-10))
    late = arrange.hand_over(town.users["chief"], town.grid("002").assignments.get(), town.people["b"], today(9))
    new = waiting_plan(town, 5)
    arrange.approve(town.users["boss"], early)
    assert holders(new, "001") == [("员工b", 5, None)]
    arrange.approve(town.users["boss"], late)
    assert holders(new, "002") == [("员工c", 5, 9), ("员工b", 9, None)]


def test_those_concerned_find_a_notice(town: Town) -> None:
    for name in "bc":
        town.people[name].user = UserFactory(institution=town.branch)
        town.people[name].save()
    a, b = (town.people[name].user for name in "ab")
    chief, boss = town.users["chief"], town.users["boss"]

    def told(user: User) -> list[str]:
        found = [one.text for one in Notice.objects.of(user).unread()]
        Notice.objects.of(user).update(read_at=timezone.now())
        return found

    one = arrange.assign(chief, town.people["a"], town.grid("001"), today())
    assert "请审批" in told(boss)[0] and not told(a)
    arrange.approve(boss, one)
    assert "您任" in told(a)[0] and "同意" in told(chief)[0] and not told(boss)
    two = arrange.hand_over(chief, one, town.people["b"], today(1))
    assert "员工a 交接给 员工b" in told(boss)[0]
    arrange.approve(boss, two)
    assert "由您交接给 员工b" in told(a)[0] and "您任" in told(b)[0] and told(chief)
    arrange.end(chief, two, today(5))
    assert "不再任" in told(boss)[0]
    arrange.refuse(boss, two, "再议")
    assert told(chief)[0].endswith("再议") and not told(b)
    arrange.end(boss, two, today(5))
    assert "您不再任" in told(b)[0]
    refused = arrange.assign(chief, town.people["c"], town.grid("002"), today())
    arrange.refuse(boss, refused, "另有安排")
    assert "未同意" in told(chief)[0]
    with override("en"):
        assert "grid worker" in Notice.objects.of(b).last().text.lower()

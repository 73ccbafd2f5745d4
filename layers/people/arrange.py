"""Assign, approve, end and hand over: each is one transaction, and is refused where it breaks a rule that forbids it.

Where a published plan waits for its first day, what is arranged in the plan before goes on in it from that day: an assignment
begins there too, a hand-over and an end hold there too. What is arranged from that day on is arranged there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.people import checks, telling
from layers.people.lists import own_grids
from layers.rules.measures import on_day
from layers.staff import rights
from layers.staff.faults import AlreadyInCharge, NotAssignable, NotProposed, RatioBroken, TermNotOver
from layers.staff.history import grid_on, history, last_day, served_since, stop, turn_on
from layers.staff.models import Assignment, Post, Staff, StaffSettings
from layers.staff.vocabulary import check

Unit = Grid | Post


def assign(
    user: User,
    staff: Staff,
    unit: Unit,
    day: dt.date,
    *,
    role: str = "worker",
    kind: str = Assignment.Kind.MAIN,
    until: dt.date | None = None,
    replaces: Assignment | None = None,
    **more: Any,
) -> Assignment:
    """Put somebody in charge of a grid or a post from a day on; what needs a decision waits for it.

    Parameters
    ----------
    until
        The first day on which it no longer holds.
    replaces
        Whose turn ends on that day, once this one is approved.
    more
        share, filing, note: see `Assignment`.

    Raises
    ------
    NotAssignable, AlreadyInCharge, RatioBroken, TermNotOver, UnknownTerm, PermissionDenied
    """
    with transaction.atomic():
        # Locked: two assignments of one person at once would each see room for one more.
        staff = Staff.objects.select_for_update(of=("self",)).select_related("institution").get(pk=staff.pk)
        if isinstance(unit, Grid) and unit.plan.valid_from is not None:
            unit = grid_on(unit, day) or unit
        # And the grid or post: of two people at once, the constraint alone could end both in a deadlock.
        type(unit).objects.select_for_update(of=("self",), no_key=True).get(pk=unit.pk)
        if not rights.may_arrange(user, staff.institution):
            raise PermissionDenied
        last = _check_place(staff, unit, day, until)
        if not may_assign_to(user, unit, day):
            raise NotAssignable(
                f"“{unit.name}”由其他机构负责, 不能在这里安排人员; 请联系上级机构。",
                f"Another institution answers for {unit.name}: ask the unit above both to arrange people here.",
            )
        assignment = Assignment(
            staff=staff,
            grid=unit if isinstance(unit, Grid) else None,
            post=unit if isinstance(unit, Post) else None,
            role=check("role", role, staff.institution),
            kind=kind,
            valid_from=day,
            valid_to=last,
            status=Assignment.Status.PROPOSED,
            replaces=replaces,
            proposed_by=user,
            **more,
        )
        if rights.takes_effect_at_once(user, staff, *([replaces.staff] if replaces else [])):
            _put_in_force(assignment, user)
            telling.in_force(assignment, user)
        else:
            _refuse_if_taken(assignment)
            assignment.save()
            telling.asked(assignment, user)
    return assignment


def may_assign_to(user: User, unit: Unit, day: dt.date | None = None) -> bool:
    """Whether the user may put her people in charge of a grid or a post from a day on, or propose it: of those that she answers
    for, and of grids in which nobody of another institution has served."""
    if user.role not in rights.ARRANGERS:
        return False
    if isinstance(unit, Post):
        return user.sees_inside(unit.institution)
    if user.institution is None or not unit.plan.institution.path.startswith(user.institution.head_office_path):
        return False
    served = history(unit).filter(status=Assignment.Status.APPROVED)
    if not served.exclude(staff__institution__path__startswith=user.own_path).exists():
        return True
    return own_grids(user, day or timezone.localdate()).filter(pk=unit.pk).exists()


def hand_over(user: User, old: Assignment, to: Staff, day: dt.date, **more: Any) -> Assignment:
    """End one person's turn and begin another's on the same day, in one transaction; both stay in the history.

    Raises
    ------
    As `assign`.
    """
    with transaction.atomic():
        old = _locked(turn_on(old, day).pk, Assignment.Status.APPROVED)
        if not rights.may_arrange(user, old.staff.institution):
            raise PermissionDenied
        if to.pk == old.staff_id:
            raise NotAssignable(
                "交接双方是同一人; 请选择另一人。", "Both are the same person: choose another.", field="staff"
            )
        _check_end(old, day)
        return assign(user, to, old.unit, day, role=old.role, kind=old.kind, until=last_day(old), replaces=old, **more)


def end(user: User, assignment: Assignment, day: dt.date) -> Assignment:
    """End somebody's turn on a day, with nobody to follow; what needs a decision waits for it, as a beginning does.

    Raises
    ------
    NotAssignable, TermNotOver, PermissionDenied
    """
    with transaction.atomic():
        assignment = _locked(turn_on(assignment, day).pk, Assignment.Status.APPROVED)
        if not rights.may_arrange(user, assignment.staff.institution):
            raise PermissionDenied
        _check_end(assignment, day)
        if rights.takes_effect_at_once(user, assignment.staff):
            stop(assignment, day)
            telling.ended(assignment, day, user)
        else:
            assignment.end_asked, assignment.end_asked_by = day, user
            assignment.save(update_fields=["end_asked", "end_asked_by"])
            telling.end_asked(assignment, day, user)
    return assignment


def approve(user: User, assignment: Assignment, note: str = "") -> Assignment:
    """Agree to what waits: an assignment begins, or a turn ends, on the day asked for, or today if that is past.

    Raises
    ------
    NotProposed, NotAssignable, AlreadyInCharge, RatioBroken, PermissionDenied
    """
    with transaction.atomic():
        assignment = _waiting(assignment.pk, user)
        assignment.note = note or assignment.note
        if assignment.status == Assignment.Status.APPROVED:
            _approve_end(assignment, user)
        else:
            _begin(assignment, max(assignment.valid_from, timezone.localdate()))
            _put_in_force(assignment, user)
            telling.in_force(assignment, user)
    return assignment


def _approve_end(assignment: Assignment, user: User) -> None:
    assert assignment.end_asked is not None
    day, asker = max(assignment.end_asked, timezone.localdate()), assignment.end_asked_by_id
    assignment.end_asked = assignment.end_asked_by = None
    assignment.save(update_fields=["note", "end_asked", "end_asked_by"])
    stop(turn_on(assignment, day), day)
    assignment.refresh_from_db(fields=["valid_to"])
    telling.ended(assignment, day, user, asker)


def _begin(assignment: Assignment, day: dt.date) -> None:
    """Let a proposal begin on a day, in the plan that is in force then; whoever has left meanwhile cannot."""
    _refuse_if_left(assignment.staff, day)
    ends = [one for one in (assignment.valid_to, assignment.staff.left_on) if one is not None]
    assignment.valid_to = min(ends, default=None)
    if assignment.valid_to is not None and assignment.valid_to <= day:
        raise NotAssignable(
            f"这项安排到 {assignment.valid_to} 为止, 已经过期; 请选择“不同意”。",
            f"This would end on {assignment.valid_to}, which is past: decline it.",
        )
    assignment.valid_from = day
    if assignment.grid is not None:
        grid = grid_on(assignment.grid, day)
        if grid is None:
            raise NotAssignable(
                f"网格“{assignment.grid.name}”在 {day} 生效的方案中已不存在; 请选择“不同意”, 重新安排。",
                f"The plan in force on {day} has no grid {assignment.grid.name} any more: decline it and arrange anew.",
            )
        assignment.grid = grid
    if assignment.replaces is not None:
        assignment.replaces = _locked(turn_on(assignment.replaces, day).pk, Assignment.Status.APPROVED)


def refuse(user: User, assignment: Assignment, note: str = "") -> Assignment:
    """Decline what waits: a proposal stays on record as refused, a turn goes on.

    Raises
    ------
    NotProposed, PermissionDenied
    """
    with transaction.atomic():
        assignment = _waiting(assignment.pk, user)
        if assignment.status == Assignment.Status.APPROVED:
            asker, assignment.end_asked, assignment.end_asked_by = assignment.end_asked_by_id, None, None
            assignment.save(update_fields=["end_asked", "end_asked_by"])
            telling.end_refused(assignment, user, asker, note)
            return assignment
        assignment.status, assignment.note = Assignment.Status.REFUSED, note or assignment.note
        assignment.decided_by, assignment.decided_at = user, timezone.now()
        assignment.save()
        telling.refused(assignment, user, note)
    return assignment


def _waiting(pk: int, user: User) -> Assignment:
    """What waits for the user's decision, locked."""
    found = _locked(pk)
    if found.status != Assignment.Status.PROPOSED and found.end_asked is None:
        raise _wrong_step(found)
    if not rights.may_decide(user, found):
        raise PermissionDenied
    return found


def _put_in_force(assignment: Assignment, user: User) -> None:
    before, until = _blocks(assignment), assignment.valid_to
    if assignment.replaces is not None:
        stop(assignment.replaces, assignment.valid_from)
    plan_ends = assignment.grid.plan.valid_to if assignment.grid is not None else None
    goes_on = plan_ends is not None and (until is None or until > plan_ends)
    assignment.valid_to = plan_ends if goes_on else until
    assignment.status = Assignment.Status.APPROVED
    assignment.decided_by, assignment.decided_at = user, timezone.now()
    with _clash(assignment), transaction.atomic():
        assignment.save()
    worse = [
        fault
        for subject, fault in _blocks(assignment).items()
        if subject not in before or fault.excess > before[subject].excess
    ]
    if worse:
        first = worse[0]
        raise RatioBroken(
            f"这样安排违反“禁止”类规则: {first.message_zh}。请另选人员或网格, 或由管理员调整规则。",
            f"A rule forbids this: {first.message_en}. Choose another person or grid; an administrator can change the rule.",
            broken=[one.to_json() for one in worse],
        )
    if goes_on and plan_ends is not None:
        _go_on(assignment, user, plan_ends, until)


def _go_on(assignment: Assignment, user: User, day: dt.date, until: dt.date | None) -> None:
    """Let an assignment go on in the plan that follows: where the turn that it takes over would have, else by the grid's code.

    Where the grid is gone, or somebody has been put in charge there already, it ends with its plan.
    """
    assert assignment.grid is not None
    inherited = assignment.replaces.continued_by.first() if assignment.replaces is not None else None
    grid = inherited.grid if inherited is not None else grid_on(assignment.grid, day)
    if grid is None:
        return
    same = ("role", "kind", "share", "filing", "note", "proposed_by")
    later = Assignment(
        staff=assignment.staff,
        grid=Grid.objects.select_related("plan__institution").get(pk=grid.pk),
        valid_from=day,
        valid_to=until,
        continues=assignment,
        **{name: getattr(assignment, name) for name in same},
    )
    with suppress(AlreadyInCharge), transaction.atomic():
        _put_in_force(later, user)


def _blocks(assignment: Assignment) -> dict[Any, checks.Fault]:
    """The forbidding rules that the person and the grid break on the first day, by what they are about."""
    with on_day(assignment.valid_from):
        found = checks.of_staff([assignment.staff])
        if assignment.grid is not None:
            found += checks.of_grids([assignment.grid])
    return {fault.subject: fault for fault in found if fault.severity == "block"}


def _locked(pk: int, expected: str = "") -> Assignment:
    found = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("staff__institution", "grid__plan__institution", "post")
        .get(pk=pk)
    )
    if expected and found.status != expected:
        raise _wrong_step(found)
    return found


def _wrong_step(found: Assignment) -> NotProposed:
    return NotProposed(
        f"这项安排现在的状态是“{found.get_status_display()}”, 不能进行这一步; 可能已有人先办理。请刷新后再看。",
        f"This arrangement is {found.status} now, so this step is not possible; somebody may have been quicker. Reload to see.",
    )


def _check_place(staff: Staff, unit: Unit, day: dt.date, until: dt.date | None) -> dt.date | None:
    """The day on which it ends, be it in this plan or one that follows; refuses what cannot be."""
    owner = unit.plan.institution if isinstance(unit, Grid) else unit.institution
    if owner.head_office_path != staff.institution.head_office_path:
        raise NotAssignable("人员与网格不属于同一家银行。", "The person and the grid belong to different banks.")
    if day < timezone.localdate():
        raise NotAssignable(
            "开始日期不能早于今天: 过去的责任记录不再改动。",
            "The first day cannot be before today: what is past stays as it was.",
            field="day",
        )
    _refuse_if_left(staff, day)
    if until is not None and until <= day:
        raise NotAssignable("结束日期须晚于开始日期。", "The end must come after the first day.", field="until")
    ends = [one for one in (until, staff.left_on) if one is not None]
    if isinstance(unit, Grid):
        plan: Plan = unit.plan
        if plan.valid_from is None or not plan.is_in_force(max(day, plan.valid_from)):
            raise NotAssignable(
                f"方案“{plan.name}”在 {day} 不生效, 不能安排人员; 草稿的人员随发布转入。",
                f"The plan {plan.name} is not in force on {day}: people come into a draft when it is published.",
            )
        if day < plan.valid_from:
            raise NotAssignable(
                f"方案“{plan.name}”自 {plan.valid_from} 起生效; 请选择这一天或以后。",
                f"The plan {plan.name} is in force from {plan.valid_from}: choose this day or a later one.",
                field="day",
            )
    return min(ends, default=None)


def _refuse_if_left(staff: Staff, day: dt.date) -> None:
    if staff.left_on is not None and staff.left_on <= day:
        raise NotAssignable(
            f"{staff.name} 自 {staff.left_on} 起离岗; 请另选人员。",
            f"{staff.name} leaves on {staff.left_on}: choose another person.",
        )


def _check_end(assignment: Assignment, day: dt.date) -> None:
    first, last = assignment.valid_from, assignment.valid_to
    # A turn that goes on in a plan to come need not begin there at all.
    too_early = day < first if assignment.continues_id else day <= first
    if too_early or day < timezone.localdate() or (last is not None and day > last):
        raise NotAssignable(
            f"结束日期须晚于 {first}, 不早于今天{f', 不晚于 {last}' if last else ''}。",
            f"The day must come after {first}, not before today{f', and not after {last}' if last else ''}.",
            field="day",
        )
    settings = StaffSettings.of(assignment.staff.institution)
    if assignment.role not in settings.term_roles or assignment.kind != Assignment.Kind.MAIN:
        return
    since = served_since(assignment)
    free = since + dt.timedelta(days=settings.term_days)
    if day < free:
        zh, en = _role_names(assignment)
        raise TermNotOver(
            f"{assignment.staff.name} 自 {since} 起任{zh}, 任职满 {settings.term_days} 天即 {free} 起方可调整。",
            f"{assignment.staff.name} has been {en} since {since}; a change is possible from {free}, after {settings.term_days} days.",
            free=free.isoformat(),
        )


def _refuse_if_taken(assignment: Assignment) -> None:
    """A proposal that could not be approved is refused at once: it is tried, and undone."""
    until = assignment.valid_to
    try:
        with transaction.atomic():
            _put_in_force(assignment, assignment.proposed_by)  # type: ignore[arg-type]
            raise _Undo
    except _Undo:
        pass
    finally:
        assignment.valid_to = until
        if assignment.replaces is not None:
            assignment.replaces.refresh_from_db(fields=["valid_to", "end_asked", "end_asked_by"])
    assignment.pk, assignment._state.adding = None, True
    assignment.status = Assignment.Status.PROPOSED
    assignment.decided_by = assignment.decided_at = None


class _Undo(Exception):
    """Ends the trial of a proposal."""


def _is_there(assignment: Assignment) -> bool:
    """Whether the person has this role there already when the assignment begins."""
    same = Assignment.objects.filter(staff=assignment.staff_id, role=assignment.role).on(assignment.valid_from)
    return same.filter(grid=assignment.grid_id, post=assignment.post_id).exclude(pk=assignment.pk).exists()


def _role_names(assignment: Assignment) -> tuple[str, str]:
    names = telling.role_names(assignment)
    return names["zh"], names["en"].lower()


@contextmanager
def _clash(assignment: Assignment) -> Iterator[None]:
    """The database's refusals, in words."""
    try:
        yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        zh, en = _role_names(assignment)
        # The same person again breaks both constraints; PostgreSQL names either.
        if name.startswith("assignment_of_a_person_once") or _is_there(assignment):
            raise AlreadyInCharge(
                f"{assignment.staff.name} 在这段时间已经是这里的{zh}。",
                f"{assignment.staff.name} is the {en} here at that time already.",
            ) from error
        if name.startswith("assignment_one_in_charge"):
            raise AlreadyInCharge(
                f"这段时间这里已有{zh}; 请用“交接”, 或安排为 B岗。",
                f"There is a {en} here at that time: hand over, or assign as a backup.",
            ) from error
        raise

"""Who is told of an arrangement: whoever takes over, whoever it is taken from, and those who decide or asked for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy, override

from layers.notices.service import deciders_over, tell
from layers.orgs.models import User
from layers.staff.models import Assignment, Staff
from layers.staff.vocabulary import label

PROPOSALS = "/people/proposals/"
SENTENCES = {
    "assign_asked": gettext_lazy("%(by)s 提出: 自 %(day)s 起由 %(name)s 任 %(unit)s 的%(role)s, 请审批。"),
    "hand_over_asked": gettext_lazy(
        "%(by)s 提出: 自 %(day)s 起, %(unit)s 的%(role)s由 %(old)s 交接给 %(name)s, 请审批。"
    ),
    "end_asked": gettext_lazy("%(by)s 提出: %(name)s 自 %(day)s 起不再任 %(unit)s 的%(role)s, 请审批。"),
    "assigned": gettext_lazy("自 %(day)s 起, 您任 %(unit)s 的%(role)s。"),
    "handed_over": gettext_lazy("自 %(day)s 起, %(unit)s 的%(role)s由您交接给 %(name)s。"),
    "ended": gettext_lazy("自 %(day)s 起, 您不再任 %(unit)s 的%(role)s。"),
    "assign_approved": gettext_lazy("%(by)s 同意: 自 %(day)s 起由 %(name)s 任 %(unit)s 的%(role)s。"),
    "end_approved": gettext_lazy("%(by)s 同意: %(name)s 自 %(day)s 起不再任 %(unit)s 的%(role)s。"),
    "assign_refused": gettext_lazy("%(by)s 未同意由 %(name)s 任 %(unit)s 的%(role)s。"),
    "left": gettext_lazy("%(by)s 登记: %(name)s 离岗。自 %(day)s 起空缺, 请安排: %(units)s。"),
    "end_refused": gettext_lazy("%(by)s 未同意 %(name)s 不再任 %(unit)s 的%(role)s。"),
}


def role_names(assignment: Assignment) -> dict[str, str]:
    """What the assignment's role is called, in each language; a backup's with that word."""
    names = {}
    for key, language in (("zh", "zh-hans"), ("en", "en")):
        with override(language):
            name = label("role", assignment.role, assignment.staff.institution)
            is_main = assignment.kind == Assignment.Kind.MAIN
            names[key] = name if is_main else f"{name} ({Assignment.Kind(assignment.kind).label})"
    return names


def unit_names(turns: Iterable[Assignment]) -> dict[str, str]:
    """Grids and posts with the role in which somebody serves there, in each language."""
    named = [(turn.unit.name, role_names(turn)) for turn in turns]
    return {
        "zh": "、".join(f"{unit} ({role['zh']})" for unit, role in named),
        "en": ", ".join(f"{unit} ({role['en'].lower()})" for unit, role in named),
    }


def asked(assignment: Assignment, by: User) -> None:
    """That somebody asks for an assignment or a hand-over: those who decide."""
    deciders = set(deciders_over(assignment.staff.institution))
    old = assignment.replaces
    if old is not None:
        deciders |= set(deciders_over(old.staff.institution))
    kind = "assign_asked" if old is None else "hand_over_asked"
    _tell(deciders, kind, assignment, assignment.valid_from, by, PROPOSALS, old="" if old is None else old.staff.name)


def end_asked(assignment: Assignment, day: dt.date, by: User) -> None:
    """That somebody asks for the end of a turn: those who decide."""
    _tell(deciders_over(assignment.staff.institution), "end_asked", assignment, day, by, PROPOSALS)


def in_force(assignment: Assignment, by: User) -> None:
    """That an assignment holds: whoever is in charge now, whoever was, and whoever asked for it."""
    day = assignment.valid_from
    _tell([assignment.staff.user_id], "assigned", assignment, day, by)
    if assignment.replaces is not None:
        _tell([assignment.replaces.staff.user_id], "handed_over", assignment, day, by)
    _tell([assignment.proposed_by_id], "assign_approved", assignment, day, by)


def ended(assignment: Assignment, day: dt.date, by: User, asker: int | None = None) -> None:
    """That a turn ends: whoever was in charge, and whoever asked for the end."""
    _tell([assignment.staff.user_id], "ended", assignment, day, by)
    _tell([asker], "end_approved", assignment, day, by)


def left(users: Iterable[int | None], staff: Staff, day: dt.date, turns: Sequence[Assignment], by: User) -> None:
    """That somebody leaves, and which grids and posts nobody is in charge of from a day on; it leads to where they are filled."""
    vacant = "vacant" if any(turn.grid_id for turn in turns) else "posts"
    link = _page(turns[0]) if len(turns) == 1 else f"/people/?list={vacant}&at={day}"
    facts = {"name": staff.name, "day": day.isoformat(), "units": unit_names(turns)}
    tell({*users, staff.user_id}, "left", link, by, **facts)


def refused(assignment: Assignment, by: User, note: str) -> None:
    """That an assignment was declined: whoever asked for it."""
    _tell([assignment.proposed_by_id], "assign_refused", assignment, assignment.valid_from, by, note=note)


def end_refused(assignment: Assignment, by: User, asker: int | None, note: str) -> None:
    """That the end of a turn was declined: whoever asked for it."""
    _tell([asker], "end_refused", assignment, assignment.valid_from, by, note=note)


def _tell(
    users: Iterable[int | None],
    kind: str,
    assignment: Assignment,
    day: dt.date,
    by: User,
    link: str = "",
    **facts: str,
) -> None:
    tell(
        users,
        kind,
        link or _page(assignment),
        by,
        day=day.isoformat(),
        name=assignment.staff.name,
        unit=assignment.unit.name,
        role=role_names(assignment),
        **facts,
    )


def _page(assignment: Assignment) -> str:
    return f"/people/{'grids' if assignment.grid_id else 'posts'}/{assignment.unit.pk}/"

"""Which people, and which grids for their people, break which rules (layers.rules holds the rules)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import get_language

from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from layers.people.measures import rows
from layers.rules.evaluate import Broken, assess, is_outside, sentences, subject_of
from layers.rules.measures import REGISTRY, Measured, Subject
from layers.rules.models import Rule
from layers.staff.models import Staff


@dataclass(frozen=True)
class Fault:
    """A rule that a person or the people of a grid break."""

    rule: int
    severity: str
    domain: str
    measure: str
    value: float
    excess: float
    message_zh: str
    message_en: str
    grid: int | None = None
    staff: int | None = None

    @property
    def subject(self) -> tuple[int, int | None, int | None]:
        return self.rule, self.grid, self.staff

    @property
    def message(self) -> str:
        return self.message_en if get_language() == "en" else self.message_zh

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def of_staff(people: Iterable[Staff]) -> list[Fault]:
    """The rules on people that these break; a rule's level counts how many steps of supervision are below a person."""
    people = list(people)
    binding = _binding({person.institution for person in people}, "staff")
    height: dict[int, int] = {}
    for bank in {person.institution.head_office_path for person in people if binding[person.institution_id]}:
        members = [person.pk for person in people if person.institution.head_office_path == bank]
        height |= dict(rows("staff_height", staff=members, bank=bank))
    concerned = [
        (person, rule)
        for person in people
        for rule in binding[person.institution_id]
        if height.get(person.pk, 0) == rule.level
    ]
    found = []
    values = _measured((rule.measure, person.pk) for person, rule in concerned)
    for person, rule in concerned:
        measured = values[rule.measure][person.pk]
        if measured.value is not None and is_outside(rule, measured.value):
            zh, en = sentences(rule, f"{person.name} ({person.number})", measured, measured.value)
            found.append(_fault(rule, measured.value, zh, en, staff=person.pk))
    return sorted(found, key=lambda one: (one.severity != Rule.Severity.BLOCK, one.staff or 0, one.rule))


def of_institutions(institutions: Iterable[Institution]) -> list[Fault]:
    """The rules on staffing that institutions break; a rule's level 0 is institutions without any below."""
    institutions = list(institutions)
    binding = _binding(institutions, "institution")
    concerned = [(one, rule) for one in institutions for rule in binding[one.pk] if (rule.level == 0) == one.is_leaf()]
    found = []
    values = _measured((rule.measure, one.pk) for one, rule in concerned)
    for one, rule in concerned:
        measured = values[rule.measure][one.pk]
        if measured.value is not None and is_outside(rule, measured.value):
            zh, en = sentences(rule, one.name, measured, measured.value)
            found.append(_fault(rule, measured.value, zh, en))
    return found


def _binding(institutions: Collection[Institution], subject: Subject) -> dict[int, list[Rule]]:
    """The rules on one subject that bind at each institution."""
    rules = Rule.objects.binding_each(institutions)
    return {key: [rule for rule in binding if subject_of(rule) == subject] for key, binding in rules.items()}


def _measured(asked: Iterable[tuple[str, int]]) -> dict[str, dict[int, Measured]]:
    """Each measure once, of all that it is asked of."""
    ids: dict[str, set[int]] = defaultdict(set)
    for name, one in asked:
        ids[name].add(one)
    return {name: REGISTRY[name].compute(sorted(of)) for name, of in ids.items()}


def of_plans(plans: Iterable[Plan]) -> list[Fault]:
    """The rules on the people of grids that any grid of these plans breaks."""
    return [_of_broken(one) for plan in plans for one in assess(plan, subjects={"served"}).broken]


def of_grids(grids: Iterable[Grid]) -> list[Fault]:
    """The rules on the people of grids that these break."""
    by_plan: dict[int, list[Grid]] = {}
    for grid in grids:
        by_plan.setdefault(grid.plan_id, []).append(grid)
    found = []
    for members in by_plan.values():
        broken = assess(members[0].plan, [grid.pk for grid in members], subjects={"served"}).broken
        found += [_of_broken(one) for one in broken]
    return found


def _of_broken(one: Broken) -> Fault:
    return _fault(one.rule, one.value, *one.said, grid=one.grid.id)


def _fault(rule: Rule, value: float, zh: str, en: str, **whose: int) -> Fault:
    excess = _excess(rule.low, rule.high, value)
    return Fault(rule.pk, rule.severity, rule.domain, rule.measure, value, excess, zh, en, **whose)


def _excess(low: float | None, high: float | None, value: float) -> float:
    """By how much a value is outside."""
    return max((low if low is not None else value) - value, value - (high if high is not None else value))

"""谁管我, 我管谁: two hierarchies over one grid, the administrative one by grids and the bank's own by institutions (ZG06, YL06, JG01)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from layers.grids.models import Grid
from layers.orgs.models import Institution
from layers.staff.models import Assignment, Staff
from layers.staff.vocabulary import label

LEADING = ("chief", "manager")
"""Roles that lead a grid: who has one is over whoever serves the grids below."""
HEADS = ("grid_manager",)
"""The kind of staff that heads an institution (网格管理员 = 机构负责人)."""
DEEPEST = 9


@dataclass
class Node:
    """A person in a tree, with the place by which she stands there, and as what: her role in a grid, her kind in an institution."""

    staff: Staff
    place: str
    role: str
    below: list[Node] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.staff.pk,
            "name": self.staff.name,
            "number": self.staff.number,
            "kind": self.staff.kind,
            "institution": self.staff.institution.name,
            "place": self.place,
            "role": self.role,
            "below": [node.to_json() for node in self.below],
        }

    @property
    def count(self) -> int:
        """How many different people are below."""
        return len({node.staff.pk for node in self.flat()} - {self.staff.pk})

    def flat(self) -> list[Node]:
        return [self, *(one for node in self.below for one in node.flat())]


def _serving(grids: Q, at: dt.date | None) -> list[Assignment]:
    found = Assignment.objects.filter(grids, grid__isnull=False).on(at).serving()
    return list(found.select_related("staff__institution", "grid").order_by("grid__code", "kind", "role", "pk"))


def over_by_grid(staff: Staff, at: dt.date | None = None) -> list[list[Node]]:
    """For each grid that the person serves, who leads it and each grid above it, from near to far."""
    chains = []
    for own in _serving(Q(staff=staff), at):
        grid: Grid | None = own.grid
        above = [_in_grid(own)]
        while grid is not None:
            leading = _serving(Q(grid=grid, role__in=LEADING, kind=Assignment.Kind.MAIN), at)
            above += [_in_grid(one) for one in leading if one.staff_id != staff.pk]
            grid = grid.parent
        chains.append(above)
    return chains


def over_by_institution(staff: Staff) -> list[Node]:
    """The direct supervisor and hers, then who heads the institutions above, from near to far; each person once."""
    found: list[Node] = []
    seen = {staff.pk}
    person = staff
    while person.supervisor is not None and person.supervisor_id not in seen and len(found) < DEEPEST:
        person = Staff.objects.select_related("institution", "supervisor__institution").get(pk=person.supervisor_id)
        seen.add(person.pk)
        found.append(_in_institution(person))
    levels = [*Institution.objects.above(person.institution), person.institution]
    for institution in reversed(levels):
        heads = Staff.objects.employed().filter(institution=institution, kind__in=HEADS).exclude(pk__in=seen)
        for head in heads.select_related("institution").order_by("number"):
            seen.add(head.pk)
            found.append(_in_institution(head))
    return found


def who_is_over(staff: Staff, at: dt.date | None = None) -> dict[str, Any]:
    """Who leads the person on a day: `administrative` by grid, `service` by the bank's institutions."""
    return {"administrative": over_by_grid(staff, at), "service": over_by_institution(staff)}


def under_by_grid(staff: Staff, at: dt.date | None = None) -> list[Node]:
    """For each grid that the person leads, the people of it and of all grids below, as a tree of grids."""
    return [_led(own, at) for own in _serving(Q(staff=staff, role__in=LEADING), at)]


def _led(own: Assignment, at: dt.date | None) -> Node:
    assert own.grid is not None
    top = _in_grid(own)
    nodes: dict[int, list[Node]] = {own.grid.pk: [top]}
    parents = [own.grid.pk]
    for _step in range(DEEPEST):
        children = dict(Grid.objects.filter(parent__in=parents).values_list("pk", "parent"))
        if not children:
            break
        people = defaultdict(list)
        serving = _serving(Q(grid__in=list(children)), at)
        in_charge = {one.staff_id for one in serving if one.kind == Assignment.Kind.MAIN}
        for one in serving:
            # Who stands in for a neighbour is shown where she is in charge.
            if one.kind == Assignment.Kind.MAIN or one.staff_id not in in_charge:
                people[one.grid_id].append(one)
        for grid, parent in sorted(children.items()):
            # A grid without a leader hangs its people on whoever leads the next grid above.
            nodes[grid] = nodes[parent]
            here = people[grid]
            made = [_in_grid(one) for one in here]
            nodes[parent][0].below += made
            leaders = [node for node, one in zip(made, here, strict=True) if one.role in LEADING and one.kind == "main"]
            if leaders:
                nodes[grid] = leaders
        parents = list(children)
    top.below += [_in_grid(one) for one in _serving(Q(grid=own.grid_id), at) if one.role not in LEADING]
    return top


def under_by_institution(staff: Staff) -> Node:
    """Everybody whose supervisor the person is, directly or not; for the head of an institution, its people without one too.

    The heads of the institutions below report to the head above; an institution without a head is led from above.
    """
    top = _in_institution(staff)
    led = _led_by_heads(staff.institution) if staff.kind in HEADS else {}
    above_of = dict(_heads_below(led, staff.institution))
    level, seen = [top], {staff.pk}
    for _step in range(DEEPEST):
        by_id = {node.staff.pk: node for node in level}
        heads = {node.staff.institution_id: node for node in level if node.staff.kind in HEADS}
        headed = {institution: heads[head] for institution, head in led.items() if head in heads}
        found = Q(supervisor__in=list(by_id))
        if headed:
            found |= Q(institution__in=list(headed), supervisor__isnull=True) & ~Q(kind__in=HEADS)
            next_heads = [pk for pk, above in above_of.items() if above in heads]
            found |= Q(institution__in=next_heads, supervisor__isnull=True, kind__in=HEADS)
        people = Staff.objects.employed().filter(found).exclude(pk__in=seen).select_related("institution")
        level = []
        for person in people.order_by("institution__path", "number"):
            seen.add(person.pk)
            node = _in_institution(person)
            if person.supervisor_id in by_id:
                by_id[person.supervisor_id].below.append(node)
            elif person.kind in HEADS:
                heads[above_of[person.institution_id]].below.append(node)
            else:
                headed[person.institution_id].below.append(node)
            level.append(node)
        if not level:
            break
    return top


def _led_by_heads(top: Institution) -> dict[int, int]:
    """For each institution at and below one, the nearest at or above it that has a head."""
    institutions = list(Institution.objects.within(top))
    with_head = set(
        Staff.objects.employed()
        .filter(institution__in=institutions, kind__in=HEADS)
        .values_list("institution", flat=True)
    )
    by_path = {one.path: one.pk for one in institutions}
    led: dict[int, int] = {}
    for one in institutions:  # upper ones first
        above = by_path.get(one.path[: -one.steplen])
        if one.pk in with_head:
            led[one.pk] = one.pk
        elif above in led:
            led[one.pk] = led[above]
    return led


def _heads_below(led: dict[int, int], top: Institution) -> list[tuple[int, int]]:
    """Institutions with a head of their own, each with the one whose head is next above."""
    by_path = {one.path: one.pk for one in Institution.objects.within(top)} if led else {}
    pairs = []
    for path, pk in by_path.items():
        above = by_path.get(path[: -top.steplen])
        if led.get(pk) == pk and above in led:
            pairs.append((pk, led[above]))
    return pairs


def who_is_under(staff: Staff, at: dt.date | None = None) -> dict[str, Any]:
    """Whom the person leads on a day: `administrative` by grid, `service` by supervision."""
    return {"administrative": under_by_grid(staff, at), "service": under_by_institution(staff)}


def _in_grid(one: Assignment) -> Node:
    assert one.grid is not None
    role = label("role", one.role, one.staff.institution)
    if one.kind != Assignment.Kind.MAIN:
        role = f"{role} ({one.get_kind_display()})"
    return Node(one.staff, one.grid.name, role)


def _in_institution(staff: Staff) -> Node:
    return Node(staff, staff.institution.name, label("staff", staff.kind, staff.institution))

"""A bank with a branch, its published plan of four leaves, and people: what the tests of people begin with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.utils import timezone

from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Staff
from tests.factories import AssignmentFactory, InstitutionFactory, StaffFactory, UserFactory, published, square_plan


def today(days: int = 0) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


@dataclass
class Town:
    """`head` and `branch`; users by name; people a, b, c of the branch."""

    head: Institution
    branch: Institution
    plan: Plan
    users: dict[str, User] = field(default_factory=dict)
    people: dict[str, Staff] = field(default_factory=dict)

    def grid(self, code: str) -> Grid:
        return Grid.objects.select_related("plan__institution").get(plan=self.plan, code=self.plan.area_code + code)

    def serve(self, who: str, code: str, **more: object) -> Assignment:
        return AssignmentFactory(staff=self.people[who], grid=self.grid(code), **more)


def build(levels: int = 2) -> Town:
    head = InstitutionFactory(name="总行")
    branch = InstitutionFactory(name="支行", parent=head, kind=Institution.Kind.BRANCH)
    other = InstitutionFactory(name="外行")
    town = Town(head, branch, published(square_plan(2, levels=levels, institution=head)))
    for name, institution, role in (
        ("boss", head, "manager"),
        ("admin", head, "administrator"),
        ("chief", branch, "manager"),
        ("worker", branch, "worker"),
        ("auditor", head, "auditor"),
        ("stranger", other, "administrator"),
        ("regulator", InstitutionFactory(kind=Institution.Kind.REGULATOR), "regulator"),
    ):
        town.users[name] = UserFactory(institution=institution, role=role)
    for name in "abc":
        town.people[name] = StaffFactory(institution=branch, name=f"员工{name}")
    town.people["a"].user = town.users["worker"]
    town.people["a"].save()
    return town

"""Choosing somebody out of many: what is typed finds people; the choice is written as «姓名 (工号)»."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.orgs.models import User
from layers.staff.models import Assignment, Staff

LEADS = ("grid_manager", "grid_chief", "account_manager")
"""Kinds of staff who may be somebody's direct supervisor."""
WRITTEN = re.compile(r"(?:(?P<name>.*?)\s*\((?P<number>[^()]+)\)|(?P<plain>[^()]+))")
MOST = 20


def choosable(user: User, *, leads: bool = False) -> QuerySet[Staff]:
    """Whom a user may choose, those without anything to do first: of her subtree; as a supervisor, those who lead in her bank."""
    assert user.institution is not None
    path = user.institution.head_office_path if leads else user.institution.path
    found = Staff.objects.employed().filter(institution__path__startswith=path).select_related("institution")
    if leads:
        found = found.filter(kind__in=LEADS)
    busy = Exists(Assignment.objects.on().filter(staff=OuterRef("pk")))
    return found.annotate(busy=busy).order_by("busy", "institution__path", "number")


def found_by(people: QuerySet[Staff], words: str) -> list[Staff]:
    """The first of those whose name or number the words are a part or the beginning of."""
    return list(people.filter(Q(name__icontains=words) | Q(number__istartswith=words))[:MOST])


def written(staff: Staff) -> str:
    """How a choice is written."""
    return f"{staff.name} ({staff.number})"


class StaffField(forms.CharField):
    """Somebody, typed and found: the page's script offers who fits; a number alone will do."""

    def __init__(self, *, leads: bool = False, **more: Any) -> None:
        self.leads = leads
        self.people: QuerySet[Staff] = Staff.objects.none()
        self.also: Staff | None = None
        hint = {"data-people": "leads" if leads else "all", "autocomplete": "off", "translate": "no"}
        super().__init__(
            **{
                "label": gettext_lazy("人员"),
                "max_length": 140,
                "widget": forms.TextInput(hint | {"placeholder": gettext_lazy("姓名或工号")}),
            }
            | more
        )

    def offer(self, user: User, *, without: int | None = None, also: Staff | None = None) -> None:
        """Let it take those whom the user may choose, and who has been chosen before."""
        self.also = also
        self.people = choosable(user, leads=self.leads).exclude(pk=without)

    def prepare_value(self, value: Any) -> Any:
        return written(value) if isinstance(value, Staff) else value

    def clean(self, value: Any) -> Staff | None:
        text = super().clean(value)
        if not text:
            return None
        if self.also is not None and text == written(self.also):
            return self.also
        parts = WRITTEN.fullmatch(text.strip())
        found = self.people.none() if parts is None else self.people.filter(number=parts["number"] or parts["plain"])
        if parts is not None and parts["name"]:
            found = found.filter(name=parts["name"])
        people = list(found[:2])
        if not people and parts is not None and parts["plain"]:
            people = list(self.people.filter(name=parts["plain"].strip())[:2])
        if len(people) != 1:
            raise forms.ValidationError(
                _("没有找到这个人, 或不止一人; 请输入姓名或工号, 再从列出的人员中选择。"), code="nobody"
            )
        return people[0]

"""The values of a measure of persons or of institutions: a row for each that the user may see. There is no level, and no map."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from layers.orgs.models import Institution, User
from layers.rules.measures import Measure, Measured, on_day
from layers.staff.models import Staff


@dataclass(frozen=True)
class Subject:
    """Somebody, or an institution, and what is measured of them."""

    id: int
    code: str
    name: str
    parent: str
    measured: Measured


@dataclass(frozen=True)
class SubjectValues:
    """A measure of persons or institutions on a day."""

    measure: Measure
    at: dt.date
    rows: Sequence[Subject]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure.to_json(),
            "at": self.at,
            "notes": [f"{_('方法')}: {self.measure.about}"],
            "rows": [
                {"id": row.id, "code": row.code, "name": row.name, "parent": row.parent, **row.measured.to_json()}
                for row in self.rows
            ],
        }

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Heads and lines for a spreadsheet."""
        unit = str(self.measure.unit).strip()
        named = f"{self.measure.name} ({unit})" if unit else str(self.measure.name)
        heads = [_("编码"), _("名称"), _("上级机构"), named, _("估算"), _("数据来源")]
        lines = [
            [
                row.code,
                row.name,
                row.parent,
                row.measured.value,
                _("是") if row.measured.estimated else "",
                row.measured.source,
            ]
            for row in self.rows
        ]
        return heads, lines


def subject_values(user: User, one: Measure, at: dt.date | None = None) -> SubjectValues:
    """The measure of every person, or institution, of the user's subtree."""
    day = at or timezone.localdate()
    if one.of == "staff":
        people = Staff.objects.visible_to(user).employed(day).select_related("institution").order_by("number", "pk")
        named = [(each.pk, each.number, each.name, each.institution.name) for each in people]
    else:
        named = []
        above: dict[str, str] = {}
        for each in Institution.objects.visible_to(user):
            above[each.path] = each.name
            named.append((each.pk, each.code, each.name, above.get(each.path[: -each.steplen], "")))
    with on_day(day):
        found = one.compute([row[0] for row in named])
    return SubjectValues(one, day, [Subject(*row, found.get(row[0], Measured(None))) for row in named])

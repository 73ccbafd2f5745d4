"""The values of one measure for all grids of a level, in the plan in force on a date: what maps, tables and reports read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from gis.errors import JingtianError
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.rules.classes import Class, How, class_of, classify
from layers.rules.measures import OF_GRIDS, REGISTRY, Measure, Measured, NoSuchMeasure, measure, on_day, seen_by


class NoPlanInForce(JingtianError):
    """Nothing was in force on the date asked for."""

    code = "no_plan_in_force"


class NotOfGrids(JingtianError):
    """A map is asked for of what is measured of persons or institutions."""

    code = "not_of_grids"


class NoSuchLevel(JingtianError):
    """The plan has no such level."""

    code = "no_such_level"


@dataclass(frozen=True)
class Row:
    """A grid and what it measures; `behind`: addresses of the rows that the value is made of."""

    id: int
    code: str
    name: str
    parent: str
    level: int
    kind: str
    measured: Measured
    behind: Sequence[str]


@dataclass(frozen=True)
class Values:
    """A measure of the grids of a level; grids above it that are not divided are among them, so that the map is whole."""

    measure: Measure
    plan: Plan
    level: int
    at: dt.date
    rows: Sequence[Row]
    how: How = "quantile"
    limits: Sequence[float] = ()

    @cached_property
    def classes(self) -> list[Class]:
        known = [row.measured.value for row in self.rows if row.measured.value is not None]
        diverging = self.measure.scale == "diverging"
        return classify(known, self.how, self.limits, decimals=self.measure.decimals, around_zero=diverging)

    @cached_property
    def without_data(self) -> int:
        return sum(row.measured.value is None for row in self.rows)

    @property
    def notes(self) -> list[str]:
        """What has to be known about the values: printed with them, wherever they are shown."""
        found = [f"{_('方法')}: {self.measure.about}"] if self.measure.about else []
        found += [f"{_('分母')}: {self.measure.per}"] if self.measure.per else []
        found += [f"{_('数据')}: {sources}"] if (sources := self._sources(known=True)) else []
        found += [f"{_('分级')}: {self.said_classes}"] if len(self.classes) > 1 else []
        estimated = sum(row.measured.estimated for row in self.rows)
        found += [_("%(n)s 个网格的数值为估算") % {"n": estimated}] if estimated else []
        if self.without_data:
            why = self._sources(known=False)
            found.append(
                _("%(n)s 个网格没有数据; 没有数据不是零") % {"n": self.without_data} + (f" ({why})" if why else "")
            )
        if self.at != timezone.localdate() and self.measure.of == "grid":
            found.append(_("网格为 %(at)s 生效的方案; 网点、机具和户数为现在的登记") % {"at": self.at})
        return found

    def _sources(self, *, known: bool) -> str:
        """Where the values come from; or, of grids without data, why there are none."""
        found = {row.measured.source for row in self.rows if (row.measured.value is not None) == known}
        return "; ".join(sorted(found - {""})[:3])

    @property
    def said_classes(self) -> str:
        if self.measure.scale == "diverging":
            return _("以零为中心等距; 含下限, 不含上限")
        return {
            "quantile": _("分位数 (各级网格数大致相同)"),
            "equal": _("等距; 含下限, 不含上限"),
            "manual": _("自定界限; 含下限, 不含上限"),
        }[self.how]

    def class_of(self, row: Row) -> int | None:
        """Number of the row's class, or None where there is no data."""
        return (
            None
            if row.measured.value is None
            else class_of(row.measured.value, self.classes, decimals=self.measure.decimals)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure.to_json(),
            "plan": {"id": self.plan.pk, "name": self.plan.name},
            "level": self.level,
            "level_name": self.plan.level_name(self.level),
            "at": self.at,
            "how": self.how,
            "classes": [one.to_json() for one in self.classes],
            "without_data": self.without_data,
            "notes": self.notes,
            "rows": [
                {
                    "id": row.id,
                    "code": row.code,
                    "name": row.name,
                    "parent": row.parent,
                    "kind": row.kind,
                    "value": row.measured.to_json()["value"],
                    "estimated": row.measured.estimated,
                    "source": row.measured.said,
                    "class": self.class_of(row),
                    "rows": row.behind,
                }
                for row in self.rows
            ],
        }

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Heads and lines for a spreadsheet."""
        unit = str(self.measure.unit).strip()
        named = f"{self.measure.name} ({unit})" if unit else str(self.measure.name)
        heads = [_("编码"), _("网格"), _("上级网格"), _("类别"), named, _("估算"), _("数据来源")]
        lines = [
            [
                row.code,
                row.name,
                row.parent,
                str(Grid.Kind(row.kind).label),
                _plain(row.measured.value),
                _("是") if row.measured.estimated else "",
                row.measured.said,
            ]
            for row in self.rows
        ]
        return heads, lines


def _plain(value: float | None) -> float | int | None:
    """A value for a spreadsheet: whole numbers without decimals."""
    return None if value is None else int(value) if value == int(value) else round(value, 4)


def measure_named(user: User, name: str) -> Measure:
    """A measure that the user may see.

    Raises
    ------
    NoSuchMeasure
    """
    one = REGISTRY.get(name)
    if one is None:
        raise NoSuchMeasure(
            f"没有这个指标: {name[:40]}; 可用的指标见 /api/measures。",
            f"There is no such measure: {name[:40]}. /api/measures lists them.",
        )
    if not one.is_visible_to(user):
        raise PermissionDenied
    return one


def plan_of(user: User, at: dt.date, plan_id: int | None) -> Plan:
    """The plan asked for, or the one of the user's own institution (else of the highest that she sees) in force on a date.

    Raises
    ------
    NoPlanInForce
    """
    plans = Plan.objects.visible_to(user).select_related("institution")
    if plan_id is not None:
        return get_object_or_404(plans, pk=plan_id)
    found = list(plans.in_force(at).order_by("institution__path", "pk"))
    own = [plan for plan in found if plan.institution_id == user.institution_id]
    if not found:
        raise NoPlanInForce(
            f"{at} 没有生效的方案; 请换一个日期。", f"No plan was in force on {at}: choose another date."
        )
    return (own or found)[0]


def values_of(
    user: User,
    name: str,
    *,
    level: int | None = None,
    at: dt.date | None = None,
    plan_id: int | None = None,
    within: int | None = None,
    how: How = "quantile",
    limits: Sequence[float] = (),
) -> Values:
    """A measure of all grids of a level, as a user may see it.

    Parameters
    ----------
    level
        Counted from the service area, 0; the lowest one when None.
    within
        Only grids inside this one: the rows behind its own value.

    Raises
    ------
    NoSuchMeasure, NoPlanInForce, NoSuchLevel
    """
    one = measure_named(user, name)
    if one.of not in OF_GRIDS:
        raise NotOfGrids(
            f"“{one.name}”不是网格的指标, 没有地图; 数值见 /api/measures/{name}。",
            f"“{one.name}” is no measure of grids, so there is no map: /api/measures/{name} has its values.",
        )
    day = at or timezone.localdate()
    plan = plan_of(user, day, plan_id)
    lowest = len(plan.level_names) - 1
    depth = lowest if level is None else level
    if depth > lowest:
        raise NoSuchLevel(
            f"这个方案只有第 0 到第 {lowest} 级。", f"This plan has the levels 0 to {lowest} only.", level=depth
        )
    undivided = ~Exists(Grid.objects.filter(parent=OuterRef("pk")))
    grids = Grid.objects.filter(Q(level=depth) | Q(undivided, level__lt=depth), plan=plan)
    if within is not None:
        code_of = get_object_or_404(Grid, pk=within, plan=plan)
        grids = grids.filter(pk__in=_below(code_of.pk))
    grids = grids.annotate(is_leaf=undivided, above=Coalesce("parent__name", Value(""))).order_by("code")
    rows = list(grids.values_list("pk", "code", "name", "above", "level", "kind", "is_leaf"))
    if one.of == "served" and not plan.is_in_force(day):
        # Nobody serves a draft, and a plan of the past has no people of today: no data, rather than everything vacant.
        unknown = Measured(None, False, _("方案在这一天没有生效, 没有人员安排"))
        measured = {row[0]: {name: unknown} for row in rows}
    else:
        with seen_by(user), on_day(day):
            measured = measure([row[0] for row in rows], [name])
    found = [
        Row(
            *named,
            measured=measured[named[0]][name],
            behind=one.rows_behind(user, named[0], plan.pk, day, is_leaf=is_leaf),
        )
        for *named, is_leaf in rows
    ]
    return Values(one, plan, depth, day, found, how, tuple(limits))


def _below(grid_id: int) -> list[int]:
    """The grid and all grids below it."""
    found = level = [grid_id]
    while level:
        level = list(Grid.objects.filter(parent__in=level).values_list("pk", flat=True))
        found = found + level
    return found

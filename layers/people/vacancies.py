"""Measures of the people of a grid and of all grids below it: vacancies, and how many people serve."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.grids.models import Grid
from layers.people.measures import heads, people_lines, rows, serving
from layers.rules.lines import Line, lines
from layers.rules.measures import Measured, register


@register(
    "vacancies",
    gettext_lazy("空缺网格"),
    gettext_lazy("个"),
    "ZG07",
    of="served",
    about=gettext_lazy("最小的网格中没有网格员负责的个数"),
    behind=("lines:vacancies",),
)
def vacancies(ids: list[int]) -> dict[int, Measured]:
    """Smallest grids without a grid worker, in the grid and below."""
    said = _("人员安排")
    return {grid: Measured(float(len(vacant)), False, said) for grid, (vacant, _leaves) in _vacant(ids).items()}


@register(
    "vacancy_rate",
    gettext_lazy("空缺率"),
    "%",
    "ZG07",
    decimals=1,
    of="served",
    about=gettext_lazy("没有网格员负责的最小网格所占的比例"),
    per=gettext_lazy("网格内最小网格的个数"),
    behind=("lines:vacancies",),
)
def vacancy_rate(ids: list[int]) -> dict[int, Measured]:
    """The same, in percent of the smallest grids."""
    said = _("人员安排")
    return {grid: Measured(100 * len(vacant) / leaves, False, said) for grid, (vacant, leaves) in _vacant(ids).items()}


@register(
    "people",
    gettext_lazy("网格人员"),
    gettext_lazy("人"),
    "ZG08",
    "OC09",
    of="served",
    about=gettext_lazy("在网格及其下级网格任职的人数, 不分角色, 一人只算一次"),
    behind=("lines:people",),
)
def people(ids: list[int]) -> dict[int, Measured]:
    """People who serve in the grid and below, in any role."""
    said = _("人员安排")
    return {grid: Measured(float(heads(found)), False, said) for grid, found in serving(ids, below=True).items()}


@lines("people", gettext_lazy("网格人员"), personal=True)
def _people(grid: Grid) -> list[Line]:
    return people_lines(serving([grid.pk], below=True)[grid.pk])


@lines("vacancies", gettext_lazy("空缺网格"), personal=True)
def _vacancies(grid: Grid) -> list[Line]:
    vacant, _leaves = _vacant([grid.pk])[grid.pk]
    found = Grid.objects.filter(pk__in=vacant).select_related("parent").order_by("code").defer("geom", "parent__geom")
    return [Line(one.name, one.parent.name if one.parent else "", one.code, one.pk) for one in found]


def _vacant(ids: list[int]) -> dict[int, tuple[list[int], int]]:
    """The vacant of the smallest grids in each grid, and how many smallest grids it has."""
    found: dict[int, tuple[list[int], int]] = {grid: ([], 0) for grid in ids}
    for grid, leaf, is_vacant in rows("vacancies", grids=ids):
        vacant, leaves = found[grid]
        found[grid] = ([*vacant, leaf] if is_vacant else vacant, leaves + 1)
    return found

"""Measures of the people of a grid and of all grids below it: vacancies, and how many people serve."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.people.measures import rows
from layers.rules.measures import Measured, register


@register(
    "vacancies",
    gettext_lazy("空缺网格"),
    gettext_lazy("个"),
    "ZG07",
    of="served",
    about=gettext_lazy("最小的网格中没有网格员负责的个数"),
    behind=("people",),
)
def vacancies(ids: list[int]) -> dict[int, Measured]:
    """Smallest grids without a grid worker, in the grid and below."""
    said = _("人员安排")
    return {grid: Measured(float(vacant), False, said) for grid, _all, vacant, _people in _rows(ids)}


@register(
    "vacancy_rate",
    gettext_lazy("空缺率"),
    "%",
    "ZG07",
    decimals=1,
    of="served",
    about=gettext_lazy("没有网格员负责的最小网格所占的比例"),
    per=gettext_lazy("网格内最小网格的个数"),
    behind=("people",),
)
def vacancy_rate(ids: list[int]) -> dict[int, Measured]:
    """The same, in percent of the smallest grids."""
    said = _("人员安排")
    return {grid: Measured(100 * vacant / total, False, said) for grid, total, vacant, _people in _rows(ids)}


@register(
    "people",
    gettext_lazy("网格人员"),
    gettext_lazy("人"),
    "ZG08",
    "OC09",
    of="served",
    about=gettext_lazy("在网格及其下级网格任职的人数, 不分角色, 一人只算一次"),
    behind=("people",),
)
def people(ids: list[int]) -> dict[int, Measured]:
    """People who serve in the grid and below, in any role."""
    said = _("人员安排")
    return {grid: Measured(float(people), False, said) for grid, _all, _vacant, people in _rows(ids)}


def _rows(ids: list[int]) -> list[tuple[int, int, int, int]]:
    return [(grid, total, vacant, people) for grid, total, vacant, people in rows("vacancies", grids=ids)]

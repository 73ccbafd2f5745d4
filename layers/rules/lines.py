"""Rows behind a number that no layer of features has: the pieces of a grid, its neighbours, where its households live.

A later layer adds lines of its own with `@lines`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.grids.models import Grid
from layers.orgs.models import User
from layers.rules.measures import REGISTRY, from_buildings, measure, rows
from layers.rules.models import MeasureSettings
from layers.rules.reach import Way, homes_of, living, outlet_ways, said_way

MOST = 500


@dataclass(frozen=True)
class Line:
    """One of what a number is made of: what it is called, what is said of it, the grid that it is, and its place (lon/lat)."""

    name: str
    text: str
    code: str = ""
    grid: int | None = None
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lines:
    """Lines of a kind: their heading, how those of a grid are found, and whether they tell of people or where they live."""

    title: str | Promise
    make: Callable[[Grid], list[Line]]
    personal: bool = False

    def is_visible_to(self, user: User) -> bool:
        """A regulator sees the land, and no people: not who serves, nor who lives where."""
        return not (self.personal and user.is_regulator)

    def to_json(self, grid: Grid) -> dict[str, Any]:
        found = self.make(grid)
        return {"title": self.title, "count": len(found), "lines": [asdict(one) for one in found[:MOST]]}


KINDS: dict[str, Lines] = {}


def lines(key: str, title: str | Promise, **more: Any) -> Callable[[Callable[[Grid], list[Line]]], None]:
    """Make a function the lines of a kind; `more`: further attributes of `Lines`."""

    def add(make: Callable[[Grid], list[Line]]) -> None:
        KINDS[key] = Lines(title, make, **more)

    return add


@lines("pieces", gettext_lazy("组成网格的各块"))
def _pieces(grid: Grid) -> list[Line]:
    """The largest first, each with what compactness is made of."""
    said = _("面积 %(km2)s 平方公里, 周长 %(km)s 公里")
    return [
        Line(
            _("第 %(n)s 块") % {"n": number},
            said % {"km2": f"{area / 1e6:,.3f}", "km": f"{perimeter / 1e3:,.2f}"}
            + (", " + _("%(n)s 个洞") % {"n": holes} if holes else ""),
            at=(lon, lat),
        )
        for number, (area, perimeter, holes, lon, lat) in enumerate(rows("pieces", [grid.pk]), start=1)
    ]


@lines("children", gettext_lazy("直接下级网格"))
def _children(grid: Grid) -> list[Line]:
    return _of_grids(grid.children.order_by("code"), "area_km2")


@lines("siblings", gettext_lazy("同一上级下的网格"))
def _siblings(grid: Grid) -> list[Line]:
    ids = [sibling for _grid, sibling in rows("siblings", [grid.pk])]
    return _of_grids(Grid.objects.filter(pk__in=ids).order_by("code"), "workload")


def _of_grids(grids: Any, name: str) -> list[Line]:
    """Grids, each with a measure in words."""
    found = list(grids.only("code", "name"))
    values = measure([grid.pk for grid in found], [name])
    one = REGISTRY[name]
    made = []
    for grid in found:
        value = values[grid.pk][name].value
        said = _("没有数据") if value is None else f"{one.number(value)} {str(one.unit).strip()}"
        made.append(Line(grid.name, f"{one.name} {said}", grid.code, grid.pk))
    return made


@lines("overlaps", gettext_lazy("重叠的同级网格"))
def _overlaps(grid: Grid) -> list[Line]:
    said = _("重叠 %(km2)s 平方公里, 占本网格的 %(share)s%%")
    return [
        Line(name, said % {"km2": f"{area / 1e6:,.4f}", "share": f"{100 * share:,.2f}"}, code, pk, (lon, lat))
        for pk, code, name, area, share, lon, lat in rows("overlaps", [grid.pk])
    ]


@lines("outlet", gettext_lazy("最近的营业网点"))
def _outlet(grid: Grid) -> list[Line]:
    """By air or by street, as the institution measures it, from where the grid's label stands."""
    settings = MeasureSettings.of_path(grid.plan.institution.path)
    by = Way(settings.distance_by)
    [(_pk, *label)] = rows("labels", [grid.pk])
    ways = outlet_ways(grid.plan.institution, np.array([label]), by, access_m=settings.street_access_m)
    said = _("%(km)s 公里, %(way)s, 从网格的标注点起")
    return [
        Line(goal.name, said % {"km": f"{metres / 1000:,.2f}", "way": said_way(by)}, goal.code, at=(goal.lon, goal.lat))
        for metres, nearest in zip(ways.metres.tolist(), ways.nearest.tolist(), strict=True)
        if nearest >= 0
        for goal in [ways.outlets[nearest]]
    ]


@lines("homes", gettext_lazy("有住户的建筑"), personal=True)
def _homes(grid: Grid) -> list[Line]:
    """Where households are counted by buildings; those with most first."""
    if grid.pk not in from_buildings([grid.pk]):
        return []
    places = sorted(living([grid.pk]).places, key=lambda place: (-place[1], place[4]))
    return [
        Line(name or code or _("未编号建筑"), _("%(n)s 户") % {"n": f"{households:,.0f}"}, code, at=(lon, lat))
        for _leaf, households, lon, lat, code, name in places
    ]


@lines("far_homes", gettext_lazy("超出服务半径的住处"), personal=True)
def _far_homes(grid: Grid) -> list[Line]:
    """The farthest first, each with the outlet nearest to it."""
    by = Way(MeasureSettings.of_path(grid.plan.institution.path).distance_by)
    far = sorted(
        (home for home in homes_of(grid.plan, living([grid.pk]), by) if home.is_far),
        key=lambda home: (-home.metres, home.code),
    )
    return [Line(home.shown_name, home.said(by), home.code, at=(home.lon, home.lat)) for home in far]

"""How far people have it to the bank's staffed outlets, by air or by street: of where they live, and of grids (ZG05)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import shapely
from django.db.models import Count, Func, IntegerField, Sum, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyproj import Geod
from scipy.spatial import cKDTree

from gis.lattice import BoolArray, FloatArray, IntArray
from gis.measure import FLATTENING, SEMI_MAJOR_M
from gis.streets import StreetNetwork, reach
from layers.facilities.models import Outlet
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from layers.rules.measures import Measured, measure, register, rows
from layers.rules.models import MeasureSettings, Rule
from layers.rules.presets import presets
from layers.streets.models import Street

Way = MeasureSettings.Distance
GEOD = Geod(a=SEMI_MAJOR_M, f=FLATTENING)
NEAREST = 4
AS_NEAR = 1.01
"""The nearest by chord, and those that are as near but for 1%, are tried on the ellipsoid: the two differ by 0.7% at most."""

NETWORKS_KEPT = 2
NO_STREETS = gettext_lazy("附近没有街道数据, 不能沿街计算")


class Goal(NamedTuple):
    """A staffed outlet."""

    name: str
    code: str
    lon: float
    lat: float


class Reached(NamedTuple):
    """Metres from places to the nearest outlet: infinite where no way leads to one, not a number where no street is near.

    `access_m`: the part of the way that is off the streets; 0 by air. `outlets`: all there are; `nearest`: which of them, or -1.
    """

    metres: FloatArray
    access_m: FloatArray
    nearest: IntArray
    outlets: list[Goal]


def outlet_ways(institution: Institution, places: FloatArray, by: Way, *, access_m: float) -> Reached:
    """The way from places, (n, 2) in degrees, to the nearest staffed outlet of the bank.

    Parameters
    ----------
    access_m
        How far from a street a place or an outlet may be; by air it says nothing.
    """
    owned = Outlet.objects.filter(
        institution__path__startswith=institution.head_office_path, kind="staffed", is_active=True
    )
    outlets = [Goal(name, code, *geom.coords) for name, code, geom in owned.values_list("name", "code", "geom")]
    goals = np.array([goal[2:] for goal in outlets]).reshape(-1, 2)
    if by == Way.AIR:
        metres, nearest = _by_air(places, goals)
        return Reached(metres, np.zeros(len(places)), nearest, outlets)
    found = reach(_network(institution), places, goals, within_m=access_m)
    return Reached(np.where(found.is_off, np.nan, found.metres), found.access_m, found.goal, outlets)


def _network(institution: Institution) -> StreetNetwork:
    """The streets of the whole bank; those of the last banks asked for are kept as long as no street changes."""
    streets = Street.objects.of_bank(institution).order_by()
    content = streets.aggregate(
        n=Count("pk"), hash=Sum(Func(Cast("geom", TextField()), function="hashtext", output_field=IntegerField()))
    )
    return _network_of(institution.head_office_path, content["n"], content["hash"])


@lru_cache(maxsize=NETWORKS_KEPT)
def _network_of(bank: str, _count: int, _hash: int) -> StreetNetwork:
    lines = Street.objects.filter(institution__path__startswith=bank).order_by("pk").values_list("geom", flat=True)
    return StreetNetwork.of(shapely.from_wkb([bytes(line.wkb) for line in lines]))


def _by_air(places: FloatArray, outlets: FloatArray) -> tuple[FloatArray, IntArray]:
    if not len(places) or not len(outlets):
        return np.full(len(places), np.inf), np.full(len(places), -1)
    tries = min(NEAREST, len(outlets))
    chord, near = cKDTree(_on_sphere(outlets)).query(_on_sphere(places), k=range(1, tries + 1))
    place, rank = np.nonzero(chord <= AS_NEAR * chord[:, :1])
    metres = np.full(chord.shape, np.inf)
    _azimuth, _back, metres[place, rank] = GEOD.inv(*places[place].T, *outlets[near[place, rank]].T)
    best = metres.argmin(axis=1)[:, None]
    return np.take_along_axis(metres, best, 1)[:, 0], np.take_along_axis(near, best, 1)[:, 0]


def _on_sphere(degrees: FloatArray) -> FloatArray:
    lon, lat = np.radians(degrees).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def radii_km(institution: Institution) -> dict[str, float]:
    """How far an outlet serves, for urban and rural grids: by the bank's rules, else by the preset of ZG05."""
    usual = {rule["kind"]: float(rule["high"]) for rule in presets()["zg05"]["rules"]}
    own = {
        rule.kind: rule.high
        for rule in Rule.objects.binding(institution)
        if rule.measure == "outlet_distance_km" and rule.level == 0 and rule.high is not None
    }
    return {kind: own.get(kind, own.get("", usual[kind])) for kind in Grid.Kind.values}


class Home(NamedTuple):
    """Where households live: a building, or the label of a leaf where no building is known; and its way to the nearest outlet.

    `metres` and `access_m` as of `Reached`; `outlet` is None where no way leads to one.
    """

    leaf: int
    households: float
    lon: float
    lat: float
    code: str
    name: str
    metres: float
    access_m: float
    outlet: Goal | None
    is_far: bool
    is_estimated: bool

    @property
    def shown_name(self) -> str:
        name = self.name or self.code or _("未编号建筑")
        return _("%(grid)s (标注点)") % {"grid": name} if self.is_estimated else name

    def said(self, by: Way) -> str:
        """How many live there, and how far they have it where."""
        parts = [_("%(n)s 户") % {"n": f"{self.households:,.0f}"}]
        if self.outlet is None:
            parts.append(_("没有街道可到营业网点"))
        else:
            parts.append(
                _("%(km)s 公里到 %(outlet)s") % {"km": f"{self.metres / 1000:.2f}", "outlet": self.outlet.name}
            )
            if by == Way.STREET:
                parts.append(_("其中离街道 %(m)s 米") % {"m": f"{self.access_m:,.0f}"})
        if self.is_estimated:
            parts.append(_("按标注点估算"))
        return ", ".join(parts)


@dataclass
class Homes:
    """Households of a leaf by how far they have it: those beyond the radius, all that are known, and the farthest of them.

    `unknown`: households near no street, of which the way by street says nothing; `cut_off`: those of the far from which no
    street leads to an outlet.
    """

    far: float = 0
    total: float = 0
    unknown: float = 0
    cut_off: float = 0
    farthest_m: float = 0
    access_m: float = 0
    is_estimated: bool = False


class Living(NamedTuple):
    """Where households live: leaf, households, longitude, latitude, code and name of each place."""

    places: list[tuple[int, float, float, float, str, str]]
    is_estimated: bool


def living(grid_ids: Sequence[int]) -> Living:
    """Where the households at and below grids of a plan live: in the bank's buildings; where it has none in these grids, the
    households of a leaf stand at its label."""
    found = rows("homes", list(grid_ids))
    return Living(found, False) if found else Living(list(_at_labels(grid_ids)), True)  # type: ignore[arg-type]


def homes_by_leaf(plan: Plan, where: Living, by: Way | None = None) -> dict[int, Homes]:
    """`homes_of`, counted by leaf."""
    ways, is_far = _ways(plan, where, by)
    if not ways.outlets or not where.places:
        return {}
    leaves, at = np.unique([place[0] for place in where.places], return_inverse=True)
    households = np.array([place[1] for place in where.places])

    def counted(which: BoolArray) -> list[float]:
        return np.bincount(at, households * which, len(leaves)).tolist()

    is_cut_off = np.isinf(ways.metres)
    reached = np.flatnonzero(is_far & ~is_cut_off)
    farthest = np.full(len(leaves), -1)
    # In the order of the way: of each leaf, the last one stays.
    for_each = reached[np.argsort(ways.metres[reached])]
    farthest[at[for_each]] = for_each
    columns = (
        counted(is_far),
        counted(np.ones(len(at), dtype=bool)),
        counted(np.isnan(ways.metres)),
        counted(is_far & is_cut_off),
        np.where(farthest < 0, 0, ways.metres[farthest]).tolist(),
        np.where(farthest < 0, 0, ways.access_m[farthest]).tolist(),
    )
    return {leaf: Homes(*values, where.is_estimated) for leaf, *values in zip(leaves.tolist(), *columns, strict=True)}


def homes_of(plan: Plan, where: Living, by: Way | None = None) -> list[Home]:
    """How far households of a plan have it, and whether that is beyond the radius; nothing where the bank has no outlet.

    Parameters
    ----------
    by
        By air or by street; as the institution has set it when None.
    """
    ways, is_far = _ways(plan, where, by)
    columns = (ways.metres.tolist(), ways.access_m.tolist(), ways.nearest.tolist(), is_far.tolist())
    return [
        Home(*place, metres, access, ways.outlets[goal] if goal >= 0 else None, far, where.is_estimated)
        for place, metres, access, goal, far in zip(where.places, *columns, strict=True)
        if ways.outlets
    ]


def _ways(plan: Plan, where: Living, by: Way | None) -> tuple[Reached, BoolArray]:
    """The ways of where households live, and which of them are beyond the radius."""
    settings = MeasureSettings.of_path(plan.institution.path)
    xy = np.array([place[2:4] for place in where.places], dtype=np.float64).reshape(-1, 2)
    ways = outlet_ways(plan.institution, xy, by or Way(settings.distance_by), access_m=settings.street_access_m)
    radius = radii_km(plan.institution)
    radius_m = {leaf: 1000 * radius[kind] for leaf, kind in plan.grids.values_list("pk", "kind")}
    return ways, ways.metres > np.array([radius_m[place[0]] for place in where.places], dtype=np.float64)


def _at_labels(grid_ids: Sequence[int]) -> Iterable[tuple[int, float, float, float, str, str]]:
    leaves = sorted({leaf for _grid, leaf in rows("leaves", list(grid_ids))})
    households = measure(leaves, ["households"])
    names = {
        pk: (code, name) for pk, code, name in Grid.objects.filter(pk__in=leaves).values_list("pk", "code", "name")
    }
    for leaf, lon, lat in rows("labels", leaves) if leaves else ():
        value = households[leaf]["households"].value
        if value:
            yield leaf, value, lon, lat, *names[leaf]


def said_way(by: Way) -> str:
    """What is measured, in a few words."""
    return _("沿街距离, 含两端离街道的直线部分") if by == Way.STREET else _("直线距离")


@register(
    "outlet_distance_km",
    gettext_lazy("到网点的距离"),
    gettext_lazy("公里"),
    "ZG05",
    decimals=2,
    about=gettext_lazy(
        "网格标注点到本行最近营业网点 (不含自助银行) 的距离; 直线 (在椭球上) 或沿街 (沿街道的最短路, 加两端离街道的直线部分), 由本机构在规则页选定"
    ),
    behind=("lines:outlet",),
)
def outlet_distance_km(ids: list[int]) -> dict[int, Measured]:
    """From a point inside the grid (where its label stands) to the nearest staffed outlet of the bank."""
    spots = {grid: (lon, lat) for grid, lon, lat in rows("labels", ids)}
    found = {}
    for plan, members in _by_plan(list(spots)):
        settings = MeasureSettings.of_path(plan.institution.path)
        by = Way(settings.distance_by)
        places = np.array([spots[grid] for grid in members])
        ways = outlet_ways(plan.institution, places, by, access_m=settings.street_access_m)
        for grid, metres, access in zip(members, ways.metres.tolist(), ways.access_m.tolist(), strict=True):
            found[grid] = _distance(metres, access, by, ways.outlets)
    return found


def _distance(metres: float, access: float, by: Way, outlets: int) -> Measured:
    if not outlets:
        return Measured(None, False, _("没有营业网点数据"))
    if np.isnan(metres):
        return Measured(None, False, str(NO_STREETS))
    if np.isinf(metres):
        return Measured(None, False, _("没有街道通到营业网点"))
    return Measured(metres / 1000, False, said_way(by), f"{access:,.0f} {_('米')}" if by == Way.STREET else "")


@register(
    "far_households",
    gettext_lazy("超出网点服务半径的户数"),
    gettext_lazy("户"),
    "ZG05",
    about=gettext_lazy(
        "住处到本行最近营业网点的距离大于服务半径 (规则, 没有时按预设) 的户数; 住处按建筑, 没有建筑时按网格标注点; 直线或沿街由本机构在规则页选定"
    ),
    behind=("measure:far_households", "homes:far_homes"),
    is_quick=False,
)
def far_households(ids: list[int]) -> dict[int, Measured]:
    """Households beyond the service radius; no data where none is known, or where no street is near any of them."""
    found = {}
    for plan, members in _by_plan(ids):
        by_leaf = homes_by_leaf(plan, living(members))
        by = Way(MeasureSettings.of_path(plan.institution.path).distance_by)
        homes = defaultdict(list)
        for grid, leaf in rows("leaves", members):
            homes[grid] += [by_leaf[leaf]] if leaf in by_leaf else []
        found |= {grid: _counted(homes[grid], by) for grid in members}
    return found


def _counted(homes: list[Homes], by: Way) -> Measured:
    if not homes:
        return Measured(None, False, _("没有户数或营业网点数据"))
    unknown, total = sum(one.unknown for one in homes), sum(one.total for one in homes)
    if unknown == total:
        return Measured(None, False, str(NO_STREETS))
    estimated = any(one.is_estimated for one in homes)
    said = said_way(by) + (f"; {_('部分住户附近没有街道数据')}" if unknown else "")
    return Measured(sum(one.far for one in homes), estimated or unknown > 0, said)


def _by_plan(ids: Sequence[int]) -> list[tuple[Plan, list[int]]]:
    members = defaultdict(list)
    for grid, plan in Grid.objects.filter(pk__in=ids).values_list("pk", "plan"):
        members[plan].append(grid)
    plans = Plan.objects.select_related("institution").in_bulk(list(members))
    return [(plans[plan], grids) for plan, grids in members.items()]

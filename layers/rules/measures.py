"""What can be measured of a grid: one function each, set-based, from the rows as they are now in the transaction.

A later layer adds a measure of its own with `@register`, or replaces one (customers, once there is a register of them).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from gis.errors import JingtianError
from layers.features.registry import LAYERS
from layers.orgs.models import Institution, User
from layers.rules.models import MeasureSettings

SQL = Path(__file__).parent / "sql"
DAY: ContextVar[dt.date | None] = ContextVar("DAY", default=None)
"""The day on which people are counted: today, or the one that `on_day` sets."""
WHOSE: ContextVar[str] = ContextVar("WHOSE", default="")
"""The path below which things of people are counted: that of the user who asks, or everybody's (rules, the database)."""

WEIGHED = ("households", "cash_points", "area_km2")
"""What the workload is made of; `MeasureSettings.weights` has the weights."""


class NoSuchMeasure(JingtianError):
    """A measure is asked for that nobody has registered."""

    code = "no_such_measure"


@dataclass(frozen=True)
class Measured:
    """A measured value: None where there is no data, which is not zero.

    `source` says where values of its kind come from, `detail` what is to be known of this one alone.
    """

    value: float | None
    estimated: bool = False
    source: str = ""
    detail: str = ""

    @property
    def said(self) -> str:
        """Source and detail, as they stand beside the value."""
        return f"{self.source} ({self.detail})" if self.detail else self.source

    def to_json(self) -> dict[str, Any]:
        value = None if self.value is None else round(self.value, 4)
        return {"value": value, "estimated": self.estimated, "source": self.said}


Compute = Callable[..., dict[int, Measured]]
"""From grid ids, and from the other measures that it needs, by name, to the measured values."""

Subject = Literal["grid", "served", "staff", "institution"]
"""What a measure is of: the land of a grid, in any plan; the people of a grid, in plans in force; a person, or an
institution (ids of these)."""

OF_GRIDS = frozenset({"grid", "served"})

Scale = Literal["sequential", "diverging"]
"""How its values are coloured: from little to much, or on both sides of zero."""

Levels = Literal["any", "leaf", "above"]
"""Of which grids it says something: of all, of those without grids below, or of those with."""


@dataclass(frozen=True)
class Measure:
    """A measure: what it is called, its unit, and the function that measures many grids at once.

    Attributes
    ----------
    domain
        Ids of the capabilities that ask for it.
    about, per
        How it is counted, and what it is divided by (empty for plain numbers): printed wherever it is shown.
    behind
        The rows behind a value: `layer:kind`, `measure:name` (of the grids below), `registers:name`, or lines of
        `layers.rules.lines`: `lines:name`, and `homes:name`, of grids without grids below.
    is_personal
        Counts customers: no regulator sees it, and users only those of their own subtree.
    is_quick
        One of the few that the panel shows while somebody draws.
    """

    id: str
    name: str | Promise
    unit: str | Promise
    domain: tuple[str, ...]
    compute: Compute
    decimals: int = 0
    needs: tuple[str, ...] = ()
    of: Subject = "grid"
    about: str | Promise = ""
    per: str | Promise = ""
    scale: Scale = "sequential"
    levels: Levels = "any"
    behind: tuple[str, ...] = ()
    is_personal: bool = False
    is_quick: bool = True

    @property
    def group(self) -> str:
        """Under which heading it is offered: what it counts."""
        counted = "people" if self.of != "grid" else self.behind[0].partition(":")[0] if self.behind else ""
        others = {"people": _("人员"), "registers": _("五类登记")}
        return str(LAYERS[counted].name if counted in LAYERS else others.get(counted) or _("户数、形状与距离"))

    def is_visible_to(self, user: User) -> bool:
        """A regulator sees the land, and no people: neither staff nor customers. Field workers see customers one by one only."""
        if self.is_personal and user.role == User.Role.WORKER:
            return False
        return not user.is_regulator or (self.of == "grid" and not self.is_personal)

    def rows_behind(self, user: User, grid_id: int, plan_id: int, at: dt.date, *, is_leaf: bool) -> list[str]:
        """Addresses of the rows that a grid's value is made of, as far as a user may see them: points of a layer, people, the grids
        below, or lines. No regulator sees where people live."""
        found = []
        day = f"at={at}" if self.of == "served" else ""
        for source in self.behind:
            layer, _colon, which = source.partition(":")
            if layer == "measure":
                found += (
                    []
                    if is_leaf
                    else [f"/api/measures/{which}?plan={plan_id}&within={grid_id}" + (f"&{day}" if day else "")]
                )
            elif layer == "homes":
                found += [f"/api/grids/{grid_id}/lines/{which}"] if is_leaf and not user.is_regulator else []
            elif layer == "lines":
                found.append(f"/api/grids/{grid_id}/lines/{which}" + (f"?{day}" if day else ""))
            elif layer == "registers":
                found.append(f"/api/grids/{grid_id}/registers?only={which}")
            else:
                found.append(f"/api/layers/{layer}?grid={grid_id}" + (f"&kind={which}" if which else ""))
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": str(self.name),
            "unit": str(self.unit).strip(),
            "domain": list(self.domain),
            "decimals": self.decimals,
            "of": self.of,
            "group": self.group,
            "is_mapped": self.of in OF_GRIDS,
            "about": str(self.about),
            "per": str(self.per),
            "scale": self.scale,
            "levels": self.levels,
            "is_personal": self.is_personal,
            "is_quick": self.is_quick,
        }

    def in_words(self, value: float, language: str) -> str:
        """A value with its unit: 87 户, 87 households."""
        with override(language):
            return f"{self.number(value)} {str(self.unit).strip()}".strip()

    def number(self, value: float) -> str:
        text = f"{value:,.{self.decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


REGISTRY: dict[str, Measure] = {}


def register(
    key: str,
    name: str | Promise,
    unit: str | Promise,
    *domain: str,
    decimals: int = 0,
    needs: tuple[str, ...] = (),
    of: Subject = "grid",
    **more: Any,
) -> Callable[[Compute], Compute]:
    """Make a function a measure; the last one registered under a key counts. `more`: further attributes of `Measure`."""

    def add(compute: Compute) -> Compute:
        REGISTRY[key] = Measure(key, name, unit, domain, compute, decimals, needs, of, **more)
        return compute

    return add


@contextmanager
def on_day(day: dt.date) -> Iterator[None]:
    """Count people as of a day: an arrangement for next month is judged by next month's people."""
    token = DAY.set(day)
    try:
        yield
    finally:
        DAY.reset(token)


@contextmanager
def seen_by(user: User) -> Iterator[None]:
    """Count customers as a user may see them: those of the own subtree."""
    token = WHOSE.set(user.own_path)
    try:
        yield
    finally:
        WHOSE.reset(token)


def quick_measures() -> list[str]:
    """Keys of the measures of land that cost next to nothing: what every edit answers with."""
    return [key for key, one in REGISTRY.items() if one.of == "grid" and one.is_quick]


def measure(grid_ids: Sequence[int], names: Sequence[str] | None = None) -> dict[int, dict[str, Measured]]:
    """Measure grids.

    Parameters
    ----------
    names
        Keys of measures; the quick ones of the land when None.

    Returns
    -------
    By grid id and key. A grid that does not exist is left out.

    Raises
    ------
    NoSuchMeasure
    """
    unknown = set(names or ()) - {key for key, one in REGISTRY.items() if one.of in ("grid", "served")}
    if unknown:
        raise NoSuchMeasure(
            f"没有这个指标: {'、'.join(sorted(unknown))}; 可用的指标见 /api/measures。",
            f"There is no such measure: {', '.join(sorted(unknown))}. /api/measures lists them.",
        )
    ids = sorted(set(grid_ids))
    if not ids:
        return {}
    wanted = quick_measures() if names is None else list(dict.fromkeys(names))
    columns: dict[str, dict[int, Measured]] = {}
    for name in wanted:
        _compute(name, ids, columns)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM grid WHERE id = ANY (%s)", [ids])
        existing = sorted(row[0] for row in cursor.fetchall())
    return {grid: {name: columns[name].get(grid, Measured(None)) for name in wanted} for grid in existing}


def _compute(name: str, ids: list[int], columns: dict[str, dict[int, Measured]]) -> dict[int, Measured]:
    """One measure, after those that it needs; each is computed once."""
    if name not in columns:
        one = REGISTRY[name]
        columns[name] = one.compute(ids, **{need: _compute(need, ids, columns) for need in one.needs})
    return columns[name]


@register(
    "households",
    gettext_lazy("户数"),
    gettext_lazy("户"),
    "LA01",
    "MY01",
    "OC06",
    "LA04",
    "OC09",
    about=gettext_lazy("建筑户数之和; 没有建筑登记时用网格登记户数, 界线调整处按面积分摊并注明估算"),
    behind=("measure:households", "homes:homes"),
)
def households(ids: list[int]) -> dict[int, Measured]:
    """From the buildings where the service area has any, else from counts of grids, spread by area where borders moved."""
    built = from_buildings(ids)
    return _of_buildings(sorted(built)) | _of_counts([grid for grid in ids if grid not in built])


def from_buildings(ids: list[int]) -> set[int]:
    """Those of some grids whose households are counted by buildings."""
    source = _settings(ids)
    automatic = [grid for grid in ids if source[grid].households_from == MeasureSettings.From.AUTOMATIC]
    found = {grid for grid in ids if source[grid].households_from == MeasureSettings.From.BUILDINGS}
    return found | {row[0] for row in rows("registered", automatic)} if automatic else found


def _of_buildings(ids: list[int]) -> dict[int, Measured]:
    said = _("建筑户数之和")
    return {
        grid: Measured(value, False, said)
        for grid, value in inside("building", ids, "item.households", "item.households > 0").items()
    }


def _of_counts(ids: list[int]) -> dict[int, Measured]:
    unknown, counted = Measured(None, False, _("没有户数数据")), _("网格登记户数")
    shared, partial, old = _("户数按面积分摊"), _("部分网格没有户数"), _("登记后界线可能已调整")
    found = dict.fromkeys(ids, unknown)
    for grid, value, is_shared, missing, is_old in rows("counted", ids) if ids else ():
        if value is not None:
            faults = [text for text, applies in ((shared, is_shared), (partial, missing), (old, is_old)) if applies]
            found[grid] = Measured(value, bool(faults), "; ".join(faults) or counted)
    return found


@register(
    "workload",
    gettext_lazy("工作量"),
    gettext_lazy("分"),
    "HG01",
    "LA12",
    decimals=1,
    needs=WEIGHED,
    about=gettext_lazy("户数、助农取款点、面积各乘本机构设定的权重再相加"),
    behind=("measure:workload", "homes:homes", "machines:cash_point"),
)
def workload(ids: list[int], **parts: dict[int, Measured]) -> dict[int, Measured]:
    """Weighted sum of households, cash points and km²; the weights are a setting of the institution."""
    settings = _settings(ids)
    found = {}
    for grid in ids:
        weights = settings[grid].weights
        values = {key: parts[key][grid] for key, weight in weights.items() if weight and grid in parts[key]}
        known = [values[key].value for key in values]
        total = None if None in known else sum(weights[key] * (values[key].value or 0) for key in values)
        formula = " + ".join(f"{weights[key]:g}×{REGISTRY[key].name}" for key in values)
        said = [formula, *(one.source for one in values.values() if one.estimated or one.value is None)]
        found[grid] = Measured(total, any(one.estimated for one in values.values()), "; ".join(said))
    return found


@register(
    "area_km2",
    gettext_lazy("面积"),
    gettext_lazy("平方公里"),
    decimals=3,
    about=gettext_lazy("CGCS2000 椭球上的面积"),
    behind=("measure:area_km2", "lines:pieces"),
)
def area_km2(ids: list[int]) -> dict[int, Measured]:
    """On the spheroid of CGCS2000."""
    return {grid: Measured(area / 1e6, False, _("椭球面积")) for grid, area, _length, _pieces in rows("shapes", ids)}


@register(
    "compactness",
    gettext_lazy("紧凑度"),
    "",
    decimals=2,
    about=gettext_lazy("Polsby–Popper: 4π × 面积 ÷ 周长², 圆为 1"),
    behind=("lines:pieces",),
)
def compactness(ids: list[int]) -> dict[int, Measured]:
    """Polsby–Popper: 4π · area / perimeter², 1 for a circle; holes lengthen the perimeter."""
    return {
        grid: Measured(
            4 * math.pi * area / perimeter**2,
            False,
            "4πA/P²",
            f"A = {area / 1e6:,.3f} km², P = {perimeter / 1e3:,.2f} km",
        )
        for grid, area, perimeter, _pieces in rows("shapes", ids)
    }


@register(
    "pieces",
    gettext_lazy("连片"),
    gettext_lazy("块"),
    about=gettext_lazy("网格由几块组成; 只在一点相接的算两块"),
    behind=("lines:pieces",),
)
def pieces(ids: list[int]) -> dict[int, Measured]:
    """Of how many pieces the grid is: parts that touch at points only are separate."""
    return {grid: Measured(number, False, _("网格范围")) for grid, _area, _length, number in rows("shapes", ids)}


@register(
    "children",
    gettext_lazy("下级网格"),
    gettext_lazy("个"),
    "HG01",
    about=gettext_lazy("直接下级网格的个数"),
    levels="above",
    behind=("lines:children",),
)
def children(ids: list[int]) -> dict[int, Measured]:
    """Grids directly below."""
    return {grid: Measured(number, False, _("方案")) for grid, number in rows("children", ids)}


def _settings(ids: list[int]) -> Mapping[int, MeasureSettings]:
    """Each grid's settings: those of the nearest institution at or above the plan's that has made any, else the defaults."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grid.id, institution.path FROM grid JOIN plan ON plan.id = grid.plan_id"
            " JOIN institution ON institution.id = plan.institution_id WHERE grid.id = ANY (%s)",
            [ids],
        )
        paths = dict(cursor.fetchall())
    by_path = MeasureSettings.of_paths(set(paths.values()))
    default = MeasureSettings()
    return {grid: by_path.get(paths.get(grid, ""), default) for grid in ids}


def inside(table: str, ids: list[int], weight: str, which: str, whose: str = "") -> dict[int, float]:
    """How much of a table lies in each grid; `weight` and `which` are ours, never a user's.

    In the plan in force by the grids that the database keeps for what is in the table, in any other plan by place.
    """
    homes = at_home(table, ids, weight, which, whose)
    return homes | by_place(table, [grid for grid in ids if grid not in homes], weight, which, whose)


def at_home(table: str, ids: list[int], weight: str, which: str, whose: str = "") -> dict[int, float]:
    """By the grids that the database keeps; grids of other plans are left out."""
    return dict(rows("at_home", ids, {"whose": whose}, table=table, weight=weight, which=which)) if ids else {}


def by_place(table: str, ids: list[int], weight: str, which: str, whose: str = "") -> dict[int, float]:
    """By where each thing is; the tie-break is the same."""
    return dict(rows("inside", ids, {"whose": whose}, table=table, weight=weight, which=which)) if ids else {}


def rows(name: str, ids: list[int], values: Mapping[str, Any] | None = None, **parts: str) -> list[tuple[Any, ...]]:
    """Run a statement of sql/ on grids."""
    with connection.cursor() as cursor:
        text = _text(name)
        given = {"grids": ids, "step": Institution.steplen} | dict(values or {})
        cursor.execute(text.format(**parts) if parts else text, given)
        return cursor.fetchall()


@cache
def _text(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")

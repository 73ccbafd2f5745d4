"""检查清单: what is not as it should be, as lists of places: grids that break a rule, people, and points out of place.

A list is made anew whenever it is asked for; each says what it demands, and which capability of the source plans asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import models
from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from layers.features.attributes import name_of
from layers.features.filters import incomplete
from layers.features.models import Feature
from layers.features.registry import LAYERS, kinds_of
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User, paths_to
from layers.people import lists as people
from layers.rules.evaluate import Broken, assess, demand, has_level_of
from layers.rules.measures import rows as spots
from layers.rules.models import MeasureSettings, Rule
from layers.rules.presets import presets
from layers.rules.reach import Home, Homes, Way, homes_by_leaf, homes_of, living, radii_km, said_way
from layers.rules.values import plan_of

ALWAYS = ("yl04", "qj02", "zg05", "ob04")
"""Presets that are looked at also where the bank has made no rule of them: the lists that the source plans ask for by name."""


@dataclass(frozen=True)
class Row:
    """One line: what it is about, what is said of it, and where it is (lon/lat, CGCS2000).

    `behind`: id of the list of what its number is made of. `details`: what `columns` of its list name.
    """

    name: str
    text: str
    value: float | None = None
    code: str = ""
    grid: int | None = None
    at: tuple[float, float] | None = None
    behind: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """A list: its name, what it demands in words with the number, and its rows. `rule` is the setting that holds the number.

    `count` is how many rows there are, where they were only counted. `within` is the list, and `grid` the grid,
    whose row this list stands behind; `columns`: heads of `details` of its rows in a spreadsheet.
    """

    id: str
    group: str
    name: str
    demand: str
    domain: str
    rows: list[Row] = field(default_factory=list)
    severity: str = ""
    rule: int | None = None
    unmeasured: int = 0
    count: int | None = None
    within: str = ""
    grid: int | None = None
    columns: dict[str, str] = field(default_factory=dict)

    def to_json(self, page: slice | None = None) -> dict[str, Any]:
        """With some of the rows, where a page of them is asked for."""
        found = {
            key: getattr(self, key)
            for key in ("id", "group", "name", "demand", "domain", "severity", "rule", "unmeasured", "within", "grid")
        }
        found["count"] = len(self.rows) if self.count is None else self.count
        return found if page is None else found | {"rows": [row.to_json() for row in self.rows[page]]}

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Heads and lines for a spreadsheet."""
        heads = [_("清单"), _("业务编号"), _("要求"), _("编码"), _("对象"), _("数值"), _("情况"), _("经度"), _("纬度")]
        heads += self.columns.values()
        lines = [
            [self.name, self.domain, self.demand, row.code, row.name, row.value, row.text, *(row.at or (None, None))]
            + [row.details.get(key) for key in self.columns]
            for row in self.rows
        ]
        return heads, lines


def findings(user: User, plan_id: int | None = None) -> tuple[Plan, list[Finding]]:
    """All lists that a user may see, of the plan in force of her institution or of the one given.

    Raises
    ------
    NoPlanInForce
    """
    plan = plan_of(user, timezone.localdate(), plan_id)
    return plan, [one for source in SOURCES.values() for one in source(user, plan, "")]


def finding(user: User, key: str, plan_id: int | None = None) -> tuple[Plan, Finding]:
    """One list; 404 where there is none of that name. Only what is of its kind is looked at."""
    plan = plan_of(user, timezone.localdate(), plan_id)
    source = SOURCES.get(key.partition("-")[0])
    for one in source(user, plan, key) if source else ():
        if one.id == key:
            return plan, one
    raise Http404


def of_rules(user: User, plan: Plan, key: str) -> Iterator[Finding]:
    """A list for each rule on grids that binds the plan, and for the presets of `ALWAYS` that nobody has made a rule of."""
    binding = Rule.objects.binding(plan.institution)
    taken = {rule.subject for rule in Rule.objects.filter(institution__path__in=paths_to(plan.institution.path))}
    rules = [*binding, *(rule for rule in _preset_rules(plan.institution) if rule.subject not in taken)]
    rules = [rule for rule in rules if key in {"", _id(rule)}]
    found = assess(plan, subjects={"grid"}, rules=rules)
    by_rule: dict[int, list[Broken]] = {}
    for one in found.broken:
        by_rule.setdefault(one.rule.pk, []).append(one)
    for rule in rules:
        if rule.pk not in found.unmeasured_by_rule:
            continue  # about people: among their lists
        yield Finding(
            id=_id(rule),
            group=_("规则"),
            name=(get_language() == "en" and rule.name_en) or rule.name,
            demand=demand(rule)
            + ("" if rule.pk > 0 else f" ({_('按预设, 本机构尚未设为规则')})")
            + ("" if has_level_of(rule, plan) else f"; {_('本方案没有这一级网格, 不适用')}"),
            domain=rule.domain,
            rows=[_of_grid(one) for one in by_rule.get(rule.pk, [])] if key else [],
            count=len(by_rule.get(rule.pk, [])),
            severity=rule.severity if rule.pk > 0 else Rule.Severity.WARN,
            rule=rule.pk if rule.pk > 0 else None,
            unmeasured=found.unmeasured_by_rule[rule.pk],
        )


def _id(rule: Rule) -> str:
    return f"rule-{rule.pk if rule.pk > 0 else rule.preset.replace('.', '-')}"


def _of_grid(one: Broken) -> Row:
    zh, en = one.said
    text = en if get_language() == "en" else zh
    return Row(one.grid.name, text, round(one.value, 4), one.grid.code, one.grid.id, one.label)


def _preset_rules(institution: Institution) -> list[Rule]:
    """Rules as the presets have them, not saved; told apart by negative numbers."""
    given = [(key, number, rule) for key in ALWAYS for number, rule in enumerate(presets()[key]["rules"], start=1)]
    return [
        Rule(pk=-position, institution=institution, domain=presets()[key]["domain"], preset=f"{key}.{number}", **rule)
        for position, (key, number, rule) in enumerate(given, start=1)
    ]


def far_households(_user: User, plan: Plan, key: str) -> Iterator[Finding]:
    """Households farther from a staffed outlet than the rules of service radius allow, by smallest grid (ZG05).

    As the institution measures it, by air or by street; and the other way for comparison, under an id of its own.
    """
    settings = MeasureSettings.of_path(plan.institution.path)
    own = Way(settings.distance_by)
    radius = {kind: f"{value:g}" for kind, value in radii_km(plan.institution).items()}
    where = living(list(plan.grids.filter(parent__isnull=True).values_list("pk", flat=True)))
    for by in sorted(Way, key=lambda way: way != own):
        names = [f"far-households-{by}", *(["far-households"] if by == own else [])]
        if key and key not in names:
            continue
        found = homes_by_leaf(plan, where, by)
        far = {leaf: homes for leaf, homes in found.items() if homes.far}
        leaves = Grid.objects.filter(pk__in=far).only("code", "name") if key else ()
        labels = {leaf: (lon, lat) for leaf, lon, lat in spots("labels", list(far))} if key else {}
        yield Finding(
            id=key or names[-1],
            group=_("距离"),
            name=_("离网点远的住户 (%(way)s)") % {"way": str(by.label).lower()},
            demand=_far_demand(by, own, radius, settings, is_estimated=any(one.is_estimated for one in found.values())),
            domain="ZG05",
            rows=[
                _of_homes(leaf, far[leaf.pk], by, labels[leaf.pk])
                for leaf in sorted(leaves, key=lambda leaf: (-far[leaf.pk].far, leaf.code))
            ],
            count=len(far),
            unmeasured=sum(homes.unknown > 0 for homes in found.values()),
        )


def _far_demand(by: Way, own: Way, radius: dict[str, str], settings: MeasureSettings, *, is_estimated: bool) -> str:
    said = _("住户到最近营业网点的%(way)s: 城区至多 %(urban)s 公里, 农村至多 %(rural)s 公里")
    parts = [said % {"way": said_way(by), **radius}]
    parts.append(_("没有建筑户数, 各网格的户数按标注点计, 为估算") if is_estimated else _("按建筑计"))
    if by == Way.STREET:
        parts.append(_("离街道超过 %(m)s 米的住户没有数据, 未作判断") % {"m": f"{settings.street_access_m:g}"})
    if by != own:
        parts.append(_("供对照; 本机构按%(way)s计 (规则页可改)") % {"way": str(own.label).lower()})
    return "; ".join(parts)


def _of_homes(grid: Grid, homes: Homes, by: Way, at: tuple[float, float]) -> Row:
    parts = [_("%(far)s 户超出 (共 %(all)s 户)") % {"far": f"{homes.far:,.0f}", "all": f"{homes.total:,.0f}"}]
    if homes.farthest_m:
        parts.append(_("最远 %(km)s 公里") % {"km": f"{homes.farthest_m / 1000:.1f}"})
        if by == Way.STREET:
            parts.append(_("其中离街道 %(m)s 米") % {"m": f"{homes.access_m:,.0f}"})
    if homes.cut_off:
        parts.append(_("%(n)s 户没有街道通到营业网点") % {"n": f"{homes.cut_off:,.0f}"})
    if homes.unknown:
        parts.append(_("另有 %(n)s 户附近没有街道数据") % {"n": f"{homes.unknown:,.0f}"})
    text = ", ".join(parts)
    return Row(grid.name, text, round(homes.far), grid.code, grid.pk, at, f"homes-{by}-{grid.pk}")


def homes_behind(_user: User, plan: Plan, key: str) -> Iterator[Finding]:
    """The homes that a row of `far_households` counts, the farthest first: `homes-air-7` of a grid of the plan, at any level."""
    _homes, by, number = (*key.split("-"), "", "")[:3]
    if by not in Way or not number.isdecimal() or int(number) > models.BigIntegerField.MAX_BIGINT:
        return
    grid = Grid.objects.filter(plan=plan, pk=int(number)).first()
    if grid is None:
        return
    settings, way = MeasureSettings.of_path(plan.institution.path), Way(by)
    radius = {kind: f"{value:g}" for kind, value in radii_km(plan.institution).items()}
    homes = homes_of(plan, living([grid.pk]), way)
    far = sorted((home for home in homes if home.is_far), key=lambda home: (-home.metres, home.code))
    own = Way(settings.distance_by)
    yield Finding(
        id=key,
        group=_("距离"),
        name=_("%(grid)s: 离网点远的住处 (%(way)s)") % {"grid": grid.name, "way": str(way.label).lower()},
        demand=_far_demand(way, own, radius, settings, is_estimated=any(home.is_estimated for home in homes)),
        domain="ZG05",
        rows=[_of_home(home, way) for home in far],
        within=f"far-households-{way}" if way != own else "far-households",
        grid=grid.pk,
        columns={
            "households": _("户数"),
            "km": _("公里"),
            "off_street_m": _("其中离街道 (米)"),
            "outlet": _("最近营业网点"),
            "outlet_code": _("网点编码"),
        },
    )


def _of_home(home: Home, by: Way) -> Row:
    details: dict[str, Any] = {"households": home.households}
    if home.outlet is not None:
        details |= {
            "km": round(home.metres / 1000, 3),
            "outlet": home.outlet.name,
            "outlet_code": home.outlet.code,
            "outlet_at": (home.outlet.lon, home.outlet.lat),
        }
        if by == Way.STREET:
            details["off_street_m"] = round(home.access_m)
    at = (home.lon, home.lat)
    return Row(home.shown_name, home.said(by), details.get("km"), home.code, at=at, details=details)


def of_people(user: User, _plan: Plan, key: str) -> Iterator[Finding]:
    """The lists of people: vacant, double, absent, without a grid, points without a person …"""
    for one in people.LISTS.values():
        if not one.is_fault or key not in {"", f"people-{one.key}"}:
            continue
        found = people.found(one.key, user)
        yield Finding(
            id=f"people-{one.key}",
            group=_("人员"),
            name=str(one.name),
            demand=str(one.about),
            domain=one.domain,
            rows=[_of_person(row) for row in found[:]] if key else [],
            count=len(found),
        )


def _of_person(row: people.Row) -> Row:
    staff = row.staff.name if row.staff is not None else ""
    if (unit := row.post or row.outlet) is not None:
        return Row(unit.name, row.text, code=unit.code, at=row.at)
    if row.grid is not None:
        parent = f"{row.grid.parent.name} " if row.grid.parent else ""
        text = f"{staff}: {row.text}" if staff else row.text
        return Row(f"{parent}{row.grid.name}", text, code=row.grid.code, grid=row.grid.pk, at=row.at)
    return Row(staff, row.text, code=row.staff.number if row.staff is not None else "", at=row.at)


def of_features(user: User, _plan: Plan, key: str) -> Iterator[Finding]:
    """Points in no grid of any plan in force, by layer: listed, never lost; only counted where all lists are asked for."""
    for layer in LAYERS.values():
        if key not in {"", f"outside-{layer.id}"}:
            continue
        found = layer.visible_to(user).outside()
        if user.institution is not None:
            found = found.belonging_to(user.institution.head_office_path)
        said = _("不在服务区域内, 请核对位置")
        yield Finding(
            id=f"outside-{layer.id}",
            group=_("位置"),
            name=_("不在任何网格的%(layer)s") % {"layer": layer.name},
            demand=_("每个对象都应落在现行方案的一个网格内"),
            domain="ZG08",
            rows=[
                Row(name, said, code=code, at=(geom.x, geom.y))
                for name, code, geom in found.order_by("pk").values_list("name", "code", "geom")
            ]
            if key
            else [],
            count=None if key else found.count(),
        )


def of_exchange_points(user: User, _plan: Plan, _key: str) -> Iterator[Finding]:
    """Points exchanges that have not said what they are, who pays for them, or that their accounts are public (DD05)."""
    asked = {
        "site": _("点位性质"),
        "funded_by": _("资金来源"),
        "ledger_public": _("专账公开"),
        "ledger_at": _("专账公示处"),
    }
    rows = []
    found = LAYERS["outlets"].visible_to(user).filter(kind="exchange")
    if user.institution is not None:
        found = found.belonging_to(user.institution.path)
    for one in found.order_by("code", "pk"):
        lacking = [name for key, name in asked.items() if not one.attributes.get(key)]
        if lacking:
            text = _("缺: %(names)s") % {"names": "、".join(lacking)}
            rows.append(Row(one.name, text, code=one.code, at=(one.geom.x, one.geom.y)))
    yield Finding(
        id="exchange-points",
        group=_("兑换点"),
        name=_("专账未公开或资料不全的兑换点"),
        demand=_("积分兑换点写明点位性质和资金来源, 物资和资金专账公开并写明公示处"),
        domain="DD05",
        rows=rows,
    )


def of_stations(user: User, _plan: Plan, key: str) -> Iterator[Finding]:
    """Stations that lack something of the ten things that one has (十个一, QJ01)."""
    kinds = [kind for kind in kinds_of(user, "outlets")["outlets"] if kind.key == "station" and kind.checklist]
    if not kinds or key not in {"", "stations"}:
        return
    found = incomplete(LAYERS["outlets"].visible_to(user), kinds)
    if user.institution is not None:
        found = found.belonging_to(user.institution.path)
    items = {item["key"]: name_of(item) for item in kinds[0].checklist}
    separator = ", " if get_language() == "en" else "、"
    yield Finding(
        id="stations",
        group=_("工作站"),
        name=_("工作站“十个一”不全"),
        demand=_("普惠金融工作站的“十个一”都具备: %(names)s") % {"names": separator.join(items.values())},
        domain="QJ01",
        rows=[_of_station(one, items, separator) for one in found.order_by("code", "pk")] if key else [],
        count=None if key else found.count(),
    )


def _of_station(one: Feature, items: dict[str, str], separator: str) -> Row:
    lacking = [name for key, name in items.items() if one.attributes.get(key) is not True]
    text = _("缺: %(names)s") % {"names": separator.join(lacking)}
    return Row(one.name, text, len(lacking), one.code, at=(one.geom.x, one.geom.y))


SOURCES: dict[str, Callable[[User, Plan, str], Iterable[Finding]]] = {
    "rule": of_rules,
    "far": far_households,
    "homes": homes_behind,
    "people": of_people,
    "outside": of_features,
    "exchange": of_exchange_points,
    "stations": of_stations,
}
"""What makes the lists whose ids begin so: all of them, or the one asked for."""

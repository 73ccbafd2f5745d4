"""Measures that count features (outlets, machines, objects, customers), by kind, and the rates made of them.

In the plan in force the homes that the database keeps are counted; in any other plan, what lies in each grid. Both follow
the same tie-break, so both give the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from django.utils.functional import Promise, lazy
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from layers.features.kinds import FILE
from layers.features.registry import LAYERS, Layer
from layers.grids.models import Plan
from layers.orgs.models import Institution
from layers.rules.measures import WHOSE, Measured, inside, register

CHANNELS = ("网上银行", "手机银行", "微信银行", "电话银行")
"""Values of the attribute `channels` of customers (ZG16)."""
COMPLETENESS = """(
    SELECT coalesce(avg(CASE WHEN item.attributes @> jsonb_build_object(field ->> 'key', true) THEN 1.0 ELSE 0 END), 0)
    FROM feature_kind AS kind, jsonb_array_elements(kind.attributes) AS field
    WHERE kind.layer = 'outlets' AND kind.key = item.kind AND kind.institution_id IS NULL
        AND (field ->> 'scored')::boolean)"""
HOUSEHOLD_KINDS = "item.kind IN ('resident', 'farm_household')"


def counted(layer: str, ids: list[int], which: str = "true", weight: str = "1") -> dict[int, float] | None:
    """How many features of a layer, or how much of what they carry, each grid has; None where nobody has registered any.

    A register of customers that the bank has not begun is no data; no machine, where there are none, is none.
    """
    if layer not in LAYERS:
        return None
    found = LAYERS[layer]
    if found.is_personal and not _is_begun(found, ids):
        return None
    table, whose = found.model._meta.db_table, WHOSE.get() if found.is_personal else ""
    return inside(table, ids, weight, f"item.is_active AND ({which})", whose)


def _is_begun(layer: Layer, ids: list[int]) -> bool:
    """Whether any of the banks whose grids these are has a feature of the layer."""
    plans = Plan.objects.filter(grids__in=ids).distinct().values_list("institution__path", flat=True)
    banks = {path[: Institution.steplen] for path in plans}
    return any(layer.model.objects.filter(institution__path__startswith=bank).exists() for bank in banks)


def measured(names: Collection[str], values: Mapping[int, float], also: Iterable[str] = ()) -> dict[int, Measured]:
    """What layers count, as values: of personal layers a branch sees its own only, so that none of its own is no data, not zero."""
    said = ", ".join([*(LAYERS[name].name for name in names), *also])
    if len(WHOSE.get()) <= Institution.steplen or not any(LAYERS[name].is_personal for name in names):
        return {grid: Measured(value, False, said) for grid, value in values.items()}
    own, none = f"{said} ({_('只计本机构的')})", _("本机构没有登记; 其他机构的无权查看")
    return {
        grid: Measured(value, False, own) if value else Measured(None, False, none) for grid, value in values.items()
    }


def _measured(layer: str, ids: list[int], values: dict[int, float] | None) -> dict[int, Measured]:
    if values is None:
        said = _("尚无客户台账") if layer == "customers" else _("没有这一图层")
        return {grid: Measured(None, False, said) for grid in ids}
    return measured([layer], {grid: values[grid] for grid in ids if grid in values})


def _count(key: str, name: str | Promise, layer: str, kind: str = "", *domain: str, **more: Any) -> None:
    """A measure that counts the features of a layer, of one kind or of all; kinds are ours, out of the file of kinds."""
    unit = gettext_lazy("户") if layer == "customers" else gettext_lazy("个")
    which = f"item.kind = '{kind}'" if kind else "true"
    more |= {"behind": (f"{layer}:{kind}" if kind else layer,), "is_personal": layer == "customers"}

    @register(
        key, name, unit, *domain, about=gettext_lazy("本行登记在网格内的个数; 压在界线上的只属于一个网格"), **more
    )
    def compute(ids: list[int]) -> dict[int, Measured]:
        return _measured(layer, ids, counted(layer, ids, which))


def _rate(
    key: str,
    name: str | Promise,
    layer: str,
    part: str,
    whole: str,
    *domain: str,
    weight: str = "1",
    about: str | Promise,
    per: str | Promise,
    behind: tuple[str, ...],
) -> None:
    """A measure in percent: of the features that `whole` selects, those that `part` selects."""

    @register(
        key,
        name,
        "%",
        *domain,
        decimals=1,
        about=about,
        per=per,
        behind=behind,
        is_personal=layer == "customers",
        is_quick=False,
    )
    def compute(ids: list[int]) -> dict[int, Measured]:
        below = counted(layer, ids, whole)
        above = counted(layer, ids, f"{whole} AND {part}", weight)
        if below is None or above is None:
            return _measured(layer, ids, None)
        wholes, none = _measured(layer, ids, below), Measured(None, False, _("分母为零, 没有数据"))
        return {
            grid: replace(whole, value=100 * above[grid] / whole.value)
            if whole.value
            else whole
            if whole.value is None
            else none
            for grid, whole in wholes.items()
        }


@cache
def _kinds() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def _in_readers_language(zh: str, en: str) -> str:
    return en if get_language() == "en" else zh


_kind_name = lazy(_in_readers_language, str)

_count("outlets", gettext_lazy("网点数"), "outlets", "", "ZG05", "ZG08")
_count("cash_points", gettext_lazy("助农取款点"), "machines", "cash_point", "YL04")
_count("stations", gettext_lazy("普惠金融工作站"), "outlets", "station", "QJ02", is_quick=False)
_count("machines", gettext_lazy("机具数"), "machines", "", "ZG08", "YL05", is_quick=False)
_count("places", gettext_lazy("场所数"), "places", "", "HY12", is_quick=False)
_count("customers", gettext_lazy("客户数"), "customers", "", "YL02")
for _layer in ("outlets", "machines", "places", "customers"):
    for _kind in _kinds()[_layer]:
        if _kind["key"] not in {"cash_point", "station"}:
            _count(
                f"{_layer}_{_kind['key']}",
                _kind_name(_kind["name"], _kind["name_en"]),
                _layer,
                _kind["key"],
                *_kind["domain"].split(),
                is_quick=False,
            )

_rate(
    "station_completeness",
    gettext_lazy("工作站完整度"),
    "outlets",
    "true",
    "item.kind = 'station'",
    "QJ01",
    weight=COMPLETENESS,
    about=gettext_lazy("各工作站“十个一”已具备的比例的平均数"),
    per=gettext_lazy("网格内的工作站"),
    behind=("outlets:station",),
)
_rate(
    "registration_rate",
    gettext_lazy("建档率"),
    "customers",
    "item.attributes @> '{\"profiled\": true}'",
    "true",
    "YL02",
    "HY07",
    about=gettext_lazy("已建档的客户占全部客户的比例"),
    per=gettext_lazy("网格内登记的客户"),
    behind=("customers",),
)
for _kind in _kinds()["customers"]:
    for _event in (field for field in _kind["attributes"] if field["key"] == "service_event"):
        # 五个对接: each class has an event of its own, from the liaison card of a farm household to the talks of a co-operative.
        _rate(
            f"contact_rate_{_kind['key']}",
            _kind_name(f"{_kind['name']}对接率 ({_event['name']})", f"{_kind['name_en']}: {_event['name_en'].lower()}"),
            "customers",
            "item.attributes @> '{\"service_event\": true}'",
            f"item.kind = '{_kind['key']}'",
            "YL02",
            about=gettext_lazy("已完成本类对接事项的客户占本类客户的比例"),
            per=gettext_lazy("网格内登记的本类客户"),
            behind=(f"customers:{_kind['key']}",),
        )
_rate(
    "wechat_rate",
    gettext_lazy("入微信群比例"),
    "customers",
    "item.attributes @> '{\"wechat_group\": true}'",
    HOUSEHOLD_KINDS,
    "LA06",
    about=gettext_lazy("已有代表加入网格微信群的户占全部登记户的比例"),
    per=gettext_lazy("网格内登记的居民户和农户"),
    behind=("customers:resident", "customers:farm_household"),
)
for _number, (_channel, _name) in enumerate(
    zip(
        CHANNELS,
        (
            gettext_lazy("网上银行使用率"),
            gettext_lazy("手机银行使用率"),
            gettext_lazy("微信银行使用率"),
            gettext_lazy("电话银行使用率"),
        ),
        strict=True,
    ),
    start=1,
):
    _rate(
        f"channel_{_number}",
        _name,
        "customers",
        f"item.attributes -> 'channels' ? '{_channel}'",
        "true",
        "ZG16",
        about=gettext_lazy("使用这一线上渠道的客户占全部客户的比例"),
        per=gettext_lazy("网格内登记的客户"),
        behind=("customers",),
    )


@register(
    "residents",
    gettext_lazy("登记人数"),
    gettext_lazy("人"),
    "OC09",
    about=gettext_lazy("居民户和农户登记的人数之和"),
    behind=("customers:resident", "customers:farm_household"),
    is_personal=True,
    is_quick=False,
)
def residents(ids: list[int]) -> dict[int, Measured]:
    """Members of the households of the ledger."""
    members = "coalesce((item.attributes ->> 'members')::float8, 0)"
    return _measured("customers", ids, counted("customers", ids, HOUSEHOLD_KINDS, members))


@register(
    "cash_points_per_1000",
    gettext_lazy("每千户助农取款点"),
    gettext_lazy("个"),
    "YL04",
    decimals=2,
    needs=("cash_points", "households"),
    about=gettext_lazy("网格内的助农取款点 ÷ 户数 × 1000"),
    per=gettext_lazy("网格内的户数"),
    behind=("machines:cash_point", "measure:households"),
    is_quick=False,
)
def cash_points_per_1000(
    ids: list[int], cash_points: dict[int, Measured], households: dict[int, Measured]
) -> dict[int, Measured]:
    """Cash points by 1,000 households."""
    return _quotient(ids, cash_points, households, 1000)


@register(
    "household_density",
    gettext_lazy("户数密度"),
    gettext_lazy("户/平方公里"),
    decimals=1,
    needs=("households", "area_km2"),
    about=gettext_lazy("户数 ÷ 面积"),
    per=gettext_lazy("网格的面积"),
    behind=("measure:households", "measure:area_km2"),
    is_quick=False,
)
def household_density(
    ids: list[int], households: dict[int, Measured], area_km2: dict[int, Measured]
) -> dict[int, Measured]:
    """Households by square kilometre."""
    return _quotient(ids, households, area_km2, 1)


def _quotient(
    ids: list[int], above: dict[int, Measured], below: dict[int, Measured], times: float
) -> dict[int, Measured]:
    found = {}
    for grid in ids:
        if grid not in above or grid not in below:
            continue
        one, other = above[grid], below[grid]
        if one.value is None or not other.value:
            found[grid] = Measured(None, False, other.source if other.value is None else _("分母为零, 没有数据"))
        else:
            said = other.source if other.estimated else one.source
            found[grid] = Measured(times * one.value / other.value, one.estimated or other.estimated, said)
    return found

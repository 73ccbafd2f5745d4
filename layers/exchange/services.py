"""金融服务信息: what the bank tells the population platform of the services that households have (ZG12)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from layers.features.models import FeatureQuerySet

HOUSEHOLDS = ("resident", "farm_household")
Table = tuple[list[str], list[list[Any]], list[int]]


def by_household(found: FeatureQuerySet[Any]) -> Table:
    """A row a household: its code, its grid, whether there is a profile, and the services; and the ids of the rows."""
    yes, no = _("是"), _("否")
    rows, ids = [], []
    for pk, code, grid_code, attributes in _households(found):
        ids.append(pk)
        rows.append([
            code,
            grid_code or "",
            yes if attributes.get("profiled") else no,
            "、".join(attributes.get("channels") or ()),
            yes if attributes.get("wechat_group") else no,
            attributes.get("contacted", ""),
        ])  # fmt: skip
    return [_("户编号"), _("网格编码"), _("已建档"), _("办理的服务"), _("在微信群"), _("最近联系")], rows, ids


def by_grid(found: FeatureQuerySet[Any]) -> Table:
    """A row a grid: households, those with a profile, and those with any service."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    ids = []
    for pk, _code, grid_code, attributes in _households(found):
        ids.append(pk)
        count = counts[grid_code or ""]
        count[0] += 1
        count[1] += bool(attributes.get("profiled"))
        count[2] += bool(attributes.get("channels"))
    header = [_("网格编码"), _("登记户数"), _("已建档户数"), _("有服务的户数")]
    return header, [[code, *count] for code, count in sorted(counts.items())], ids


def _households(found: FeatureQuerySet[Any]) -> Any:
    rows = found.filter(kind__in=HOUSEHOLDS).values_list("pk", "code", "grid_code", "attributes")
    return rows.iterator(chunk_size=2000)

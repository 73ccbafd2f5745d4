"""Measures that compare a grid with its siblings."""

from __future__ import annotations

from collections import defaultdict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.rules.measures import Measured, measure, register, rows


@register(
    "overlap_share",
    gettext_lazy("交叉比例"),
    "%",
    "ZG04",
    decimals=2,
    about=gettext_lazy("与同级网格重叠的面积占自身面积的比例; 不重不漏的方案恒为 0"),
    per=gettext_lazy("网格的面积"),
    behind=("lines:overlaps",),
    is_quick=False,
)
def overlap_share(ids: list[int]) -> dict[int, Measured]:
    """Share of the grid that its siblings cover too, in percent."""
    said = _("网格范围")
    return {grid: Measured(100 * share, False, said) for grid, share in rows("overlap", ids)}


@register(
    "workload_deviation",
    gettext_lazy("工作量偏差"),
    "%",
    "HG01",
    "LA12",
    decimals=1,
    scale="diverging",
    about=gettext_lazy("工作量与同一上级下各网格平均数相差的百分比"),
    per=gettext_lazy("同一上级下各网格工作量的平均数"),
    behind=("lines:siblings",),
    is_quick=False,
)
def workload_deviation(ids: list[int]) -> dict[int, Measured]:
    """Percent above or below the mean workload of the grids with the same parent."""
    families: dict[int, list[int]] = defaultdict(list)
    for grid, sibling in rows("siblings", ids):
        families[grid].append(sibling)
    load = {
        grid: one["workload"] for grid, one in measure([g for f in families.values() for g in f], ["workload"]).items()
    }
    found = {}
    for grid, family in families.items():
        own = load[grid]
        known = [value for value in (load[sibling].value for sibling in family) if value is not None]
        mean = sum(known) / len(known) if known else 0
        value = None if own.value is None or not mean else 100 * (own.value / mean - 1)
        said = _("同级平均 %(mean)s 分") % {"mean": f"{mean:,.1f}"} if known else ""
        found[grid] = Measured(value, own.estimated, own.source, said)
    return found

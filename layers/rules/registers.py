"""五类登记 (OC07): how many people, houses, events, organisations and things are registered in a grid; all grids in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from layers.features.models import Kind
from layers.features.registry import LAYERS
from layers.grids.models import Plan
from layers.orgs.models import Institution, User
from layers.rules.counts import counted, measured
from layers.rules.measures import Measured, inside, register
from layers.rules.values import Row, values_of

OF_REGISTER = """(item.kind, item.institution_id) IN (
    SELECT kind.key, held.id
    FROM feature_kind AS kind
    LEFT JOIN institution AS owner ON owner.id = kind.institution_id
    JOIN institution AS held ON owner.id IS NULL OR left(held.path, {step}) = left(owner.path, {step})
    WHERE kind.layer = '{layer}' AND kind.register = '{register}')"""
"""Features of the kinds of a register: those that every bank has, and those that the feature's own bank has added."""


def _count(key: str, name: str | Promise) -> None:
    @register(
        f"register_{key}",
        name,
        gettext_lazy("个"),
        "OC07",
        about=gettext_lazy("网格内归入这一登记的各类对象的个数; 人含客户中的个人和户、网格人员, 房含建筑"),
        behind=(f"registers:{key}",),
        is_personal=True,
        is_quick=False,
    )
    def compute(ids: list[int]) -> dict[int, Measured]:
        found: dict[str, dict[int, float]] = {}
        for layer in (
            Kind.objects.filter(register=key, layer__in=LAYERS).order_by().values_list("layer", flat=True).distinct()
        ):
            which = OF_REGISTER.format(layer=layer, register=key, step=Institution.steplen)
            if (counts := counted(layer, ids, which)) is not None:
                found[layer] = counts
        built = inside("building", ids, "1", "true") if key == Kind.Register.HOUSE else {}
        if not found and not built:
            return {grid: Measured(None, False, _("尚无登记")) for grid in ids}
        sums = {grid: sum(one.get(grid, 0) for one in (*found.values(), built)) for grid in ids}
        also = [pgettext("五类登记", "建筑")] if key == Kind.Register.HOUSE else []
        return measured(found, sums, also)


_count("person", gettext_lazy("五类登记: 人"))
_count("house", gettext_lazy("五类登记: 房"))
_count("event", gettext_lazy("五类登记: 事"))
_count("organisation", gettext_lazy("五类登记: 组织"))
_count("thing", gettext_lazy("五类登记: 物品"))


@dataclass(frozen=True)
class Table:
    """Grids of a level, each with the five registers in the order of `Kind.Register`."""

    plan: Plan
    level: int
    rows: Sequence[tuple[Row, list[Measured]]]

    def in_order(self, order: str) -> Sequence[tuple[Row, list[Measured]]]:
        """By a register, most first where a minus stands before it; else by code. What has no data comes last."""
        name = order.removeprefix("-")
        if name not in Kind.Register.values:
            return self.rows
        place, way = Kind.Register.values.index(name), -1 if order.startswith("-") else 1

        def key(row: tuple[Row, list[Measured]]) -> tuple[bool, float, str]:
            value = row[1][place].value
            return value is None, way * (value or 0), row[0].code

        return sorted(self.rows, key=key)

    def cells(self) -> tuple[list[str], list[list[Any]]]:
        """Heads and lines for a spreadsheet."""
        heads = [_("编码"), _("网格"), _("上级网格"), *(str(one.label) for one in Kind.Register)]
        whole = [[None if one.value is None else int(one.value) for one in counts] for _row, counts in self.rows]
        lines = [[row.code, row.name, row.parent, *counts] for (row, _c), counts in zip(self.rows, whole, strict=True)]
        return heads, lines


def registers_of(user: User, level: int | None = None, plan_id: int | None = None) -> Table:
    """The five registers of all grids of a level, as a user may see them.

    Raises
    ------
    NoSuchMeasure, NoPlanInForce, NoSuchLevel
    """
    of_each = [values_of(user, f"register_{key}", level=level, plan_id=plan_id) for key in Kind.Register.values]
    first = of_each[0]
    columns = [[row.measured for row in one.rows] for one in of_each]
    return Table(first.plan, first.level, list(zip(first.rows, map(list, zip(*columns, strict=True)), strict=True)))

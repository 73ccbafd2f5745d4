"""客户归属: how many customers count for a person or an institution by the recorded shares (OB02)."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.people.measures import rows
from layers.rules.measures import Measured, register

OWNERS = ("worker", "account_manager")
"""Roles of the built-in vocabulary to which the customers of a grid belong; chiefs and grid managers lead, they own nobody."""


class Owned(NamedTuple):
    """Customers of an institution: how many are its own, what of them counts for others, and what of others' counts for it."""

    own: int
    given: float
    helped: float

    @property
    def counted(self) -> float:
        return self.own - self.given + self.helped


def owned_by(institutions: list[int]) -> dict[int, Owned]:
    """The customers of institutions by the shares between them, whoever asks."""
    found = rows("institution_customers", institutions=institutions)
    return {one: Owned(own, float(given), float(helped)) for one, own, given, helped in found}


@register(
    "customers_per_person",
    gettext_lazy("归属客户 (按比例)"),
    gettext_lazy("户"),
    "OB02",
    decimals=1,
    of="staff",
    about=gettext_lazy("所负责网格内的客户, 按归属比例折算; 协办机构的份额不计; 比例合计超过 100% 的按比例缩减"),
    is_personal=True,
)
def customers_per_person(ids: list[int]) -> dict[int, Measured]:
    """Customers of the grids that a person serves as an owner, each counted with the person's share."""
    counted = dict(rows("staff_customers", staff=ids, roles=list(OWNERS)))
    return {one: Measured(float(counted.get(one, 0)), False, _("客户登记")) for one in ids}


@register(
    "customers_owned",
    gettext_lazy("归属客户 (按比例)"),
    gettext_lazy("户"),
    "OB02",
    decimals=1,
    of="institution",
    about=gettext_lazy("本机构的客户减去协办机构的份额, 加上协办其他机构客户的份额"),
    is_personal=True,
)
def customers_owned(ids: list[int]) -> dict[int, Measured]:
    """Customers of an institution by the shares between it and those that help it, or that it helps."""
    found = owned_by(ids)
    return {one: Measured(found[one].counted, False, _("客户登记")) for one in ids}

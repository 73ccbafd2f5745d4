"""Outlets and machines: points that belong to an institution."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from layers.grids.models import SRID
from layers.orgs.models import Institution, User


class FacilityQuerySet(models.QuerySet["Facility"]):
    """Facilities by who may see them."""

    def visible_to(self, user: User) -> FacilityQuerySet:
        """Those of the user's own bank; a regulator sees them all: where a service point stands is public."""
        return self.filter(institution__in=Institution.objects.showing_points_to(user))


class Facility(models.Model):
    """A service point of an institution: what outlets and machines have in common."""

    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name=_("机构"))
    code = models.CharField(_("行内编码"), max_length=40)
    name = models.CharField(_("名称"), max_length=120)
    geom = models.PointField(_("位置"), srid=SRID)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = FacilityQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Outlet(Facility):
    """网点: staffed, or 自助银行 self-service."""

    class Kind(models.TextChoices):
        STAFFED = "staffed", _("营业网点")
        SELF_SERVICE = "self_service", _("自助银行")

    kind = models.CharField(_("类型"), max_length=16, choices=Kind.choices, default=Kind.STAFFED)

    class Meta:
        db_table = "outlet"
        verbose_name = _("网点")
        verbose_name_plural = _("网点")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="outlet_code_is_unique"),)


class Machine(Facility):
    """机具: ATM, CRS, POS, self-service terminal, transfer phone, or a 助农取款点 (cash point)."""

    class Kind(models.TextChoices):
        CASH_POINT = "cash_point", _("助农取款点")
        ATM = "atm", "ATM"
        CRS = "crs", "CRS"
        POS = "pos", "POS"

    kind = models.CharField(_("类型"), max_length=16, choices=Kind.choices)

    class Meta:
        db_table = "machine"
        verbose_name = _("机具")
        verbose_name_plural = _("机具")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="machine_code_is_unique"),)

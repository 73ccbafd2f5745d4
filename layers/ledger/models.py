"""The register of customers in grids: households, merchants, firms and farms, and those of them who need special care."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from layers.features.models import Feature, FeatureQuerySet
from layers.grids.models import Grid
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment

PERSONS = frozenset({"resident", "farm_household", "large_grower", "family_farm"})
"""Kinds whose name is a person's; firms, co-operatives and merchants trade under theirs."""


class CustomerQuerySet(FeatureQuerySet["Customer"]):
    """Customers by who may see them: personal data stays in the subtree, and with a field worker in the own grids."""

    def visible_to(self, user: User) -> CustomerQuerySet:
        """Customers of the user's subtree; a field worker's those in the grids she serves; a regulator's none."""
        if user.institution is None or user.is_regulator:
            return self.none()
        if user.role == User.Role.WORKER:
            return self.filter(institution__path__startswith=user.institution.head_office_path).in_grids_of(user)
        return self.filter(institution__path__startswith=user.institution.path)

    def in_grids_of(self, user: User) -> CustomerQuerySet:
        """Those in the grids that a person serves today, at whatever level."""
        served = Grid.objects.filter(assignments__in=Assignment.objects.on().filter(staff__user=user)).values("pk")
        sql, parameters = served.query.sql_with_params()
        leaves = RawSQL(f"SELECT id FROM leaves_below(ARRAY({sql}))", parameters)
        home = Grid.objects.filter(plan=OuterRef("area__plan"), code=OuterRef("grid_code"), pk__in=leaves)
        return self.filter(Exists(home))


class Customer(Feature):
    """客户: a household, merchant, firm or farm that lies in a grid (YL02, HY07).

    Coordinates as of every feature; telephone masked for everybody until asked for with a reason (layers.audit.masking).
    """

    phone = models.CharField(_("电话"), max_length=40, blank=True, db_default="")
    served_by = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("协办机构"),
        help_text=_("客户归属上移后继续服务的网点"),
    )
    served_share = models.FloatField(
        _("协办分成"), default=0, db_default=0, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        db_table = "customer"
        verbose_name = _("客户")
        verbose_name_plural = _("客户")
        constraints = (
            models.UniqueConstraint(fields=("institution", "code"), name="customer_code_is_unique"),
            models.CheckConstraint(
                condition=Q(served_share__gte=0, served_share__lte=1)
                & (Q(served_share=0) | Q(served_by__isnull=False)),
                name="customer_share_is_of_somebody",
            ),
        )


class CareQuerySet(models.QuerySet["Care"]):
    """Records of care by who may see them (HY10)."""

    def visible_to(self, user: User) -> CareQuerySet:
        """Those of customers that the user sees, and only for those who care or answer for it: worker, manager, administrator."""
        if user.role not in {User.Role.WORKER, User.Role.MANAGER, User.Role.ADMINISTRATOR}:
            return self.none()
        return self.filter(customer__in=Customer.objects.visible_to(user))


class Care(models.Model):
    """重点对象: that a household needs special care or attention, in a category of the vocabulary `care` (OC09, HY10). Restricted."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="cares", verbose_name=_("客户"))
    category = models.CharField(_("类别"), max_length=40)
    since = models.DateField(_("自"))
    until = models.DateField(_("至"), null=True, blank=True)
    note = models.CharField(_("说明"), max_length=500, blank=True)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = CareQuerySet.as_manager()

    class Meta:
        db_table = "care"
        verbose_name = _("重点对象")
        verbose_name_plural = _("重点对象")
        constraints = (
            models.UniqueConstraint(fields=("customer", "category", "since"), name="care_is_recorded_once"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="care_ends_after_it_begins"
            ),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} {self.category}"

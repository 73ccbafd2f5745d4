"""Streets and buildings: what borders follow, and where households live. Both are the whole bank's to see."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.gis.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import In
from django.utils.translation import gettext_lazy as _

from layers.features.models import Homed
from layers.grids.models import SRID
from layers.orgs.models import Institution, User

AnyMapped = TypeVar("AnyMapped", bound=models.Model)


class MappedQuerySet(models.QuerySet[AnyMapped]):
    """Mapped things by who may see them and by place."""

    def visible_to(self, user: User) -> MappedQuerySet[AnyMapped]:
        """Those of the user's own bank; a regulator sees them all: streets and houses are no secret."""
        return self.filter(institution__in=Institution.objects.showing_points_to(user))

    def of_bank(self, institution: Institution) -> MappedQuerySet[AnyMapped]:
        """Those of the whole bank that an institution is part of."""
        return self.filter(institution__path__startswith=institution.head_office_path)


class Street(models.Model):
    """街道线: a street, road, lane or river bank along which a border may run."""

    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name=_("机构"))
    name = models.CharField(_("名称"), max_length=120, blank=True)
    kind = models.CharField(_("类型"), max_length=40, blank=True)
    geom = models.LineStringField(_("线"), srid=SRID)
    source = models.CharField(_("数据来源"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = MappedQuerySet.as_manager()

    class Meta:
        db_table = "street"
        verbose_name = _("街道线")
        verbose_name_plural = _("街道线")
        constraints = (models.CheckConstraint(condition=Q(geom__isvalid=True), name="street_line_is_valid"),)

    def __str__(self) -> str:
        return self.name


class Building(Homed):
    """建筑: a point or an outline, with the households that live in it."""

    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name=_("机构"))
    code = models.CharField(_("编码"), max_length=40, blank=True)
    name = models.CharField(_("名称"), max_length=120, blank=True)
    households = models.PositiveIntegerField(_("户数"), default=0)
    floors = models.PositiveSmallIntegerField(_("层数"), null=True, blank=True)
    geom = models.GeometryField(_("位置"), srid=SRID)
    source = models.CharField(_("数据来源"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    objects = MappedQuerySet.as_manager()

    class Meta:
        db_table = "building"
        verbose_name = _("建筑")
        verbose_name_plural = _("建筑")
        constraints = (
            models.CheckConstraint(condition=Q(geom__isvalid=True), name="building_shape_is_valid"),
            models.CheckConstraint(
                condition=In(
                    Func(F("geom"), function="GeometryType", output_field=models.CharField()),
                    ["POINT", "POLYGON", "MULTIPOLYGON"],
                ),
                name="building_is_a_point_or_an_outline",
            ),
            models.UniqueConstraint(
                fields=("institution", "code"), condition=~Q(code=""), name="building_code_is_unique"
            ),
        )

    def __str__(self) -> str:
        return self.name or self.code

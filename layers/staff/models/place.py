"""Where people are based, as features of a layer: queried by place like outlets, kept by the pages of people."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from layers.features.models import Feature, FeatureQuerySet, ServiceArea
from layers.orgs.models import Institution, User
from layers.staff.models.people import VIEWERS, Staff


class StaffPlaceQuerySet(FeatureQuerySet["StaffPlace"]):
    """Base places by who may see them."""

    def visible_to(self, user: User) -> StaffPlaceQuerySet:
        """Those of the user's subtree; a field worker's own. Colleagues of other institutions show no base place."""
        if user.institution is None or user.is_regulator:
            return self.none()
        based = self.filter(geom__isnull=False)
        if user.role in VIEWERS:
            return based.filter(institution__path__startswith=user.institution.path)
        return based.filter(pk__in=Staff.objects.filter(user=user).values("pk"))

    def changeable_by(self, user: User) -> StaffPlaceQuerySet:
        """None: people have pages of their own."""
        return self.none()


class StaffPlace(Feature):
    """人员 as features: a view of the table of staff, to read only. `code` is the number, `geom` the base place."""

    institution = models.ForeignKey(Institution, models.DO_NOTHING, verbose_name=_("机构"))
    area = models.ForeignKey(ServiceArea, models.DO_NOTHING, null=True, related_name="+", verbose_name=_("服务区域"))

    objects = StaffPlaceQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "staff_place"
        verbose_name = _("人员")
        verbose_name_plural = _("人员")

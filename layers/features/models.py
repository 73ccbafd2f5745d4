"""Things at a place: what outlets, machines, customers and objects in grids have in common, and their kinds.

The database keeps each thing's grid (gis/sql/feature_home.sql): when the thing moves, and when a plan comes into force.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.gis.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from layers.grids.models import SRID, Plan
from layers.orgs.models import Institution, User

AnyFeature = TypeVar("AnyFeature", bound="Feature")


class ServiceArea(models.Model):
    """服务区域: what an institution's plans divide, and which plan the grids of its features are of.

    Kept by the database: `plan` is the plan in force today, and features are re-homed when it becomes another.
    """

    institution = models.ForeignKey(Institution, models.CASCADE, related_name="service_areas", verbose_name=_("机构"))
    area_code = models.CharField(_("服务区域编码"), max_length=17)
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, related_name="service_areas", verbose_name=_("今日生效的方案")
    )

    class Meta:
        db_table = "service_area"
        verbose_name = _("服务区域")
        verbose_name_plural = _("服务区域")
        constraints = (models.UniqueConstraint(fields=("institution", "area_code"), name="service_area_is_one"),)

    def __str__(self) -> str:
        return self.area_code


class KindQuerySet(models.QuerySet["Kind"]):
    """Kinds by layer and by who uses them."""

    def known_to(self, institution: Institution | None) -> KindQuerySet:
        """Those of every bank, and those that the institution's own bank has added."""
        if institution is None:
            return self.filter(institution__isnull=True)
        own = Q(institution__path__startswith=institution.head_office_path)
        return self.filter(Q(institution__isnull=True) | own)

    def for_user(self, user: User) -> KindQuerySet:
        """What a user can read of: a regulator reads every bank's features, so all kinds."""
        return self.all() if user.is_regulator else self.known_to(user.institution)


class Kind(models.Model):
    """类型: one word of a layer's vocabulary, with its sign on the map and the attributes that its features may carry.

    `attributes` lists them: {key, name, name_en, type, choices?, unit?, required?, scored?}; type is one of
    text, number, integer, boolean, date, choice, choices. The share of `scored` booleans that are true is the feature's
    completeness (十个一, QJ01).
    """

    institution = models.ForeignKey(
        Institution,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="kinds",
        verbose_name=_("机构"),
        help_text=_("空为各机构通用"),
    )
    layer = models.SlugField(_("图层"), max_length=40)
    key = models.SlugField(_("代号"), max_length=40)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=80, blank=True)
    icon = models.SlugField(_("图标"), max_length=40, default="map-pin")
    colour = models.CharField(_("颜色"), max_length=7, default="#0072b2")
    attributes = models.JSONField(_("属性"), default=list, blank=True)
    position = models.PositiveSmallIntegerField(_("次序"), default=100)
    is_active = models.BooleanField(_("使用中"), default=True)
    domain = models.CharField(_("业务编号"), max_length=40, blank=True)

    objects = KindQuerySet.as_manager()

    class Meta:
        db_table = "feature_kind"
        verbose_name = _("类型")
        verbose_name_plural = _("类型")
        ordering = ("layer", "position", "key")
        constraints = (
            models.UniqueConstraint(
                fields=("institution", "layer", "key"), name="feature_kind_is_one", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the language of the page; as people wrote it where there is no English."""
        return (self.name_en if get_language() == "en" else "") or self.name


class FeatureQuerySet(models.QuerySet[AnyFeature]):
    """Features by who may see them and by place."""

    def visible_to(self, user: User) -> FeatureQuerySet[AnyFeature]:
        """Those of the user's own bank; a regulator sees them all. Layers of private things narrow this."""
        return self.filter(institution__in=Institution.objects.showing_points_to(user))

    def changeable_by(self, user: User) -> FeatureQuerySet[AnyFeature]:
        """Those that the user may change: planners and administrators, within their subtree."""
        if user.institution is None or user.role not in {User.Role.PLANNER, User.Role.ADMINISTRATOR}:
            return self.none()
        return self.filter(institution__in=Institution.objects.within(user.institution))

    def outside(self) -> FeatureQuerySet[AnyFeature]:
        """Those in no grid of any plan in force of their bank."""
        return self.filter(area__isnull=True, geom__isnull=False)


class Feature(models.Model):
    """Something at a place. `area` and `grid_code` (its leaf grid in the plan in force) are the database's to write.

    A grid's code is never used again, and an unchanged grid keeps it from plan to plan: so a new plan touches only the
    features in grids that changed. The grid itself is (area.plan, grid_code).
    """

    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name=_("机构"))
    code = models.CharField(_("行内编码"), max_length=40)
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=40, help_text=_("类型词表中的代号"))
    geom = models.PointField(_("位置"), srid=SRID)
    attributes = models.JSONField(_("属性"), default=dict, blank=True, db_default={})
    synthetic = models.BooleanField(_("演示数据"), default=False, db_default=False)
    source = models.CharField(_("数据来源"), max_length=200, blank=True, db_default="")
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True, db_default=Now())
    area = models.ForeignKey(
        ServiceArea,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("服务区域"),
        db_index=False,
    )
    grid_code = models.CharField(_("所在网格编码"), max_length=32, null=True, editable=False, db_collation="C")

    objects: Any = FeatureQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

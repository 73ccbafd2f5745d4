"""Things at a place: what outlets, machines, customers and objects in grids have in common, and their kinds.

The database keeps each thing's grid (gis/sql/feature_home.sql): when the thing moves, and when a plan comes into force.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from django.contrib.gis.db import models
from django.contrib.gis.geos import GEOSGeometry, Point, Polygon
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Left, Now
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from layers.features.geography import AnyOf, metres_from, nearness_to, place_of, within_metres
from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import Institution, User
from layers.orgs.prepared import Given, expression

AnyFeature = TypeVar("AnyFeature", bound="Feature")
State = Literal["active", "inactive", "all"]
TEXTS = ArrayField(models.CharField())


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

    class Register(models.TextChoices):
        """五类登记 (OC07): what of the five base registers things of a kind belong to; none of them is an extension, the N of 1+5+N."""

        PERSON = "person", pgettext_lazy("五类登记", "人")
        HOUSE = "house", pgettext_lazy("五类登记", "房")
        EVENT = "event", pgettext_lazy("五类登记", "事")
        ORGANISATION = "organisation", pgettext_lazy("五类登记", "组织")
        THING = "thing", pgettext_lazy("五类登记", "物品")

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
    register = models.CharField(
        _("所属登记"), max_length=12, choices=Register.choices, blank=True, help_text=_("空为扩展")
    )
    sited = models.BooleanField(
        _("可选址"), default=False, help_text=_("选址页可以建议放在哪里; 网点和机具总是可以, 场所由此决定")
    )
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

    @property
    def checklist(self) -> list[dict[str, Any]]:
        """The attributes that count for completeness."""
        return [attribute for attribute in self.attributes if attribute.get("scored")]


def area_homing(plan_id: int) -> int | None:
    """The service area all of whose features have their homes in a plan, if there is one (gis/sql/area_homing.sql)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT area_homing(%s)", [plan_id])
        found: int | None = cursor.fetchone()[0]
    return found


class FeatureQuerySet(models.QuerySet[AnyFeature]):
    """Features by who may see them and by place. What they are asked for may be `Given` when the statement runs."""

    def visible_to(self, user: User) -> FeatureQuerySet[AnyFeature]:
        """Those of the user's own bank; a regulator sees them all. Layers of private things narrow this."""
        # An array: whatever else is asked for, and whatever the planner knows of the tree, the index on the place leads.
        shown = Institution.objects.showing_points_to(user).order_by().values("pk")
        return self.filter(AnyOf(F("institution"), ArraySubquery(shown)))

    def changeable_by(self, user: User) -> FeatureQuerySet[AnyFeature]:
        """Those that the user may change: planners and administrators, within their subtree."""
        if user.institution is None or user.role not in {User.Role.PLANNER, User.Role.ADMINISTRATOR}:
            return self.none()
        return self.filter(institution__in=Institution.objects.within(user.institution))

    def in_state(self, state: State) -> FeatureQuerySet[AnyFeature]:
        """Those that are there ("active"), those that are there no more ("inactive"), or "all"."""
        return self if state == "all" else self.filter(is_active=state == "active")

    def outside(self) -> FeatureQuerySet[AnyFeature]:
        """Those in no grid of any plan in force of their bank."""
        return self.filter(area__isnull=True, geom__isnull=False)

    def of_kinds(self, keys: list[str] | Given) -> FeatureQuerySet[AnyFeature]:
        """Those of some kinds."""
        return self.filter(AnyOf(F("kind"), expression(keys, TEXTS)))

    def belonging_to(self, path: str | Given) -> FeatureQuerySet[AnyFeature]:
        """Those of the institution with a path in the tree, and of all below it."""
        return self.filter(institution__path__startswith=path)

    def matching(self, words: str | Given, *, names: bool = True) -> FeatureQuerySet[AnyFeature]:
        """Those whose code begins with some words, or whose name holds them."""
        found = Q(code__istartswith=words)
        return self.filter(found | Q(name__icontains=words) if names else found)

    def has_lines(self) -> bool:
        """Whether features of this layer may be lines."""
        return self.model._meta.get_field("geom").geom_type != "POINT"

    def in_box(self, box: Polygon | Given) -> FeatureQuerySet[AnyFeature]:
        """Those in a box in degrees, its sides included."""
        return self.filter(geom__intersects=box)

    def in_grid(
        self, grid: int | Given, home: int | Given | None, *, whole: bool = False
    ) -> FeatureQuerySet[AnyFeature]:
        """Those in a grid of any level of any plan; on a border, the leaf with the smallest code holds them.

        Parameters
        ----------
        grid
            Its id.
        home
            `area_homing` of its plan: there the database keeps who is where, and no shape is looked at.
        whole
            The grid is the whole service area.
        """
        leaves = Func(
            expression(grid, models.BigIntegerField()),
            template="ARRAY(SELECT code FROM leaves_below(ARRAY[%(expressions)s::bigint]))",
            output_field=TEXTS,
        )
        if home is not None:
            homed = self.filter(area=home)
            return homed if whole else homed.filter(AnyOf(F("grid_code"), leaves))
        asked = Grid.objects.filter(pk=grid)
        bank = Left(Subquery(asked.values("plan__institution__path")), Institution.steplen)
        touched = self.filter(institution__path__startswith=bank, geom__intersects=Subquery(asked.values("geom")))
        spot = place_of(OuterRef("geom")) if self.has_lines() else OuterRef("geom")
        holding = Grid.objects.filter(plan=Subquery(asked.values("plan")), geom__intersects=spot, children__isnull=True)
        return touched.alias(leaf_code=Subquery(holding.order_by("code").values("code")[:1])).filter(
            AnyOf(F("leaf_code"), leaves)
        )

    def near(self, place: GEOSGeometry | Given, metres: float | Given) -> FeatureQuerySet[AnyFeature]:
        """Those within so many geodesic metres of a point or a line, nearest first, each with `distance_m`."""
        found = self.filter(within_metres(place, metres)).annotate(distance_m=metres_from(place))
        return found.order_by("distance_m", "pk")

    def nearest(self, place: Point | Given, count: int) -> FeatureQuerySet[AnyFeature]:
        """The so many nearest to a point, nearest first, each with `distance_m` in geodesic metres.

        The index orders by metres on the sphere; some more are fetched, and put in order on the ellipsoid.
        """
        fetched = self.order_by(nearness_to(place)).values("pk")[: count + max(4, count // 4)]
        found = self.model.objects.filter(pk__in=fetched).annotate(distance_m=metres_from(place))
        return found.order_by("distance_m", "pk")[:count]


class Homed(models.Model):
    """What has a grid of the plan in force; both are the database's to write (gis/sql/feature_home.sql)."""

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

    class Meta:
        abstract = True


class Feature(Homed):
    """Something at a place. `area` and `grid_code` (its leaf grid in the plan in force) are the database's to write.

    A grid's code is never used again, and an unchanged grid keeps it from plan to plan: so a new plan touches only the
    features in grids that changed. The grid itself is (area.plan, grid_code).

    One that is not `is_active` is there no more: kept for its history, counted and shown nowhere unless asked for.
    """

    institution = models.ForeignKey(Institution, models.PROTECT, verbose_name=_("机构"))
    code = models.CharField(_("行内编码"), max_length=40)
    name = models.CharField(_("名称"), max_length=120)
    kind = models.CharField(_("类型"), max_length=40, help_text=_("类型词表中的代号"))
    geom = models.PointField(_("位置"), srid=SRID)
    attributes = models.JSONField(_("属性"), default=dict, blank=True, db_default={})
    is_active = models.BooleanField(
        _("有效"), default=True, db_default=True, help_text=_("已撤销的保留, 不计入指标、列表和定位")
    )
    synthetic = models.BooleanField(_("演示数据"), default=False, db_default=False)
    source = models.CharField(_("数据来源"), max_length=200, blank=True, db_default="")
    updated_at = models.DateTimeField(_("更新时间"), auto_now=True, db_default=Now())

    objects: Any = FeatureQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Point:
        """Where it is, for the question which grid it is in: a line at its middle, as `place_of` of the database has it."""
        return self.geom if self.geom.geom_type == "Point" else self.geom.interpolate_normalized(0.5)

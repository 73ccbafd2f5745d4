"""What is balanced: households, buildings, area, or the institution's workload; and what there is to estimate it from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from shapely.geometry.base import BaseGeometry

from gis.measure import area_m2
from gis.partition import Load
from layers.facilities.models import Machine
from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import User
from layers.rules.measures import measure
from layers.rules.models import MeasureSettings
from layers.streets.models import Building, Street


class Weight(models.TextChoices):
    """By what grids are to be equal."""

    HOUSEHOLDS = "households", gettext_lazy("户数")
    BUILDINGS = "buildings", gettext_lazy("建筑数")
    AREA = "area", gettext_lazy("面积 (平方公里)")
    WORKLOAD = "workload", gettext_lazy("工作量")


@dataclass(frozen=True)
class Weighed:
    """A load, whether it is estimated, and the notes that say from what."""

    load: Load
    estimated: bool = False
    notes: list[str] = field(default_factory=list)


def streets_in(region: BaseGeometry, user: User) -> np.ndarray:
    """The street lines that touch a region."""
    rows = Street.objects.visible_to(user).filter(geom__intersects=_geos(region)).order_by("pk").values_list("geom")
    return _shapes([geom for (geom,) in rows])


def weighed(plan: Plan, grids: Sequence[Grid], region: BaseGeometry, user: User, weight: Weight) -> Weighed:
    """What is to be balanced in a region made up of grids; buildings are never cut, whatever counts."""
    rows = list(
        Building.objects.visible_to(user)
        .filter(geom__intersects=_geos(region))
        .order_by("pk")
        .values_list("geom", "households")
    )
    shapes = _shapes([geom for geom, _n in rows])
    households = np.array([n for _geom, n in rows], dtype=np.float64)
    area = float(area_m2([region])[0])
    if weight == Weight.AREA:
        return Weighed(Load(shapes, np.zeros(len(shapes)), 1e-6))
    if weight == Weight.BUILDINGS:
        if len(shapes):
            return Weighed(Load(shapes, np.ones(len(shapes))))
        return Weighed(Load(per_m2=1e-6), True, [_("范围内没有建筑, 改按面积划分")])
    if weight == Weight.HOUSEHOLDS:
        return _by_households(grids, shapes, households, area)
    weights = MeasureSettings.of_path(plan.institution.path).weights
    base = _by_households(grids, shapes, households, area)
    points = _shapes(
        [
            geom
            for (geom,) in Machine.objects.visible_to(user)
            .filter(geom__intersects=_geos(region), kind="cash_point", is_active=True)
            .order_by("pk")
            .values_list("geom")
        ]
    )
    load = Load(
        np.concatenate([base.load.things, points]),
        np.concatenate([base.load.weight * weights["households"], np.full(len(points), weights["cash_points"])]),
        (0.0 if base.notes and not _known(base) else base.load.per_m2 * weights["households"])
        + weights["area_km2"] / 1e6,
    )
    if load.per_m2 == 0 and not load.weight.sum():
        return Weighed(Load(shapes, np.zeros(len(shapes)), 1e-6), True, [_("没有可用的工作量数据, 改按面积划分")])
    return Weighed(load, base.estimated, base.notes)


def _by_households(grids: Sequence[Grid], shapes: np.ndarray, households: np.ndarray, area: float) -> Weighed:
    if households.sum() > 0:
        return Weighed(Load(shapes, households))
    values = [one["households"].value for one in measure([grid.pk for grid in grids], ["households"]).values()]
    total = sum(value for value in values if value)
    none = np.zeros(len(shapes))
    if total:
        return Weighed(Load(shapes, none, total / area), True, [_("没有建筑户数, 网格户数按面积分摊")])
    return Weighed(Load(shapes, none, 1e-6), True, [_("没有户数数据, 改按面积划分")])


def _known(base: Weighed) -> bool:
    """Whether households are known at all: an area of km² stands in for them where they are not."""
    return base.load.per_m2 != 1e-6


def _geos(region: BaseGeometry) -> GEOSGeometry:
    return GEOSGeometry(memoryview(shapely.to_wkb(region)), srid=SRID)


def _shapes(geometries: Sequence[GEOSGeometry]) -> np.ndarray:
    result = np.empty(len(geometries), dtype=object)
    result[:] = shapely.from_wkb([bytes(geometry.wkb) for geometry in geometries])
    return result

"""Which grid is this: one point, or many."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import numpy as np
from django.conf import settings
from django.contrib.gis.db.models.functions import Distance, GeometryDistance
from django.contrib.gis.geos import Point
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language, override
from ninja import Query, Router

from gis.datum import parse_datum, to_cgcs2000
from gis.errors import JingtianError
from layers.features.kinds import common_names
from layers.grids.models import SRID, Grid, Plan, PlanQuerySet
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment
from layers.staff.vocabulary import built_in
from mapserver.batch import locate_csv, locate_geojson
from mapserver.sqlfile import Subquery, run
from mapserver.viewer import Viewer

router = Router(tags=["locate"])


class OutsideEveryGrid(JingtianError):
    """No grid in force contains the point; `where` is the point."""

    code = "outside_every_grid"


def plans_to_search(user: User, at: dt.date | None, plan: int | None) -> PlanQuerySet:
    """The plans in which a point is looked up: the one asked for, or those in force on the date."""
    visible = Plan.objects.visible_to(user)
    return visible.in_force(at) if plan is None else visible.filter(pk=plan)


@router.get("")
def locate(
    request: HttpRequest,
    lon: float,
    lat: float,
    datum: str = "cgcs2000",
    at: dt.date | None = None,
    accuracy: float = Query(0, ge=0, le=10_000),
    plan: int | None = None,
) -> HttpResponse:
    """The grid of a point, its chain, who is in charge, the distance to the border, and what is near."""
    user = request.user
    [[x, y]] = to_cgcs2000(np.array([[lon, lat]]), parse_datum(datum)).tolist()
    day = at or timezone.localdate()
    text = run(
        "locate",
        # Drafts are somebody's; what is in force is seen by role and place alone.
        _scopes(Viewer.of(user, herself=plan is not None), day, plan) | {"words": _words(get_language())},
        here=f"SRID={SRID};POINT({x!r} {y!r})",
        accuracy=accuracy,
        user=user.pk,
        own_path=user.own_path,
        people_visible=not user.is_regulator,
        language=get_language(),
    )
    if text is None:
        raise _outside(x, y, plans_to_search(user, day, plan))
    return HttpResponse(text, content_type="application/json; charset=utf-8")


@router.post("")
def locate_many(
    request: HttpRequest, datum: str = "cgcs2000", at: dt.date | None = None, plan: int | None = None
) -> HttpResponse:
    """The grid of each of up to 100,000 points: CSV in, CSV out; GeoJSON in, GeoJSON out."""
    plans = list(plans_to_search(request.user, at, plan).order_by("pk"))
    if request.content_type == "text/csv":
        return HttpResponse(locate_csv(request.body, parse_datum(datum), plans), content_type="text/csv; charset=utf-8")
    return HttpResponse(locate_geojson(request.body, parse_datum(datum), plans), content_type="application/geo+json")


@lru_cache(maxsize=1024)
def _scopes(by: Viewer, day: dt.date, plan: int | None) -> dict[str, Subquery]:
    """What somebody may see, as subqueries."""
    viewer = by.user
    return {
        "plans": Subquery.of(plans_to_search(viewer, day, plan).values("pk")),
        "assignments": Subquery.of(Assignment.objects.visible_to(viewer).on(day).values("pk")),
        "institutions": Subquery.of(Institution.objects.showing_points_to(viewer).order_by().values("pk")),
    }


@lru_cache(maxsize=len(settings.LANGUAGES))
def _words(language: str) -> Subquery:
    """What the built-in terms are called in a language, as a constant; a bank's own are looked up where they occur."""
    named = common_names() | built_in()
    words = {
        f"{vocabulary}.{code}": names[language == "en"]
        for vocabulary in ("role", "staff", "outlets", "machines")
        for code, names in named[vocabulary].items()
    }
    with override(language):
        words |= {f"assignment.{kind.value}": str(kind.label) for kind in Assignment.Kind}
    return Subquery.constant(words)


def _outside(x: float, y: float, plans: PlanQuerySet) -> OutsideEveryGrid:
    point = Point(x, y, srid=4490)
    roots = Grid.objects.filter(plan__in=plans, level=0)
    areas = "、".join(sorted({root.name for root in roots}))
    leaves = Grid.objects.filter(~Exists(Grid.objects.filter(parent=OuterRef("pk"))), plan__in=plans)
    nearest = (
        leaves.annotate(distance=Distance("geom", point, spheroid=True))
        .order_by(GeometryDistance("geom", point))
        .first()
    )
    return OutsideEveryGrid(
        f"这个位置不在任何网格内。{'服务区域: ' + areas + '; ' if areas else '该日期没有生效的方案; '}请检查经纬度的先后和坐标系。",
        f"This place is in no grid. {'Service area: ' + areas + '. ' if areas else 'No plan is in force on that date. '}"
        "Check the order of longitude and latitude, and the datum.",
        where={"type": "Point", "coordinates": list(point.coords)},
        nearest_grid=nearest
        and {"id": nearest.pk, "code": nearest.code, "name": nearest.name, "distance_m": nearest.distance.m},
    )

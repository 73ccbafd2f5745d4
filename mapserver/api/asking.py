"""What features of a layer are asked for, and the one statement that answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from django.contrib.gis.geos import GEOSGeometry, LineString, MultiLineString, Point, Polygon
from django.db import models
from django.db.models import F, Value
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import get_language
from ninja import Field, Schema

from gis.datum import parse_datum, to_cgcs2000
from gis.errors import JingtianError
from layers.features.filters import InvalidFilter, by_attributes, incomplete
from layers.features.geography import SHAPE
from layers.features.models import TEXTS, FeatureQuerySet, State
from layers.features.registry import Layer, kinds_of, layer_named
from layers.features.service import point
from layers.features.today import keep_up_with_today
from layers.grids.models import SRID, Plan
from layers.orgs.models import Institution, User
from layers.orgs.prepared import Given
from layers.streets.models import Street
from mapserver.sqlfile import Subquery, run
from mapserver.viewer import Viewer

NEAREST = 500
MOST_VERTICES = 5000
BIGGEST = models.BigIntegerField.MAX_BIGINT
ID, TEXT, METRES = models.BigIntegerField(), models.TextField(), models.FloatField()

Question = dict[str, Any]
"""What is asked for, by name: `place` with `metres` or `count`, `grid` with `home`, `box` … See `narrowed`."""

GIVEN = {
    "after": ID, "area": ID, "box": SHAPE, "branch": TEXT, "grid": ID, "kinds": TEXTS, "line": SHAPE, "metres": METRES,
    "pk": ID, "place": SHAPE, "within": METRES, "words": TEXT,
}  # fmt: skip
"""Those whose value is given when the statement runs; with the others the statement itself is another."""
PLANNED_ONCE = {"after", "all", "area", "count", "grid", "inactive", "kinds", "outside", "pk", "place", "whole"}
"""What has one best plan, whatever the value. How much a box or a word holds, the planner has to see."""
OF_KINDS = {"attributes", "incomplete"}
"""What depends on the vocabulary, which changes: such statements are composed each time."""


class InvalidPlace(JingtianError):
    """A place in a query that is not one."""

    code = "invalid_place"


class Filters(Schema):
    """What features are asked for: every one given narrows the answer. Also `attributes.key=`, `….min=`, `….max=`."""

    bbox: str | None = Field(None, description="west,south,east,north")
    grid: int | None = Field(None, ge=0, le=BIGGEST, description="id of a grid of any level and plan")
    near: str | None = Field(None, description="lon,lat")
    radius: float = Field(1000, gt=0, le=100_000, description="metres around `near`")
    nearest: int | None = Field(None, ge=1, le=NEAREST, description="so many, instead of a radius")
    along: str | None = Field(None, description="a street's name or id, or a GeoJSON line")
    within: float = Field(100, gt=0, le=5000, description="metres from `along`")
    outside: bool = Field(False, description="those in no grid")
    incomplete: bool = Field(False, description="those that lack something of the checklist of their kind (十个一)")
    kind: str | None = Field(None, description="one kind or more, separated by commas")
    institution: int | None = Field(None, ge=0, le=BIGGEST, description="id; with all below it")
    state: State = Field("active", description="inactive: those that are there no more; all: these, too")
    q: str | None = Field(None, max_length=120, description="part of the name, or the beginning of the code")
    datum: str = Field("cgcs2000", description="of the places in the question")


def numbers(text: str, count: int, example: str) -> list[float]:
    """Comma-separated coordinates, by turns."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise InvalidPlace(
            f"“{text[:60]}” 不是有效的位置, 应为经纬度, 例如 {example}。",
            f"“{text[:60]}” is not a place: give degrees, for example {example}.",
        )
    return values


def place(text: str, datum: str) -> Point:
    [[lon, lat]] = to_cgcs2000(np.array([numbers(text, 2, "112.9,30.4")]), parse_datum(datum)).tolist()
    return point(lon, lat)


def _box(text: str, datum: str) -> Polygon:
    west, south, east, north = numbers(text, 4, "112.5,30.1,113.0,30.6")
    corners = to_cgcs2000(np.array([(x, y) for x in (west, east) for y in (south, north)]), parse_datum(datum))
    box = Polygon.from_bbox((*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()))
    box.srid = SRID
    return box


def _line(request: HttpRequest, text: str, datum: str) -> GEOSGeometry:
    """A street that the user may see, by id or name, or a GeoJSON line."""
    if not text.lstrip().startswith("{"):
        streets = Street.objects.visible_to(request.user)
        found = streets.filter(pk=text) if text.isdecimal() and len(text) < 19 else streets.filter(name=text.strip())
        lines = list(found.values_list("geom", flat=True)[:MOST_VERTICES])
        if not lines:
            raise InvalidPlace(
                f"没有名为“{text[:60]}”的街道; 请给出街道的全名、编号, 或 GeoJSON 线。",
                f"There is no street “{text[:60]}”: give its full name, its id, or a GeoJSON line.",
            )
        return MultiLineString(lines, srid=SRID)
    try:
        given = json.loads(text)
        xy = np.array(given["coordinates"], dtype=float)
        if given["type"] != "LineString" or xy.ndim != 2 or not 2 <= len(xy) <= MOST_VERTICES or xy.shape[1] < 2:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidPlace(
            f"along 应为街道名称、编号, 或不超过 {MOST_VERTICES} 个顶点的 GeoJSON LineString。",
            f"along is the name or id of a street, or a GeoJSON LineString of at most {MOST_VERTICES} vertices.",
        ) from None
    return LineString(to_cgcs2000(xy[:, :2], parse_datum(datum)).tolist(), srid=SRID)


def question(request: HttpRequest, layer: Layer, asked: Filters) -> Question:
    """What is asked for, looked up and checked: a grid, an institution, a street that the user does not see is none."""
    user = request.user
    found: Question = {} if asked.state == "active" else {asked.state: True}
    if asked.kind:
        found["kinds"] = _kinds(user, layer, asked.kind.split(","))
    if asked.institution is not None:
        visible = Institution.objects.showing_points_to(user)
        found["branch"] = get_object_or_404(visible, pk=asked.institution).path
    if asked.q and asked.q.strip():
        found["words"] = asked.q.strip()
    if asked.outside:
        found["outside"] = True
    if asked.incomplete:
        found["incomplete"] = True
    attributes = [(name, text) for name, text in request.GET.items() if name.startswith("attributes.")]
    if attributes:
        found["attributes"] = attributes
    if asked.bbox is not None:
        found["box"] = _box(asked.bbox, asked.datum)
    if asked.grid is not None:
        found |= _grid(user, asked.grid)
    if asked.along is not None:
        found |= {"line": _line(request, asked.along, asked.datum), "within": asked.within}
    if asked.near is not None:
        near = {"metres": asked.radius} if asked.nearest is None else {"count": asked.nearest}
        found |= {"place": place(asked.near, asked.datum)} | near
    return found


def _kinds(user: User, layer: Layer, asked: list[str]) -> list[str]:
    """Kinds that the user can read of."""
    known = {kind.key: kind for kind in kinds_of(user, layer.id)[layer.id]}
    if strange := [key for key in asked if key not in known]:
        zh = ", ".join(f"{key} ({kind.name})" for key, kind in known.items())
        en = ", ".join(f"{key} ({kind.name_en or kind.name})" for key, kind in known.items())
        raise InvalidFilter(
            f"该图层没有类型“{strange[0][:60]}”; 可用: {zh or '无'}。",
            f"The layer has no kind “{strange[0][:60]}”. It has: {en or 'none'}.",
            name="kind",
        )
    return asked


def _grid(user: User, grid: int) -> Question:
    """A grid that the user may see, and how what is in it is found."""
    found = run("grid_asked", {"plans": _plans(Viewer.of(user, herself=True))}, grid=grid)
    if found is None:
        raise Http404
    level, area = found
    return {"grid": grid} | ({} if area is None else {"area": area}) | ({"whole": True} if level == 0 else {})


def filtered(request: HttpRequest, layer: Layer, asked: Filters) -> FeatureQuerySet[Any]:
    """What a question asks for of what the user may see of a layer; ordered only where it is about nearness."""
    return narrowed(layer, request.user, question(request, layer, asked))


def narrowed(layer: Layer, user: User, asked: Mapping[str, Any]) -> FeatureQuerySet[Any]:
    """As `filtered`, of a question whose values are there, or will be `Given`."""
    state: State = "inactive" if "inactive" in asked else "all" if "all" in asked else "active"
    found = layer.visible_to(user, state)
    if "pk" in asked:
        found = found.filter(pk=asked["pk"])
    if "kinds" in asked:
        found = found.of_kinds(asked["kinds"])
    if "branch" in asked:
        found = found.belonging_to(asked["branch"])
    if "words" in asked:
        found = found.matching(asked["words"], names=layer.names_can_be_searched(user))
    if "outside" in asked:
        found = found.outside()
    if OF_KINDS & asked.keys():
        kinds = [kind for kind in kinds_of(user, layer.id)[layer.id] if kind.key in asked.get("kinds", {kind.key})]
        found = by_attributes(found, kinds, asked.get("attributes", ()))
        found = incomplete(found, kinds) if "incomplete" in asked else found
    if "box" in asked:
        found = found.in_box(asked["box"])
    if "grid" in asked:
        found = found.in_grid(asked["grid"], asked.get("area"), whole="whole" in asked)
    if "line" in asked:
        found = found.near(asked["line"], asked["within"])
    if "count" in asked:
        found = found.nearest(asked["place"], asked["count"])
    elif "place" in asked:
        found = found.near(asked["place"], asked["metres"])
    return found


def answer(
    user: User,
    layer: Layer,
    asked: Question,
    *,
    limit: int = 1,
    offset: int = 0,
    after: int | None = None,
    with_grid: bool = False,
) -> str:
    """GeoJSON of a page of what is asked for, as PostgreSQL writes it: one statement, composed once for all alike."""
    keep_up_with_today()
    by_distance = "place" in asked or "line" in asked
    if after is not None and not by_distance:
        asked = asked | {"after": after}
    viewer = Viewer.of(user, herself=layer.is_seen_by_duty)
    if OF_KINDS & asked.keys():
        parts = _parts(layer, viewer, asked, with_grid=with_grid)
    else:
        parts = _composed(layer.id, viewer, timezone.localdate(), tuple(asked), asked.get("count"), with_grid)
    text: str = run(
        "features",
        {**parts, "table": layer.model},
        prepared=asked.keys() <= PLANNED_ONCE,
        layer=layer.id,
        language=get_language(),
        limit=limit,
        offset=offset,
        cursor=not by_distance,
        **{name: _sent(value) for name, value in asked.items() if name in GIVEN},
    )
    return text


def _sent(value: Any) -> Any:
    return value.hexewkb.decode() if isinstance(value, GEOSGeometry) else value


@lru_cache(maxsize=1024)
def _composed(
    layer: str, viewer: Viewer, day: dt.date, names: tuple[str, ...], count: int | None, with_grid: bool
) -> dict[str, Subquery]:
    """The statement's parts for all who ask the same with other values. `day`: duties, and with them what is seen, are of a day."""
    asked = {name: Given(name, GIVEN[name]) if name in GIVEN else True for name in names}
    return _parts(layer_named(layer), viewer, asked if count is None else asked | {"count": count}, with_grid=with_grid)


def _parts(layer: Layer, viewer: Viewer, asked: Mapping[str, Any], *, with_grid: bool) -> dict[str, Subquery]:
    found = narrowed(layer, viewer.user, asked)
    by_distance = "distance_m" in found.query.annotations
    page = found if by_distance else found.order_by("pk")
    if "after" in asked:
        page = page.filter(pk__gt=asked["after"])
    metres = F("distance_m") if by_distance else Value(None, METRES)
    shown = page.annotate(shown_name=layer.shown_name(viewer.user), metres=metres)
    if "after" in asked or "count" in asked:
        matched = Subquery("count(*)")
    else:
        matched = Subquery.part("feature_count", every=Subquery.of(found.order_by().values("pk")))
    told = {"feature_distance": by_distance, "feature_attributes": not layer.is_personal, "feature_grid": with_grid}
    plans = {"plans": _plans(viewer)} if with_grid else {}
    return {
        "page": Subquery.of(shown.values("pk", "shown_name", "metres"), empty="NULL::bigint, NULL::text, NULL::float8"),
        "matched": matched,
        "more": Subquery.part(*(name for name in told if told[name]), **plans),
    }


@lru_cache(maxsize=256)
def _plans(viewer: Viewer) -> Subquery:
    """The plans that somebody may see."""
    return Subquery.of(Plan.objects.visible_to(viewer.user).values("pk"))

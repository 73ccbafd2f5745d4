"""Layers of features, queryable by place; and adding, moving and deleting a feature."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry, LineString, MultiLineString, Point
from django.db import models
from django.db.models import F, Value
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from ninja import Field, Query, Router, Schema, Status

from gis.datum import from_cgcs2000, parse_datum, to_cgcs2000
from gis.errors import JingtianError
from layers.audit.masking import may_unmask_many
from layers.features.filters import by_attributes
from layers.features.models import FeatureQuerySet, Kind, State
from layers.features.registry import LAYERS, Layer, kinds_of, layer_named
from layers.features.service import add_feature, change_feature, delete_feature, point
from layers.grids.models import SRID, Grid, Plan
from layers.orgs.models import Institution
from layers.streets.models import Street
from layers.tables import write_csv
from mapserver.sqlfile import Subquery, run

router = Router(tags=["layers"])
LIMIT = 5000
NEAREST = 500
MOST_VERTICES = 5000
BIGGEST = models.BigIntegerField.MAX_BIGINT


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
    kind: str | None = Field(None, description="one kind or more, separated by commas")
    institution: int | None = Field(None, ge=0, le=BIGGEST, description="id; with all below it")
    state: State = Field("active", description="inactive: those that are there no more; all: these, too")
    q: str | None = Field(None, max_length=120, description="part of the name, or the beginning of the code")
    datum: str = Field("cgcs2000", description="of the places in the question")


class Wanted(Filters):
    """How the answer comes."""

    limit: int = Field(LIMIT, ge=1, le=LIMIT)
    offset: int = Field(0, ge=0, le=10**9)
    after: int | None = Field(
        None, ge=0, le=BIGGEST, description="`next` of the page before: pages stay put at any depth"
    )
    output_datum: str = Field("cgcs2000", description="of the answer")
    format: Literal["geojson", "csv"] = "geojson"
    parts: str = Field("", alias="with", description="grid: the chain of grids of each")


class Given(Schema):
    """A feature, or what is to change of it."""

    code: str | None = None
    name: str | None = None
    kind: str | None = None
    institution: int | None = Field(None, ge=0, le=BIGGEST)
    lon: float | None = None
    lat: float | None = None
    datum: str = "cgcs2000"
    attributes: dict[str, Any] | None = None
    active: bool | None = Field(None, description="false: it is there no more")


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


def _place(text: str, datum: str) -> Point:
    [[lon, lat]] = to_cgcs2000(np.array([numbers(text, 2, "112.9,30.4")]), parse_datum(datum)).tolist()
    return point(lon, lat)


def _box(text: str, datum: str) -> tuple[float, ...]:
    west, south, east, north = numbers(text, 4, "112.5,30.1,113.0,30.6")
    corners = to_cgcs2000(np.array([(x, y) for x in (west, east) for y in (south, north)]), parse_datum(datum))
    return (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())


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


def filtered(request: HttpRequest, layer: Layer, asked: Filters) -> FeatureQuerySet[Any]:
    """What a question asks for of what the user may see of a layer; ordered only where it is about nearness."""
    user = request.user
    found = layer.visible_to(user, asked.state)
    kinds: list[Kind] = kinds_of(user, layer.id)[layer.id]
    if asked.kind:
        names = asked.kind.split(",")
        found = found.filter(kind__in=names)
        kinds = [kind for kind in kinds if kind.key in names]
    if asked.institution is not None:
        visible = Institution.objects.showing_points_to(user)
        found = found.belonging_to(get_object_or_404(visible, pk=asked.institution))
    if asked.q and asked.q.strip():
        found = found.matching(asked.q.strip(), names=layer.names_can_be_searched(user))
    if asked.outside:
        found = found.outside()
    found = by_attributes(found, kinds, request.GET.items())
    if asked.bbox is not None:
        found = found.in_box(*_box(asked.bbox, asked.datum))
    if asked.grid is not None:
        grids = Grid.objects.visible_to(user).select_related("plan__institution")
        found = found.in_grid(get_object_or_404(grids, pk=asked.grid))
    if asked.along is not None:
        found = found.near(_line(request, asked.along, asked.datum), asked.within)
    if asked.near is not None:
        place = _place(asked.near, asked.datum)
        found = found.near(place, asked.radius) if asked.nearest is None else found.nearest(place, asked.nearest)
    return found


@router.get("/")
def layers(request: HttpRequest) -> list[dict[str, Any]]:
    """The layers, their kinds with what their features may carry, and how many features the user may see."""
    kinds = kinds_of(request.user)
    own = request.user.institution
    return [
        {
            "id": layer.id,
            "name": layer.name,
            "kinds": [kind_json(kind) for kind in kinds[layer.id]],
            "count": sum(counts.values()),
            "counts": counts,
            "personal": layer.is_personal,
            "can_add": own is not None and not layer.is_personal and layer.may_change(request.user, own),
            "masked": layer.is_personal and not layer.is_kept_elsewhere,
            "can_unmask": layer.is_personal and not layer.is_kept_elsewhere and may_unmask_many(request.user),
        }
        for layer in LAYERS.values()
        for counts in [_counts(layer.visible_to(request.user))]
    ]


def _counts(features: FeatureQuerySet[Any]) -> dict[str, int]:
    return dict(features.order_by().values_list("kind").annotate(n=models.Count("pk")))


def kind_json(kind: Kind) -> dict[str, Any]:
    """A kind as the page draws it, its attributes named in the page's language."""
    english = get_language() == "en"
    return {
        "id": kind.key,
        "name": kind.label,
        "icon": kind.icon,
        "colour": kind.colour,
        "active": kind.is_active,
        "attributes": [
            attribute | {"name": (attribute.get("name_en") if english else "") or attribute["name"]}
            for attribute in kind.attributes
        ],
    }


@router.get("/{layer}")
def features(request: HttpRequest, layer: str, asked: Annotated[Wanted, Query()]) -> HttpResponse:
    """Features of a layer: in a box, in a grid of any level, near a place, the nearest, along a street, by what they are."""
    shown = layer_named(layer)
    found = filtered(request, shown, asked)
    by_distance = asked.near is not None or asked.along is not None
    matched = None
    if asked.nearest is None or asked.near is None:
        matched = found.order_by().count() if asked.after is None else None
    if not by_distance:
        found = found.order_by("pk")
        if asked.after is not None:
            found = found.filter(pk__gt=asked.after)
    if asked.nearest is None or asked.near is None:
        found = found[asked.offset : asked.offset + asked.limit]
    text = page_text(
        request,
        shown,
        found,
        matched=matched,
        limit=asked.limit,
        cursor=not by_distance,
        with_grid=asked.parts == "grid",
    )
    if asked.format == "csv":
        return _csv(request, shown, json.loads(text), asked.output_datum)
    datum = parse_datum(asked.output_datum)
    if str(datum) != "cgcs2000":
        text = json.dumps(_in_datum(json.loads(text), asked.output_datum), ensure_ascii=False)
    return HttpResponse(text, content_type="application/geo+json; charset=utf-8")


def page_text(
    request: HttpRequest,
    layer: Layer,
    found: FeatureQuerySet[Any],
    *,
    matched: int | None,
    limit: int = 1,
    cursor: bool = False,
    with_grid: bool = False,
) -> str:
    """GeoJSON of a page of features, made by the database."""
    distance = F("distance_m") if "distance_m" in found.query.annotations else Value(None, models.FloatField())
    page = found.annotate(shown_name=layer.shown_name(request.user), metres=distance).values(
        "pk", "shown_name", "metres"
    )
    text: str = run(
        "features",
        {
            "page": Subquery.of(page, empty="NULL::bigint, NULL::text, NULL::float8"),
            "plans": Subquery.of(Plan.objects.visible_to(request.user).values("pk")),
            "table": layer.model,
        },
        prepared=False,
        layer=layer.id,
        language=get_language(),
        personal=layer.is_personal,
        matched=matched,
        limit=limit,
        cursor=cursor,
        with_grid=with_grid,
    )
    return text


def _in_datum(collection: dict[str, Any], datum: str) -> dict[str, Any]:
    found = collection["features"]
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in found]
    moved = shapely.transform(shapes, lambda xy: from_cgcs2000(xy, parse_datum(datum)).round(7)) if shapes else []
    for feature, shape in zip(found, moved, strict=True):
        feature["geometry"] = shapely.geometry.mapping(shape)
    return collection | {"datum": str(parse_datum(datum))}


def _csv(request: HttpRequest, layer: Layer, collection: dict[str, Any], datum: str) -> StreamingHttpResponse:
    columns = {
        attribute["key"]: attribute
        for kind in kinds_of(request.user, layer.id)[layer.id]
        for attribute in kind.attributes
    }
    _in_datum(collection, datum)
    plain = ("code", "name", "kind", "kind_label", "institution")
    rows = (
        (
            *(str(properties[name]) for name in plain),
            *_middle(feature["geometry"]),
            (properties.get("grid") or {}).get("code", ""),
            (properties.get("grid") or {}).get("name", ""),
            properties.get("distance_m"),
            *(_cell(properties.get("attributes", {}).get(key)) for key in columns),
        )
        for feature in collection["features"]
        for properties in [feature["properties"]]
    )
    header = (*plain, "lon", "lat", "grid_code", "grid_name", "distance_m", *(f"attributes.{key}" for key in columns))
    answer = StreamingHttpResponse(write_csv(header, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{layer.id}.csv"'
    answer["X-Number-Matched"] = collection["numberMatched"]
    return answer


def _middle(geometry: dict[str, Any]) -> tuple[float, float]:
    """A point as it is, of a line its middle."""
    place = shapely.geometry.shape(geometry)
    place = place if place.geom_type == "Point" else place.interpolate(0.5, normalized=True).centroid
    return place.x, place.y


def _cell(value: Any) -> Any:
    return "、".join(value) if isinstance(value, list) else value


@router.get("/{layer}/{feature_id}")
def feature(request: HttpRequest, layer: str, feature_id: int) -> dict[str, Any]:
    """One feature, with its grids, and whether the user may change it."""
    return _one(request, layer_named(layer), feature_id)


def _one(request: HttpRequest, layer: Layer, pk: int) -> dict[str, Any]:
    found = layer.visible_to(request.user, "all").filter(pk=_big(pk))
    collection = json.loads(page_text(request, layer, found, matched=1, with_grid=True))
    if not collection["features"]:
        raise Http404
    can_change = not layer.is_personal and layer.model.objects.changeable_by(request.user).filter(pk=pk).exists()
    only: dict[str, Any] = collection["features"][0]
    # A line is changed on its own page: what can be given here is a point.
    can_change = can_change and only["geometry"]["type"] == "Point"
    more = layer.more_of(request.user, pk)
    only["properties"] |= {"layer": layer.id, "can_change": can_change} | more
    return only


@router.post("/{layer}", response={201: dict[str, Any]})
def add(request: HttpRequest, layer: str, given: Given) -> Status[dict[str, Any]]:
    """A new feature, of the user's own institution unless another of the subtree is named."""
    shown = _changeable_layer(layer)
    values = _values(request, given)
    institution = values.pop("institution", None) or request.user.institution
    if institution is None:
        raise Http404
    made = add_feature(request.user, shown, institution, values)
    return Status(201, _one(request, shown, made.pk))


@router.put("/{layer}/{feature_id}")
def change(request: HttpRequest, layer: str, feature_id: int, given: Given) -> dict[str, Any]:
    """Change what is given; moving is giving another lon and lat."""
    shown = _changeable_layer(layer)
    change_feature(request.user, shown, _big(feature_id), _values(request, given))
    return _one(request, shown, feature_id)


@router.delete("/{layer}/{feature_id}", response={204: None})
def delete(request: HttpRequest, layer: str, feature_id: int) -> Status[None]:
    """Delete a feature."""
    delete_feature(request.user, _changeable_layer(layer), _big(feature_id))
    return Status(204, None)


def _changeable_layer(name: str) -> Layer:
    """People's own registers have rules of their own, and are not changed from here."""
    layer = layer_named(name)
    if layer.is_personal or layer.is_kept_elsewhere:
        raise Http404
    return layer


def _big(pk: int) -> int:
    if abs(pk) > BIGGEST:
        raise Http404
    return pk


def _values(request: HttpRequest, given: Given) -> dict[str, Any]:
    values = given.dict(exclude_none=True, exclude={"lon", "lat", "datum", "institution", "active"})
    if given.active is not None:
        values["is_active"] = given.active
    if (given.lon is None) != (given.lat is None):
        raise InvalidPlace("经度和纬度要一起给出。", "Give longitude and latitude together.")
    if given.lon is not None:
        values["geom"] = _place(f"{given.lon!r},{given.lat!r}", given.datum)
    if given.institution is not None:
        visible = Institution.objects.showing_points_to(request.user)
        values["institution"] = get_object_or_404(visible, pk=given.institution)
    return values

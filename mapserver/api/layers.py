"""Layers of features, queryable by place; and adding, moving and deleting a feature."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import shapely
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status

from gis.datum import from_cgcs2000, parse_datum
from layers.audit.masking import may_unmask_many
from layers.features.attributes import name_of
from layers.features.models import Kind
from layers.features.registry import LAYERS, Layer, kinds_of, layer_named
from layers.features.service import add_feature, change_feature, delete_feature
from layers.orgs.models import Institution
from layers.tables import write_csv
from mapserver.api.asking import BIGGEST, Filters, InvalidPlace, answer, place, question
from mapserver.api.grids import counts_by_kind

router = Router(tags=["layers"])
LIMIT = 5000
SEARCH_LIMIT = 4
"""Features of one layer that a search box offers."""


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
            "without_place": layer.without_place(request.user),
            "personal": layer.is_personal,
            "can_add": own is not None and not layer.is_personal and layer.may_change(request.user, own),
            "masked": layer.is_personal and not layer.is_kept_elsewhere,
            "can_unmask": layer.is_personal and not layer.is_kept_elsewhere and may_unmask_many(request.user),
        }
        for layer in LAYERS.values()
        for counts in [counts_by_kind(layer.visible_to(request.user))]
    ]


def kind_json(kind: Kind) -> dict[str, Any]:
    """A kind as the page draws it, its attributes named in the page's language."""
    return {
        "id": kind.key,
        "name": kind.label,
        "icon": kind.icon,
        "colour": kind.colour,
        "active": kind.is_active,
        "attributes": [attribute | {"name": name_of(attribute)} for attribute in kind.attributes],
    }


@router.get("/search")
def search(request: HttpRequest, q: Annotated[str, Query(max_length=120)]) -> list[dict[str, Any]]:
    """A few features of each layer by name or code, as the user is shown them: for a search box."""
    words = q.replace("\0", "").strip()
    if not words:
        return []
    return [
        feature["properties"] | {"layer": layer.id, "layer_name": layer.name}
        for layer in LAYERS.values()
        for feature in json.loads(answer(request.user, layer, {"words": words}, limit=SEARCH_LIMIT))["features"]
    ]


@router.get("/{layer}")
def features(request: HttpRequest, layer: str, asked: Annotated[Wanted, Query()]) -> HttpResponse:
    """Features of a layer: in a box, in a grid of any level, near a place, the nearest, along a street, by what they are."""
    shown = layer_named(layer)
    text = answer(
        request.user,
        shown,
        question(request, shown, asked),
        limit=asked.limit,
        offset=asked.offset,
        after=asked.after,
        with_grid=asked.parts == "grid",
    )
    if asked.format == "csv":
        return _csv(request, shown, json.loads(text), asked.output_datum)
    datum = parse_datum(asked.output_datum)
    if str(datum) != "cgcs2000":
        text = json.dumps(_in_datum(json.loads(text), asked.output_datum), ensure_ascii=False)
    return HttpResponse(text, content_type="application/geo+json; charset=utf-8")


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
    collection = json.loads(answer(request.user, layer, {"pk": _big(pk), "all": True}, with_grid=True))
    if not collection["features"]:
        raise Http404
    can_change = not layer.is_personal and layer.model.objects.changeable_by(request.user).filter(pk=pk).exists()
    only: dict[str, Any] = collection["features"][0]
    # A line is changed on its own page: what can be given here is a point.
    can_change = can_change and only["geometry"]["type"] == "Point"
    only["properties"] |= {"layer": layer.id, "can_change": can_change} | layer.more_of(request.user, pk)
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
        values["geom"] = place(f"{given.lon!r},{given.lat!r}", given.datum)
    if given.institution is not None:
        visible = Institution.objects.showing_points_to(request.user)
        values["institution"] = get_object_or_404(visible, pk=given.institution)
    return values

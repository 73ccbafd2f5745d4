"""Vector tiles of grids and features, clipped and quantised: for looking at, never for editing."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import Polygon
from django.db.models import F, FloatField, Func
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from ninja.errors import AuthenticationError
from pydantic import ValidationError

from gis.errors import JingtianError
from layers.features.geography import place_of
from layers.features.registry import Layer, layer_named
from layers.grids.models import SRID, Plan
from layers.orgs.models import ApiToken
from mapserver.api import answer, api
from mapserver.api.asking import Filters, filtered
from mapserver.api.invalid import in_words
from mapserver.sqlfile import Subquery, run

DEEPEST = 22
DEEPEST_DRAWN = 18
"""The deepest level that the map page asks for."""
SQUARES = 16
"""So many squares on the side of a tile are counted: one for 16 pixels."""
MARGIN = 64 / 4096
"""What ST_AsMVTGeom keeps around a tile is 256/4096; a sign of 4 pixels' radius needs this much."""


def tile(request: HttpRequest, **place: Any) -> HttpResponseBase:
    """One Mapbox vector tile in Web Mercator; `layer` is `grids` with ?plan= and ?level=, or a layer with the API's filters.

    Features come one by one (id, name, kind) from the zoom level of the settings on, unless a tile holds too many; else
    they are counted in squares (n). Errors are those of the API, in its shape.
    """
    try:
        return _tile(request, **place)
    except (Http404, AuthenticationError, JingtianError) as fault:
        return api.on_exception(request, fault)
    except ValidationError as error:
        return answer(request, 422, "invalid_request", *in_words(error.errors()))


def no_such_tile(request: HttpRequest, rest: str) -> HttpResponse:
    """Any other address below /tiles/."""
    return api.on_exception(request, Http404())


def _tile(request: HttpRequest, layer: str, z: int, x: int, y: int) -> HttpResponseBase:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    user = ApiToken.user_of(token) if scheme == "Bearer" else request.user
    if user is None or not user.is_authenticated:
        raise AuthenticationError
    request.user = user
    if z > DEEPEST or not (x < 2**z and y < 2**z):
        raise Http404
    data = _grids(request, z, x, y) if layer == "grids" else _features(request, layer_named(layer), z, x, y)
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    response = HttpResponse(data, content_type="application/vnd.mapbox-vector-tile")
    response["ETag"] = tag
    response["Cache-Control"] = "private, max-age=60"
    return get_conditional_response(request, etag=tag, response=response)


def _features(request: HttpRequest, layer: Layer, z: int, x: int, y: int) -> bytes:
    box = _box(z, x, y)
    here = filtered(request, layer, Filters(**request.GET.dict())).order_by().filter(geom__bboverlaps=box)
    most = settings.TILE_FEATURES if z < DEEPEST_DRAWN else settings.TILE_FEATURES_MOST
    one_by_one = z >= settings.TILE_FEATURES_FROM and here[: most + 1].count() <= most
    place = place_of(F("geom")) if here.has_lines() else F("geom")
    lon, lat = (Func(place, function=name, output_field=FloatField()) for name in ("ST_X", "ST_Y"))
    spots = here.annotate(lon=lon, lat=lat, shown_name=layer.shown_name(request.user))
    scopes = {
        "spots": Subquery.of(
            spots.values_list("pk", "lon", "lat", "shown_name", "kind"),
            empty="NULL::bigint, NULL::float8, NULL::float8, NULL::text, NULL::text",
        )
    }
    name = "point_tile" if one_by_one else "density_tile"
    return bytes(run(name, scopes, prepared=False, z=z, x=x, y=y, layer=layer.id, squares=SQUARES))


def _grids(request: HttpRequest, z: int, x: int, y: int) -> bytes:
    plan = get_object_or_404(Plan.objects.visible_to(request.user), pk=_integer(request, "plan"))
    return bytes(run("grid_tile", {}, z=z, x=x, y=y, plan=plan.pk, level=_integer(request, "level")))


def _box(z: int, x: int, y: int) -> Polygon:
    """The tile with its margin, in degrees."""

    def lon(column: float) -> float:
        return min(max(column / 2**z * 360 - 180, -180), 180)

    def lat(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**z))))

    box = Polygon.from_bbox((lon(x - MARGIN), lat(y + 1 + MARGIN), lon(x + 1 + MARGIN), lat(y - MARGIN)))
    box.srid = SRID
    return box


def _integer(request: HttpRequest, name: str) -> int:
    value = request.GET.get(name, "")
    if not value.isdecimal() or len(value) > 18:
        raise Http404
    return int(value)

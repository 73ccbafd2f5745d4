"""Point layers, queryable by place."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point, Polygon
from django.contrib.gis.measure import D
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router

from gis.errors import JingtianError
from layers.features.registry import LAYERS, kinds_of, layer_named
from layers.grids.models import SRID, Grid

router = Router(tags=["layers"])
LIMIT = 5000


class InvalidPlace(JingtianError):
    """A place in a query that is not one."""

    code = "invalid_place"


def visible_layer(request: HttpRequest, layer: str) -> QuerySet[Any]:
    """The rows of a layer that the user may see; 404 for an unknown layer."""
    shown = layer_named(layer)
    return (
        shown.visible_to(request.user).annotate(shown_name=shown.shown_name(request.user)).select_related("institution")
    )


def numbers(text: str, count: int, example: str) -> list[float]:
    """Comma-separated longitudes and latitudes, by turns."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(abs(value) <= (180, 90)[i % 2] for i, value in enumerate(values)):
        raise InvalidPlace(
            f"“{text[:60]}” 不是有效的位置, 应为经纬度, 例如 {example}。",
            f"“{text[:60]}” is not a place: give degrees, for example {example}.",
        )
    return values


@router.get("/")
def layers(request: HttpRequest) -> list[dict[str, Any]]:
    """The layers, their kinds, and how many points the user may see."""
    kinds = kinds_of(request.user)
    return [
        {
            "id": layer.id,
            "name": layer.name,
            "kinds": [
                {"id": kind.key, "name": kind.label, "icon": kind.icon, "colour": kind.colour}
                for kind in kinds[layer.id]
            ],
            "count": layer.visible_to(request.user).count(),
        }
        for layer in LAYERS.values()
    ]


@router.get("/{layer}")
def points(
    request: HttpRequest,
    layer: str,
    bbox: str | None = None,
    grid: int | None = None,
    near: str | None = None,
    kind: str | None = Query(None, max_length=40),
    radius: float = Query(1000, gt=0, le=100_000),
    limit: int = Query(LIMIT, ge=1, le=LIMIT),
    offset: int = Query(0, ge=0, le=10**9),
) -> dict[str, Any]:
    """Points of a layer as GeoJSON: in a box, in a grid of any level, or within a radius in metres."""
    found = visible_layer(request, layer)
    if kind is not None:
        found = found.filter(kind=kind.replace("\0", ""))
    if bbox is not None:
        box = Polygon.from_bbox(numbers(bbox, 4, "112.5,30.1,113.0,30.6"))
        box.srid = SRID
        found = found.filter(geom__intersects=box)
    if grid is not None:
        found = found.filter(geom__intersects=get_object_or_404(Grid.objects.visible_to(request.user), pk=grid).geom)
    if near is not None:
        centre = Point(*numbers(near, 2, "112.9,30.4"), srid=SRID)
        degrees = radius / 50_000  # wider than the radius at every latitude of China: lets the index do the first cut
        found = found.filter(geom__dwithin=(centre, degrees)).annotate(distance=Distance("geom", centre, spheroid=True))
        found = found.filter(geom__distance_lte=(centre, D(m=radius), "spheroid")).order_by("distance", "pk")
    else:
        found = found.order_by("pk")
    total = found.count()
    labels = {kind.key: kind.label for kind in kinds_of(request.user, layer)[layer]}
    rows = list(found[offset : offset + limit])
    return {
        "type": "FeatureCollection",
        "numberMatched": total,
        "numberReturned": len(rows),
        "features": [
            {
                "type": "Feature",
                "id": row.pk,
                "geometry": {"type": "Point", "coordinates": row.geom.coords},
                "properties": {
                    "id": row.pk,
                    "code": row.code,
                    "name": row.shown_name,
                    "kind": row.kind,
                    "kind_label": labels.get(row.kind, row.kind),
                    "institution": row.institution.name,
                    "synthetic": row.synthetic,
                }
                | ({"distance_m": row.distance.m} if near is not None else {}),
            }
            for row in rows
        ],
    }

"""Streets and buildings: what borders follow and where households live."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.contrib.gis.geos import Polygon
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from gis.errors import JingtianError
from gis.lattice import FloatArray
from gis.streets import StreetsNotConnected
from gis.streets.network import SNAP_M
from layers.grids.models import SRID
from layers.streets.models import Building, Street
from layers.streets.service import DEGREE_M, network_around

router = Router(tags=["streets"])
LIMIT = 5000
MOST_CLICKS = 100
MOST_NAMES = 20
MOST_PATH_VERTICES = 20_000


class InvalidPlace(JingtianError):
    """A place in a request that is not one."""

    code = "invalid_place"


class Clicks(Schema):
    """Where the way should lead along."""

    points: list[list[float]] = Field(min_length=2, max_length=MOST_CLICKS)
    within_m: float = Field(SNAP_M, gt=0, le=2000)


class Stretch(Schema):
    """A stretch of border to be moved onto streets."""

    path: list[list[float]] = Field(min_length=2, max_length=MOST_PATH_VERTICES)
    tolerance_m: float = Field(20, gt=0, le=500)


@router.get("/streets")
def streets(request: HttpRequest, bbox: str) -> dict[str, Any]:
    """Street lines in a box, as GeoJSON; at most 5000."""
    return collection_in(Street.objects.visible_to(request.user), bbox, ("name", "kind", "synthetic"))


@router.get("/streets/names")
def street_names(request: HttpRequest, q: str = Query(min_length=1, max_length=120)) -> list[str]:
    """Names of streets with some words in them, the first 20."""
    found = Street.objects.visible_to(request.user).filter(name__icontains=q.strip()).exclude(name="")
    return list(found.order_by("name").values_list("name", flat=True).distinct()[:MOST_NAMES])


@router.get("/buildings")
def buildings(request: HttpRequest, bbox: str) -> dict[str, Any]:
    """Buildings in a box, as GeoJSON points or outlines; at most 5000."""
    found = Building.objects.visible_to(request.user)
    return collection_in(found, bbox, ("code", "name", "households", "floors", "synthetic"))


@router.post("/streets/trace")
def trace(request: HttpRequest, clicks: Clicks) -> dict[str, Any]:
    """The shortest way along streets from click to click."""
    points = _places(clicks.points)
    span = float(np.ptp(points, axis=0).max()) * DEGREE_M
    margin = max(500.0, span / 4) + clicks.within_m
    try:
        way = network_around(request.user, points, margin).trace(points, within_m=clicks.within_m)
    except StreetsNotConnected:
        # The way may lead round by farther streets: a river has few bridges.
        way = network_around(request.user, points, 4 * margin).trace(points, within_m=clicks.within_m)
    return {"path": way.path.tolist(), "length_m": round(way.length_m, 2), "streets": way.streets}


@router.post("/streets/align")
def align(request: HttpRequest, stretch: Stretch) -> dict[str, Any]:
    """The stretch moved onto the streets beside it; as it is where there are none."""
    path = _places(stretch.path)
    aligned = network_around(request.user, path, 2 * stretch.tolerance_m).align(path, stretch.tolerance_m)
    return {"path": aligned.path.tolist(), "moved_m": aligned.moved_m, "share": aligned.share}


def collection_in(
    found: QuerySet[Any], bbox: str, columns: tuple[str, ...] = (), shape: Combinable | str = "geom"
) -> dict[str, Any]:
    """What of a QuerySet meets a box, as GeoJSON; at most 5000. `shape` is what is given of each, if not all of it."""
    found = found.filter(geom__intersects=_box(bbox))
    total = found.count()
    rows = list(found.order_by("pk").values_list("pk", AsGeoJSON(shape, precision=7), *columns)[:LIMIT])
    return {
        "type": "FeatureCollection",
        "numberMatched": total,
        "numberReturned": len(rows),
        "features": [
            {
                "type": "Feature",
                "id": key,
                "geometry": json.loads(geometry),
                "properties": dict(zip(columns, values, strict=True)),
            }
            for key, geometry, *values in rows
        ],
    }


def _box(text: str) -> Polygon:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = np.nan
    corners = np.array([[west, south], [east, north]])
    if not _on_earth(corners):
        raise _no_place(text[:60], "112.5,30.1,113.0,30.6")
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = SRID
    return box


def _places(points: list[list[float]]) -> FloatArray:
    if any(len(point) != 2 for point in points) or not _on_earth(array := np.array(points, dtype=np.float64)):
        raise _no_place("points", "[[112.9,30.4],[112.91,30.4]]")
    return array


def _on_earth(corners: FloatArray) -> bool:
    return bool((np.abs(corners) <= [180, 90]).all())  # NaN is not


def _no_place(text: str, example: str) -> InvalidPlace:
    return InvalidPlace(
        f"“{text}” 不是有效的位置, 应为经纬度, 例如 {example}。",
        f"“{text}” is not a place: give degrees, for example {example}.",
    )

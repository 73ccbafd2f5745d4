"""Expressions on the ellipsoid: distances in geodesic metres, answered by the index that `keep_homes` makes ({table}_geography)."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.db.models import GeometryField
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import BooleanField, F, FloatField, Func, Value

from layers.grids.models import SRID


class Geography(Func):
    """A geometry in degrees as geography. Not Django's Cast: that writes a type that the index expression does not have."""

    template = "((%(expressions)s)::geography)"
    output_field = GeometryField(srid=SRID, geography=True)


def _both(place: GEOSGeometry) -> tuple[Geography, Geography]:
    return Geography(F("geom")), Geography(Value(place, output_field=GeometryField(srid=SRID)))


def within_metres(place: GEOSGeometry, metres: float) -> Func:
    """Whether a feature lies within so many metres of a place; the index answers."""
    return Func(*_both(place), Value(float(metres)), function="ST_DWithin", output_field=BooleanField())


def metres_from(place: GEOSGeometry) -> Func:
    """Geodesic metres from a place."""
    return Func(*_both(place), function="ST_Distance", output_field=FloatField())


def nearness_to(place: GEOSGeometry) -> Func:
    """What to order by so that the index gives the nearest first: metres on the sphere, up to half a per cent off."""
    return Func(*_both(place), template="(%(expressions)s)", arg_joiner=" <-> ", output_field=FloatField())


def place_of(geometry: Any) -> Func:
    """Where a feature is that may be a line: at its middle (gis/sql/feature_home.sql)."""
    return Func(geometry, function="place_of", output_field=GeometryField(srid=SRID))


class AnyOf(Func):
    """Whether a column is one of an array's elements."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field: Any = BooleanField()

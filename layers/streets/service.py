"""The street network around a place, as far as a user may see it."""

from __future__ import annotations

import numpy as np
import shapely
from django.contrib.gis.db.models.functions import NumPoints
from django.contrib.gis.geos import Polygon
from django.db.models import Sum

from gis.errors import JingtianError
from gis.lattice import FloatArray
from gis.streets import StreetNetwork
from layers.grids.models import SRID
from layers.orgs.models import User
from layers.streets.models import Street

MOST_VERTICES = 200_000
DEGREE_M = 111_000.0


class TooManyStreets(JingtianError):
    """The points lie so far apart that the streets between them are too many to search."""

    code = "too_large"


def network_around(user: User, points: FloatArray, margin_m: float) -> StreetNetwork:
    """The network of the streets in the box of some points, in degrees, grown by a margin.

    Raises
    ------
    TooManyStreets
    """
    west, south = points.min(axis=0) - [
        margin_m / DEGREE_M / np.cos(np.radians(points[:, 1].mean())),
        margin_m / DEGREE_M,
    ]
    east, north = points.max(axis=0) + (points.min(axis=0) - [west, south])
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = SRID
    streets = Street.objects.visible_to(user).filter(geom__bboverlaps=box)
    if (streets.aggregate(n=Sum(NumPoints("geom")))["n"] or 0) > MOST_VERTICES:
        raise TooManyStreets(
            "范围内的街道太多; 请分段进行, 每段短一些。",
            "There are too many streets in between: go on in shorter stretches.",
            where={"type": "Polygon", "coordinates": [list(map(list, box.coords[0]))]},
        )
    rows = streets.order_by("pk").values_list("geom", "name")
    lines = shapely.from_wkb([bytes(geom.wkb) for geom, _ in rows])
    return StreetNetwork.of(lines, [name for _, name in rows])

"""Places and plans of the tests of rules."""

from __future__ import annotations

import shapely
from django.contrib.gis.geos import Point

from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import SRID, Plan
from layers.orgs.models import Institution
from tests.factories import SIDE, PlanFactory, square

HALF = SIDE // 2


def at(x: int, y: int) -> Point:
    """A place in lattice steps from the corner of the service area."""
    return Point(113 + x / 1e7, 30 + y / 1e7, srid=SRID)


def diagonal_plan(institution: Institution) -> Plan:
    """Two grids, each of two squares that touch at a corner."""
    plan = PlanFactory(institution=institution, level_names=["县", "网格"])
    slant = [square(0, 0, HALF, HALF), square(HALF, HALF, SIDE, SIDE)]
    back = [square(HALF, 0, SIDE, HALF), square(0, HALF, HALF, SIDE)]
    load_grids(
        plan,
        [
            GridRecord("429005", None, "潜江", 0, "rural", square(0, 0, SIDE, SIDE, step=HALF)),
            GridRecord("429005001", "429005", "斜", 1, "rural", shapely.MultiPolygon(slant)),
            GridRecord("429005002", "429005", "反", 1, "rural", shapely.MultiPolygon(back)),
        ],
    )
    return plan

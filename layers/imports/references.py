"""What is known of a service area, to notice files in a wrong datum or of another place."""

from __future__ import annotations

import json
from pathlib import Path

import shapely
from django.conf import settings
from shapely.geometry import shape

from gis.datum import parse_datum
from gis.reading import read_features
from layers.grids.coverage import shape_of
from layers.grids.models import IN_FORCE, Grid, Plan
from layers.imports.faults import naming
from layers.imports.placing import Reference, outline, to_lattice
from layers.orgs.models import Institution, User

KNOWN_OUTLINES = {"429005": "qianjiang_outline.geojson"}
"""Outlines of service areas that come with the software, in fixtures/."""


def outline_in_file(path: Path) -> Reference:
    """The outline in a file whose coordinates are CGCS2000 or WGS 84."""
    with naming(path.name):
        features = read_features(path)
        area = outline(to_lattice(features.geometries, parse_datum("cgcs2000"), features.crs))
    return Reference(f"“{path.name}”", f"“{path.name}”", area)


def known_outlines(area_code: str, institution: Institution | None, user: User | None) -> list[Reference]:
    """The outlines of a service area in the plans that may be seen, those in force first, and in our fixtures."""
    found = []
    if user is not None:
        plans = Plan.objects.visible_to(user)
    elif institution is not None:
        plans = Plan.objects.filter(institution__path__startswith=institution.head_office_path)
    else:
        plans = Plan.objects.none()
    roots = Grid.objects.filter(plan__in=plans, plan__area_code=area_code, level=0).select_related("plan")
    best = max(roots, key=lambda grid: (grid.plan.status in IN_FORCE, grid.plan_id), default=None)
    if best is not None:
        found.append(
            Reference(
                f"方案“{best.plan.name}”的服务区域", f"the service area of plan “{best.plan.name}”", shape_of(best)
            )
        )
    file = settings.ROOT / "fixtures" / KNOWN_OUTLINES.get(area_code, "-")
    if file.is_file():
        feature = json.loads(file.read_text(encoding="utf-8"))
        known = shapely.force_2d(shape(feature["geometry"]))
        found.append(Reference(f"{area_code} 的已知界线", f"the known outline of {area_code}", known))
    return found

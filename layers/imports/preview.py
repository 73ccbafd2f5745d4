"""What the page draws of an import: grids, fewer of their vertices where there are many, and defects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from gis.measure import METRES_A_DEGREE
from gis.thinning import Box, thinned
from layers.imports.pipeline import Finding
from layers.imports.reports import findings_geojson
from layers.imports.tree import Tree

MOST_VERTICES = 150_000
"""Of the grids; as many again of the defects. A browser draws them in half a second, and in about 100 MB."""
AROUND = 2e-4
"""In degrees, about 20 m: so far around a defect the grids are drawn as they are."""


def preview(
    tree: Tree, findings: Sequence[Finding], *, changed: set[str], places: Iterable[BaseGeometry]
) -> dict[str, Any]:
    """The grids below the service area and the defects, as GeoJSON: {level_names, grids, defects, moved_m, left_out}.

    Parameters
    ----------
    changed : codes of the grids to be marked.
    places : around them the grids are drawn as they are.

    Where the grids have too many vertices to be drawn, their borders are simplified, by no more than `moved_m` metres. Where
    that is not enough, grids of the lowest levels that have neither a defect nor a change are `left_out`, and counted.
    """
    units = [(level, unit) for level, units in enumerate(tree.levels[1:], start=1) for unit in units]
    boxes = [around for place in places if (around := _around(place))]
    lighter = thinned([unit.geometry for _, unit in units], MOST_VERTICES, exact=boxes)
    concerned = changed.union(*(finding.codes for finding in findings))
    drawn = np.ones(len(units), dtype=bool)
    vertices = shapely.get_num_coordinates(lighter.geometries)
    for lowest in reversed(range(1, len(tree.levels))):
        if vertices[drawn].sum() <= 2 * MOST_VERTICES:
            break
        drawn &= np.array([level < lowest or unit.code in concerned for level, unit in units])
    grids = [
        {
            "type": "Feature",
            "geometry": mapping(geometry),
            "properties": {
                "code": unit.code,
                "name": unit.name,
                "level": level,
                "parent": unit.parent,
                "changed": unit.code in changed,
            },
        }
        for (level, unit), geometry, is_drawn in zip(units, lighter.geometries, drawn.tolist(), strict=True)
        if is_drawn
    ]
    return {
        "level_names": tree.level_names,
        "grids": {"type": "FeatureCollection", "features": grids},
        "defects": _defects(findings),
        "moved_m": round(lighter.tolerance * METRES_A_DEGREE, 1),
        "left_out": int((~drawn).sum()),
    }


def _defects(findings: Sequence[Finding]) -> dict[str, Any]:
    collection = findings_geojson(findings)
    areal = [f for f in collection["features"] if f["geometry"] and "Polygon" in f["geometry"]["type"]]
    shapes = [findings[feature["id"] - 1].geometry for feature in areal]
    for feature, shape in zip(areal, thinned(shapes, MOST_VERTICES).geometries, strict=True):
        feature["geometry"] = mapping(shape)
    return collection


def _around(place: BaseGeometry) -> Box | None:
    if place.is_empty:
        return None
    west, south, east, north = place.bounds
    return west - AROUND, south - AROUND, east + AROUND, north + AROUND

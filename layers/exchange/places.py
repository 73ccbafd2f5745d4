"""Where points lie: in which grids, and what it looks like when the declared datum is not theirs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from django.db import connection

from gis.datum import BD09, CGCS2000, GCJ02, SWAPPED, Datum, to_cgcs2000
from gis.errors import JingtianError
from gis.lattice import FloatArray
from layers.exchange.rows import Checked, Note
from layers.features.models import ServiceArea
from layers.orgs.models import Institution

LEAVES = """
SELECT ST_AsBinary(leaf.geom) FROM grid AS leaf
WHERE leaf.plan_id = ANY(%s) AND NOT EXISTS (SELECT FROM grid AS child WHERE child.parent_id = leaf.id)
"""
UPPER = """
SELECT coalesce(json_agg(ST_AsGeoJSON(geom, 5)::json), '[]')::text FROM grid
WHERE plan_id = ANY(%s) AND level = (SELECT min(other.level) FROM grid AS other WHERE other.plan_id = grid.plan_id) + 1
"""
METRES = 111_320
SURELY_MOVED_M = 40
"""The least that GCJ-02 is off."""
FEW = 3
STRAY = 0.05
"""Share of points that may lie outside the service area whatever the datum."""
NAMES = {
    GCJ02.name: ("GCJ-02（高德、腾讯地图）", "GCJ-02 (Amap, Tencent)"),
    BD09.name: ("BD-09（百度地图）", "BD-09 (Baidu)"),
    CGCS2000.name: ("CGCS2000 / WGS 84（未加偏移）", "CGCS2000 / WGS 84 (not shifted)"),
    SWAPPED: ("经纬度写反", "latitude before longitude"),
}


@dataclass(frozen=True)
class Leaves:
    """The grids without children of the plans in force of a bank."""

    shapes: npt.NDArray[np.object_]
    plans: list[int]

    @classmethod
    def of_bank(cls, institution: Institution) -> Leaves:
        """Of the bank that an institution belongs to."""
        areas = ServiceArea.objects.filter(institution__path__startswith=institution.head_office_path)
        plans = list(areas.filter(plan__isnull=False).values_list("plan_id", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(LEAVES, [plans])
            shapes = shapely.from_wkb([bytes(row[0]) for row in cursor.fetchall()])
        return cls(np.asarray(shapes, dtype=object), plans)

    def upper_grids(self) -> list[Any]:
        """The grids below the service area as GeoJSON geometries, to be drawn behind the points."""
        with connection.cursor() as cursor:
            cursor.execute(UPPER, [self.plans])
            found: list[Any] = json.loads(cursor.fetchone()[0])
        return found

    @cached_property
    def _tree(self) -> shapely.STRtree:
        shapely.prepare(self.shapes)
        return shapely.STRtree(self.shapes)

    def hold(self, xy: FloatArray) -> npt.NDArray[np.bool_]:
        """Which of some points (CGCS2000 degrees) lie in a grid, or on its border."""
        inside = np.zeros(len(xy), dtype=bool)
        inside[self._tree.query(shapely.points(xy), predicate="intersects")[0]] = True
        return inside

    def off_m(self, xy: FloatArray) -> FloatArray:
        """About how many metres some points lie off the nearest grid; inf where there is no grid."""
        if not len(self.shapes) or not len(xy):
            return np.full(len(xy), np.inf)
        _which, degrees = self._tree.query_nearest(shapely.points(xy), all_matches=False, return_distance=True)
        return np.asarray(degrees * METRES, dtype=np.float64)


def suspicion(checked: Checked, leaves: Leaves) -> Note | None:
    """What the coordinates look like, if not what was declared: a warning with `looks_like`, or None.

    Two witnesses: things that the layer has already, by their codes; and the service area, when more than stray points lie outside.
    An assumption counts where it brings the points three times closer to where they were, or leaves a third of those outside.
    """
    if len(checked.points) < FEW:
        return None
    declared = np.array([(point.lon, point.lat) for point in checked.points])
    assumed = _assumptions(checked.given, checked.reading.datum)
    known, where = _known(checked)
    if len(known) >= FEW:
        distances = {name: _median_m(xy[known], where) for name, xy in assumed.items()}
        as_declared = _median_m(declared[known], where)
        best = min(distances, key=lambda name: distances[name], default=None)
        if best is not None and as_declared > SURELY_MOVED_M and distances[best] < as_declared / 3:
            return _warning(
                best,
                f"与库中 {len(known):,} 个同编码的点相差约 {as_declared:,.0f} 米（中位数）",
                f"{len(known):,} points lie about {as_declared:,.0f} m (median) off those of the same code in the layer",
            )
    if not len(leaves.shapes):
        return None
    outside = 1 - leaves.hold(declared).mean()
    if outside > STRAY and outside * len(declared) >= FEW:
        left = {name: 1 - leaves.hold(xy).mean() for name, xy in assumed.items()}
        best = min(left, key=lambda name: left[name], default=None)
        if best is not None and left[best] <= outside / 3:
            return _warning(
                best,
                f"{outside:.0%} 的点在服务区域之外",
                f"{outside:.0%} of the points lie outside the service area",
            )
    return None


def _assumptions(given: FloatArray, declared: Datum) -> dict[str, FloatArray]:
    """Where the points would be if the file were in another datum."""
    found = {}
    if not declared.name.startswith("EPSG:"):
        for datum in {CGCS2000, GCJ02, BD09} - {declared}:
            if datum != CGCS2000 or declared in (GCJ02, BD09):
                found[datum.name] = _moved(given, datum)
    found[SWAPPED] = _moved(given[:, ::-1], declared)
    return {name: xy for name, xy in found.items() if xy is not None}


def _moved(given: FloatArray, datum: Datum) -> FloatArray | None:
    try:
        return to_cgcs2000(given, datum)
    except JingtianError:
        return None


def _known(checked: Checked) -> tuple[list[int], FloatArray]:
    """The points whose codes the layer has already, and where those are."""
    model, points = checked.reading.layer.model, checked.points
    wanted = {(point.institution_id, point.code): index for index, point in enumerate(points)}
    rows = model.objects.filter(
        institution__in={point.institution_id for point in points}, code__in=[point.code for point in points]
    ).only("institution_id", "code", "geom")
    pairs = [(wanted[key], row.place.coords) for row in rows if (key := (row.institution_id, row.code)) in wanted]
    return [index for index, _ in pairs], np.array([place for _, place in pairs]).reshape(-1, 2)


def _median_m(xy: FloatArray, where: FloatArray) -> float:
    east = (xy[:, 0] - where[:, 0]) * np.cos(np.radians(where[:, 1]))
    return float(np.median(np.hypot(east, xy[:, 1] - where[:, 1])) * METRES)


def _warning(name: str, zh: str, en: str) -> Note:
    looks = NAMES[name]
    return {
        "zh": f"{zh}；坐标像是 {looks[0]}。请核对坐标系后重新检查。",
        "en": f"{en}: the coordinates look like {looks[1]}. Check the datum, and look again.",
        "looks_like": name,
    }

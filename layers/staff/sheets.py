"""公示: what anybody may see of a grid: its map, and name, photo, work phone and duties of those in charge (LA07, MY02)."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import segno
import shapely
from django.contrib.gis.db.models.functions import Intersection
from django.contrib.gis.geos import Polygon
from django.db.models import Q

from layers.grids.models import Grid, Plan
from layers.staff.history import in_charge
from layers.staff.models import Assignment, PublicSheet, StaffSettings
from layers.streets.models import Building, Street

WIDTH = 720
MOST_LINES = 400
LABEL = (60, 24)
MOST_BUILDINGS = 2000


@dataclass(frozen=True)
class Drawing:
    """The map of a sheet as SVG paths, in a box of `width` × `height`; y points down."""

    width: int
    height: int
    grid: str
    neighbours: list[tuple[str, float, float, str]]
    streets: list[tuple[str, float, float, str]]
    buildings: list[str]
    metres: int
    bar: float


def sheet_of(grid: Grid) -> PublicSheet:
    """The sheet of a grid, made when first asked for."""
    return PublicSheet.objects.get_or_create(institution=grid.plan.institution, code=grid.code)[0]


def open_sheet(token: str) -> tuple[PublicSheet, Grid] | None:
    """The sheet under a token and its grid in the plan in force today; None where there is none, or it is switched off."""
    sheet = PublicSheet.objects.filter(token=token).select_related("institution").first()
    if sheet is None or not StaffSettings.of(sheet.institution).public_sheets:
        return None
    plans = Plan.objects.in_force().filter(institution=sheet.institution)
    grid = Grid.objects.filter(plan__in=plans, code=sheet.code).select_related("plan__institution", "parent").first()
    return grid and (sheet, grid)


def people_of(grid: Grid) -> list[Assignment]:
    """Those in charge today, whoever acts first; of backups, only those who stand in for somebody away."""
    serving = in_charge(Q(grid=grid))
    away = {one.role for one in serving if one.away and one.kind == Assignment.Kind.MAIN}
    return [one for one in serving if not one.away and (one.kind == Assignment.Kind.MAIN or one.role in away)]


def qr_svg(address: str) -> bytes:
    """A QR code that opens an address, as an SVG picture."""
    made = io.BytesIO()
    segno.make(address, error="m").save(made, kind="svg", scale=4, border=4, dark="#16282a", xmldecl=True)
    return made.getvalue()


def drawing(grid: Grid) -> Drawing:
    """The grid with its neighbours, streets and buildings, drawn to scale about its middle."""
    west, south, east, north = grid.geom.extent
    margin = 0.06 * max(east - west, north - south)
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    # A degree of longitude is shorter than one of latitude: by the cosine of the latitude.
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)
    height = round((north - south) * scale)
    if height > 1.4 * WIDTH:
        scale, height = scale * 1.4 * WIDTH / height, round(1.4 * WIDTH)
        spare = (WIDTH / scale / squeeze - (east - west)) / 2
        west, east = west - spare, east + spare

    def place(lon: float, lat: float) -> tuple[float, float]:
        return round((lon - west) * squeeze * scale, 1), round((north - lat) * scale, 1)

    def path(shape: Any) -> str:
        parts = []
        for line in _lines(shape):
            text = "L".join(f"{x} {y}" for x, y in (place(*point[:2]) for point in line.coords))
            parts.append(f"M{text}{'Z' if line.is_ring else ''}")
        return "".join(parts)

    def named(shape: Any, name: str) -> tuple[str, float, float, str]:
        spot = shape.representative_point() if shape.area else shape.interpolate(0.5, normalized=True)
        x, y = place(spot.x, spot.y)
        # A name that would be cut off at the edge is left out.
        fits = LABEL[0] < x < WIDTH - LABEL[0] and LABEL[1] < y < height - LABEL[1]
        return path(shape), x, y, name if fits else ""

    box = shapely.box(west, south, east, north)
    own = shapely.from_wkb(bytes(grid.geom.wkb))
    frame = Polygon.from_bbox((west, south, east, north))
    frame.srid = grid.geom.srid
    beside = Grid.objects.filter(plan=grid.plan_id, level=grid.level, geom__bboverlaps=frame).exclude(pk=grid.pk)
    neighbours = []
    for other in beside:
        shape = shapely.from_wkb(bytes(other.geom.wkb)).intersection(box)
        if not shape.is_empty and shape.area:
            neighbours.append(named(shape, other.name))
    bank = grid.plan.institution
    ways = Street.objects.of_bank(bank).filter(geom__intersects=grid.geom)
    inside = ways.annotate(inside=Intersection("geom", grid.geom)).exclude(inside__isempty=True)[:MOST_LINES]
    streets, seen = [], set()
    for way in inside:
        shape = shapely.from_wkb(bytes(way.inside.wkb))
        if shape.length:
            streets.append(named(_longest(shape), way.name if way.name not in seen else ""))
            seen.add(way.name)
    houses = Building.objects.of_bank(bank).filter(geom__intersects=grid.geom)[:MOST_BUILDINGS]
    shapes = [shapely.from_wkb(bytes(house.geom.wkb)) for house in houses]
    metre = scale / 111_320
    metres = next((step for step in (1000, 500, 200, 100, 50, 20) if step * metre < WIDTH / 3), 10)
    return Drawing(
        WIDTH, height, path(own), neighbours, streets, [path(one) for one in shapes if one.area], metres, metres * metre
    )


def _lines(shape: Any) -> list[Any]:
    if shape.geom_type == "Polygon":
        return [shape.exterior, *shape.interiors]
    if shape.geom_type in {"LineString", "LinearRing"}:
        return [shape]
    return [line for part in getattr(shape, "geoms", ()) for line in _lines(part)]


def _longest(shape: Any) -> Any:
    lines = [one for one in getattr(shape, "geoms", [shape]) if one.length]
    return max(lines, key=lambda one: one.length)

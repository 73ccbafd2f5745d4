"""公示: what anybody may see of a grid: its map, and name, photo, work phone and duties of those in charge (LA07, MY02)."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import segno
import shapely
from django.contrib.gis.db.models.functions import Intersection
from django.contrib.gis.geos import GEOSGeometry, Polygon
from django.db.models import Q
from shapely.geometry.base import BaseGeometry

from layers.grids.models import Grid, Plan
from layers.staff.history import in_charge
from layers.staff.models import Assignment, PublicSheet, StaffSettings
from layers.streets.models import Building, Street

WIDTH, HEIGHT = 720, 660
"""The box of the map: that of an A4 page below the people in charge."""
MARGIN = 0.06
MOST_LINES = 400
MOST_BUILDINGS = 2000
LETTER = 22
"""Room for a letter: as large as they are on a phone; on a wide screen and on paper they are smaller."""
LINE = 1.5 * LETTER
NORTH = (WIDTH - 52, 0, WIDTH, 72)
SCALE = (0, HEIGHT - 52, 270, HEIGHT)
"""Where north arrow and scale bar stand: left, top, right, bottom."""


@dataclass(frozen=True)
class Drawing:
    """The map of a sheet as SVG paths, in a box of `width` × `height`; y points down. A name without room is empty."""

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
    """The grid with its neighbours, streets and buildings, drawn to scale about its middle, as large as the box allows."""
    west, south, east, north = grid.geom.extent
    # A degree of longitude is shorter than one of latitude: by the cosine of the latitude.
    squeeze = math.cos(math.radians((south + north) / 2))
    within = 1 - 2 * MARGIN
    scale = min(within * WIDTH / ((east - west) * squeeze), within * HEIGHT / (north - south))
    left, top = (west + east) / 2 - WIDTH / 2 / scale / squeeze, (south + north) / 2 + HEIGHT / 2 / scale
    frame = Polygon.from_bbox((left, top - HEIGHT / scale, left + WIDTH / scale / squeeze, top))
    frame.srid = grid.geom.srid

    def paper(geometry: GEOSGeometry) -> BaseGeometry:
        shape = shapely.from_wkb(bytes(geometry.wkb))
        return shapely.transform(
            shape,
            lambda lonlat: np.column_stack([(lonlat[:, 0] - left) * squeeze * scale, (top - lonlat[:, 1]) * scale]),
        )

    own = paper(grid.geom)
    bank = grid.plan.institution
    beside = Grid.objects.filter(plan=grid.plan_id, level=grid.level, geom__bboverlaps=frame).exclude(pk=grid.pk)
    ways = Street.objects.of_bank(bank).filter(geom__intersects=grid.geom)
    inside = ways.annotate(inside=Intersection("geom", grid.geom)).exclude(inside__isempty=True)[:MOST_LINES]
    houses = Building.objects.of_bank(bank).filter(geom__intersects=grid.geom)[:MOST_BUILDINGS]

    names = Names(own)
    # The largest first: where room is short, they have it.
    shapes = [(shapely.intersection(paper(other.geom), names.frame), other.name) for other in beside]
    neighbours = [
        (_path(shape), *names.beside(shape, name))
        for shape, name in sorted(shapes, key=lambda each: -each[0].area)
        if shape.area
    ]
    lines = [(_longest(shape), way.name) for way in inside if (shape := paper(way.inside)).length]
    streets = [
        (_path(line), *names.along(line, name)) for line, name in sorted(lines, key=lambda each: -each[0].length)
    ]
    metre = scale / 111_320
    metres = next((step for step in (1000, 500, 200, 100, 50, 20) if step * metre < WIDTH / 3), 10)
    return Drawing(
        WIDTH,
        HEIGHT,
        _path(own),
        neighbours,
        streets,
        [_path(shape) for shape in map(paper, (house.geom for house in houses)) if shape.area],
        metres,
        metres * metre,
    )


Named = tuple[float, float, str]
"""Where a name stands: the middle of its foot, and the name; empty where there is no room."""


class Names:
    """Names on the map of a sheet: none over another, over the grid's border, or over north arrow and scale bar."""

    frame = shapely.box(0, 0, WIDTH, HEIGHT)

    def __init__(self, own: BaseGeometry) -> None:
        self._own = own
        self._room = shapely.buffer(own, -4)
        self._taken: list[BaseGeometry] = [shapely.box(*NORTH), shapely.box(*SCALE)]
        self._said: set[str] = set()

    def beside(self, shape: BaseGeometry, name: str) -> Named:
        """A neighbour's: inside it, else at least beside the grid and inside the frame."""
        room = shapely.difference(shapely.buffer(self.frame, -3), shapely.buffer(self._own, 4))
        left, top, right, bottom = shape.bounds
        spots = shapely.points(
            *np.meshgrid(np.linspace(left, right, 13)[1:-1], np.linspace(top, bottom, 13)[1:-1])
        ).ravel()
        spots = spots[shapely.contains(shape, spots)]
        edge = shapely.boundary(shape)
        spots = spots[np.argsort(-shapely.distance(edge, spots), kind="stable")]
        return self._first(spots, name, shapely.intersection(room, shape)) or self._first(spots, name, room) or NO_NAME

    def along(self, line: BaseGeometry, name: str) -> Named:
        """A street's, once: on it or close by, inside the grid."""
        if not name or name in self._said:
            return NO_NAME
        on = shapely.line_interpolate_point(line, [0.5, 0.35, 0.65, 0.2, 0.8], normalized=True)
        spots = [
            shapely.transform(spot, lambda at, up=up: np.add(at, [0, up])) for up in (0, LINE, -LINE) for spot in on
        ]
        found = self._first(spots, name, self._room)
        if found:
            self._said.add(name)
        return found or NO_NAME

    def _first(self, spots: Any, name: str, room: BaseGeometry) -> Named | None:
        wide = len(name) * LETTER / 2
        for spot in spots:
            box = shapely.box(spot.x - wide, spot.y - LINE / 2, spot.x + wide, spot.y + LINE / 2)
            if room.contains(box) and not shapely.intersects(self._taken, box).any():
                self._taken.append(box)
                return round(spot.x, 1), round(spot.y, 1), name
        return None


NO_NAME: Named = (0.0, 0.0, "")


def _path(shape: BaseGeometry) -> str:
    parts = []
    for line in _lines(shape):
        text = "L".join(f"{round(x, 1)} {round(y, 1)}" for x, y in shapely.get_coordinates(line))
        parts.append(f"M{text}{'Z' if line.is_ring else ''}")
    return "".join(parts)


def _lines(shape: Any) -> list[Any]:
    if shape.geom_type == "Polygon":
        return [shape.exterior, *shape.interiors]
    if shape.geom_type in {"LineString", "LinearRing"}:
        return [shape]
    return [line for part in getattr(shape, "geoms", ()) for line in _lines(part)]


def _longest(shape: Any) -> Any:
    lines = [one for one in getattr(shape, "geoms", [shape]) if one.length]
    return max(lines, key=lambda one: one.length)

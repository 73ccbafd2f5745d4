"""The grids of a level on paper: projected to metres, simplified together, and scaled to millimetres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from layers.grids.models import Grid, Plan

FINEST = 0.12
"""Millimetres on paper below which the bend of a border is left out."""


@dataclass(frozen=True)
class Frame:
    """Where places come to lie on paper: metres about a centre, to millimetres from the top left of a box.

    The projection is a transverse Mercator about the centre of what is drawn, so north is up there and lengths are true to
    1 in 10,000 within 100 km.
    """

    to_metres: Transformer
    west: float
    north: float
    metres_a_mm: float
    width: float
    height: float

    @classmethod
    def round(cls, bounds: tuple[float, float, float, float], width: float, height: float, margin: float = 4) -> Frame:
        """A frame of width × height millimetres with the bounds (degrees) in its middle."""
        west, south, east, north = bounds
        centre = f"+proj=tmerc +lon_0={(west + east) / 2} +lat_0={(south + north) / 2} +ellps=GRS80 +units=m"
        to_metres = Transformer.from_crs("EPSG:4490", centre, always_xy=True)
        x, y = to_metres.transform(
            np.linspace([west] * 9, [east] * 9, 9).ravel(), np.tile(np.linspace(south, north, 9), 9)
        )
        scale = max((x.max() - x.min()) / (width - 2 * margin), (y.max() - y.min()) / (height - 2 * margin))
        left = (x.max() + x.min()) / 2 - width / 2 * scale
        top = (y.max() + y.min()) / 2 + height / 2 * scale
        return cls(to_metres, left, top, scale, width, height)

    def paper(self, lon_lat: np.ndarray) -> np.ndarray:
        """Degrees to millimetres, (n, 2) to (n, 2)."""
        x, y = self.to_metres.transform(lon_lat[:, 0], lon_lat[:, 1])
        return np.column_stack([(x - self.west) / self.metres_a_mm, (self.north - y) / self.metres_a_mm])

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = self.paper(np.array([[lon, lat]]))[0]
        return float(x), float(y)


@dataclass(frozen=True)
class Piece:
    """A grid on paper, in millimetres."""

    id: int
    code: str
    name: str
    level: int
    kind: str
    parent_id: int | None
    shape: BaseGeometry


@dataclass(frozen=True)
class Ground:
    """The pieces of a level (with undivided grids above it), and the outlines of the levels above, in one frame."""

    frame: Frame
    pieces: Sequence[Piece]
    above: Mapping[int, Sequence[Piece]]

    @classmethod
    def of(cls, plan: Plan, level: int, width: float, height: float) -> Ground:
        """What a map of a level of a plan is drawn of, in a box of width × height millimetres."""
        grids = list(Grid.objects.filter(plan=plan, level__lte=level).order_by("code").defer("border_sum"))
        parents = {grid.parent_id for grid in grids}
        drawn = [grid for grid in grids if grid.level == level or grid.pk not in parents]
        shapes = [shapely.from_wkb(bytes(grid.geom.wkb)) for grid in drawn]
        frame = Frame.round(tuple(shapely.total_bounds(shapes)), width, height)
        on_paper = _simplified(list(shapely.transform(shapes, frame.paper)))
        pieces = [_piece(grid, shape) for grid, shape in zip(drawn, on_paper, strict=True)]
        above: dict[int, list[Piece]] = {}
        by_id = {grid.pk: grid for grid in grids}
        shape_of = {piece.id: piece.shape for piece in pieces}
        for depth in range(level - 1, -1, -1):
            children: dict[int, list[BaseGeometry]] = {}
            for pk, shape in shape_of.items():
                parent = by_id[pk].parent_id if by_id[pk].level == depth + 1 else None
                if parent is not None:
                    children.setdefault(parent, []).append(shape)
            joined = {pk: shapely.union_all(shapes) for pk, shapes in children.items()}
            shape_of |= joined
            above[depth] = [_piece(by_id[pk], shape) for pk, shape in joined.items()]
        return cls(frame, pieces, above)


def _simplified(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """All together, so that neighbours do not part; as they are where they overlap, as a plan may allow."""
    if not shapely.coverage_is_valid(shapes):
        return shapes
    simpler = shapely.coverage_simplify(shapes, FINEST)
    return [simple if not simple.is_empty else shape for simple, shape in zip(simpler, shapes, strict=True)]


def _piece(grid: Grid, shape: BaseGeometry) -> Piece:
    return Piece(grid.pk, grid.code, grid.name, grid.level, grid.kind, grid.parent_id, shape)

"""How many of several covers lie over each piece of land: the depth of service, its blanks, and where it is too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from gis.lattice import STEP


@dataclass(frozen=True)
class Piece:
    """A piece of land, in degrees, and who covers it: keys of the covers, sorted."""

    geometry: BaseGeometry
    covered_by: tuple[str, ...]

    @property
    def depth(self) -> int:
        return len(self.covered_by)


def depth_pieces(area: BaseGeometry, covers: Mapping[str, Sequence[BaseGeometry]]) -> list[Piece]:
    """Divide an area by who covers it.

    Parameters
    ----------
    area
        Polygon or MultiPolygon, CGCS2000 degrees.
    covers
        By key, the polygons that each covers together; they may overlap, and lie outside the area.

    Returns
    -------
    One piece for each set of covers that occurs, the empty set too; together they are the area, up to the lattice.
    """
    joined = {key: shapely.union_all(list(shapes), grid_size=STEP) for key, shapes in sorted(covers.items())}
    pieces: list[tuple[BaseGeometry, tuple[str, ...]]] = [(area, ())]
    for key, cover in joined.items():
        divided = []
        for geometry, holders in pieces:
            inside = shapely.intersection(geometry, cover, grid_size=STEP)
            outside = shapely.difference(geometry, cover, grid_size=STEP)
            divided += [(inside, (*holders, key)), (outside, holders)]
        pieces = [(shape, holders) for geometry, holders in divided if (shape := _polygons(geometry)) is not None]
    by_holders: dict[tuple[str, ...], list[BaseGeometry]] = {}
    for geometry, holders in pieces:
        by_holders.setdefault(holders, []).append(geometry)
    return [Piece(shapely.union_all(shapes, grid_size=STEP), holders) for holders, shapes in sorted(by_holders.items())]


def _polygons(geometry: BaseGeometry) -> BaseGeometry | None:
    """The areal part; None where there is none."""
    parts = [
        part for part in shapely.get_parts(np.atleast_1d(geometry)) if isinstance(part, Polygon) and not part.is_empty
    ]
    return MultiPolygon(parts) if parts else None

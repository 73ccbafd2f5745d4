"""The land between a line of borders and the stroke that takes its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from gis.edit.chain import edges_along, segments
from gis.edit.faults import Point

LEFT, RIGHT = 1, -1
"""Sides of the old line."""


@dataclass(frozen=True)
class Between:
    """The old line and the stroke, and on which side of the old line the land between them lies."""

    line: list[Point]
    stroke: list[Point]

    @cached_property
    def ring(self) -> npt.NDArray[np.float64]:
        """Edges of the old line, then back along the stroke; shape (n, 4)."""
        return np.array(edges_along([*self.line, *self.stroke[-2::-1]]), dtype=np.float64).reshape(-1, 4)

    def side(self, place: tuple[float, float]) -> int:
        """LEFT or RIGHT of the old line for a place in the land that changes hands, 0 elsewhere; more where it is wound round twice."""
        (ax, ay, bx, by), (x, y) = self.ring.T, place
        turn = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        up, down = (ay <= y) & (by > y) & (turn > 0), (ay > y) & (by <= y) & (turn < 0)
        return int(up.sum() - down.sum())

    @cached_property
    def _lines(self) -> npt.NDArray[np.object_]:
        return np.array(segments(edges_along(self.line) + edges_along(self.stroke)))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._lines)

    def reach(self, place: Point, angle: float) -> tuple[Point, bool] | None:
        """Where a ray first meets either line, and whether that is the stroke; None if it meets neither."""
        low, high = self.ring[:, :2].min(axis=0), self.ring[:, :2].max(axis=0)
        far = 2 * float(np.hypot(*(high - low))) + 10
        ray = shapely.LineString([place, (place[0] + far * math.cos(angle), place[1] + far * math.sin(angle))])
        hits = np.sort(self._tree.query(ray, predicate="intersects"))
        xy, hit = shapely.get_coordinates(shapely.intersection(self._lines[hits], ray), return_index=True)
        distance = np.hypot(*(xy - place).T)
        # A lattice step about the place itself is where the ray begins.
        met = distance > 1
        if not met.any():
            return None
        first = np.flatnonzero(met)[distance[met].argmin()]
        x, y = np.rint(xy[first]).astype(int).tolist()
        return (x, y), bool(hits[hit[first]] >= len(self.line) - 1)

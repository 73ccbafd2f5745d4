"""Which leaf grid a point is in: exact, for one point or a million.

A raster over the coverage knows the cells that no border comes near; they are wholly inside one leaf, or outside all,
so a point in one needs no geometry. Only points in the other cells are tested, with exact predicates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, IntArray

NOWHERE = -1
_NEAR_BORDER = -2

CELLS_PER_LEAF = 100
MOST_CELLS = 16_000_000


class Locator:
    """Finds the leaf of points in one coverage.

    The tie-break: a point on a border or a corner is in the leaf with the smallest code, in byte order, among those
    that it touches; its ancestors are that leaf's ancestors.

    Parameters
    ----------
    codes
        Code of each leaf.
    geometries
        Its Polygon or MultiPolygon, in the coordinates that points will be asked in (degrees, CGCS2000).
    """

    def __init__(self, codes: Sequence[str], geometries: Sequence[BaseGeometry]) -> None:
        order = sorted(range(len(codes)), key=lambda i: codes[i].encode())
        self._by_rank = np.array([*order, NOWHERE], dtype=np.int64)
        self._leaves = np.array([geometries[i] for i in order], dtype=object)
        shapely.prepare(self._leaves)
        self._tree = shapely.STRtree(self._leaves)
        self._raster = _Raster(self._leaves)
        self._fill_raster()

    def locate(self, xy: npt.ArrayLike) -> IntArray:
        """Index of the leaf of each point, or -1 outside all of them.

        Parameters
        ----------
        xy : (n, 2)
            Longitude and latitude; a point that is not finite is outside.

        Returns
        -------
        (n,) int64
            Index into the sequences given to the constructor.
        """
        xy = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        rank = self._raster.look_up(xy)
        near_border = np.flatnonzero(rank == _NEAR_BORDER)
        rank[near_border] = self._tested(xy[near_border])
        return self._by_rank[rank]

    def _tested(self, xy: FloatArray) -> IntArray:
        """Least rank among the leaves that each point touches, or -1, by exact predicates."""
        point, leaf = self._tree.query(shapely.points(xy))
        touches = shapely.intersects_xy(self._leaves[leaf], xy[point, 0], xy[point, 1])
        least = np.full(len(xy), len(self._leaves), dtype=np.int64)
        np.minimum.at(least, point[touches], leaf[touches])
        return np.where(least < len(self._leaves), least, NOWHERE)

    def _fill_raster(self) -> None:
        """Ask once for each run of cells in a row without a border: no border crosses it, so it is in one leaf."""
        cells = self._raster.cells
        free = cells != _NEAR_BORDER
        starts = free.copy()
        starts[:, 1:] &= ~free[:, :-1]
        row, column = np.nonzero(starts)
        ranks = self._tested(self._raster.centre(row, column))
        run = np.cumsum(starts.ravel()) - 1
        cells[free] = ranks[run[free.ravel()]]


class _Raster:
    """Cells of equal size over the bounds of some polygons; those a border may run through say so."""

    def __init__(self, polygons: npt.NDArray[np.object_]) -> None:
        xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygons)), return_index=True)
        if len(xy) == 0:
            xy = np.zeros((1, 2))
        self._low = xy.min(axis=0)
        self._high = xy.max(axis=0)
        extent = np.maximum(self._high - self._low, 1e-7)
        count = min(MOST_CELLS, max(1, CELLS_PER_LEAF * len(polygons)))
        self._per_degree = np.sqrt(count / extent.prod())
        columns, rows = self._cell(self._high[None])[0] + 1
        self.cells: npt.NDArray[np.int32] = np.full((rows, columns), NOWHERE, dtype=np.int32)
        cell = self._cell(xy)
        self.cells[cell[:, 1], cell[:, 0]] = _NEAR_BORDER
        leaves_its_cell = np.flatnonzero((ring[:-1] == ring[1:]) & (cell[:-1] != cell[1:]).any(axis=1))
        a, b = cell[leaves_its_cell], cell[leaves_its_cell + 1]
        is_long = np.abs(a - b).max(axis=1, initial=0) > 3
        self._mark(np.minimum(a, b)[~is_long], np.maximum(a, b)[~is_long])
        self._mark_long(xy[leaves_its_cell][is_long], xy[leaves_its_cell + 1][is_long])

    def look_up(self, xy: FloatArray) -> IntArray:
        inside = ((xy >= self._low) & (xy <= self._high)).all(axis=1)
        column, row = self._cell(np.where(inside[:, None], xy, self._low)).T
        return np.where(inside, self.cells[row, column], NOWHERE).astype(np.int64)

    def centre(self, row: IntArray, column: IntArray) -> FloatArray:
        centres: FloatArray = self._low + (np.column_stack([column, row]) + 0.5) / self._per_degree
        return centres

    def _cell(self, xy: FloatArray) -> IntArray:
        """Column and row. In floating point, too, this never falls as x or y grows: an edge stays between its ends."""
        cell: IntArray = ((xy - self._low) * self._per_degree).astype(np.int64)
        return cell

    def _mark(self, first: IntArray, last: IntArray) -> None:
        """Mark blocks of cells, from the lower left one to the upper right one, both included."""
        width, height = (last - first).T
        for dx in range(int(width.max(initial=-1)) + 1):
            for dy in range(int(height.max(initial=-1)) + 1):
                column, row = first[(width >= dx) & (height >= dy)].T
                self.cells[row + dy, column + dx] = _NEAR_BORDER

    def _mark_long(self, a: FloatArray, b: FloatArray) -> None:
        """Mark the cells about edges a–b that span many, piece by piece.

        Rounding may put a cut beside the edge, by far less than a cell: so one cell more is marked on every side.
        """
        pieces = np.abs(self._cell(a) - self._cell(b)).max(axis=1, initial=0)
        edge = np.repeat(np.arange(len(a)), pieces)
        piece = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        step = ((b - a) / pieces[:, None])[edge]
        start = self._cell(a[edge] + step * piece[:, None])
        stop = self._cell(a[edge] + step * (piece[:, None] + 1))
        last_cell = np.array(self.cells.shape[::-1]) - 1
        self._mark(np.maximum(np.minimum(start, stop) - 1, 0), np.minimum(np.maximum(start, stop) + 1, last_cell))

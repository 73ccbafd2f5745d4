"""A plan of many grids of 37 vertices each, exact, as COPY text: the data of the benchmarks."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import shapely
from shapely import MultiPolygon

from gis.lattice import IntArray, to_degrees

SIDE = 9
"""Edges a side: 4 × 9 edges, 37 coordinates a ring."""
STEP = 1000
"""Lattice steps an edge, about 10 m."""
ORIGIN = np.array([1130000000, 300000000])
COLUMNS = "id, plan_id, parent_id, level, code, bank_code, name, kind, geom"


def rectangle(column: int, row: int, columns: int, rows: int) -> MultiPolygon:
    """The grid cells [column, column + columns) × [row, row + rows), with all the vertices of their outer border."""
    low = ORIGIN + np.array([column, row]) * SIDE * STEP
    width, height = columns * SIDE, rows * SIDE
    right, up = np.arange(width) * STEP, np.arange(height) * STEP
    w, h = width * STEP, height * STEP
    ring: IntArray = low + np.concatenate(
        [
            np.column_stack([right, np.zeros_like(right)]),
            np.column_stack([np.full_like(up, w), up]),
            np.column_stack([w - right, np.full_like(right, h)]),
            np.column_stack([np.zeros_like(up), h - up]),
            [[0, 0]],
        ]
    )
    return MultiPolygon([shapely.polygons(to_degrees(ring))])


def cells(columns: int, rows: int) -> Iterator[MultiPolygon]:
    """All grids, column by column."""
    return (rectangle(column, row, 1, 1) for column in range(columns) for row in range(rows))


def ewkb(geometry: MultiPolygon) -> str:
    """Hexadecimal EWKB in EPSG:4490."""
    return shapely.to_wkb(shapely.set_srid(geometry, 4490), hex=True, include_srid=True)


def copy_text(plan: int, parent: int, first_id: int, columns: int, rows: int) -> io.StringIO:
    """Rows of table grid for COPY, without the parent's own."""
    text = io.StringIO()
    for number, cell in enumerate(cells(columns, rows)):
        text.write(f"{first_id + number}\t{plan}\t{parent}\t1\t{number:06}\t\tgrid {number}\trural\t{ewkb(cell)}\n")
    text.seek(0)
    return text

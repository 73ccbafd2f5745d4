"""Cells inside a block: the Voronoi diagram of its buildings or points, or of an even spread of places, in groups of even weight."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Voronoi
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, IntArray

Objects = npt.NDArray[np.object_]


def grouped(xy: FloatArray, weight: FloatArray, count: int) -> IntArray:
    """Groups 0…count-1 (n,) of places (n, 2): halved by weight across the longer side, again and again."""
    group = np.zeros(len(xy), dtype=np.int64)
    parts = [(np.arange(len(xy)), min(count, len(xy)))]
    number = 0
    while parts:
        members, wanted = parts.pop()
        if wanted <= 1:
            group[members] = number
            number += 1
            continue
        spread = np.ptp(xy[members], axis=0)
        axis = int(spread[1] > spread[0])
        order = members[np.lexsort((members, xy[members, 1 - axis], xy[members, axis]))]
        first = wanted // 2
        sums = np.cumsum(weight[order] + 1e-9 * (1 + weight.max()))
        at = int(np.searchsorted(sums, sums[-1] * first / wanted)) + 1
        at = min(max(at, first), len(order) - (wanted - first))
        parts += [(order[at:], wanted - first), (order[:at], first)]
    return group


def even_spread(block: BaseGeometry, count: int, aspect: float) -> FloatArray:
    """About `count` places spread evenly (as in a honeycomb) inside a block in steps; `aspect` is the ratio of a step's metres x : y."""
    west, south, east, north = block.bounds
    side = math.sqrt(block.area / max(count, 1) / (math.sqrt(3) / 2) * aspect)
    x = np.arange(west, east + side / aspect, side / aspect)
    y = np.arange(south, north + side, side * math.sqrt(3) / 2)
    grid_x, grid_y = np.meshgrid(x, y)
    grid_x[1::2] += side / aspect / 2
    places = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    shapely.prepare(block)
    return np.asarray(places[shapely.contains_xy(block, places)], dtype=np.float64)


def cell_borders(block: BaseGeometry, xy: FloatArray, group: IntArray, aspect: float) -> Objects:
    """Lines (steps) inside a block between what is nearest to places of different groups."""
    if len(np.unique(group)) < 2:
        return np.empty(0, dtype=object)
    scale = np.array([aspect, 1.0])
    places, first = np.unique(xy * scale, axis=0, return_index=True)
    group = group[first]
    middle, reach = places.mean(axis=0), 20 * (np.ptp(places, axis=0).max() + math.hypot(*_size(block)) + 1)
    far = middle + reach * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    diagram = Voronoi(np.concatenate([places, far]))
    group = np.append(group, [-1] * len(far))
    ridges = [
        vertices
        for (a, b), vertices in zip(diagram.ridge_points.tolist(), diagram.ridge_vertices, strict=True)
        if group[a] != group[b] and -1 not in vertices
    ]
    if not ridges:
        return np.empty(0, dtype=object)
    lines = shapely.linestrings(diagram.vertices[np.array(ridges)] / scale)
    inside = shapely.intersection(shapely.line_merge(shapely.multilinestrings(lines)), block)
    parts = shapely.get_parts(inside)
    return np.asarray(parts[shapely.get_dimensions(parts) == 1], dtype=object)


def _size(block: BaseGeometry) -> tuple[float, float]:
    west, south, east, north = block.bounds
    return east - west, north - south

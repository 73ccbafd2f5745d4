"""A partition of a grid: the parts, and what can be said of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.arrangement import OUTSIDE
from gis.lattice import FloatArray, IntArray
from gis.measure import area_m2, length_m, segment_length_m
from gis.partition.cut import Cut, cut, improve, whole
from gis.partition.graph import UnitGraph
from gis.partition.ground import Ground, Load, Objects, TooFewUnits
from gis.partition.search import Search


@dataclass(frozen=True)
class PartitionWish:
    """How to divide: into so many parts, within a tolerance (share of the mean), from a seed and the next ones."""

    count: int
    tolerance: float = 0.1
    seed: int = 1
    seeds: int = 6


@dataclass(frozen=True)
class Part:
    """A part: geometry in degrees, on the lattice, and its measures.

    Attributes
    ----------
    deviation : share by which the weight departs from the target.
    compactness : Polsby–Popper, 4π·area/perimeter².
    street_share : share of its inner border that runs along streets; None without inner border.
    pieces : polygons that it consists of; one unless the grid itself is in pieces.
    """

    geometry: BaseGeometry
    weight: float
    deviation: float
    area_m2: float
    compactness: float
    street_share: float | None
    pieces: int


@dataclass(frozen=True)
class Partition:
    """Parts that cover a grid exactly, numbered west to east; and the summary of the whole."""

    parts: list[Part]
    units: int
    cells: int
    seed: int
    price: float
    max_deviation: float
    mean_compactness: float
    street_share: float | None
    contiguous: bool
    tolerance: float

    @property
    def balanced(self) -> bool:
        return self.max_deviation <= self.tolerance + 1e-9


def numbering_key(geometry: BaseGeometry) -> tuple[float, float]:
    """Siblings are numbered by their centroids: west before east, on the same meridian north before south."""
    centroid = geometry.centroid
    return round(centroid.x, 7), -round(centroid.y, 7)


def count_for(total: float, low: float, high: float) -> tuple[int, float]:
    """The number of parts whose mean lies best in a band of sizes, and the tolerance that keeps each part within it.

    Where no number fits the band, the one whose mean is nearest to its middle, with the tolerance of the band's half width.
    """
    middle = (low + high) / 2
    candidates = range(max(1, math.floor(total / high)), max(1, math.ceil(total / low)) + 1)
    count = min(candidates, key=lambda n: (not low <= total / n <= high, abs(math.log(total / n / middle))))
    mean = total / count
    room = min(high / mean - 1, 1 - low / mean)
    return count, max(0.01, room if room > 0 else (high - low) / 2 / middle)


def partition(region: BaseGeometry, wish: PartitionWish, load: Load, streets: Objects | None = None) -> Partition:
    """Divide a grid.

    Raises
    ------
    TooFewUnits
    """
    ground = Ground.of([region], streets=streets, load=load, parts=wish.count, tolerance=wish.tolerance)
    if len(ground.graph) < wish.count:
        raise TooFewUnits(
            f"该网格内只有 {len(ground.graph)} 个可分的街区或建筑, 分不成 {wish.count} 个网格。请减少个数, 或改按面积划分。",
            f"There are only {len(ground.graph)} blocks or buildings in this grid, too few for {wish.count} parts. Ask for fewer,"
            " or divide by area.",
            units=len(ground.graph),
        )
    found = cut(ground.graph, wish.count, tolerance=wish.tolerance, seed=wish.seed, seeds=wish.seeds)
    return described(ground, found, wish.count, wish.tolerance, None)


def rebalance(
    grids: Sequence[BaseGeometry],
    load: Load,
    streets: Objects | None = None,
    *,
    tolerance: float = 0.1,
    seed: int = 1,
) -> Partition:
    """Even out neighbouring grids; part i is what becomes of grid i, and as much stays as it is as can."""
    ground = Ground.of(grids, streets=streets, load=load, parts=len(grids), tolerance=tolerance)
    target = np.full(len(grids), ground.graph.weight.sum() / len(grids))
    label = whole(ground.graph, ground.home, len(grids))
    found = improve(ground.graph, label, target, tolerance, seed)
    return described(ground, found, len(grids), tolerance, target, keep_order=True)


@dataclass(frozen=True)
class Taken:
    """What `take` comes to: both grids afterwards, the weight that moved, and where that is (degrees)."""

    result: Partition
    moved: float
    place: BaseGeometry


def take(
    to: BaseGeometry,
    source: BaseGeometry,
    amount: float,
    load: Load,
    streets: Objects | None = None,
    *,
    in_one_piece: bool = False,
) -> Taken:
    """Move the border between two neighbours block by block until `to` has got the amount, as nearly as blocks allow.

    With `in_one_piece`, what moves is the heaviest piece of that.
    """
    ground = Ground.of([to, source], streets=streets, load=load, cell_weight=amount / 8)
    label = whole(ground.graph, ground.home, 2)
    before = np.bincount(label, weights=ground.graph.weight, minlength=2)
    search = Search(ground.graph, label, np.maximum(before, 1e-12), 1.0)
    chosen = np.array(search.take(0, 1, amount), dtype=np.int64)
    if in_one_piece and len(chosen):
        apart = np.zeros(len(label), dtype=np.int64)
        apart[chosen] = 1
        piece = ground.graph.components(apart)[chosen]
        weight = np.bincount(piece, weights=ground.graph.weight[chosen])
        chosen = chosen[piece == weight.argmax()]
    after = label.copy()
    after[chosen] = 0
    moved = float(ground.graph.weight[chosen].sum())
    target = before + np.array([amount, -amount])
    mask = np.zeros(len(label), dtype=np.int64)
    mask[chosen] = 1
    result = described(ground, Cut(after, search.price(), 0.0, 0), 2, 1.0, target, keep_order=True)
    return Taken(result, moved, ground.parts(mask, 2)[1])


def described(
    ground: Ground,
    found: Cut,
    count: int,
    tolerance: float,
    target: FloatArray | None,
    *,
    keep_order: bool = False,
) -> Partition:
    """The partition that a cut of the ground amounts to; parts west to east, or as they are labelled."""
    shapes = ground.parts(found.label, count)
    order = list(range(count))
    if not keep_order:
        order.sort(key=lambda part: numbering_key(shapes[part]))
    weight = np.bincount(found.label, weights=ground.graph.weight, minlength=count)
    target = np.full(count, weight.sum() / count) if target is None else target
    area, ring = area_m2(shapes), length_m(shapes)
    inner, along = _inner_borders(ground, found.label, count)
    parts = [
        Part(
            shapes[part],
            float(weight[part]),
            float(weight[part] / target[part] - 1) if target[part] > 0 else 0.0,
            float(area[part]),
            float(4 * math.pi * area[part] / ring[part] ** 2),
            float(along[part] / inner[part]) if inner[part] > 0 else None,
            int(shapely.get_num_geometries(shapes[part])),
        )
        for part in order
    ]
    total = float(inner.sum())
    pieces = _pieces(ground.graph, found.label)
    return Partition(
        parts,
        len(ground.graph),
        ground.cells,
        found.seed,
        found.price,
        max(abs(part.deviation) for part in parts),
        float(np.mean([part.compactness for part in parts])),
        float(along.sum()) / total if total else None,
        pieces == count,
        tolerance,
    )


def _pieces(graph: UnitGraph, label: IntArray) -> int:
    return len(np.unique(graph.components(label)))


def _inner_borders(ground: Ground, label: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Metres of border with other parts, by part, and of these along streets."""
    part = np.append(np.where(ground.unit >= 0, label[np.maximum(ground.unit, 0)], OUTSIDE), OUTSIDE)
    left, right = part[ground.arrangement.left], part[ground.arrangement.right]
    between = (left >= 0) & (right >= 0) & (left != right)
    ends = (ground.arrangement.segments[between].reshape(-1, 2) + ground.frame.corner) / 1e7
    length = segment_length_m(ends.reshape(-1, 4))
    street = length * ground.street[between]
    both = np.concatenate([left[between], right[between]])
    inner, along = (
        np.bincount(both, weights=np.tile(metres, 2), minlength=count).astype(np.float64) for metres in (length, street)
    )
    return inner, along


__all__ = [
    "Part",
    "Partition",
    "PartitionWish",
    "Taken",
    "count_for",
    "numbering_key",
    "partition",
    "rebalance",
    "take",
]

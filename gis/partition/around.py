"""Service areas (ZG05): a grid is divided round places, every piece of it to the place that reaches it first."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.lattice import FloatArray, IntArray
from gis.measure import area_m2, segment_length_m
from gis.partition.cut import Cut
from gis.partition.graph import UnitGraph
from gis.partition.ground import Ground, Load, Objects
from gis.partition.partition import Partition, described
from gis.partition.search import Search

CELLS_A_SITE = 60
"""Blocks are divided until about so many pieces come to a place: its area then follows the middle between two places closely."""
NOBODY = -1


@dataclass(frozen=True)
class ServiceAreas:
    """The parts of a grid round places.

    Attributes
    ----------
    result : the parts, west to east by the first of their places.
    sites : indices of the places of each part; more than one where they stand in one block or building.
    reach_m : metres from the first of these places to the farthest corner of the part.
    within : share of the part's weight that lies within the radius of the place; of the area where nothing weighs.
    """

    result: Partition
    sites: list[list[int]]
    reach_m: FloatArray
    within: FloatArray


def around(
    region: BaseGeometry,
    sites: FloatArray,
    load: Load,
    streets: Objects | None = None,
    *,
    radius_m: FloatArray,
    even: bool = False,
    tolerance: float = 0.1,
    seed: int = 1,
) -> ServiceAreas:
    """Divide a grid round places; exact and in one piece each, along streets and round buildings as any partition.

    A piece goes to the place whose radius it takes the smallest share of to reach; with equal radii, to the nearest.

    Parameters
    ----------
    sites
        (n, 2) degrees, inside the region.
    radius_m
        (n,) how far each place is to serve, in metres, more than 0.
    even
        Then move pieces at the borders until the weights are about equal (LA12: near first, then even); the pieces with the
        places in them stay.
    """
    order = np.lexsort((-sites[:, 1], sites[:, 0]))
    sites, radius_m = sites[order], radius_m[order]
    cell_m2 = float(area_m2([region])[0]) / (CELLS_A_SITE * len(sites))
    ground = Ground.of([region], streets=streets, load=load, cell_m2=cell_m2)
    at = ground.unit_at(shapely.points(sites))
    home, first = np.unique(at, return_index=True)
    first = np.sort(first[home >= 0])
    seeds, centres = at[first], ground.centres()
    metres = np.array([_metres(site, centres) for site in sites[first]])
    label = grow(ground.graph, seeds, metres / radius_m[first, None])
    count = len(first)
    target = np.full(count, ground.graph.weight.sum() / count)
    if even:
        search = Search(ground.graph, label, target, tolerance * 0.95, fixed=seeds.tolist())
        search.descend(np.random.default_rng(seed), 20 * len(ground.graph))
        label = np.array(search.label, dtype=np.int64)
    result = described(ground, Cut(label, 0.0, 0.0, seed), count, tolerance, target, keep_order=True)
    near = metres[label, np.arange(len(label))] <= radius_m[first][label]
    weight = ground.graph.weight if ground.graph.weight.sum() > 0 else ground.graph.area
    total, inside = (np.bincount(label, weights=each, minlength=count) for each in (weight, weight * near))
    shapes = [part.geometry for part in result.parts]
    reach = [
        float(_metres(site, shapely.get_coordinates(shape)).max())
        for site, shape in zip(sites[first], shapes, strict=True)
    ]
    return ServiceAreas(
        result,
        [order[at == seed].tolist() for seed in seeds],
        np.array(reach),
        np.divide(inside, total, out=np.ones(count), where=total > 0),
    )


def grow(graph: UnitGraph, seeds: IntArray, cost: FloatArray) -> IntArray:
    """The part (n,) of each unit of a connected graph: parts grow from their seeds, always by the unit that costs least.

    So every part hangs together, and without obstacles a unit goes to the part (row of `cost`, (parts, n)) that it costs least.
    """
    starts, neighbour, _pair = graph.csr()
    label = np.full(len(graph), NOBODY, dtype=np.int64)
    waiting = [(float(cost[part, unit]), part, unit) for part, unit in enumerate(seeds.tolist())]
    heapify(waiting)
    # Nobody takes the unit that a place stands in.
    label[seeds] = np.arange(len(seeds))
    while waiting:
        _cost, part, unit = heappop(waiting)
        if label[unit] not in (NOBODY, part) or (label[unit] == part and unit != seeds[part]):
            continue
        label[unit] = part
        for other in neighbour[starts[unit] : starts[unit + 1]].tolist():
            if label[other] == NOBODY:
                heappush(waiting, (float(cost[part, other]), part, other))
    return label


def _metres(site: FloatArray, places: FloatArray) -> FloatArray:
    return segment_length_m(np.hstack([np.broadcast_to(site, places.shape), places]))

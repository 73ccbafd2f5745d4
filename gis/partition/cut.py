"""The cut: METIS from several seeds, made whole, then searched; the best by a stated price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pymetis

from gis.lattice import FloatArray, IntArray
from gis.partition.graph import UnitGraph
from gis.partition.search import Search

STREET_DISCOUNT = 5.0
"""A metre of border off the streets costs METIS as much as so many metres along them."""
LARGE = 1_500
"""Units from which a few seeds and no annealing must do."""
TRIES = 2
MOST_TRIES = 8
"""Where none of these is within the tolerance."""


@dataclass(frozen=True)
class Cut:
    """Part (n,) of each unit, the price that the search found, the largest deviation, and the seed it comes from."""

    label: IntArray
    price: float
    worst: float
    seed: int


def cut(graph: UnitGraph, count: int, *, tolerance: float = 0.05, seed: int = 1, seeds: int = 6) -> Cut:
    """Cut a connected graph into `count` connected parts of even weight; deterministic for given arguments."""
    if count <= 1:
        return Cut(np.zeros(len(graph), dtype=np.int64), 0.0, 0.0, seed)
    target = np.full(count, graph.weight.sum() / count)
    large = len(graph) > LARGE
    found: list[Cut] = []
    tries = min(seeds, TRIES) if large else max(1, seeds)
    for n in range(MOST_TRIES if large else tries):
        if n >= tries and min(one.worst for one in found) <= tolerance:
            break
        label = whole(graph, _metis(graph, count, tolerance, seed + n, recursive=n % 2 == 1), count)
        found.append(_searched(graph, label, target, tolerance, seed + n, anneal=not large))
    return min(found, key=lambda one: (one.worst > tolerance, one.price, one.seed))


def improve(graph: UnitGraph, label: IntArray, target: FloatArray, tolerance: float, seed: int = 1) -> Cut:
    """A cut that departs from labels that are there."""
    return _searched(graph, label, target, tolerance, seed, anneal=len(graph) <= LARGE)


def whole(graph: UnitGraph, label: IntArray, count: int) -> IntArray:
    """Every part in one piece, and none empty: lesser pieces go to the neighbour with the longest border."""
    piece = graph.components(label)
    pieces = int(piece.max()) + 1
    part = np.zeros(pieces, dtype=np.int64)
    part[piece] = label
    sums = graph.contract(piece)
    order = np.lexsort((np.arange(pieces), -sums.area, -sums.weight)).tolist()
    main: dict[int, int] = {}
    for one in order:
        main.setdefault(int(part[one]), one)
    settled = set(main.values())
    around: dict[int, list[tuple[float, int]]] = {one: [] for one in order if one not in settled}
    for (a, b), length in zip(sums.pairs.tolist(), sums.length.tolist(), strict=True):
        for one, other in ((a, b), (b, a)):
            if one in around:
                around[one].append((-length, other))
    loose = list(around)
    while loose:
        for one in list(loose):
            anchored = [(length, other) for length, other in around[one] if other in settled]
            if anchored:
                part[one] = part[min(anchored)[1]]
                settled.add(one)
                loose.remove(one)
    return _filled(graph, part[piece], count)


def _filled(graph: UnitGraph, label: IntArray, count: int) -> IntArray:
    """Empty parts get the unit of the heaviest part that can do without it."""
    for part in range(count):
        if (label == part).any():
            continue
        weight = np.bincount(label, weights=graph.weight, minlength=count)
        size = np.bincount(label, minlength=count)
        search = Search(graph, label, np.ones(count), 1.0)
        rich = np.argsort(-np.where(size > 1, weight, -1), kind="stable").tolist()
        units = (unit for donor in rich if size[donor] > 1 for unit in np.flatnonzero(label == donor).tolist())
        label[next(unit for unit in units if search.keeps_whole(unit))] = part
    return label


def _searched(
    graph: UnitGraph, label: IntArray, target: FloatArray, tolerance: float, seed: int, *, anneal: bool
) -> Cut:
    rng = np.random.default_rng(seed)
    # A little inside the tolerance, so that what is reached holds.
    search = Search(graph, label, target, tolerance * 0.95)
    search.descend(rng, 20 * len(graph))
    best = (search.worst() > tolerance, search.price(), list(search.label))
    if anneal:
        search.anneal(rng, min(40_000, 60 * len(graph)))
        search.descend(rng, 20 * len(graph))
        best = min(best, (search.worst() > tolerance, search.price(), list(search.label)))
    result = np.array(best[2], dtype=np.int64)
    weight = np.bincount(result, weights=graph.weight, minlength=len(target))
    return Cut(result, best[1], float(np.abs(weight / np.maximum(target, 1e-12) - 1).max()), seed)


def _metis(graph: UnitGraph, count: int, tolerance: float, seed: int, *, recursive: bool) -> IntArray:
    starts, neighbour, pair = graph.csr()
    cost = graph.length[pair] * STREET_DISCOUNT - graph.street[pair] * (STREET_DISCOUNT - 1)
    scale = 1e3 / max(float(cost.mean()) if len(cost) else 1.0, 1e-9)
    weight = graph.weight / max(graph.weight.sum(), 1e-12) * 1e7
    options = pymetis.Options(seed=seed, ufactor=max(1, int(tolerance * 500)), niter=20)
    _, label = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(starts.astype(np.int32), neighbour.astype(np.int32)),
        vweights=np.rint(weight).astype(np.int32),
        eweights=np.maximum(1, np.rint(cost * scale)).astype(np.int32),
        recursive=recursive,
        options=options,
    )
    return np.asarray(label, dtype=np.int64)

"""Cutting a graph of units into connected parts of equal weight, with short borders that run along streets.

METIS makes the cut; what it leaves undone is repaired here: parts always hang together, the balance comes within the
tolerance if moves of single units, or of units along a chain of parts, can bring it there, and then borders are shortened
without losing either. Of several seeds the best counts: the least excess over the tolerance, then the cheapest border.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pymetis
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.errors import JingtianError
from gis.lattice import FloatArray, IntArray

STREET_COST = 0.2
"""A metre of border along a street costs this much of a metre elsewhere."""
PASSES = 12
TRIES = 8
NEVER = 1_000_000_000
MOST_UNITS_TRIED = 40_000
"""Tries times units: a large graph gets fewer tries."""


class CannotDivide(JingtianError):
    """There are fewer units than parts wanted, or nothing to divide."""

    code = "cannot_divide"


@dataclass(frozen=True)
class Graph:
    """Units, and the borders that pairs of them have in common.

    Attributes
    ----------
    weight, area : (n,) of each unit; area in m².
    pairs : (m, 2) units with a common border, the lesser first, each pair once.
    length, street : (m,) metres of that border, and of it along streets.
    outer : (n,) metres of each unit's border that is not common with another.
    spots : (n, 2) a point in each unit, in metres.
    """

    weight: FloatArray
    area: FloatArray
    pairs: IntArray
    length: FloatArray
    street: FloatArray
    outer: FloatArray
    spots: FloatArray

    @cached_property
    def cost(self) -> FloatArray:
        """(m,) what it costs to have a border of grids there."""
        return self.length - (1 - STREET_COST) * self.street

    @cached_property
    def links(self) -> IntArray:
        """(k, 2) pairs that stand for being next to each other where pieces of the grid do not touch (islands)."""
        n = len(self.weight)
        count, piece = _components(n, self.pairs)
        links = []
        while count > 1:
            first = np.flatnonzero(piece == piece[0])
            others = np.flatnonzero(piece != piece[0])
            tree = shapely.STRtree(shapely.points(self.spots[first]))
            other, near = tree.query_nearest(shapely.points(self.spots[others]), all_matches=False)
            far = self.spots[others[other]] - self.spots[first[near]]
            best = int(np.argmin((far**2).sum(axis=1)))
            a, b = int(first[near[best]]), int(others[other[best]])
            links.append((min(a, b), max(a, b)))
            piece[piece == piece[b]] = piece[0]
            count -= 1
        return np.array(links, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def neighbours(self) -> list[list[tuple[int, float]]]:
        """Of each unit the units next to it, ascending, with the cost of a border between."""
        found: list[list[tuple[int, float]]] = [[] for _ in self.weight]
        costs = [*self.cost.tolist(), *([0.0] * len(self.links))]
        for (a, b), cost in zip([*self.pairs.tolist(), *self.links.tolist()], costs, strict=True):
            found[a].append((b, cost))
            found[b].append((a, cost))
        return [sorted(each) for each in found]

    def is_contiguous(self, part: IntArray, count: int) -> bool:
        """Whether there are units in every part, and all of a part hang together."""
        pairs = np.concatenate([self.pairs, self.links])
        same = pairs[part[pairs[:, 0]] == part[pairs[:, 1]]]
        return len(np.unique(part)) == count and _components(len(part), same)[0] == count


def cut(graph: Graph, count: int, *, tolerance: float = 0.05, seed: int = 0, tries: int | None = None) -> IntArray:
    """Cut a graph into parts.

    Parameters
    ----------
    tolerance
        The deviation from the mean weight, as a share of it, that no part should exceed.
    seed
        The same seed gives the same parts.

    Returns
    -------
    (n,) the part 0…count-1 of each unit; every part is contiguous, none is empty.

    Raises
    ------
    CannotDivide
    """
    units = len(graph.weight)
    if not 1 <= count <= units:
        raise CannotDivide(
            f"这里只能分出 {units} 块, 不能划成 {count} 个网格。请减少格数, 或导入街道与建筑。",
            f"There are only {units} units here, not enough for {count} grids. Ask for fewer, or import streets and buildings.",
            units=units,
        )
    if count == 1:
        return np.zeros(units, dtype=np.int64)
    tries = tries or max(1, min(TRIES, MOST_UNITS_TRIED // units))
    best: tuple[float, float, IntArray] | None = None
    for number in range(tries):
        state = _State(graph, _metis(graph, count, seed * 1000 + number, recursive=number % 2 == 1), count, tolerance)
        state.mend()
        state.balance()
        state.shorten()
        state.balance()
        score = (round(state.excess(), 9), state.border_cost(), state.result())
        if best is None or score[:2] < best[:2]:
            best = score
    assert best is not None
    return best[2]


def improve(graph: Graph, part: IntArray, count: int, *, tolerance: float = 0.05) -> IntArray:
    """Bring parts that there are within the tolerance with as few moves as it takes; contiguous again if they were not."""
    state = _State(graph, part, count, tolerance)
    state.mend()
    state.balance()
    return state.result()


def take(graph: Graph, part: IntArray, *, to: int, source: int, amount: float) -> IntArray:
    """Move units from one part to another, one by one along their border, until about an amount has moved.

    Neither loses its contiguity, and the last unit moves only if that brings the sum nearer to the amount.
    """
    state = _State(graph, part, int(part.max()) + 1, 0.0)
    moved, empty = 0.0, []
    while (left := amount - moved) > 0:
        options = []
        for unit in state.members(source):
            ties, weight = state.ties(unit), state.weight[unit]
            if to in ties and weight < 2 * left and state.may_leave(unit):
                # Those without weight only lead to others: through the fewest of them.
                hops = state.hops_to_weight(unit) if weight <= 0 else 0
                options.append((hops, ties.get(source, 0.0) - ties[to], unit))
        if not options or min(options)[0] == NEVER:
            break
        unit = min(options)[2]
        empty = [*empty, unit] if state.weight[unit] <= 0 else []
        moved += state.weight[unit]
        state.move(unit, to)
    for unit in reversed(empty):
        state.move(unit, source)
    return state.result()


def _metis(graph: Graph, count: int, seed: int, *, recursive: bool) -> IntArray:
    pairs = np.concatenate([graph.pairs, graph.links])
    cost = np.concatenate([graph.cost, np.zeros(len(graph.links))])
    both = np.concatenate([pairs, pairs[:, ::-1]])
    order = np.lexsort((both[:, 1], both[:, 0]))
    xadj = np.searchsorted(both[order, 0], np.arange(len(graph.weight) + 1))
    costs = np.maximum(1, np.rint(cost / max(cost.max(initial=0), 1e-9) * 10_000)).astype(np.int64)
    weight = graph.weight if graph.weight.sum() > 0 else graph.area
    whole = np.rint(weight / weight.sum() * 100_000_000).astype(np.int64)
    result = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(xadj.astype(np.int32), both[order, 1].astype(np.int32)),
        vweights=whole.astype(np.int32),
        eweights=np.concatenate([costs, costs])[order].astype(np.int32),
        recursive=recursive,
        options=pymetis.Options(seed=seed, ufactor=10, **({} if recursive else {"contig": 1})),
    )
    return np.asarray(result.vertex_part, dtype=np.int64)


def _components(count: int, pairs: IntArray) -> tuple[int, IntArray]:
    graph = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    return int(number), np.asarray(label, dtype=np.int64)


class _State:
    """Parts while units move between them."""

    def __init__(self, graph: Graph, part: IntArray, count: int, tolerance: float) -> None:
        self.graph = graph
        self.near = graph.neighbours
        balanced = graph.weight if graph.weight.sum() > 0 else graph.area
        self.weight: list[float] = balanced.tolist()
        self.part: list[int] = part.tolist()
        self.count = count
        self.mean = float(balanced.sum()) / count
        self.tolerance = tolerance
        self.units: list[set[int]] = [set() for _ in range(count)]
        self.load = [0.0] * count
        for unit, mine in enumerate(self.part):
            if mine >= 0:
                self.units[mine].add(unit)
                self.load[mine] += self.weight[unit]

    def result(self) -> IntArray:
        return np.array(self.part, dtype=np.int64)

    def members(self, part: int) -> list[int]:
        return sorted(self.units[part])

    def move(self, unit: int, to: int) -> None:
        source = self.part[unit]
        if source >= 0:
            self.units[source].discard(unit)
            self.load[source] -= self.weight[unit]
        self.part[unit] = to
        self.units[to].add(unit)
        self.load[to] += self.weight[unit]

    def ties(self, unit: int) -> dict[int, float]:
        """The cost of the borders of a unit with units of each part."""
        found: dict[int, float] = {}
        for other, cost in self.near[unit]:
            found[self.part[other]] = found.get(self.part[other], 0.0) + cost
        return found

    def may_leave(self, unit: int) -> bool:
        """Whether its part stays in one piece, and is not gone, without the unit."""
        mine = self.part[unit]
        if len(self.units[mine]) < 2:
            return False
        around = {other for other, _ in self.near[unit] if self.part[other] == mine}
        if len(around) < 2:
            return True
        start = min(around)
        seen, queue = {unit, start}, [start]
        around.discard(start)
        while queue:
            for other, _ in self.near[queue.pop()]:
                if self.part[other] == mine and other not in seen:
                    seen.add(other)
                    around.discard(other)
                    if not around:
                        return True
                    queue.append(other)
        return False

    def hops_to_weight(self, start: int) -> int:
        """How many units within its part lie between a unit and one with weight; NEVER if there is none."""
        mine, seen, ring, hops = self.part[start], {start}, [start], 0
        while ring:
            hops += 1
            ring = sorted({o for unit in ring for o, _ in self.near[unit] if self.part[o] == mine and o not in seen})
            if any(self.weight[unit] > 0 for unit in ring):
                return hops
            seen.update(ring)
        return NEVER

    def over(self, load: float) -> float:
        """By how much a load is outside the tolerance, as a share of the mean."""
        return max(0.0, abs(load - self.mean) / self.mean - self.tolerance * 0.98) if self.mean > 0 else 0.0

    def excess(self) -> float:
        return sum(map(self.over, self.load))

    def border_cost(self) -> float:
        a, b = self.graph.pairs.T
        part = self.result()
        return float(self.graph.cost[part[a] != part[b]].sum())

    def mend(self) -> None:
        """Of each part that is in pieces the heaviest stays; the others go to what is beside them. No part stays empty."""
        loose: set[int] = {unit for unit, mine in enumerate(self.part) if mine < 0}
        for mine in range(self.count):
            pieces = self._pieces(mine)
            pieces.sort(key=lambda piece: (-sum(self.weight[unit] for unit in piece), -len(piece), min(piece)))
            for piece in pieces[1:]:
                loose.update(piece)
        for unit in sorted(loose):
            if self.part[unit] >= 0:
                self.units[self.part[unit]].discard(unit)
                self.load[self.part[unit]] -= self.weight[unit]
                self.part[unit] = -1
        while loose:
            settled = []
            for unit in sorted(loose):
                ties = {part: cost for part, cost in self.ties(unit).items() if part >= 0}
                if ties:
                    self.move(unit, max(ties, key=lambda part: (ties[part], -self.load[part], -part)))
                    settled.append(unit)
            loose.difference_update(settled)
        for empty in [part for part in range(self.count) if not self.units[part]]:
            self._fill(empty)

    def _pieces(self, mine: int) -> list[list[int]]:
        left, pieces = set(self.units[mine]), []
        for unit in self.members(mine):
            if unit in left:
                left.discard(unit)
                piece = [unit]
                for each in piece:
                    for other, _ in self.near[each]:
                        if other in left:
                            left.discard(other)
                            piece.append(other)
                pieces.append(piece)
        return pieces

    def _fill(self, empty: int) -> None:
        """Start an empty part from a unit of the heaviest that can give one, and let it grow to half of that."""
        for source in sorted(range(self.count), key=lambda part: (-self.load[part], part)):
            leavers = [unit for unit in self.members(source) if self.may_leave(unit)]
            if leavers:
                half = self.load[source] / 2
                self.move(max(leavers, key=lambda unit: (self.weight[unit] <= half, self.weight[unit], -unit)), empty)
                grown = True
                while grown and self.load[empty] < half:
                    grown = False
                    for unit in self.members(source):
                        fits = self.load[empty] + self.weight[unit] <= half
                        if fits and empty in self.ties(unit) and self.may_leave(unit):
                            self.move(unit, empty)
                            grown = True
                            break
                return

    def balance(self) -> None:
        """Move units from heavy to light parts until no part is outside the tolerance, or no move helps."""
        if self.mean <= 0:
            return
        stuck: set[int] = set()
        for _ in range(60 * self.count + 200):
            outside = [part for part in range(self.count) if part not in stuck and self.over(self.load[part]) > 0]
            if not outside:
                return
            worst = max(outside, key=lambda part: (self.over(self.load[part]), -part))
            if self._step(worst) or self._chain(worst):
                stuck.clear()
            else:
                stuck.add(worst)

    def _step(self, worst: int) -> bool:
        """The one move out of (or into) a part that helps most; of equally good ones the cheapest."""
        heavy = self.load[worst] > self.mean
        best: tuple[float, float, int, int] | None = None
        candidates = self.units[worst] if heavy else {o for u in self.units[worst] for o, _ in self.near[u]}
        for unit in sorted(candidates):
            source = self.part[unit]
            if (source == worst and not heavy) or self.weight[unit] <= 0:
                continue
            ties = self.ties(unit)
            for target in sorted(ties) if heavy else [worst]:
                if target == source:
                    continue
                gain = self._gain(unit, source, target)
                if gain <= 1e-9:
                    continue
                cost = (ties.get(source, 0.0) - ties[target]) / (1 + abs(self.weight[unit]))
                key = (-round(gain, 6), cost, unit, target)
                if (best is None or key < best) and self.may_leave(unit):
                    best = key
        if best is None:
            return False
        self.move(best[2], best[3])
        return True

    def _gain(self, unit: int, source: int, target: int) -> float:
        """By how much the excess sinks if a unit moves."""
        weight = self.weight[unit]
        before = self.over(self.load[source]) + self.over(self.load[target])
        return before - self.over(self.load[source] - weight) - self.over(self.load[target] + weight)

    def _chain(self, worst: int) -> bool:
        """Pass units on from part to part, to (or from) one that can take (or give) them; undone if it does not help."""
        heavy = self.load[worst] > self.mean
        before: dict[int, int | None] = {worst: None}
        queue, tried = deque([worst]), 0
        while queue and tried < 12:
            here = queue.popleft()
            beside = sorted({self.part[o] for u in self.units[here] for o, _ in self.near[u]} - before.keys())
            for part in beside:
                before[part] = here
                queue.append(part)
                room = self.load[part] < self.mean if heavy else self.load[part] > self.mean
                if room and here != worst:
                    tried += 1
                    path = [part]
                    while (step := before[path[-1]]) is not None:
                        path.append(step)
                    if self._pass_on(path[::-1] if heavy else path):
                        return True
        return False

    def _pass_on(self, path: Sequence[int]) -> bool:
        """Move one unit along each hop of a path of parts, each about as heavy as helps both ends."""
        first, last = path[0], path[-1]
        wanted = min(abs(self.load[first] - self.mean), abs(self.load[last] - self.mean))
        wanted = max(wanted, self.over(self.load[first]) * self.mean, self.over(self.load[last]) * self.mean)
        start, moved = self.excess(), []
        for source, target in pairwise(path):
            options = [
                (abs(self.weight[unit] - wanted), unit)
                for unit in self.members(source)
                if self.weight[unit] > 0 and any(self.part[other] == target for other, _ in self.near[unit])
            ]
            unit = next((unit for _, unit in sorted(options) if self.may_leave(unit)), None)
            if unit is None:
                break
            moved.append((unit, source))
            self.move(unit, target)
        if len(moved) == len(path) - 1 and self.excess() < start - 1e-9:
            return True
        for unit, source in reversed(moved):
            self.move(unit, source)
        return False

    def shorten(self) -> None:
        """Move units where that makes borders cheaper and leaves every part contiguous and no less balanced."""
        for _ in range(PASSES):
            moves = 0
            for unit, near in enumerate(self.near):
                mine = self.part[unit]
                if all(self.part[other] == mine for other, _ in near):
                    continue
                ties = self.ties(unit)
                own = ties.get(mine, 0.0)
                for target in sorted((part for part in ties if part != mine), key=lambda part: (-ties[part], part)):
                    if ties[target] <= own + 1e-9:
                        break
                    if self._gain(unit, mine, target) >= -1e-12 and self.may_leave(unit):
                        self.move(unit, target)
                        moves += 1
                        break
            if not moves:
                return

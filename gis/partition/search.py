"""Local search: units on borders change sides, one at a time, as long as that makes the whole better.

Never breaks a part in two, never empties one. What is better: less imbalance beyond the tolerance first (steeply priced), then
compacter parts (Polsby–Popper) and less border off the streets.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import numpy as np

from gis.lattice import FloatArray, IntArray
from gis.partition.graph import UnitGraph

IMBALANCE = 25.0
"""Price of a part that is beyond the tolerance by as much again."""
EVENNESS = 0.05
"""Price of a part at its tolerance."""
OFF_STREET = 1.5
"""Price a part of inner border that runs off the streets, if all does."""


class Search:
    """Labels of units, with the sums that the price of a move needs."""

    def __init__(
        self, graph: UnitGraph, label: IntArray, target: FloatArray, tolerance: float, fixed: Iterable[int] = ()
    ) -> None:
        self.label: list[int] = label.tolist()
        self.count = len(target)
        self.target: list[float] = np.maximum(target, 1e-12).tolist()
        self.tolerance = tolerance
        self.fixed = set(fixed)
        starts, neighbour, pair = graph.csr()
        length = graph.length[pair]
        off = length - graph.street[pair]
        rows = list(zip(neighbour.tolist(), length.tolist(), off.tolist(), strict=True))
        self.around = [rows[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
        ring = graph.outer + np.bincount(graph.pairs.ravel(), np.repeat(graph.length, 2), minlength=len(graph))
        self.unit_weight: list[float] = graph.weight.tolist()
        self.unit_area: list[float] = graph.area.tolist()
        self.unit_ring: list[float] = ring.tolist()
        self.weight = self._sums(graph.weight, label)
        self.area = self._sums(graph.area, label)
        self.size = self._sums(np.ones(len(graph)), label)
        across = label[graph.pairs[:, 0]] != label[graph.pairs[:, 1]]
        inside = np.bincount(label[graph.pairs[~across, 0]], weights=graph.length[~across], minlength=self.count)
        self.ring = (np.array(self._sums(ring, label)) - 2 * inside).tolist()
        self.cut = float(graph.length[across].sum())
        self.off = float((graph.length - graph.street)[across].sum())
        # Off-street border is priced only where there are streets to follow.
        self.off_price = OFF_STREET * self.count if graph.street.sum() > 0 else 0.0

    def _sums(self, values: FloatArray, label: IntArray) -> list[float]:
        sums: list[float] = np.bincount(label, weights=values, minlength=self.count).tolist()
        return sums

    def price(self) -> float:
        """What is to be made small: a number about as large as there are parts."""
        parts = sum(self._part(p, self.weight[p], self.area[p], self.ring[p]) for p in range(self.count))
        return parts + self._off(self.off, self.cut)

    def worst(self) -> float:
        """The largest deviation of a part from its target, as a share of the target."""
        return max(abs(w / t - 1) for w, t in zip(self.weight, self.target, strict=True))

    def descend(self, rng: np.random.Generator, most_moves: int) -> None:
        """Make moves that lower the price until there is none, or so many were made."""
        queue = deque(self._on_border(rng))
        waiting = set(queue)
        while queue and most_moves > 0:
            unit = queue.popleft()
            waiting.discard(unit)
            best = min(((self.gain(unit, part), part) for part in self._others(unit)), default=(0.0, -1))
            if best[0] < -1e-9 and self.keeps_whole(unit):
                self.move(unit, best[1])
                most_moves -= 1
                for other, _, _ in [*self.around[unit], (unit, 0.0, 0.0)]:
                    if other not in waiting and other not in self.fixed:
                        queue.append(other)
                        waiting.add(other)

    def anneal(self, rng: np.random.Generator, proposals: int, hot: float = 0.08, cold: float = 0.001) -> None:
        """Random moves, also bad ones while it is hot."""
        units = self._on_border(rng)
        if not units:
            return
        chances, picks = rng.random(proposals).tolist(), rng.random((proposals, 2)).tolist()
        for step, (chance, (pick, which)) in enumerate(zip(chances, picks, strict=True)):
            if step % 2000 == 1999:
                units = self._on_border(rng)
            unit = units[int(pick * len(units))]
            others = self._others(unit)
            if not others:
                continue
            part = others[int(which * len(others))]
            heat = hot * (cold / hot) ** (step / proposals)
            if self.gain(unit, part) < -heat * math.log(chance + 1e-300) and self.keeps_whole(unit):
                self.move(unit, part)
                units += [other for other, _, _ in self.around[unit] if other not in self.fixed]

    def gain(self, unit: int, to: int) -> float:
        """How the price changes when a unit goes to another part."""
        own = self.label[unit]
        with_own = with_to = off_own = off_to = 0.0
        for other, length, off in self.around[unit]:
            if self.label[other] == own:
                with_own += length
                off_own += off
            elif self.label[other] == to:
                with_to += length
                off_to += off
        w, a, ring = self.unit_weight[unit], self.unit_area[unit], self.unit_ring[unit]
        before = self._part(own, self.weight[own], self.area[own], self.ring[own])
        before += self._part(to, self.weight[to], self.area[to], self.ring[to])
        after = self._part(own, self.weight[own] - w, self.area[own] - a, self.ring[own] - ring + 2 * with_own)
        after += self._part(to, self.weight[to] + w, self.area[to] + a, self.ring[to] + ring - 2 * with_to)
        off_change = self._off(self.off + off_own - off_to, self.cut + with_own - with_to) - self._off(
            self.off, self.cut
        )
        return after - before + off_change

    def move(self, unit: int, to: int) -> None:
        """Give a unit to another part."""
        own = self.label[unit]
        ring = self.unit_ring[unit]
        with_own = with_to = 0.0
        for other, length, off in self.around[unit]:
            if self.label[other] == own:
                with_own += length
                self.off += off
            elif self.label[other] == to:
                with_to += length
                self.off -= off
        self.cut += with_own - with_to
        self.ring[own] += 2 * with_own - ring
        self.ring[to] += ring - 2 * with_to
        for sums, value in ((self.weight, self.unit_weight[unit]), (self.area, self.unit_area[unit]), (self.size, 1.0)):
            sums[own] -= value
            sums[to] += value
        self.label[unit] = to

    def take(self, to: int, source: int, amount: float) -> list[int]:
        """Move border units from one part to another, the best one each time, until `amount` is reached as nearly as may be."""
        moved: list[int] = []
        while amount > 0:
            # What is heavier than twice the rest would lead away from it.
            fits = [
                unit
                for unit, label in enumerate(self.label)
                if label == source
                and unit not in self.fixed
                and self.unit_weight[unit] < 2 * amount
                and any(self.label[other] == to and length > 0 for other, length, _ in self.around[unit])
            ]
            # What is too much is taken only when nothing smaller is left.
            found = sorted((self.unit_weight[unit] > amount, self._shape_gain(unit, to), unit) for unit in fits)
            unit = next((unit for *_, unit in found if self.keeps_whole(unit)), None)
            if unit is None:
                break
            self.move(unit, to)
            amount -= self.unit_weight[unit]
            moved.append(unit)
        return moved

    def _shape_gain(self, unit: int, to: int) -> float:
        saved = self.target, self.tolerance
        self.target, self.tolerance = [1.0] * self.count, math.inf
        gain = self.gain(unit, to)
        self.target, self.tolerance = saved
        return gain

    def _part(self, part: int, weight: float, area: float, ring: float) -> float:
        deviation = abs(weight / self.target[part] - 1) / self.tolerance
        beyond = max(0.0, deviation - 1)
        compactness = 4 * math.pi * area / (ring * ring) if ring > 0 else 0.0
        return 1 - compactness + IMBALANCE * min(beyond, beyond * beyond + beyond / 4) + EVENNESS * min(deviation, 4.0)

    def _off(self, off: float, cut: float) -> float:
        return self.off_price * off / cut if cut > 0 else 0.0

    def _others(self, unit: int) -> list[int]:
        own = self.label[unit]
        return sorted({self.label[other] for other, length, _ in self.around[unit] if length > 0} - {own})

    def _on_border(self, rng: np.random.Generator) -> list[int]:
        units = [unit for unit in range(len(self.label)) if unit not in self.fixed and self._others(unit)]
        return [units[i] for i in rng.permutation(len(units)).tolist()]

    def keeps_whole(self, unit: int) -> bool:
        """Whether the unit's part stays in one piece, and there, without it."""
        own = self.label[unit]
        near = [other for other, _, _ in self.around[unit] if self.label[other] == own]
        if not near:
            return False
        missing = set(near[1:])
        seen = {unit, near[0]}
        queue = deque([near[0]])
        while queue and missing:
            for other, _, _ in self.around[queue.popleft()]:
                if other not in seen and self.label[other] == own:
                    seen.add(other)
                    missing.discard(other)
                    queue.append(other)
        return not missing

"""The graph of units: what each weighs, who borders whom, for how long, and how much of that is street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.lattice import FloatArray, IntArray


@dataclass(frozen=True)
class UnitGraph:
    """Units and their common borders.

    Attributes
    ----------
    weight : (n,) what is to be balanced.
    area : (n,) m².
    outer : (n,) metres of border with nothing beyond.
    pairs : (m, 2) neighbours, the lower index first, each pair once. A pair of no length links an island to what is nearest.
    length : (m,) metres of common border.
    street : (m,) metres of it that run along streets.
    """

    weight: FloatArray
    area: FloatArray
    outer: FloatArray
    pairs: IntArray
    length: FloatArray
    street: FloatArray

    def __len__(self) -> int:
        return len(self.weight)

    def components(self, label: IntArray | None = None) -> IntArray:
        """The connected component (n,) of each unit; within its label only, if labels are given."""
        a, b = self.pairs.T if len(self.pairs) else np.empty((2, 0), dtype=np.int64)
        if label is not None:
            same = label[a] == label[b]
            a, b = a[same], b[same]
        matrix = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(len(self), len(self)))
        return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)

    def contract(self, group: IntArray) -> UnitGraph:
        """The graph of groups 0…k-1 of units; borders inside a group drop out."""
        count = int(group.max()) + 1
        ends = np.sort(group[self.pairs], axis=1) if len(self.pairs) else self.pairs
        across = ends[:, 0] != ends[:, 1]
        key, index = np.unique(ends[across, 0] * count + ends[across, 1], return_inverse=True)

        def total(values: FloatArray) -> FloatArray:
            return np.bincount(index, weights=values[across], minlength=len(key)).astype(np.float64)

        def of_group(values: FloatArray) -> FloatArray:
            return np.bincount(group, weights=values, minlength=count).astype(np.float64)

        return UnitGraph(
            of_group(self.weight),
            of_group(self.area),
            of_group(self.outer),
            np.column_stack(np.divmod(key, count)).astype(np.int64),
            total(self.length),
            total(self.street),
        )

    def csr(self) -> tuple[IntArray, IntArray, IntArray]:
        """Starts, neighbours, and the index of the pair that each neighbour comes from."""
        both = np.concatenate([self.pairs, self.pairs[:, ::-1]])
        pair = np.tile(np.arange(len(self.pairs)), 2)
        order = np.lexsort((both[:, 1], both[:, 0]))
        starts = np.searchsorted(both[order, 0], np.arange(len(self) + 1))
        return starts.astype(np.int64), both[order, 1], pair[order]

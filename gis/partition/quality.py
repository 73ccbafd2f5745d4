"""What a division is worth: balance, compactness, and how much of the borders runs along streets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gis.lattice import FloatArray, IntArray
from gis.partition.cut import Graph


@dataclass(frozen=True)
class Quality:
    """Per part, and in all.

    Attributes
    ----------
    weight, area_m2 : (count,)
    deviation : (count,) from the mean weight, as a share of it.
    compactness : (count,) Polsby-Popper: 4π · area / perimeter².
    street_share : (count,) of its border with other parts, along streets; NaN where it has none.
    contiguous : whether every part hangs together (islands of the grid count as beside the nearest land).
    inner_m, inner_street_m : metres of border between parts, and of it along streets.
    """

    weight: FloatArray
    area_m2: FloatArray
    deviation: FloatArray
    compactness: FloatArray
    street_share: FloatArray
    contiguous: bool
    inner_m: float
    inner_street_m: float

    def summary(self) -> dict[str, Any]:
        """The figures that stand for all parts, JSON-serialisable."""
        return {
            "count": len(self.weight),
            "total_weight": round(float(self.weight.sum()), 4),
            "mean_weight": round(float(self.weight.mean()), 4),
            "min_weight": round(float(self.weight.min()), 4),
            "max_weight": round(float(self.weight.max()), 4),
            "max_deviation": round(float(np.abs(self.deviation).max()), 4),
            "mean_compactness": round(float(self.compactness.mean()), 4),
            "street_share": round(self.inner_street_m / self.inner_m, 4) if self.inner_m else None,
            "contiguous": self.contiguous,
        }

    def of(self, part: int) -> dict[str, Any]:
        """The figures of one part, JSON-serialisable."""
        share = float(self.street_share[part])
        return {
            "weight": round(float(self.weight[part]), 4),
            "deviation": round(float(self.deviation[part]), 4),
            "area_km2": round(float(self.area_m2[part]) / 1e6, 4),
            "compactness": round(float(self.compactness[part]), 4),
            "street_share": None if math.isnan(share) else round(share, 4),
        }


def quality_of(graph: Graph, part: IntArray, count: int) -> Quality:
    """Measure a division of units."""
    weight = np.bincount(part, weights=graph.weight, minlength=count)
    area = np.bincount(part, weights=graph.area, minlength=count)
    a, b = part[graph.pairs].T
    between = a != b
    length, street = graph.length[between], graph.street[between]
    inner = np.bincount(a[between], length, count) + np.bincount(b[between], length, count)
    along = np.bincount(a[between], street, count) + np.bincount(b[between], street, count)
    perimeter = inner + np.bincount(part, weights=graph.outer, minlength=count)
    mean = weight.mean()
    return Quality(
        weight,
        area,
        weight / mean - 1 if mean > 0 else np.zeros(count),
        4 * np.pi * area / np.maximum(perimeter, 1e-9) ** 2,
        np.divide(along, inner, out=np.full(count, np.nan), where=inner > 0),
        graph.is_contiguous(part, count),
        float(length.sum()),
        float(street.sum()),
    )

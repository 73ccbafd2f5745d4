"""How many grids of a wanted size there are in a place."""

from __future__ import annotations

import math

from gis.errors import JingtianError


class NoSuchCount(JingtianError):
    """No number of grids has the wanted size."""

    code = "no_such_count"


def count_in_band(total: float, low: float, high: float) -> int:
    """Into how many grids of low…high a total is divided: the number whose mean is nearest to the middle of the band.

    Raises
    ------
    NoSuchCount
    """
    if not 0 < low <= high or not math.isfinite(total + high):
        raise NoSuchCount(
            f"每格的范围 {low:g}–{high:g} 无效: 下限应大于 0 且不大于上限。",
            f"The size {low:g}–{high:g} is none: the least is more than 0 and at most the greatest.",
        )
    least, most = max(1, math.ceil(total / high)), math.floor(total / low)
    if least > most:
        raise NoSuchCount(
            f"总量 {total:g} 不能分成每格 {low:g}–{high:g} 的网格。请放宽范围, 或直接给出格数。",
            f"A total of {total:g} cannot be divided into grids of {low:g}–{high:g} each. Widen the range, or give a count.",
            total=total,
        )
    middle = (low + high) / 2
    return min(range(least, min(most, least + 100_000) + 1), key=lambda count: (abs(total / count - middle), count))

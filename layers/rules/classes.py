"""Classes of values for a map: five at most, by quantiles, by equal steps, or by limits that somebody gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from gis.errors import JingtianError

How = Literal["quantile", "equal", "manual"]
MOST = 5


class BadClasses(JingtianError):
    """Limits of classes that are not rising numbers."""

    code = "bad_classes"


@dataclass(frozen=True)
class Class:
    """One class: values from `low` to `high`, how many grids it has, and how it is written.

    `high` belongs to it where it is the highest value of its grids (quantiles) or of all; else the next class begins there.
    The label has the highest value that can be written in it, so that no two labels share an edge.
    """

    low: float
    high: float
    count: int
    label: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def limits_in(text: str) -> list[float]:
    """`10,20,30`: where the second class and the following ones begin.

    Raises
    ------
    BadClasses
    """
    try:
        limits = [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        limits = []
    if not 1 <= len(limits) < MOST or not all(map(math.isfinite, limits)) or any(a >= b for a, b in pairwise(limits)):
        raise BadClasses(
            f"分级界限应为 1 到 {MOST - 1} 个从小到大的数, 例如 10,20,30。",
            f"Give 1 to {MOST - 1} rising numbers as limits of classes, for example 10,20,30.",
        )
    return limits


def classify(
    values: Sequence[float],
    how: How = "quantile",
    limits: Sequence[float] = (),
    *,
    decimals: int = 0,
    around_zero: bool = False,
) -> list[Class]:
    """Classes of values as they are written, in so many decimals, lowest first; none where there are no values.

    Parameters
    ----------
    around_zero
        Always five equal steps, symmetrical about zero.
    """
    known = np.sort([round(float(value), decimals) for value in values])
    if not known.size:
        return []
    lows = _lows(known, "equal" if around_zero else how, limits, around_zero)
    index = np.searchsorted(lows, known, side="right") - 1
    found = []
    for index_of, low in enumerate(lows):
        inside = known[index == index_of]
        if how == "quantile" and not around_zero:
            low, high = inside[0], inside[-1]
        else:
            high = max(known[-1], low) if index_of + 1 == len(lows) else lows[index_of + 1]
        is_open = how != "quantile" or around_zero
        step = 10.0**-decimals
        first = math.ceil(round(low / step, 6)) * step if is_open else low
        last = math.ceil(round(high / step, 6)) * step - step if is_open and index_of + 1 < len(lows) else high
        label = _label(float(first), float(max(first, last)), decimals)
        found.append(Class(float(low), float(high), len(inside), label))
    return found


def class_of(value: float, classes: Sequence[Class], *, decimals: int = 0) -> int:
    """Number of the class in which a value lies, as it is written."""
    return max((number for number, one in enumerate(classes) if round(value, decimals) >= one.low), default=0)


def _lows(known: np.ndarray, how: How, limits: Sequence[float], around_zero: bool) -> np.ndarray:
    """Where each class begins."""
    if around_zero:
        reach = float(np.max(np.abs(known))) or 1.0
        return np.linspace(-reach, reach, MOST + 1)[:-1]
    if how == "manual":
        return np.array([min(float(known[0]), limits[0]), *limits] if known[0] < limits[0] else limits)
    if how == "equal":
        return np.unique(np.linspace(known[0], known[-1], MOST + 1)[:-1])
    distinct = np.unique(known)
    if distinct.size <= MOST:
        return distinct
    # A value starts a class: so each value is in one class only, and no class is empty. Zero, which is "none", has a class
    # of its own, and so has the lowest value where it would fill one.
    lowest = known[known == known[0]]
    alone = known[0] == 0 or lowest.size > known.size / MOST
    rest, parts = (known[lowest.size :], MOST - 1) if alone else (known, MOST)
    starts = rest[(np.arange(parts) * rest.size) // parts]
    return np.unique(np.append(known[0], starts))


def _label(low: float, high: float, decimals: int) -> str:
    """12–40; with spaces where a minus sign would stand beside the dash."""
    if low == high:
        return number(low, decimals)
    return f"{number(low, decimals)}{' – ' if low < 0 else '–'}{number(high, decimals)}"


def number(value: float, decimals: int) -> str:
    """A value with all its decimals, so that those of a column stand below one another."""
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return text.replace("-", "−")

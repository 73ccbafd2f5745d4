"""How far a long piece of work has come, told from inside it as a fraction from 0 to 1 that never falls.

Work that takes a `progress` calls it now and then; what becomes of the fraction (a bar, a line of text, nothing) is its
caller's business, and so is not to do too much of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

Progress = Callable[[float], None]
Item = TypeVar("Item")


def silent(fraction: float) -> None:
    """Nobody wants to know."""


def part(progress: Progress, begin: float, end: float) -> Progress:
    """The progress of a piece of the work, which is the whole between two of its fractions."""
    return lambda fraction: progress(begin + (end - begin) * fraction)


def counted(items: Sequence[Item], progress: Progress) -> Iterator[Item]:
    """The items one after the other, telling after each how many are done."""
    for number, item in enumerate(items, start=1):
        yield item
        progress(number / len(items))


FILE, STEPS = "progress", 100


def teller(folder: Path) -> Progress:
    """Tells other processes, as the length of a file in a folder: nothing to parse, nothing half written."""
    last = 0

    def tell(fraction: float) -> None:
        nonlocal last
        step = round(fraction * STEPS)
        if step > last:
            last = step
            with (folder / FILE).open("ab") as file:
                file.truncate(step)

    return tell


def told(folder: Path) -> float | None:
    """What another process last told of its work in this folder; None if nothing yet."""
    try:
        return min((folder / FILE).stat().st_size, STEPS) / STEPS
    except FileNotFoundError:
        return None


def forget(folder: Path) -> None:
    """Begin anew in a folder."""
    (folder / FILE).unlink(missing_ok=True)

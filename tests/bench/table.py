"""What a benchmark reports: a line of two times side by side, and their ratio against the target."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Line:
    """One comparison: seconds of ours and of the peer; `ratio` is what the target speaks of."""

    what: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    target: str

    def __str__(self) -> str:
        return (
            f"| {self.what} | {_seconds(self.ours_s)} | {self.peer} | {_seconds(self.peer_s)} "
            f"| {self.ratio:.2f}× | {self.target} | {os.getloadavg()[0]:.1f} |"
        )


HEADER = "| what | ours | peer | peer's time | ratio | target | load |\n|---|---|---|---|---|---|---|"


def slower(what: str, ours: float, peer: str, theirs: float, target: str) -> Line:
    """A line whose ratio is ours / peer: at most something."""
    return Line(what, ours, peer, theirs, ours / theirs, target)


def faster(what: str, ours: float, peer: str, theirs: float, target: str) -> Line:
    """A line whose ratio is peer / ours: at least something."""
    return Line(what, ours, peer, theirs, theirs / ours, target)


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Medians of both, taken in turn A B A B …, so that a drift of the machine's speed meets both."""
    pairs = [(timed(ours), timed(peer)) for _ in range(rounds)]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def _seconds(value: float) -> str:
    return f"{value * 1000:.2f} ms" if value < 1 else f"{value:.2f} s"

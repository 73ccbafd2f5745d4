"""Nodes where a drawn line meets borders: on the lattice, in whole numbers, put into the line and into the borders alike.

A point where two segments cross is almost never a lattice point. It is rounded to one, and both segments are bent through
it (by less than a centimetre); the bent pieces are looked at again until nothing meets but at common vertices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely

from gis.edit.chain import Edge, undirected, without_spikes
from gis.edit.faults import BadLine, Point

Splits = dict[Edge, list[Point]]
"""Undirected edge → the nodes put into it, from its first end to its second."""

CATCH = 2
"""A drawn vertex this near to a border (lattice units: 2 cm) is meant to lie on it."""
ROUNDS = 25


def node(line: Sequence[Point], borders: Iterable[Edge]) -> tuple[list[Point], Splits]:
    """Put nodes where a line meets borders.

    Parameters
    ----------
    line
        Vertices; closed if the last is the first.
    borders
        Edges in either direction; they meet one another at vertices only.

    Returns
    -------
    line
        The line with a vertex wherever it meets a border.
    splits
        The nodes to be put into the borders.
    """
    if len(line) < 2:
        raise BadLine(
            "画出的线没有长度。请至少画两个不同的点。", "The line has no length. Draw at least two different points."
        )
    pieces: dict[Edge, list[Point]] = {key: [key[:2], key[2:]] for key in {undirected(edge) for edge in borders}}
    path = _caught(list(line), pieces)
    for _ in range(ROUNDS):
        tree = _Edges(pieces)
        longer = [path[0]]
        new_nodes: dict[Edge, set[Point]] = {}
        for a, b in pairwise(path):
            on_line: set[Point] = set()
            for key, i in tree.near(a, b):
                c, d = pieces[key][i], pieces[key][i + 1]
                for_line, for_edge = _meet(a, b, c, d)
                on_line |= for_line
                if for_edge:
                    new_nodes.setdefault((*c, *d), set()).update(for_edge)
            longer += sorted(on_line, key=lambda p, a=a: _far(a, p))  # type: ignore[misc]
            longer.append(b)
        if len(longer) == len(path) and not new_nodes:
            splits = {key: nodes[1:-1] for key, nodes in pieces.items() if len(nodes) > 2}
            return without_spikes(path), splits
        path = [p for i, p in enumerate(longer) if i == 0 or p != longer[i - 1]]
        for nodes in pieces.values():
            _insert(nodes, new_nodes)
    raise BadLine(
        "画出的线与界线几乎重合, 无法确定交点。请把线画得离界线远一些, 或沿界线的顶点画。",
        "The line almost coincides with a border, so that the places where they meet cannot be told. Draw it farther from the"
        " border, or along its vertices.",
    )


class _Edges:
    """The pieces of the borders, found by place."""

    def __init__(self, pieces: dict[Edge, list[Point]]) -> None:
        self.places = [(key, i) for key, nodes in pieces.items() for i in range(len(nodes) - 1)]
        ends = [(*pieces[key][i], *pieces[key][i + 1]) for key, i in self.places]
        self.tree = shapely.STRtree(
            shapely.linestrings(np.array(ends, dtype=np.float64).reshape(-1, 2, 2)) if ends else []
        )

    def near(self, a: Point, b: Point, by: float = 1) -> list[tuple[Edge, int]]:
        """Pieces whose box meets that of the segment, in a fixed order."""
        box = shapely.box(min(a[0], b[0]) - by, min(a[1], b[1]) - by, max(a[0], b[0]) + by, max(a[1], b[1]) + by)
        return [self.places[i] for i in sorted(self.tree.query(box).tolist())]


def _caught(path: list[Point], pieces: dict[Edge, list[Point]]) -> list[Point]:
    """The path with vertices that almost lie on a border put on it: on its vertex, or with a node put there."""
    tree = _Edges(pieces)
    result: list[Point] = []
    new_nodes: dict[Edge, set[Point]] = {}
    for p in path:
        best = p
        hits = tree.near(p, p, CATCH)
        ends = {end for key, i in hits for end in (pieces[key][i], pieces[key][i + 1]) if _far(p, end) <= CATCH**2}
        if ends:
            best = min(ends, key=lambda end: (_far(p, end), end))
        else:
            for key, i in hits:
                c, d = pieces[key][i], pieces[key][i + 1]
                if _distance_squared(p, c, d) <= CATCH**2:
                    new_nodes.setdefault((*c, *d), set()).add(p)
        if not result or result[-1] != best:
            result.append(best)
    for nodes in pieces.values():
        _insert(nodes, new_nodes)
    if len(result) < 2:
        raise BadLine(
            "画出的线没有长度。请至少画两个不同的点。", "The line has no length. Draw at least two different points."
        )
    return result


def _insert(nodes: list[Point], new_nodes: dict[Edge, set[Point]]) -> None:
    for i in range(len(nodes) - 2, -1, -1):
        added = new_nodes.get((*nodes[i], *nodes[i + 1]))
        if added:
            nodes[i + 1 : i + 1] = sorted(added, key=lambda p, a=nodes[i]: _far(a, p))  # type: ignore[misc]


def _meet(a: Point, b: Point, c: Point, d: Point) -> tuple[set[Point], set[Point]]:
    """Nodes that segment ab, and those that segment cd, must get; none if they meet at common vertices only."""
    side_c, side_d, side_a, side_b = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    for_ab = {p for p, side in ((c, side_c), (d, side_d)) if side == 0 and _between(a, b, p)}
    for_cd = {p for p, side in ((a, side_a), (b, side_b)) if side == 0 and _between(c, d, p)}
    if side_c * side_d < 0 and side_a * side_b < 0:
        share = Fraction(side_c, side_c - side_d)
        r = (round(c[0] + share * (d[0] - c[0])), round(c[1] + share * (d[1] - c[1])))
        if r not in (a, b):
            for_ab.add(r)
        if r not in (c, d):
            for_cd.add(r)
    return for_ab, for_cd


def _side(a: Point, b: Point, p: Point) -> int:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _between(a: Point, b: Point, p: Point) -> bool:
    """Whether p, on the line through a and b, lies strictly between them."""
    return p not in (a, b) and (a[0] - p[0]) * (b[0] - p[0]) <= 0 and (a[1] - p[1]) * (b[1] - p[1]) <= 0


def _far(a: Point, p: Point) -> int:
    return (a[0] - p[0]) ** 2 + (a[1] - p[1]) ** 2


def _distance_squared(p: Point, a: Point, b: Point) -> float:
    length = _far(a, b)
    share = max(0.0, min(1.0, ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / length))
    return float((a[0] + share * (b[0] - a[0]) - p[0]) ** 2 + (a[1] + share * (b[1] - a[1]) - p[1]) ** 2)

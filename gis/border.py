"""The border sum: directed edges of polygons, and the 128-bit linear hash that PostGIS computes of them too.

Walk round every ring with the inside on the left. Neighbours walk their common border in opposite directions, so with
an edge hash that changes sign with the direction, shared borders cancel: the children cover their parent exactly if
and only if their border sums add up to the parent's (see docs/coverage.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.lattice import IntArray, to_lattice

SEEDS = (1, 2)
"""The two independent seeds; the same as in gis/sql/border_sum.sql."""

Words = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class DirectedEdges:
    """Directed edges a→b of some polygons, the inside on the left.

    Attributes
    ----------
    ends : (n, 4) int64
        ax, ay, bx, by in lattice integers. Edges of no length are left out.
    owner : (n,) int64
        Index of the polygon, in the sequence given, whose border the edge is part of.
    """

    ends: IntArray
    owner: IntArray

    def __len__(self) -> int:
        return len(self.ends)


def directed_edges(geometries: Sequence[BaseGeometry]) -> DirectedEdges:
    """Directed edges of Polygons and MultiPolygons (degrees, on the lattice): shells counter-clockwise, holes clockwise."""
    parts, owner = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    parts = shapely.orient_polygons(parts)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = to_lattice(xy)
    same_ring = ring[:-1] == ring[1:]
    ends = np.hstack([xy[:-1], xy[1:]])[same_ring]
    owners = np.asarray(owner, dtype=np.int64)[part_of_ring[ring[:-1][same_ring]]]
    has_length = (ends[:, :2] != ends[:, 2:]).any(axis=1)
    return DirectedEdges(ends[has_length], owners[has_length])


def net_edges(positive: IntArray, negative: IntArray | None = None) -> IntArray:
    """What is left when opposite edges cancel.

    Parameters
    ----------
    positive, negative : (n, 4) int64
        Directed edges in lattice integers; those of `negative` count as turned round.

    Returns
    -------
    (k, 4) int64
        The directed edges that do not cancel, each as often as it remains. Empty means: exact.
    """
    ends = positive if negative is None else np.vstack([positive, negative[:, [2, 3, 0, 1]]])
    forward = (ends[:, 0] < ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] < ends[:, 3]))
    undirected = np.where(forward[:, None], ends, ends[:, [2, 3, 0, 1]])
    unique, inverse = np.unique(undirected, axis=0, return_inverse=True)
    count = np.bincount(inverse.ravel(), weights=np.where(forward, 1, -1), minlength=len(unique)).astype(np.int64)
    turned = np.where((count > 0)[:, None], unique, unique[:, [2, 3, 0, 1]])
    return np.repeat(turned, np.abs(count), axis=0)


def border_sum(geometry: BaseGeometry) -> int:
    """The border sum of a Polygon or MultiPolygon on the lattice; equal to the database's `border_sum(geom)`.

    The hash of an edge is that of the text "x y" of its greater end, seeded by the hash of its lesser end (as texts), and
    counts as negative when the edge runs from the greater end to the lesser.
    """
    ends = directed_edges([geometry]).ends.tolist()
    a = np.array([f"{ax} {ay}" for ax, ay, _, _ in ends], dtype="S")
    b = np.array([f"{bx} {by}" for _, _, bx, by in ends], dtype="S")
    forward = a < b
    lesser, greater = np.where(forward, a, b), np.where(forward, b, a)
    low, high = (_hash_text(greater, _hash_text(lesser, np.full(len(ends), seed))) for seed in SEEDS)
    return _signed_sum(low, forward) + (_signed_sum(high, forward) << 64)


def _signed_sum(hashes: IntArray, forward: npt.NDArray[np.bool_]) -> int:
    return sum(h if f else -h for h, f in zip(hashes.tolist(), forward.tolist(), strict=True))


def _hash_text(text: npt.NDArray[np.bytes_], seed: IntArray) -> IntArray:
    """PostgreSQL's hashtextextended(text, seed), seeds not zero: Bob Jenkins' lookup3 (public domain) on little-endian words."""
    length = np.char.str_len(text).astype(np.uint32)
    blocks = -(-text.dtype.itemsize // 12)
    words = text.astype(f"S{12 * blocks}").view("<u4").reshape(len(text), -1)
    seeds = seed.view(np.uint64)
    with np.errstate(over="ignore"):
        start = length + np.uint32((0x9E3779B9 + 3923095) & 0xFFFFFFFF)
        a, b, c = _mix(start + (seeds >> np.uint64(32)).astype(np.uint32), start + seeds.astype(np.uint32), start)
        for block in range(blocks):
            w0, w1, w2 = (words[:, 3 * block + i] for i in range(3))
            whole, begun = length >= 12 * (block + 1), length > 12 * block
            mixed = _mix(a + w0, b + w1, c + w2)
            # A last, partial block leaves the lowest byte of c to the length.
            partial = (a + w0, b + w1, c + (w2 << np.uint32(8)))
            a, b, c = (
                np.where(whole, m, np.where(begun, p, old)) for m, p, old in zip(mixed, partial, (a, b, c), strict=True)
            )
        b, c = _final(a, b, c)
    return ((b.astype(np.uint64) << np.uint64(32)) | c.astype(np.uint64)).view(np.int64)


def _rotate(x: Words, by: int) -> Words:
    return (x << np.uint32(by)) | (x >> np.uint32(32 - by))


def _mix(a: Words, b: Words, c: Words) -> tuple[Words, Words, Words]:
    for by in (4, 6, 8, 16, 19, 4):
        a = (a - c) ^ _rotate(c, by)
        c = c + b
        a, b, c = b, c, a
    return a, b, c


def _final(a: Words, b: Words, c: Words) -> tuple[Words, Words]:
    target, source, other = c, b, a
    for by in (14, 11, 25, 16, 4, 14, 24):
        target = (target ^ source) - _rotate(source, by)
        target, source, other = other, target, source
    return other, source

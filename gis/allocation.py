"""Who gets which face: the rules by which a repair gives each face of an arrangement to one unit of a level.

- One unit claims it: that unit.
- Overlap: to the unit that would lose most of itself. If more than half of a claimant is contested, to the one with the
  largest contested share (the smaller unit if equal); else to the one whose rest has the longest border with the
  overlap; if still equal, to the first in order.
- Gap: always the face with the longest border to an owner goes next, to that owner, so every piece is connected to it.
- Detached bit: a small part that the repair itself cut off goes to the neighbour with the longest border.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gis.arrangement import OUTSIDE, Arrangement, Frame, compact, members_of
from gis.lattice import FloatArray, IntArray
from gis.measure import area_m2, segment_length_m

Bools = npt.NDArray[np.bool_]

NOBODY = -1


@dataclass(frozen=True)
class Claims:
    """Which units cover which faces, as parallel arrays of indices, ordered by face and then by unit."""

    face: IntArray
    unit: IntArray

    def where(self, chosen: Bools) -> Claims:
        """Only the chosen claims."""
        return Claims(self.face[chosen], self.unit[chosen])


@dataclass(frozen=True)
class Overlap:
    """A connected region of faces with the same claimants, and who got it."""

    faces: IntArray
    claimants: tuple[int, ...]
    winner: int


@dataclass(frozen=True)
class Ground:
    """An arrangement with what the rules measure: areas of faces in m², lengths of segments in metres."""

    arrangement: Arrangement
    area: FloatArray
    length: FloatArray

    @classmethod
    def of(cls, arrangement: Arrangement, frame: Frame) -> Ground:
        """Measure an arrangement."""
        ends = frame.to_degrees(shapely.points(arrangement.segments.reshape(-1, 2)))
        return cls(
            arrangement,
            area_m2(frame.to_degrees(arrangement.faces)),
            segment_length_m(shapely.get_coordinates(ends).reshape(-1, 4)),
        )

    def settle(self, claims: Claims, units: int) -> tuple[IntArray, list[Overlap]]:
        """Give every claimed face to one claimant.

        Returns
        -------
        owner : (n,) unit of each face, NOBODY where none claims it.
        overlaps : what was contested, and who got it.
        """
        faces = len(self.area)
        claimants = np.bincount(claims.face, minlength=faces)
        owner = np.full(faces, NOBODY)
        sole = claimants[claims.face] == 1
        owner[claims.face[sole]] = claims.unit[sole]
        disputed = claims.where(~sole)
        if not len(disputed.face):
            return owner, []
        contested = np.bincount(disputed.unit, weights=self.area[disputed.face], minlength=units)
        total = np.bincount(claims.unit, weights=self.area[claims.face], minlength=units)
        share = contested / np.maximum(total, np.finfo(float).tiny)

        region, members, parties = self._contested_regions(disputed, faces)
        winner: dict[int, int] = {}
        for number, units_of in enumerate(parties):
            best = min(units_of, key=lambda unit: (-share[unit], total[unit], unit))
            if share[best] > 0.5:
                winner[number] = best
        decided = np.array([number in winner for number in range(len(parties))])
        for number, unit in winner.items():
            owner[members[number]] = unit
        undecided = np.where((region >= 0) & ~decided[region], region, NOBODY)
        owner = self.grow(undecided, owner, lambda number, unit: unit in parties[number])
        for number, units_of in enumerate(parties):
            # No claimant has a rest beside it: the first.
            if owner[members[number][0]] == NOBODY:
                owner[members[number]] = units_of[0]
        return owner, [
            Overlap(faces_of, units_of, int(owner[faces_of[0]]))
            for faces_of, units_of in zip(members, parties, strict=True)
        ]

    def grow(self, piece: IntArray, owner: IntArray, may_have: Callable[[int, int], bool]) -> IntArray:
        """Give away pieces, always next the one that has the longest border with an owner who may have it.

        Parameters
        ----------
        piece
            (n,) number of the piece that each face is part of, NOBODY for faces that are not to be given away.
        owner
            (n,) unit of each face; that of the faces of pieces is not looked at.
        may_have
            Whether a piece may go to a unit.

        Returns
        -------
        (n,) the owners; NOBODY on pieces that no owner could reach.
        """
        border: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        beside: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        left, right = self.arrangement.left, self.arrangement.right
        between = (left != OUTSIDE) & (right != OUTSIDE) & ((piece[left] >= 0) | (piece[right] >= 0))
        for a, b, metres in zip(
            left[between].tolist(), right[between].tolist(), self.length[between].tolist(), strict=True
        ):
            for one, other in ((a, b), (b, a)):
                this, that = int(piece[one]), int(piece[other])
                if this < 0 or this == that:
                    continue
                if that >= 0:
                    beside[this][that] += metres
                elif owner[other] != NOBODY and may_have(this, int(owner[other])):
                    border[this][int(owner[other])] += metres
        given: dict[int, int] = {}
        longest = [(-metres, unit, this) for this, units in border.items() for unit, metres in units.items()]
        heapq.heapify(longest)
        while longest:
            metres, unit, this = heapq.heappop(longest)
            if this in given or -metres != border[this][unit]:
                continue
            given[this] = unit
            for that, more in beside[this].items():
                if that not in given and may_have(that, unit):
                    border[that][unit] += more
                    heapq.heappush(longest, (-border[that][unit], unit, that))
        result = np.where(piece >= 0, NOBODY, owner)
        for face in np.flatnonzero(piece >= 0):
            result[face] = given.get(int(piece[face]), NOBODY)
        return result

    def detached_bits(self, owner: IntArray, claims: Claims, units: int, below_m2: float) -> IntArray:
        """Number the small parts that the repair has cut off from the rest of their unit; NOBODY elsewhere; (n,).

        A part that stands in the input as it is, however small, is not one of them; nor is the largest of a unit.
        """
        part = self.arrangement.regions(owner, outside=NOBODY)[:-1]
        parts = int(part.max(initial=-1)) + 1
        area = np.bincount(part, weights=self.area, minlength=parts)
        unit = np.full(parts, NOBODY)
        unit[part] = owner
        largest = np.zeros(units)
        np.maximum.at(largest, unit[unit >= 0], area[unit >= 0])
        small = (unit != NOBODY) & (area < below_m2) & (area < largest[unit])

        claimed = claims.face * units + claims.unit
        claimants = np.bincount(claims.face, minlength=len(owner))
        altered = (claimants != 1) | ~np.isin(np.arange(len(owner)) * units + owner, claimed)
        touched = np.zeros(parts, dtype=bool)
        touched[part[altered]] = True
        for one, other in (
            (self.arrangement.left, self.arrangement.right),
            (self.arrangement.right, self.arrangement.left),
        ):
            one, other = one[(one >= 0) & (other >= 0)], other[(one >= 0) & (other >= 0)]
            lost = (part[one] != part[other]) & np.isin(other * units + owner[one], claimed)
            touched[part[one[lost]]] = True
        return np.where((small & touched)[part], part, NOBODY)

    def _contested_regions(
        self, disputed: Claims, faces: int
    ) -> tuple[IntArray, list[IntArray], list[tuple[int, ...]]]:
        """Regions with the same claimants: the number of that of each face, the faces and the claimants of each."""
        claimants: dict[int, tuple[int, ...]] = defaultdict(tuple)
        for face, unit in zip(disputed.face.tolist(), disputed.unit.tolist(), strict=True):
            claimants[face] += (unit,)
        number = {party: n for n, party in enumerate(sorted(set(claimants.values())))}
        label = np.full(faces, NOBODY)
        for face, party in claimants.items():
            label[face] = number[party]
        connected = self.arrangement.regions(label, outside=NOBODY)[:-1]
        region, count = compact(connected, label != NOBODY)
        members = members_of(region, count)
        return region, members, [claimants[int(m[0])] for m in members]

"""One arrangement of the borders of all levels of a tree, and who owns its faces at each level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from gis.allocation import NOBODY, Claims, Ground
from gis.arrangement import OUTSIDE, Arrangement, Frame, compact, dissolve, members_of
from gis.lattice import IntArray
from gis.measure import area_m2, is_narrow
from gis.progress import Progress, counted, part, silent

Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]
Nest = Literal["union", "cut"]


@dataclass(frozen=True)
class Level:
    """One level of a tree, in the order of the file.

    Attributes
    ----------
    codes : (n,) for the report.
    parents : (n,) index into the level above; not looked at on the first level.
    geometries : (n,) Polygons or MultiPolygons in degrees; None, on the first levels only, to derive them as the unions
        of their children.
    """

    codes: Sequence[str]
    parents: Sequence[int]
    geometries: Sequence[BaseGeometry] | None


@dataclass(frozen=True)
class Patch:
    """A place that a repair dealt with: the units that overlapped there or lost it, and those that own it now."""

    area_m2: float
    geometry: BaseGeometry
    codes: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Nesting:
    """Given levels, from the top down, on one arrangement.

    Attributes
    ----------
    claims : per level, which unit covers which face.
    inside : (n,) which faces lie within the outline of the first level.
    filled, resolved, rejoined, kept : the report, complete once the owners are known.
    """

    levels: Sequence[Level]
    gap_width_m: float
    frame: Frame
    ground: Ground
    claims: Sequence[Claims]
    inside: Bools
    filled: list[Patch] = field(default_factory=list)
    resolved: list[Patch] = field(default_factory=list)
    rejoined: list[Patch] = field(default_factory=list)
    kept: list[Patch] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        levels: Sequence[Level],
        polygons: Sequence[Objects],
        nest: Nest,
        gap_width_m: float,
        progress: Progress = silent,
    ) -> Nesting:
        """Arrange the valid polygons (degrees) of each level: for "union" those of the lowest and the outer outline."""
        frame = Frame.around(np.concatenate(polygons))
        outline = shapely.union_all(polygons[0])
        if nest == "cut":
            drawn = np.concatenate(polygons)
        else:
            leaves = [level[_leaves(levels, number)] for number, level in enumerate(polygons)]
            drawn = np.concatenate([*leaves, np.array([outline], dtype=object)])
        progress(0.1)
        arrangement = Arrangement.of(shapely.boundary(frame.to_steps(drawn)), snap_rounded=True)
        progress(0.7)
        points = frame.to_degrees(arrangement.points())
        tree = shapely.STRtree(points)
        claims = []
        for level in counted(polygons, part(progress, 0.7, 1)):
            unit, face = tree.query(level, predicate="contains")
            order = np.lexsort((unit, face))
            claims.append(Claims(face[order], unit[order]))
        shapely.prepare(outline)
        inside = np.asarray(shapely.contains(outline, points))
        return cls(levels, gap_width_m, frame, Ground.of(arrangement, frame), claims, inside)

    def polygons(self, owners: Sequence[IntArray]) -> list[Objects]:
        """The units of each level, in degrees, as the unions of the faces they own; empty for those that own none."""
        faces = self.ground.arrangement.faces
        return [
            self.frame.to_degrees(dissolve(faces, owner, len(level.codes)))
            for owner, level in zip(owners, self.levels, strict=True)
        ]

    def cut(self) -> list[IntArray]:
        """Owners of the faces, per level, when children are cut to their parents."""
        owners: list[IntArray] = []
        for number, (level, claims) in enumerate(zip(self.levels, self.claims, strict=True)):
            home = _homes(self.levels, number)
            within = owners[-1] if number else np.zeros(len(self.inside), dtype=np.int64)
            owner = self._settle(claims.where(home[claims.unit] == within[claims.face]), level.codes)
            if number:
                uncovered = (owner == NOBODY) & np.isin(within, home)
                gaps, count = self._regions(np.where(uncovered, within, NOBODY), uncovered)
            else:
                gaps, count = self._narrow_gaps(owner, self.inside & False)
            owner = self._fill(gaps, count, owner, within, home, level.codes)
            owners.append(self._rejoin(owner, claims, home, level.codes, leave_home=False))
        return owners

    def united(self) -> list[IntArray]:
        """Owners of the faces, per level, when parents become the unions of their children."""
        leaves = [np.flatnonzero(_leaves(self.levels, number)) for number in range(len(self.levels))]
        first = np.cumsum([0, *map(len, leaves)])
        codes = [level.codes[i] for level, of_level in zip(self.levels, leaves, strict=True) for i in of_level.tolist()]
        home = np.concatenate([_homes(self.levels, n)[of_level] * len(leaves) + n for n, of_level in enumerate(leaves)])
        face, unit = [], []
        for claims, of_level, offset in zip(self.claims, leaves, first, strict=False):
            of_leaf = np.isin(claims.unit, of_level)
            face.append(claims.face[of_leaf])
            unit.append(np.searchsorted(of_level, claims.unit[of_leaf]) + offset)
        order = np.lexsort((np.concatenate(unit), np.concatenate(face)))
        all_claims = Claims(np.concatenate(face)[order], np.concatenate(unit)[order])

        anywhere = np.zeros(len(self.inside), dtype=np.int64)
        owner = self._settle(all_claims, codes)
        gaps, count = self._narrow_gaps(owner, self.inside)
        owner = self._fill(gaps, count, owner, anywhere, np.zeros(len(codes), dtype=np.int64), codes)
        owner = self._rejoin(owner, all_claims, home, codes, leave_home=True)

        owners = [np.full(len(owner), NOBODY) for _ in self.levels]
        for number in reversed(range(len(self.levels))):
            is_leaf = (owner >= first[number]) & (owner < first[number + 1])
            owners[number][is_leaf] = leaves[number][owner[is_leaf] - first[number]]
            if number:
                owned = owners[number] >= 0
                owners[number - 1][owned] = _homes(self.levels, number)[owners[number][owned]]
        return owners

    def _settle(self, claims: Claims, codes: Sequence[str]) -> IntArray:
        owner, overlaps = self.ground.settle(claims, len(codes))
        places = self._places([overlap.faces for overlap in overlaps])
        for overlap, (area, place) in zip(overlaps, places, strict=True):
            self.resolved.append(Patch(area, place, _named(overlap.claimants, codes), (codes[overlap.winner],)))
        return owner

    def _narrow_gaps(self, owner: IntArray, inside: Bools) -> tuple[IntArray, int]:
        """Number the enclosed regions of faces without owner that are narrow, and report the others as kept.

        The outline of the first level, where `inside` is given, closes in what the units leave open.
        """
        empty = owner == NOBODY
        region = self.ground.arrangement.regions(np.where(empty, inside.astype(np.int64), 2), outside=0)
        region, count = compact(region[:-1], empty & (region[:-1] != region[OUTSIDE]))
        places = self._places(members_of(region, count))
        narrow = is_narrow([place for _, place in places], self.gap_width_m)
        self.kept.extend(Patch(*facts, (), ()) for facts, fits in zip(places, narrow, strict=True) if not fits)
        return compact(region, (region >= 0) & np.append(narrow, False)[region])

    def _fill(
        self, gaps: IntArray, count: int, owner: IntArray, within: IntArray, home: IntArray, codes: Sequence[str]
    ) -> IntArray:
        """Share the numbered gaps among the units whose home is what each face lies within."""
        piece, _ = compact(np.arange(len(owner)), gaps >= 0)
        within_of_piece = within[gaps >= 0]
        owner = self.ground.grow(piece, owner, lambda number, unit: bool(home[unit] == within_of_piece[number]))
        members = members_of(gaps, count)
        for faces in members:
            left_over = faces[owner[faces] == NOBODY]
            if len(left_over):
                owner[left_over] = self._nearest(left_over, owner, home == within[faces[0]])
        for faces, (area, place) in zip(members, self._places(members), strict=True):
            owners = np.unique(owner[faces])
            report = self.filled if owners[0] != NOBODY else self.kept
            report.append(Patch(area, place, (), _named(owners[owners >= 0], codes)))
        return owner

    def _nearest(self, faces: IntArray, owner: IntArray, eligible: Bools) -> int:
        """The eligible unit whose faces come nearest to some faces that no eligible unit touches; NOBODY if none is."""
        theirs = np.flatnonzero((owner >= 0) & np.append(eligible, False)[owner])
        if not len(theirs):
            return NOBODY
        polygons = self.ground.arrangement.faces
        place = shapely.multipolygons(polygons[faces])
        return int(owner[theirs[shapely.distance(polygons[theirs], place).argmin()]])

    def _rejoin(
        self, owner: IntArray, claims: Claims, home: IntArray, codes: Sequence[str], *, leave_home: bool
    ) -> IntArray:
        """Give detached bits to the neighbours: to those of the same home first, and to others only if `leave_home`."""
        bits = self.ground.detached_bits(owner, claims, len(codes), self.gap_width_m**2)
        bits, count = compact(bits, bits >= 0)
        members = members_of(bits, count)
        before = [int(owner[faces[0]]) for faces in members]
        result = self.ground.grow(bits, owner, lambda bit, unit: bool(home[unit] == home[before[bit]]))
        if leave_home:
            stuck = np.where(result == NOBODY, bits, NOBODY)
            result = self.ground.grow(stuck, result, lambda bit, unit: True)
        result = np.where((bits >= 0) & (result == NOBODY), owner, result)
        for was, faces, (area, place) in zip(before, members, self._places(members), strict=True):
            now = int(result[faces[0]])
            if now != was:
                self.rejoined.append(Patch(area, place, (codes[was],), (codes[now],)))
        return result

    def _regions(self, label: IntArray, chosen: Bools) -> tuple[IntArray, int]:
        return compact(self.ground.arrangement.regions(label, outside=NOBODY)[:-1], chosen)

    def _places(self, members: Sequence[IntArray]) -> list[tuple[float, BaseGeometry]]:
        """Area in m² and geometry in degrees of each set of faces."""
        faces = self.ground.arrangement.faces
        unions = np.empty(len(members), dtype=object)
        unions[:] = [shapely.coverage_union_all(faces[of_place]) for of_place in members]
        places = self.frame.to_degrees(unions)
        return list(zip(area_m2(places).tolist(), places, strict=True))


def _leaves(levels: Sequence[Level], number: int) -> Bools:
    """Which units of a level have no children."""
    count = len(levels[number].codes)
    if number + 1 == len(levels):
        return np.ones(count, dtype=bool)
    return ~np.isin(np.arange(count), np.asarray(levels[number + 1].parents, dtype=np.int64))


def _homes(levels: Sequence[Level], number: int) -> IntArray:
    """The unit of the level above that each unit of a level belongs to; 0 for all of the first level."""
    if number == 0:
        return np.zeros(len(levels[0].codes), dtype=np.int64)
    return np.asarray(levels[number].parents, dtype=np.int64)


def _named(units: Iterable[int], codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(codes[unit] for unit in units)

"""Repair of a nested tree of coverages: all levels at once, exact by construction.

The borders of all levels are noded together on the lattice (snap rounding), every face of that arrangement is given to
one unit of each level by the rules of gis/allocation.py, and a unit becomes the union of its faces. So all levels are
edge-matched with each other, and no coordinate is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from gis.arrangement import dissolve
from gis.coverage import find_defects, is_exact_cover, polygons_of, why_invalid
from gis.errors import JingtianError
from gis.lattice import snap
from gis.measure import area_m2
from gis.nesting import Level, Nest, Nesting, Patch
from gis.progress import Progress, counted, part, silent

Objects = npt.NDArray[np.object_]

LATTICE_CELL_M2 = 1e-4
"""About the area of one cell of the lattice; a smaller difference is none."""


class GridsUnrepairable(JingtianError):
    """No polygon can be made of the geometry of some grids. details: `level`, `codes`."""

    code = "grids_unrepairable"


class GridsVanish(JingtianError):
    """Nothing would be left of some grids. details: `vanished`, a list of {level, code}; `where`: what they were."""

    code = "grids_vanish"


@dataclass(frozen=True)
class Change:
    """A unit that does not cover what it covered, vertices moved to the lattice apart. All areas in m²."""

    level: int
    code: str
    area_before_m2: float
    area_after_m2: float
    gained_m2: float
    lost_m2: float


@dataclass(frozen=True)
class Repair:
    """A repaired tree, and everything that was done to it.

    Attributes
    ----------
    geometries : per level, in the order given; on the lattice, exact at every level and between levels.
    changes : every unit that changed, by level and in order.
    filled : gaps, now part of their `owners`; gaps and overlaps thinner than the lattice close without being listed.
    resolved : overlaps of `codes`, now part of one.
    rejoined : bits that were cut off from the unit in `codes`, now part of a neighbour.
    kept : places in no unit that are too wide, or too open, to be a slip; still in none.
    made_valid : (level, code) of invalid polygons that were made valid first.
    """

    geometries: tuple[tuple[BaseGeometry, ...], ...]
    changes: tuple[Change, ...] = ()
    filled: tuple[Patch, ...] = ()
    resolved: tuple[Patch, ...] = ()
    rejoined: tuple[Patch, ...] = ()
    kept: tuple[Patch, ...] = ()
    made_valid: tuple[tuple[int, str], ...] = ()


def repair(levels: Sequence[Level], *, gap_width_m: float, nest: Nest, progress: Progress = silent) -> Repair:
    """Make a nested tree exact at every level and between levels.

    A tree that is exact already comes back as it is, with an empty report; so does every repaired one.

    Parameters
    ----------
    levels
        From the top down; at least the last with geometries.
    gap_width_m
        An enclosed gap into which no circle of more than this diameter fits is filled; a wider one is kept. Detached
        bits of less than its square are rejoined.
    nest
        "union": the lowest grids win, and a parent becomes the union of its children; the outline of the first level
        only says what is a gap at the rim. "cut": parents win, children are cut to them, and what no child covers of a
        parent goes to the nearest of its children, whatever its width.

    Raises
    ------
    GridsUnrepairable, GridsVanish
        Nothing is dropped in silence: the error names the units.
    ValueError
        The levels are not a tree.
    """
    given = _first_given(levels)
    sound, made_valid = _made_valid(levels, part(progress, 0, 0.05))
    if not made_valid and _is_exact(levels, given, gap_width_m):
        return Repair(_with_derived(levels, given, sound[given:]))
    progress(0.1)
    nesting = Nesting.of(levels[given:], sound[given:], nest, gap_width_m, part(progress, 0.1, 0.6))
    owners = nesting.united() if nest == "union" else nesting.cut()
    progress(0.7)
    geometries = _with_derived(levels, given, nesting.polygons(owners))
    _refuse_vanished(levels, geometries)
    changes = tuple(_changes(levels, sound, geometries, part(progress, 0.8, 1)))
    return Repair(
        geometries,
        changes,
        tuple(nesting.filled),
        tuple(nesting.resolved),
        tuple(nesting.rejoined),
        tuple(nesting.kept),
        tuple(made_valid),
    )


def _first_given(levels: Sequence[Level]) -> int:
    """The number of the first level with geometries, once it is sure that the levels are a tree."""
    derived = [level.geometries is None for level in levels]
    if not derived or derived[-1] or derived != sorted(derived, reverse=True):
        raise ValueError("only the first levels may be without geometries, never the last")
    for above, level in pairwise(levels):
        if len(level.parents) != len(level.codes) or not all(0 <= p < len(above.codes) for p in level.parents):
            raise ValueError("every unit needs a parent in the level above")
    return derived.count(True)


def _objects(geometries: Iterable[BaseGeometry]) -> Objects:
    listed = list(geometries)
    result = np.empty(len(listed), dtype=object)
    result[:] = listed
    return result


def _made_valid(levels: Sequence[Level], progress: Progress) -> tuple[list[Objects], list[tuple[int, str]]]:
    """The geometries of each level (none where it has none) made valid, and which were not."""
    sound: list[Objects] = []
    made_valid: list[tuple[int, str]] = []
    for number, level in enumerate(counted(levels, progress)):
        polygons = _objects(() if level.geometries is None else level.geometries)
        unrepairable = []
        for index, polygon in enumerate(polygons):
            if not why_invalid(polygon):
                continue
            made_valid.append((number, level.codes[index]))
            polygons[index] = polygons_of(polygon)
            if polygons[index].is_empty:
                unrepairable.append(level.codes[index])
        if unrepairable:
            names = "、".join(unrepairable[:10])
            raise GridsUnrepairable(
                f"第 {number + 1} 级有 {len(unrepairable)} 个网格的边界不成面，无法修复：{names}。"
                "请在原数据中补绘后重新导入。",
                f"{len(unrepairable)} grids of level {number + 1} have no area that could be repaired: "
                f"{', '.join(unrepairable[:10])}. Redraw them in the source and import again.",
                level=number,
                codes=unrepairable,
            )
        sound.append(polygons)
    return sound, made_valid


def _is_exact(levels: Sequence[Level], given: int, gap_width_m: float) -> bool:
    top = levels[given].geometries or ()
    if find_defects(top, narrow_gap_m=gap_width_m) or not all(is_exact_cover([polygon], polygon) for polygon in top):
        return False
    for above, below in zip(levels[given:], levels[given + 1 :], strict=False):
        children: dict[int, list[BaseGeometry]] = {}
        for parent, polygon in zip(below.parents, below.geometries or (), strict=True):
            children.setdefault(parent, []).append(polygon)
        if not all(is_exact_cover(polygons, (above.geometries or ())[parent]) for parent, polygons in children.items()):
            return False
    return True


def _with_derived(
    levels: Sequence[Level], given: int, below: Sequence[Objects]
) -> tuple[tuple[BaseGeometry, ...], ...]:
    """The levels from the first given one on, with those above derived as unions of their children."""
    result = list(below)
    for number in range(given, 0, -1):
        parents = np.asarray(levels[number].parents, dtype=np.int64)
        result.insert(0, dissolve(result[0], parents, len(levels[number - 1].codes)))
    return tuple(tuple(level) for level in result)


def _refuse_vanished(levels: Sequence[Level], geometries: Sequence[Sequence[BaseGeometry]]) -> None:
    vanished = [
        (number, index)
        for number, polygons in enumerate(geometries)
        for index, polygon in enumerate(polygons)
        if polygon.is_empty
    ]
    if not vanished:
        return
    codes = [levels[number].codes[index] for number, index in vanished]
    places = [polygons[index] for number, index in vanished if (polygons := levels[number].geometries) is not None]
    raise GridsVanish(
        f"修复后有 {len(codes)} 个网格将不剩任何面积：{'、'.join(codes[:10])}。"
        "它们与同级网格重复，或完全位于所属上级网格之外。请核对编码与所属关系，或改用另一种嵌套方式。",
        f"Nothing would be left of {len(codes)} grids: {', '.join(codes[:10])}. They duplicate others, or lie wholly "
        "outside their parent. Check their codes and parents, or nest the other way.",
        where={"type": "GeometryCollection", "geometries": [mapping(place) for place in places]},
        vanished=[{"level": number, "code": code} for (number, _), code in zip(vanished, codes, strict=True)],
    )


def _changes(
    levels: Sequence[Level],
    sound: Sequence[Objects],
    geometries: Sequence[Sequence[BaseGeometry]],
    progress: Progress,
) -> Iterable[Change]:
    for number, (level, polygons, repaired) in enumerate(
        counted(list(zip(levels, sound, geometries, strict=True)), progress)
    ):
        if level.geometries is None:
            continue
        before, after = _objects(map(_on_lattice, polygons)), _objects(repaired)
        # Most have kept every vertex, and their difference takes long to come out as nothing.
        other = np.flatnonzero(~shapely.equals_exact(shapely.normalize(before), shapely.normalize(after)))
        before, after = before[other], after[other]
        was, now = area_m2(before), area_m2(after)
        gained, lost = area_m2(shapely.difference(after, before)), area_m2(shapely.difference(before, after))
        for place in np.flatnonzero((gained > LATTICE_CELL_M2) | (lost > LATTICE_CELL_M2)).tolist():
            areas = (float(column[place]) for column in (was, now, gained, lost))
            yield Change(number, level.codes[other[place]], *areas)


def _on_lattice(polygon: BaseGeometry) -> BaseGeometry:
    """The polygon with its vertices on the lattice, unless that tangles it."""
    snapped = snap(polygon)
    return snapped if snapped.is_valid else polygon

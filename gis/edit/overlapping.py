"""Grids that cover a piece of land together with a neighbour, where the plan allows it (ZG04: 适当交叉), and giving it up again.

Only one grid changes; its siblings get nodes. So nothing is ever left uncovered. How much may be covered twice is not decided
here: the database holds every grid to the limit of its plan.
"""

from __future__ import annotations

from collections.abc import Iterable

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from gis.edit.chain import Edge, add, undirected
from gis.edit.drawing import (
    MIN_AREA_M2,
    Path,
    check_slivers,
    checked,
    draw,
    drawn_ring,
    edges_of,
    face_chain,
    faces_of,
    in_degrees,
    inside_of,
    vanishes,
)
from gis.edit.faults import HasNoOrOtherLevel, LineMissesGrid, Point, places
from gis.edit.sheet import Grid, Key, Sheet, check_unlocked


def extend(sheet: Sheet, ring: Path, key: Key, *, min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """Add what lies inside a ring to a leaf, within its parent; those who have it keep it.

    Raises
    ------
    LineMissesGrid
        Nothing inside the ring could be added.
    LineCrossesItself, Sliver, GridLocked, HasNoOrOtherLevel
    """
    parent = _parent_of_leaf(sheet, key)
    drawn = drawn_ring(ring)
    sheet, lines = draw(sheet, [drawn], sheet.grids)
    cut = edges_of(lines)
    own, above = sheet.grids[key], sheet.grids[parent]
    outline = {undirected(edge) for edge in own.border} - {undirected(edge) for edge in above.border}
    faces = faces_of(above, inside_of(cut, above) | outline)
    return _changed(sheet, own, _within(faces, drawn, outside=own.geometry), drawn, min_area_m2, gains=True)


def withdraw(sheet: Sheet, ring: Path, key: Key, *, min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """Take from a leaf what lies inside a ring and is covered by its siblings, too: the inverse of `extend`.

    Raises
    ------
    WouldVanish
        All of the grid would go.
    LineMissesGrid, LineCrossesItself, Sliver, GridLocked, HasNoOrOtherLevel
    """
    parent = _parent_of_leaf(sheet, key)
    drawn = drawn_ring(ring)
    sheet, lines = draw(sheet, [drawn], sheet.grids)
    cut = edges_of(lines)
    own = sheet.grids[key]
    siblings = [sheet.grids[other] for other in sheet.children[parent] if other != key and sheet.grids[other].border]
    theirs = {undirected(edge) for grid in siblings for edge in grid.border}
    faces = faces_of(own, inside_of(cut | theirs, own))
    lost = _within(faces, drawn, inside=shapely.union_all([grid.geometry for grid in siblings]))
    if lost and len(lost) == len(faces):
        raise vanishes([own])
    return _changed(sheet, own, lost, drawn, min_area_m2, gains=False)


def _parent_of_leaf(sheet: Sheet, key: Key) -> Key:
    grid = sheet.grids[key]
    check_unlocked(sheet, [key])
    if grid.parent is None or key in sheet.children:
        raise HasNoOrOtherLevel(
            f"{grid} 已划分下级, 或是服务区域。请选择一个没有下级的网格。",
            f"{grid} is subdivided, or the service area: choose a grid without grids below it.",
        )
    return grid.parent


def _within(
    faces: Iterable[Polygon],
    ring: list[Point],
    *,
    inside: BaseGeometry | None = None,
    outside: BaseGeometry | None = None,
) -> list[Polygon]:
    """The faces (lattice units) inside a ring that also lie inside, or outside, of a geometry in degrees."""
    area = in_degrees(Polygon(ring))
    spots = ((face, in_degrees(face).representative_point()) for face in faces)
    return [
        face
        for face, spot in spots
        if area.contains(spot)
        and (inside is None or inside.contains(spot))
        and (outside is None or not outside.contains(spot))
    ]


def _changed(
    sheet: Sheet, grid: Grid, faces: list[Polygon], ring: list[Point], min_area_m2: float, *, gains: bool
) -> Sheet:
    if not faces:
        raise LineMissesGrid(
            f"圈出的范围内没有可以加给 {grid} 的部分: 它只能延伸到同一上级的邻格里。请从它的边界起圈住邻格的一部分。"
            if gains
            else f"圈出的范围内没有 {grid} 与同级网格交叉的部分。请圈住图上交叉的地方。",
            f"There is nothing inside the ring to add to {grid}: it can extend into grids of the same parent only. Draw from its"
            " border round a part of a neighbour."
            if gains
            else f"Inside the ring {grid} does not overlap others of its level. Draw round a place where it does.",
            where=places([], [ring]),
        )
    check_slivers(list(map(in_degrees, faces)), min_area_m2)
    pieces = list(map(face_chain, faces))
    taken: list[Edge] = [] if gains else [edge for piece in pieces for edge in piece]
    border = add(grid.border, *(pieces if gains else ()), minus=taken)
    return checked(sheet, sheet.with_borders({grid.key: border}), [grid.key], min_area_m2)

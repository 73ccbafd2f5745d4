"""Cutting grids and giving pieces to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from gis.edit.chain import (
    Chain,
    Edge,
    add,
    undirected,
)
from gis.edit.drawing import (
    MIN_AREA_M2,
    Path,
    apart_above,
    check_slivers,
    checked,
    draw,
    drawn_path,
    drawn_ring,
    edges_of,
    face_chain,
    faces_of,
    in_degrees,
    inside_of,
    loose_ends,
    vanishes,
)
from gis.edit.faults import (
    HasNoOrOtherLevel,
    LineEndsInside,
    LineMissesGrid,
    Point,
    places,
)
from gis.edit.sheet import Grid, Key, Sheet, check_unlocked


def split(sheet: Sheet, key: Key, lines: Sequence[Path], *, min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """Cut a grid, and what is below it, along lines; a closed line carves a piece out.

    The largest part keeps the key; the others get new ones. Ends may overshoot the border.

    Raises
    ------
    LineMissesGrid, LineEndsInside, LineCrossesItself, Sliver, GridLocked, HasNoOrOtherLevel
    """
    check_unlocked(sheet, [key])
    if sheet.grids[key].parent is None:
        raise HasNoOrOtherLevel(
            f"{sheet.grids[key]} 是方案的服务区域, 不能拆分。请选择它下面的网格, 或先为它增加下级。",
            f"{sheet.grids[key]} is the service area of the plan and stays whole. Split a grid below it, or give it a level below first.",
        )
    sheet, drawn = draw(sheet, [drawn_path(line) for line in lines], sheet.descendants(key))
    target = sheet.grids[key]
    inside = inside_of(edges_of(drawn), target)
    if not inside:
        raise LineMissesGrid(
            f"画出的线没有进入网格 {target}: 它在网格之外, 或只是沿着、碰到边界。请让线穿过网格。",
            f"The line does not enter {target}: it lies outside, or only along the border. Draw it across the grid.",
            where=places([], [line for line in map(drawn_path, lines) if len(line) > 1]),
        )
    faces = faces_of(target, inside)
    if len(faces) == len(target.geometry.geoms):
        raise LineEndsInside(
            f"画出的线没有切断网格 {target}: 它在网格内部结束。请把线的两端画到边界上或边界外。",
            f"The line does not cut {target}: it ends inside. Draw both ends on the border, or beyond it.",
            where=places(loose_ends(inside, target)),
        )
    check_slivers(list(map(in_degrees, faces)), min_area_m2)
    order = sorted(range(len(faces)), key=lambda i: -faces[i].area)
    uncut = [i for i in order if frozenset(map(undirected, face_chain(faces[i]))).isdisjoint(inside)]
    parts = [[order[0], *(i for i in uncut if i != order[0])], *([i] for i in order[1:] if i not in uncut)]
    return _divide_by(sheet, key, [[faces[i] for i in part] for part in parts], inside)[0]


def transfer(
    sheet: Sheet,
    ring: Path,
    to: Key,
    *,
    only_from: Sequence[Key] | None = None,
    min_area_m2: float = MIN_AREA_M2,
) -> Sheet:
    """Give what lies inside a ring to a leaf; the ancestors on both sides follow.

    Raises
    ------
    WouldVanish
        A grid would lose everything: merge it, or move it to another parent.
    LineMissesGrid, LineCrossesItself, Sliver, GridLocked, HasNoOrOtherLevel
    """
    receiver = sheet.grids[to]
    if to in sheet.children:
        raise HasNoOrOtherLevel(
            f"{receiver} 已划分下级, 请选择其中一个下级网格来接收。",
            f"{receiver} is subdivided: choose one of the grids below it.",
        )
    drawn = drawn_ring(ring)
    wanted = {key for key in sheet.grids if key not in sheet.children and key != to}
    if only_from is not None:
        wanted &= set(only_from)
    sheet, noded = draw(sheet, [drawn], sheet.grids)
    cut = edges_of(noded)
    area = _ring_polygon(drawn)
    taken: list[tuple[Key, Polygon]] = []
    for key in sorted(wanted):
        leaf = sheet.grids[key]
        if not leaf.geometry.intersects(area):
            continue
        faces = faces_of(leaf, inside_of(cut, leaf))
        lost = [face for face in faces if area.contains(in_degrees(face).representative_point())]
        if lost and len(lost) == len(faces):
            raise vanishes([leaf])
        check_slivers(list(map(in_degrees, faces)) if lost else [], min_area_m2)
        taken += [(key, face) for face in lost]
    if not taken:
        raise LineMissesGrid(
            f"圈出的范围内没有可以移交给 {receiver} 的部分。请圈住相邻网格的一部分。",
            f"There is nothing inside the ring to give to {receiver}. Draw round a part of a neighbour.",
            where=places([], [drawn]),
        )
    return give(sheet, [(key, face_chain(face), to) for key, face in taken], min_area_m2)


def _divide_by(sheet: Sheet, key: Key, parts: list[list[Polygon]], inside: set[Edge]) -> tuple[Sheet, list[Key]]:
    """Give the first part the key and the others new ones; everything below is cut and goes with the part it lies in.

    Returns the sheet and the key of each part.
    """
    grid = sheet.grids[key]
    regions = [shapely.union_all([in_degrees(face) for face in part]) for part in parts]
    for region in regions:
        shapely.prepare(region)
    children = sorted(sheet.children.get(key, []))
    keys = [key, *(sheet.next_key() - i for i in range(len(parts) - 1))]
    chains = [add(*map(face_chain, part)) for part in parts]
    sheet = sheet.with_grids(
        replace(grid, border=chains[0]),
        *(
            Grid(new, grid.parent, grid.level, chain, name=grid.name)
            for new, chain in zip(keys[1:], chains[1:], strict=True)
        ),
    )
    for child in children:
        by_region: dict[int, list[Polygon]] = defaultdict(list)
        for face in faces_of(sheet.grids[child], inside_of(inside, sheet.grids[child])):
            by_region[_region_of(face, regions)].append(face)
        order = sorted(by_region, key=lambda region: -sum(face.area for face in by_region[region]))
        child_keys = [child]
        if len(order) > 1:
            check_unlocked(sheet, [child])
            sheet, child_keys = _divide_by(sheet, child, [by_region[region] for region in order], inside)
        sheet = sheet.with_grids(
            *(replace(sheet.grids[each], parent=keys[region]) for each, region in zip(child_keys, order, strict=True))
        )
    return sheet, keys


def _region_of(face: Polygon, regions: Sequence[BaseGeometry]) -> int:
    point = in_degrees(face).representative_point()
    return next(i for i, region in enumerate(regions) if region.contains(point))


def give(sheet: Sheet, pieces: Sequence[tuple[Key | None, Chain, Key | None]], min_area_m2: float) -> Sheet:
    """Move pieces of leaves to other leaves; above, only what the two sides do not have in common changes.

    Parameters
    ----------
    pieces
        (whose it was, its border, whose it will be); None is nobody: land outside the service area.
    """
    gains: dict[Key, list[Chain]] = defaultdict(list)
    losses: dict[Key, list[Chain]] = defaultdict(list)
    for owner, piece, to in pieces:
        losing, gaining = apart_above(sheet, owner, to)
        for each in losing:
            losses[each].append(piece)
        for each in gaining:
            gains[each].append(piece)
    borders = {
        key: add(sheet.grids[key].border, *gains[key], minus=[edge for piece in losses[key] for edge in piece])
        for key in {*gains, *losses}
    }
    if vanished := [sheet.grids[key] for key, border in borders.items() if not border]:
        raise vanishes(vanished)
    return checked(sheet, sheet.with_borders(borders), borders, min_area_m2)


def _ring_polygon(ring: list[Point]) -> BaseGeometry:
    polygon = in_degrees(Polygon(ring))
    shapely.prepare(polygon)
    return polygon

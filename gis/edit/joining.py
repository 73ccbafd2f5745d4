"""Joining, moving and dividing whole grids, and levels that come and go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.edit.chain import (
    Edge,
    add,
    chain_of,
    turned,
    undirected,
)
from gis.edit.drawing import (
    apart_above,
    checked,
    vanishes,
)
from gis.edit.faults import (
    EditRefused,
    HasNoOrOtherLevel,
    NotNeighbours,
    Point,
    places,
)
from gis.edit.sheet import Grid, Key, Sheet, check_unlocked


def merge(sheet: Sheet, keys: Sequence[Key]) -> Sheet:
    """Join neighbours of one parent into the first of them; what is below the others comes below it.

    Raises
    ------
    NotNeighbours, HasNoOrOtherLevel, GridLocked
    """
    grids = [sheet.grids[key] for key in dict.fromkeys(keys)]
    if len(grids) < 2:
        raise NotNeighbours("请选择两个或更多的网格合并。", "Choose two or more grids to merge.")
    check_unlocked(sheet, [grid.key for grid in grids])
    if len({grid.parent for grid in grids}) > 1:
        raise NotNeighbours(
            "只能合并同一上级之下的网格。请先把网格移交到同一上级。",
            "Only grids of the same parent can be merged. Move them to one parent first.",
        )
    if len({grid.key in sheet.children for grid in grids}) > 1:
        raise HasNoOrOtherLevel(
            "有的网格已划分下级, 有的没有, 不能合并。请先统一下级。",
            "Some of these grids are subdivided and some are not. Bring them to the same level first.",
        )
    if apart := _apart(grids):
        raise NotNeighbours(
            f"网格 {'、'.join(map(str, apart))} 与其他所选网格没有共同界线, 不能合并。",
            f"{', '.join(map(str, apart))} shares no border with the others.",
            where=places([next(iter(grid.border))[:2] for grid in apart]),
        )
    keeper, others = grids[0], grids[1:]
    joined = replace(keeper, border=add(*(grid.border for grid in grids)))
    moved = [
        replace(sheet.grids[child], parent=keeper.key) for grid in others for child in sheet.children.get(grid.key, [])
    ]
    return sheet.with_grids(joined, *moved, without=[grid.key for grid in others])


def reparent(sheet: Sheet, key: Key, parent: Key) -> Sheet:
    """Move a whole grid, with all below it, to another parent of the level above; the ancestors' borders follow.

    Raises
    ------
    HasNoOrOtherLevel, WouldVanish, GridLocked
    """
    grid, new = sheet.grids[key], sheet.grids[parent]
    if new.level != grid.level - 1 or grid.parent is None:
        raise HasNoOrOtherLevel(
            f"{new} 不是 {grid} 上一级的网格, 不能作为它的上级。", f"{new} is not on the level above {grid}."
        )
    if parent not in sheet.children:
        raise HasNoOrOtherLevel(
            f"{new} 还没有下级, 不能接收 {grid}。请先为它增加下级。",
            f"{new} has no sub-grids, so it cannot take {grid}. Give it a level below first.",
        )
    if grid.parent == parent:
        raise HasNoOrOtherLevel(f"{grid} 已属于 {new}。", f"{grid} already belongs to {new}.")
    if len(sheet.children[grid.parent]) == 1:
        raise vanishes([sheet.grids[grid.parent]])
    losing, gaining = apart_above(sheet, grid.parent, parent)
    borders = {each: add(sheet.grids[each].border, minus=grid.border) for each in losing}
    borders |= {each: add(sheet.grids[each].border, grid.border) for each in gaining}
    result = checked(sheet, sheet.with_borders(borders), borders)
    return result.with_grids(replace(grid, parent=parent))


def add_level(sheet: Sheet, keys: Sequence[Key], deepest: int = 4) -> Sheet:
    """Give each leaf one sub-grid equal to it, to be split further.

    Raises
    ------
    HasNoOrOtherLevel
    """
    for key in dict.fromkeys(keys):
        grid = sheet.grids[key]
        if key in sheet.children:
            raise HasNoOrOtherLevel(f"{grid} 已有下级。", f"{grid} is subdivided already.")
        if grid.level >= deepest:
            raise HasNoOrOtherLevel(
                f"{grid} 已在最低一级, 方案最多 {deepest + 1} 级。", f"{grid} is on the lowest of {deepest + 1} levels."
            )
        sheet = sheet.with_grids(Grid(sheet.next_key(), key, grid.level + 1, grid.border, name=grid.name))
    return sheet


def remove_level(sheet: Sheet, key: Key) -> Sheet:
    """Remove the sub-grids of a grid.

    Raises
    ------
    HasNoOrOtherLevel, GridLocked
    """
    children = sheet.children.get(key, [])
    if not children:
        raise HasNoOrOtherLevel(f"{sheet.grids[key]} 没有下级。", f"{sheet.grids[key]} has no sub-grids.")
    if any(child in sheet.children for child in children):
        raise HasNoOrOtherLevel(
            f"{sheet.grids[key]} 的下级还有下级。请先删除最低一级。",
            f"The sub-grids of {sheet.grids[key]} are subdivided. Remove the lowest level first.",
        )
    check_unlocked(sheet, children)
    return sheet.with_grids(without=children)


def divide(
    sheet: Sheet, key: Key, parts: Sequence[tuple[BaseGeometry, str]], *, keep: Sequence[Key] | None = None
) -> Sheet:
    """Replace the children of a grid by parts that cover it exactly; nodes that the parts have on its border go to all sharers.

    A child that a part overlaps most lives on as that part, with its code and name.

    Parameters
    ----------
    parts
        (Polygon or MultiPolygon in degrees, name; "" for the child's own).
    keep
        Which children are replaced; None for all. The others stay, and the parts cover the rest exactly.

    Raises
    ------
    HasNoOrOtherLevel, EditRefused
    """
    grid = sheet.grids[key]
    children = sheet.children.get(key, [])
    replaced = children if keep is None else [child for child in children if child in set(keep)]
    if any(child in sheet.children for child in replaced):
        raise HasNoOrOtherLevel(
            f"{grid} 的下级还有下级, 不能整体重新划分。",
            f"The sub-grids of {grid} are subdivided: divide one of them instead.",
        )
    check_unlocked(sheet, replaced)
    pieces = Sheet.of(Grid(i, None, grid.level + 1, chain_of(part)) for i, (part, _) in enumerate(parts))
    whole = add(*(sheet.grids[child].border for child in replaced)) if replaced else grid.border
    # What the two borders do not have in common: vertices of each that lie on edges of the other go into it.
    splits = _nodes_on(add(*(piece.border for piece in pieces.grids.values()), minus=whole))
    pieces, sheet = pieces.with_nodes(splits), sheet.with_nodes(splits)
    chains = [piece.border for piece in pieces.grids.values()]
    whole = add(*(sheet.grids[child].border for child in replaced)) if replaced else sheet.grids[key].border
    if difference := add(*chains, minus=whole):
        raise EditRefused(
            f"划分的各部分没有恰好覆盖 {grid}。",
            f"The parts do not cover {grid} exactly.",
            where=places([], [(edge[:2], edge[2:]) for edge in list(difference)[:20]]),
        )
    heirs = _heirs([sheet.grids[child] for child in replaced], [part for part, _ in parts])
    next_key = sheet.next_key()
    new = []
    for index, (chain, (_, name)) in enumerate(zip(chains, parts, strict=True)):
        if index in heirs:
            old = sheet.grids[heirs[index]]
            new.append(replace(old, border=chain, name=name or old.name))
        else:
            new.append(Grid(next_key, key, grid.level + 1, chain, name=name))
            next_key -= 1
    return sheet.with_grids(*new, without=[child for child in replaced if child not in heirs.values()])


def _apart(grids: Sequence[Grid]) -> list[Grid]:
    """Those that cannot be reached from the first across common borders."""
    reached, waiting = [grids[0]], list(grids[1:])
    for grid in reached:
        beside = {turned(edge) for edge in grid.border}
        found = [other for other in waiting if not beside.isdisjoint(other.border)]
        reached += found
        waiting = [other for other in waiting if other not in found]
    return waiting


def _nodes_on(edges: Iterable[Edge]) -> dict[Edge, list[Point]]:
    """Nodes that each of the edges needs where vertices of others lie on it."""
    keys = sorted({undirected(edge) for edge in edges})
    vertices = sorted({end for edge in keys for end in (edge[:2], edge[2:])})
    if not keys:
        return {}
    tree = shapely.STRtree(shapely.points(np.array(vertices, dtype=np.float64)))
    splits = {}
    for edge in keys:
        a, b = edge[:2], edge[2:]
        box = shapely.box(min(a[0], b[0]) - 2, min(a[1], b[1]) - 2, max(a[0], b[0]) + 2, max(a[1], b[1]) + 2)
        on = [vertices[i] for i in tree.query(box).tolist() if vertices[i] != b and _near(vertices[i], a, b)]
        if on:
            splits[edge] = sorted(on, key=lambda p, a=a: (p[0] - a[0]) ** 2 + (p[1] - a[1]) ** 2)  # type: ignore[misc]
    return splits


def _near(p: Point, a: Point, b: Point) -> bool:
    """Whether p lies on the segment, up to the rounding to the lattice."""
    length = float((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2)
    along = (p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])
    across = (p[0] - a[0]) * (b[1] - a[1]) - (p[1] - a[1]) * (b[0] - a[0])
    return 0 < along <= length and float(across) ** 2 <= 4 * length


def _heirs(old: Sequence[Grid], parts: Sequence[BaseGeometry]) -> dict[int, Key]:
    """Which part lives on as which old grid: by the largest common area, each once."""
    common = [
        (shapely.area(shapely.intersection(grid.geometry, part)), -grid.key, index)
        for grid in old
        for index, part in enumerate(parts)
    ]
    heirs: dict[int, Key] = {}
    for area, minus_key, index in sorted(common, reverse=True):
        if area > 0 and index not in heirs and -minus_key not in heirs.values():
            heirs[index] = -minus_key
    return heirs

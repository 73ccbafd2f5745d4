"""The operations of a planner, each from a sheet to a sheet. The given sheet is exact; so is the one returned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from gis.edit.chain import (
    Chain,
    Edge,
    add,
    chain_of,
    crossings,
    edges_along,
    lattice_path,
    polygons_of,
    turned,
    undirected,
)
from gis.edit.faults import (
    BadLine,
    EditRefused,
    HasNoOrOtherLevel,
    LineCrossesBorder,
    LineCrossesItself,
    LineEndsInside,
    LineMissesGrid,
    NotNeighbours,
    OuterBorder,
    PathNotBorder,
    Point,
    Sliver,
    TooManyVertices,
    WouldVanish,
    places,
)
from gis.edit.noding import node
from gis.edit.sheet import Grid, Key, Sheet, check_unlocked
from gis.lattice import to_degrees
from gis.measure import area_m2

Path = Sequence[Sequence[float]]
"""Vertices in degrees."""

MAX_VERTICES = 20_000
MIN_AREA_M2 = 1.0
"""A piece smaller than this is a slip of the hand."""
DEGREES = 3
"""How far, in degrees, a drawing may lie from the sheet before its coordinates are taken for wrong."""


@dataclass(frozen=True)
class Replacement:
    """A stretch of border and what takes its place, in lattice integers."""

    old: list[Point]
    new: list[Point]


def reshape(sheet: Sheet, paths: Sequence[tuple[Path, Path]], *, outer: bool = False) -> Sheet:
    """Replace stretches of border by others, in every ring of every level that contains them, in either direction.

    Parameters
    ----------
    paths
        (old, new): old are consecutive vertices of a border, new has the same ends. Where a node moves, all the arcs that meet
        there are given, with their new ends at the new place.
    outer
        Whether the border of the service area may move.

    Raises
    ------
    PathNotBorder, OuterBorder, LineCrossesBorder, LineCrossesItself, GridLocked
    """
    replacements = [Replacement(_path(old), _path(new)) for old, new in paths]
    if not any(set(edges_along(r.old)) ^ set(edges_along(r.new)) for r in replacements):
        raise BadLine("新界线与原界线相同, 没有改动。", "The new border is the same as the old one: nothing to change.")
    old_edges = {undirected(edge) for r in replacements for edge in edges_along(r.old)}
    left_right = [_sides_of(sheet, r.old, outer) for r in replacements]
    others = {undirected(edge) for leaf in sheet.leaves() for edge in leaf.border if undirected(edge) not in old_edges}
    moved_ends = {end for r in replacements for end in (r.old[0], r.old[-1]) if end not in (r.new[0], r.new[-1])}
    removed: dict[Key, list[Edge]] = defaultdict(list)
    added: dict[Key, list[Edge]] = defaultdict(list)
    for r, (left, right) in zip(replacements, left_right, strict=True):
        _check_simple(r.new)
        if places_crossed := _proper_crossings(edges_along(r.new), others):
            raise _crosses(sheet, places_crossed)
        path, splits = node(r.new, others)
        if splits:
            sheet = sheet.with_nodes(splits)
            others -= splits.keys()
            for edge, nodes in splits.items():
                whole = [edge[:2], *nodes, edge[2:]]
                others |= {undirected(each) for each in edges_along(whole)}
        others |= {undirected(edge) for edge in edges_along(path)}
        for key in left:
            removed[key] += edges_along(r.old)
            added[key] += edges_along(path)
        for key in right:
            removed[key] += map(turned, edges_along(r.old))
            added[key] += map(turned, edges_along(path))
    borders = {key: add(sheet.grids[key].border, added[key], minus=removed[key]) for key in removed}
    if vanished := [sheet.grids[key] for key, border in borders.items() if not border]:
        raise _vanishes(vanished)
    if moved_ends:
        _check_closed(borders)
    return _checked(sheet, sheet.with_borders(borders), borders)


def split(sheet: Sheet, key: Key, lines: Sequence[Path], *, min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """Cut a grid, and what is below it, along lines; a closed line carves a piece out.

    The largest part keeps the key; the others get new ones. Ends may overshoot the border.

    Raises
    ------
    LineMissesGrid, LineEndsInside, LineCrossesItself, Sliver, GridLocked
    """
    check_unlocked(sheet, [key])
    sheet, cut = _draw(sheet, [_path(line) for line in lines], sheet.descendants(key))
    target = sheet.grids[key]
    inside = _inside(cut, target)
    if not inside:
        raise LineMissesGrid(
            f"画出的线没有进入网格 {target}: 它在网格之外, 或只是沿着、碰到边界。请让线穿过网格。",
            f"The line does not enter {target}: it lies outside, or only along the border. Draw it across the grid.",
            where=places([], [line for line in map(_path, lines) if len(line) > 1]),
        )
    faces = _faces(target, inside)
    if len(faces) == len(target.geometry.geoms):
        raise LineEndsInside(
            f"画出的线没有切断网格 {target}: 它在网格内部结束。请把线的两端画到边界上或边界外。",
            f"The line does not cut {target}: it ends inside. Draw both ends on the border, or beyond it.",
            where=places(_loose(inside, target)),
        )
    _check_slivers(list(map(_degrees, faces)), min_area_m2)
    order = sorted(range(len(faces)), key=lambda i: -faces[i].area)
    uncut = [i for i in order if frozenset(map(undirected, _chain(faces[i]))).isdisjoint(inside)]
    parts = [[order[0], *(i for i in uncut if i != order[0])], *([i] for i in order[1:] if i not in uncut)]
    return _divide_by(sheet, key, [[faces[i] for i in part] for part in parts], inside)[0]


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
    drawn = _path(ring)
    if drawn[0] != drawn[-1]:
        drawn = [*drawn, drawn[0]]
    if len(drawn) < 4:
        raise BadLine("圈出的范围没有面积。请圈出一块范围。", "The ring encloses nothing. Draw round an area.")
    wanted = {key for key in sheet.grids if key not in sheet.children and key != to}
    if only_from is not None:
        wanted &= set(only_from)
    sheet, cut = _draw(sheet, [drawn], sheet.grids)
    area = _ring_polygon(drawn)
    taken: list[tuple[Key, Polygon]] = []
    for key in sorted(wanted):
        leaf = sheet.grids[key]
        if not leaf.geometry.intersects(area):
            continue
        faces = _faces(leaf, _inside(cut, leaf))
        lost = [face for face in faces if area.contains(_degrees(face).representative_point())]
        if lost and len(lost) == len(faces):
            raise _vanishes([leaf])
        _check_slivers(list(map(_degrees, faces)) if lost else [], min_area_m2)
        taken += [(key, face) for face in lost]
    if not taken:
        raise LineMissesGrid(
            f"圈出的范围内没有可以移交给 {receiver} 的部分。请圈住相邻网格的一部分。",
            f"There is nothing inside the ring to give to {receiver}. Draw round a part of a neighbour.",
            where=places([], [drawn]),
        )
    return _give(sheet, [(key, _chain(face)) for key, face in taken], to)


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
        raise _vanishes([sheet.grids[grid.parent]])
    losing, gaining = _apart_above(sheet, grid.parent, parent)
    borders = {each: add(sheet.grids[each].border, minus=grid.border) for each in losing}
    borders |= {each: add(sheet.grids[each].border, grid.border) for each in gaining}
    result = _checked(sheet, sheet.with_borders(borders), borders)
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


# What the operations are made of.


def _path(path: Path) -> list[Point]:
    xy = np.asarray(path, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) < 1:
        raise BadLine("线应为一串 [经度, 纬度]。", "A line is a list of [longitude, latitude].")
    if len(xy) > MAX_VERTICES:
        raise TooManyVertices(
            f"画出的线有 {len(xy):,} 个顶点, 最多 {MAX_VERTICES:,} 个。请简化后再试。",
            f"The line has {len(xy):,} vertices; {MAX_VERTICES:,} is the most. Simplify it first.",
        )
    if not np.isfinite(xy).all() or (np.abs(xy) > (180, 90)).any():
        raise BadLine(
            "线上有不是经纬度的坐标。请先经度后纬度, 单位为度。",
            "Some coordinates of the line are not longitude and latitude in degrees.",
        )
    result = lattice_path(xy.tolist())
    if len(result) < 2:
        raise BadLine(
            "画出的线没有长度。请至少画两个不同的点。", "The line has no length. Draw at least two different points."
        )
    return result


def _sides_of(sheet: Sheet, old: list[Point], outer: bool) -> tuple[list[Key], list[Key]]:
    """The grids on the left and on the right of a stretch of border, the same all along."""
    edges = edges_along(old)
    sides = [(sheet.sides.get(edge, []), sheet.sides.get(turned(edge), [])) for edge in edges]
    for edge, (left, right) in zip(edges, sides, strict=True):
        if not left and not right:
            raise PathNotBorder(
                "要改的界线已不存在 (见图上标出处), 可能刚被改动。请刷新后重画。",
                "The border to be changed is not there, or not any more (see the map). Reload and draw again.",
                where=places([], [(edge[:2], edge[2:])]),
            )
    first = (sorted(sides[0][0]), sorted(sides[0][1]))
    for edge, (left, right) in zip(edges, sides, strict=True):
        if (sorted(left), sorted(right)) != first:
            raise PathNotBorder(
                "所选界线跨过了三个网格的交点 (见图上标出处)。请分段修改。",
                "The stretch runs past a place where three grids meet (see the map). Change it in pieces.",
                where=places([edge[:2]]),
            )
    if not outer and not (first[0] and first[1]):
        raise OuterBorder(
            "这是服务区域的外边界, 一般由行政区划确定。确需改动时请确认。",
            "This is the border of the service area itself. Confirm if it really should move.",
            where=places([], [old]),
        )
    return first


def _check_simple(path: list[Point]) -> None:
    closed = path[0] == path[-1]
    inner = path[:-1] if closed else path
    if len(set(inner)) < len(inner):
        twice = [point for i, point in enumerate(inner) if point in inner[:i]]
        raise _crosses_itself(twice)
    edges = edges_along(path)
    if len(edges) > 2 and not shapely.LineString(path).is_simple:
        raise _crosses_itself(crossings(edges))


def _crosses_itself(points: list[Point]) -> LineCrossesItself:
    return LineCrossesItself(
        f"画出的线与自身相交 (见图上 {len(points)} 处)。请重画不相交的线。",
        f"The line crosses itself in {len(points)} place(s), see the map. Draw one that does not.",
        where=places(points[:20]),
    )


def _crosses(sheet: Sheet, crossed: Mapping[Point, Edge]) -> LineCrossesBorder:
    owners = {
        key for edge in crossed.values() for key in (*sheet.sides.get(edge, []), *sheet.sides.get(turned(edge), []))
    }
    names = sorted(str(sheet.grids[key]) for key in owners if key not in sheet.children)
    numbers = "、".join(map(str, range(1, len(crossed) + 1)))
    return LineCrossesBorder(
        f"新界线与“{'”“'.join(names[:4])}”的边界在 {len(crossed)} 处相交 (见图上 {numbers})。请把线画到边界上, 或改用“拆分”。",
        f"The new border crosses the border of {', '.join(names[:4])} in {len(crossed)} place(s) ({numbers} on the map)."
        " End it on the border, or use Split.",
        where=places(list(crossed)),
    )


def _vanishes(grids: Sequence[Grid]) -> WouldVanish:
    names = "、".join(map(str, grids))
    return WouldVanish(
        f"网格 {names} 会因此消失。要并入邻格请用“合并”, 要换上级请用“移交到另一上级”。",
        f"Nothing would be left of {names}. To join it to a neighbour use Merge; to move it whole, choose another parent.",
        where=places([next(iter(grid.border))[:2] for grid in grids]),
        grids=[grid.key for grid in grids],
    )


def _proper_crossings(new: list[Edge], others: set[Edge]) -> dict[Point, Edge]:
    """Where new edges run across others, and the edge crossed."""
    box = np.array(new).reshape(-1, 2)
    low, high = box.min(axis=0), box.max(axis=0)
    near = [
        edge
        for edge in others
        if max(edge[0], edge[2]) >= low[0]
        and min(edge[0], edge[2]) <= high[0]
        and max(edge[1], edge[3]) >= low[1]
        and min(edge[1], edge[3]) <= high[1]
    ]
    found: dict[Point, Edge] = {}
    for a in new:
        for b in near:
            s1, s2, s3, s4 = _turn(a, b[:2]), _turn(a, b[2:]), _turn(b, a[:2]), _turn(b, a[2:])
            if s1 * s2 < 0 and s3 * s4 < 0:
                share = s1 / (s1 - s2)
                found[round(b[0] + share * (b[2] - b[0])), round(b[1] + share * (b[3] - b[1]))] = b
                if len(found) == 20:
                    return found
    return found


def _turn(edge: Edge, p: Point) -> int:
    return (edge[2] - edge[0]) * (p[1] - edge[1]) - (edge[3] - edge[1]) * (p[0] - edge[0])


def _check_closed(borders: Mapping[Key, Chain]) -> None:
    for border in borders.values():
        balance: dict[Point, int] = defaultdict(int)
        for edge in border:
            balance[edge[:2]] += 1
            balance[edge[2:]] -= 1
        if loose := [point for point, n in balance.items() if n]:
            raise PathNotBorder(
                "界线的端点没有接上 (见图上标出处): 移动交点时, 在此相交的界线要一起移动。",
                "Borders end in nothing (see the map): where a node moves, all the borders that meet there move with it.",
                where=places(loose[:20]),
            )


def _checked(before: Sheet, after: Sheet, keys: Iterable[Key]) -> Sheet:
    """The sheet after, if the grids are polygons and no new slivers have come of them."""
    for key in keys:
        old = {part.wkb for part in before.grids[key].geometry.geoms}
        _check_slivers([part for part in after.grids[key].geometry.geoms if part.wkb not in old], MIN_AREA_M2)
    return after


def _check_slivers(parts: Sequence[Polygon], least: float) -> None:
    """Raise Sliver for polygons (degrees) smaller than any grid."""
    if len(parts) and (small := [part for part, m2 in zip(parts, area_m2(parts), strict=True) if m2 < least]):
        raise Sliver(
            f"会留下小于 {least:g} 平方米的碎块 (见图上标出处)。请把界线画得干净一些。",
            f"A piece smaller than {least:g} m² would be left (see the map). Draw the border more cleanly.",
            where=places([_point_in(part) for part in small[:20]]),
        )


def _draw(sheet: Sheet, paths: list[list[Point]], keys: Iterable[Key]) -> tuple[Sheet, set[Edge]]:
    """Node lines with the borders of grids and with one another; the sheet with the nodes, and the lines' undirected edges."""
    bounds = np.array([edge for key in keys for edge in sheet.grids[key].border]).reshape(-1, 2)
    leaves = {leaf.key for leaf in sheet.leaves()}
    concerned = [sheet.grids[key] for key in keys if key in leaves]
    cut: set[Edge] = set()
    for path in paths:
        xy = np.array(path)
        if ((xy < bounds.min(axis=0) - DEGREES * 10**7) | (xy > bounds.max(axis=0) + DEGREES * 10**7)).any():
            raise BadLine(
                "画出的线远在方案之外, 坐标可能有误。请检查经纬度的先后和坐标系。",
                "The line lies far outside the plan. Check the order of longitude and latitude, and the datum.",
            )
        _check_simple(path)
        low, high = xy.min(axis=0) - 10, xy.max(axis=0) + 10
        near = {
            undirected(edge)
            for grid in concerned
            for edge in sheet.grids[grid.key].border
            if max(edge[0], edge[2]) >= low[0]
            and min(edge[0], edge[2]) <= high[0]
            and max(edge[1], edge[3]) >= low[1]
            and min(edge[1], edge[3]) <= high[1]
        }
        noded, splits = node(path, near | cut)
        sheet = sheet.with_nodes(splits)
        for edge, nodes in splits.items():
            if edge in cut:
                cut.remove(edge)
                cut |= {undirected(each) for each in edges_along([edge[:2], *nodes, edge[2:]])}
        cut |= {undirected(edge) for edge in edges_along(noded)}
    return sheet, cut


def _inside(cut: set[Edge], grid: Grid) -> set[Edge]:
    """Those of the undirected edges that run through the inside of a grid; they meet its border at vertices only."""
    border = {undirected(edge) for edge in grid.border}
    edges = [edge for edge in cut if edge not in border]
    if not edges:
        return set()
    # Doubled, so that middles are whole numbers.
    middles = np.array([(a + c, b + d) for a, b, c, d in edges])
    shape = shapely.transform(grid.geometry, lambda xy: np.rint(xy * 1e7) * 2)
    shapely.prepare(shape)
    return {edge for edge, hit in zip(edges, shapely.contains_xy(shape, middles), strict=True) if hit}


def _faces(grid: Grid, inside: set[Edge]) -> list[Polygon]:
    """The pieces, in lattice units, into which edges cut a grid."""
    edges = np.array([*({undirected(edge) for edge in grid.border} | inside)], dtype=np.float64)
    faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(edges.reshape(-1, 2, 2))))
    shape = grid.geometry
    shapely.prepare(shape)
    return [face for face in faces if shape.contains(_degrees(face).representative_point())]


def _divide_by(sheet: Sheet, key: Key, parts: list[list[Polygon]], inside: set[Edge]) -> tuple[Sheet, list[Key]]:
    """Give the first part the key and the others new ones; everything below is cut and goes with the part it lies in.

    Returns the sheet and the key of each part.
    """
    grid = sheet.grids[key]
    regions = [shapely.union_all([_degrees(face) for face in part]) for part in parts]
    for region in regions:
        shapely.prepare(region)
    children = sorted(sheet.children.get(key, []))
    keys = [key, *(sheet.next_key() - i for i in range(len(parts) - 1))]
    chains = [add(*map(_chain, part)) for part in parts]
    sheet = sheet.with_grids(
        replace(grid, border=chains[0]),
        *(
            Grid(new, grid.parent, grid.level, chain, name=grid.name)
            for new, chain in zip(keys[1:], chains[1:], strict=True)
        ),
    )
    for child in children:
        by_region: dict[int, list[Polygon]] = defaultdict(list)
        for face in _faces(sheet.grids[child], _inside(inside, sheet.grids[child])):
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
    point = _degrees(face).representative_point()
    return next(i for i, region in enumerate(regions) if region.contains(point))


def _give(sheet: Sheet, pieces: Sequence[tuple[Key, Chain]], to: Key) -> Sheet:
    """Move pieces of leaves to another leaf; above, only what the two sides do not have in common changes."""
    gains: dict[Key, list[Chain]] = defaultdict(list)
    losses: dict[Key, list[Chain]] = defaultdict(list)
    for key, piece in pieces:
        losing, gaining = _apart_above(sheet, key, to)
        for each in losing:
            losses[each].append(piece)
        for each in gaining:
            gains[each].append(piece)
    borders = {
        key: add(sheet.grids[key].border, *gains[key], minus=[edge for piece in losses[key] for edge in piece])
        for key in {*gains, *losses}
    }
    if vanished := [sheet.grids[key] for key, border in borders.items() if not border]:
        raise _vanishes(vanished)
    return _checked(sheet, sheet.with_borders(borders), borders)


def _apart_above(sheet: Sheet, one: Key, other: Key) -> tuple[list[Key], list[Key]]:
    """What stands above (and including) each of two grids, but not above both."""
    first, second = sheet.ancestors(one), sheet.ancestors(other)
    return [key for key in first if key not in second], [key for key in second if key not in first]


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


def _loose(inside: set[Edge], grid: Grid) -> list[Point]:
    """Where lines end inside a grid."""
    degree: dict[Point, int] = defaultdict(int)
    for edge in inside:
        degree[edge[:2]] += 1
        degree[edge[2:]] += 1
    border = {edge[:2] for edge in grid.border}
    return [point for point, n in degree.items() if n == 1 and point not in border][:20]


def _chain(face: Polygon) -> Chain:
    """The border of a face in lattice units."""
    result: set[Edge] = set()
    oriented = shapely.orient_polygons(face)
    for ring in (oriented.exterior, *oriented.interiors):
        result.update(edges_along([(int(x), int(y)) for x, y in ring.coords]))
    return frozenset(result)


def _degrees(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry, to_degrees)


def _ring_polygon(ring: list[Point]) -> BaseGeometry:
    polygon = _degrees(Polygon(ring))
    shapely.prepare(polygon)
    return polygon


def _point_in(part: BaseGeometry) -> Point:
    x, y = shapely.get_coordinates(shapely.point_on_surface(part))[0] * 1e7
    return round(x), round(y)


__all__ = [
    "add_level",
    "divide",
    "merge",
    "polygons_of",
    "remove_level",
    "reparent",
    "reshape",
    "split",
    "transfer",
]

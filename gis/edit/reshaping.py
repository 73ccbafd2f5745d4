"""Moving borders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely

from gis.edit.chain import (
    Chain,
    Edge,
    add,
    edges_along,
    segments,
    turned,
    undirected,
)
from gis.edit.drawing import (
    MIN_AREA_M2,
    Path,
    check_simple,
    checked,
    drawn_path,
    vanishes,
)
from gis.edit.faults import (
    BadLine,
    LineCrossesBorder,
    OuterBorder,
    PathNotBorder,
    Point,
    places,
)
from gis.edit.noding import node
from gis.edit.sheet import Key, Sheet


@dataclass(frozen=True)
class Replacement:
    """A stretch of border and what takes its place, in lattice integers."""

    old: list[Point]
    new: list[Point]


def reshape(
    sheet: Sheet, paths: Sequence[tuple[Path, Path]], *, outer: bool = False, min_area_m2: float = MIN_AREA_M2
) -> Sheet:
    """Replace stretches of border by others, in every ring of every level that contains them, in either direction.

    Parameters
    ----------
    paths
        (old, new): old are consecutive vertices of a border, new has the same ends. Where a node moves, all the arcs that meet
        there are given, with their new ends at the new place.
    outer
        Whether the border of the service area may move.
    min_area_m2
        A part of a grid smaller than this is refused as a sliver.

    Raises
    ------
    PathNotBorder, OuterBorder, LineCrossesBorder, LineCrossesItself, Sliver, GridLocked
    """
    replacements = [Replacement(drawn_path(old), drawn_path(new)) for old, new in paths]
    if not any(set(edges_along(r.old)) ^ set(edges_along(r.new)) for r in replacements):
        raise BadLine("新界线与原界线相同, 没有改动。", "The new border is the same as the old one: nothing to change.")
    old_edges = {undirected(edge) for r in replacements for edge in edges_along(r.old)}
    left_right = [_sides_of(sheet, r.old, outer) for r in replacements]
    others = {undirected(edge) for leaf in sheet.leaves() for edge in leaf.border if undirected(edge) not in old_edges}
    moved_ends = {end for r in replacements for end in (r.old[0], r.old[-1]) if end not in (r.new[0], r.new[-1])}
    removed: dict[Key, list[Edge]] = defaultdict(list)
    added: dict[Key, list[Edge]] = defaultdict(list)
    for r, (left, right) in zip(replacements, left_right, strict=True):
        check_simple(r.new)
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
        raise vanishes(vanished)
    if moved_ends:
        _check_closed(borders)
    return checked(sheet, sheet.with_borders(borders), borders, min_area_m2)


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


def _proper_crossings(new: list[Edge], others: set[Edge]) -> dict[Point, Edge]:
    """Where new edges run across others, and the edge crossed; up to 20 places."""
    old = list(others)
    tree = shapely.STRtree(segments(old))
    found: dict[Point, Edge] = {}
    for i, j in tree.query(segments(new)).T.tolist():
        a, b = new[i], old[j]
        s1, s2, s3, s4 = _turn(a, b[:2]), _turn(a, b[2:]), _turn(b, a[:2]), _turn(b, a[2:])
        if s1 * s2 < 0 and s3 * s4 < 0:
            share = s1 / (s1 - s2)
            found[round(b[0] + share * (b[2] - b[0])), round(b[1] + share * (b[3] - b[1]))] = b
            if len(found) == 20:
                break
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

"""Redrawing a line of borders in one stroke, across the places where other borders end on it.

The stroke and the old line enclose land between them. What lay on one side of the old line and lies on the other side of the
stroke goes to the grids of that other side. A border that ends on the old line is so cut back by itself where the stroke lies
before it; where the stroke lies behind, it is prolonged through the land that changes hands, straight on, or turned as little
as it takes to reach the stroke. Each piece then belongs to the grid that is across the old line from it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count, pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely import Polygon

from gis.edit.between import LEFT, RIGHT, Between
from gis.edit.chain import Edge, edges_along, segments, turned, undirected
from gis.edit.cutting import give
from gis.edit.drawing import (
    MIN_AREA_M2,
    Path,
    draw,
    drawn_path,
    edges_of,
    face_chain,
    in_degrees,
)
from gis.edit.faults import (
    BadLine,
    BorderCannotFollow,
    FallsApart,
    LineCrossesBorder,
    OuterBorder,
    PathNotBorder,
    Point,
    places,
)
from gis.edit.sheet import Grid, Key, Sheet
from gis.lattice import to_lattice

TURNS = [math.radians(sign * step) for step in range(0, 180, 15) for sign in (1, -1)][1:]
"""By how much a border is turned where it is prolonged, tried in this order: straight on first."""
ALMOST = math.radians(5)
"""A border is not prolonged along the old line itself: between the two there would be a sliver."""
MAX_PIECES = 500
"""A hand that redraws a border crosses the old one a few times; a stroke that scribbles over it is a mistake, and slow."""

Beside = list[tuple[Key | None, Key | None]]
"""The leaves on the left and on the right of each edge of a line; None outside the service area."""


def redraw(sheet: Sheet, old: Path, new: Path, *, outer: bool = False, min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """Replace a line of borders by a stroke; the borders that end on it are cut back or prolonged to the stroke.

    Parameters
    ----------
    old
        Consecutive vertices of borders, past as many nodes as one likes.
    new
        The stroke, with the same ends.
    outer
        Whether the border of the service area may move.
    min_area_m2
        A part of a grid smaller than this is refused as a sliver.

    Raises
    ------
    PathNotBorder, OuterBorder, LineCrossesItself, LineCrossesBorder, BorderCannotFollow, WouldVanish, FallsApart, Sliver,
    GridLocked
    """
    line, stroke = drawn_path(old), drawn_path(new)
    if apart := [b for a, b in ((line[0], stroke[0]), (line[-1], stroke[-1])) if a != b]:
        raise PathNotBorder(
            "画出的线没有从原界线上开始, 或没有在原界线上结束 (见图上标出处)。请把两端画到原界线上。",
            "The line does not begin, or does not end, on the old border (see the map). Draw both ends on it.",
            where=places(apart),
        )
    _check_outer(line, beside(sheet, line), outer=outer)
    noded, (line, stroke) = draw(sheet, [line, stroke], sheet.grids)
    ends = _prolonged(noded, Between(line, stroke))
    prolonged: list[list[Point]] = []
    if ends:
        noded, (line, stroke, *prolonged) = draw(noded, [line, stroke, *ends], noded.grids)
    between = Between(line, stroke)
    pieces = _pieces(noded, between, prolonged)
    if not pieces:
        raise BadLine("新界线与原界线相同, 没有改动。", "The new border is the same as the old one: nothing to change.")
    if len(pieces) > MAX_PIECES:
        raise BadLine(
            f"画出的线来回穿过原界线太多次 (超过 {MAX_PIECES} 块)。请画得平顺一些, 或分段画。",
            f"The stroke crosses the old border too often (more than {MAX_PIECES} pieces). Draw it smoother, or in parts.",
        )
    _check_between(noded, between, pieces, outer=outer)
    after = give(noded, [(owner, face_chain(face), to) for owner, face, to in pieces], min_area_m2)
    _check_whole(noded, after)
    return after


def beside(sheet: Sheet, line: list[Point]) -> Beside:
    """The leaves beside each edge of a line.

    Raises
    ------
    PathNotBorder
        An edge is no border.
    """
    edges = edges_along(line)
    sides = [(_leaf_at(sheet, edge), _leaf_at(sheet, turned(edge))) for edge in edges]
    if gone := [edge for edge, (left, right) in zip(edges, sides, strict=True) if left == right]:
        raise PathNotBorder(
            "要改的界线已不存在 (见图上标出处), 可能刚被改动。请刷新后重画。",
            "The border to be changed is not there, or not any more (see the map). Reload and draw again.",
            where=places([], [(edge[:2], edge[2:]) for edge in gone[:20]]),
        )
    return sides


def _leaf_at(sheet: Sheet, edge: Edge) -> Key | None:
    return next((key for key in sheet.sides.get(edge, ()) if key not in sheet.children), None)


def _prolonged(sheet: Sheet, between: Between) -> list[list[Point]]:
    """For each border that ends on the old line with the stroke behind, the way from there to the stroke."""
    line = between.line
    corners = [
        (before, at, after, side)
        for before, at, after, (one, other) in zip(
            line, line[1:], line[2:], pairwise(beside(sheet, line)), strict=False
        )
        for side, ends_here in ((RIGHT, one[0] != other[0]), (LEFT, one[1] != other[1]))
        if ends_here and at not in between.stroke
    ]
    around = _around(sheet, {at for _before, at, _after, _side in corners})
    done: list[list[Point]] = []
    for before, at, after, side in corners:
        out, back = _angle(at, after), _angle(at, before)
        left = (back - out) % math.tau
        middle = out + left / 2 if side == LEFT else out - (math.tau - left) / 2
        if between.side((at[0] + 0.01 * math.cos(middle), at[1] + 0.01 * math.sin(middle))) != side:
            continue
        # Borders that end here come from the other side; where there are several, the middle of them.
        turns = [(_angle(at, end) - out) % math.tau for end in around[at] if end not in (before, after)]
        coming = [turn for turn in turns if (turn < left) == (side == RIGHT)]
        straight = out + sum(coming) / len(coming) + math.pi if coming else middle
        for angle in (*(straight + turn for turn in TURNS if _is_off(straight + turn, (out, back))), middle):
            hit = between.reach(at, angle)
            if hit is None or not hit[1]:
                continue
            way = [at, hit[0]]
            half = ((at[0] + hit[0][0]) / 2, (at[1] + hit[0][1]) / 2)
            if between.side(half) == side and not _meets(way, done):
                done.append(way)
                break
        else:
            raise _cannot_follow([at])
    return done


def _cannot_follow(spots: Sequence[Point]) -> BorderCannotFollow:
    return BorderCannotFollow(
        "在标出处与原界线相接的界线接不到新界线上。请让新界线在此处离原界线近一些, 或分两段重画。",
        "A border that ends on the old one at the place marked cannot be brought to the new line. Draw the new line nearer there, or"
        " redraw it in two pieces.",
        where=places(spots),
    )


def _pieces(
    sheet: Sheet, between: Between, prolonged: list[list[Point]]
) -> list[tuple[Key | None, Polygon, Key | None]]:
    """The land that changes hands: whose it is, the face in lattice units, whose it will be."""
    kept = edges_of([between.line]) & edges_of([between.stroke])
    across: dict[Edge, Key | None] = {}
    for edge, (left, right) in zip(edges_along(between.line), beside(sheet, between.line), strict=True):
        if undirected(edge) not in kept:
            across[edge], across[turned(edge)] = right, left
    # The land in sectors, one for each grid that gets some, then in faces, one for each that loses some.
    drawn = edges_of([between.line, between.stroke, *prolonged])
    sectors: list[Polygon] = []
    receivers: list[Key | None] = []
    for sector in _faces(drawn - kept):
        side = between.side(_inside(sector))
        if side == 0:
            continue
        of = {across[edge] for edge in face_chain(sector) if edge in across}
        if len(of) != 1 or side not in (LEFT, RIGHT):
            raise _cannot_follow([_on_lattice(_inside(sector))])
        sectors.append(sector)
        receivers.append(of.pop())
    if not sectors:
        return []
    low, high = between.ring[:, :2].min(axis=0), between.ring[:, :2].max(axis=0)
    borders = np.array([(leaf.key, *edge) for leaf in sheet.leaves() for edge in leaf.border])
    near = (np.maximum(borders[:, 1:3], borders[:, 3:]) >= low).all(axis=1)
    near &= (np.minimum(borders[:, 1:3], borders[:, 3:]) <= high).all(axis=1)
    leaves = [sheet.grids[key] for key in np.unique(borders[near, 0]).tolist()]
    faces = _faces(drawn | {undirected((a, b, c, d)) for _key, a, b, c, d in borders[near].tolist()})
    spots = shapely.points([_inside(face) for face in faces])
    owners = dict(_pairs(shapely.STRtree([leaf.geometry for leaf in leaves]), in_degrees(spots)))
    return [
        (owner, faces[index], receivers[sector])
        for index, sector in sorted(_pairs(shapely.STRtree(sectors), spots))
        if (owner := leaves[owners[index]].key if index in owners else None) != receivers[sector]
    ]


def _check_outer(line: list[Point], sides: Beside, *, outer: bool) -> None:
    if not outer and (edges := [edge for edge, keys in zip(edges_along(line), sides, strict=True) if None in keys]):
        raise OuterBorder(
            "这是服务区域的外边界, 一般由行政区划确定。确需改动时请确认。",
            "This is the border of the service area itself. Confirm if it really should move.",
            where=places([], [(edge[:2], edge[2:]) for edge in edges[:20]]),
        )


def _check_between(
    sheet: Sheet, between: Between, pieces: Iterable[tuple[Key | None, Polygon, Key | None]], *, outer: bool
) -> None:
    """Raise LineCrossesBorder where the stroke goes into grids that are on neither side of the old line.

    Sides are those of the lowest grid that holds the line: a border of two townships moves between these two, whatever villages
    they have, and a border of two grids in a village between these.
    """
    touching = {key for pair in beside(sheet, between.line) for key in pair}
    if None in touching and outer:
        return
    above = [sheet.ancestors(key)[::-1] for key in touching]
    depth = next(i for i in count() if len({keys[i] for keys in above}) > 1)
    at_home = {keys[depth] for keys in above}
    strangers: dict[Key | None, Polygon] = {}
    for owner, face, _to in pieces:
        keys = sheet.ancestors(owner)[::-1]
        if at_home.isdisjoint(keys):
            strangers.setdefault(keys[min(depth, len(keys) - 1)] if keys else None, face)
    if not strangers:
        return
    names = [str(sheet.grids[key]) for key in strangers if key is not None]
    home = sorted(str(sheet.grids[key]) for key in at_home)[:4]
    entered = {edge[:2] for key in strangers if key is not None for edge in sheet.grids[key].border}
    crossed = [point for point in between.stroke[1:-1] if point in entered] or [
        _on_lattice(_inside(face)) for face in strangers.values()
    ]
    entered_zh = f"进了“{'”“'.join(names[:4])}”" if names else "到了服务区域之外"
    raise LineCrossesBorder(
        f"新界线画{entered_zh} (见图上标出处)。这段界线只能在“{'”“'.join(home)}”之间移动, 请把线画在它们之内。",
        f"The new line goes into {', '.join(names[:4]) or 'land outside the service area'} (see the map). This border can move between"
        f" {' and '.join(home)} only: draw the line inside these.",
        where=places(crossed[:20]),
    )


def _check_whole(before: Sheet, after: Sheet) -> None:
    """Raise FallsApart for grids that have more parts than before."""
    apart = [
        grid
        for key, grid in after.grids.items()
        if grid.border != before.grids[key].border and len(grid.geometry.geoms) > len(before.grids[key].geometry.geoms)
    ]
    if apart:
        names = "、".join(map(str, apart[:4]))
        raise FallsApart(
            f"网格 {names} 会因此断成不相连的几块 (较小的一块见图上标出处)。请把线画在它的一侧, 或先移交这一块。",
            f"{names} would fall apart (the smaller piece is marked). Draw the line past one side of it, or transfer the piece first.",
            where=places([_on_lattice(_inside(in_lattice)) for in_lattice in map(_smallest, apart)]),
            grids=[grid.key for grid in apart],
        )


def _smallest(grid: Grid) -> Polygon:
    return shapely.transform(min(grid.geometry.geoms, key=lambda part: part.area), to_lattice)


def _around(sheet: Sheet, spots: set[Point]) -> dict[Point, list[Point]]:
    """The other ends of the borders that meet at each place."""
    result: dict[Point, set[Point]] = defaultdict(set)
    for edge in sheet.sides:
        for a, b in ((edge[:2], edge[2:]), (edge[2:], edge[:2])):
            if a in spots:
                result[a].add(b)
    return {spot: sorted(ends) for spot, ends in result.items()}


def _is_off(angle: float, others: Iterable[float]) -> bool:
    """Whether a direction is not almost that of another."""
    return all(math.cos(angle - other) < math.cos(ALMOST) for other in others)


def _angle(a: Point, b: Point) -> float:
    return math.atan2(b[1] - a[1], b[0] - a[0])


def _meets(way: list[Point], others: list[list[Point]]) -> bool:
    return bool(shapely.intersects(shapely.LineString(way), shapely.linestrings(others)).any()) if others else False


def _faces(edges: Iterable[Edge]) -> list[Polygon]:
    return list(shapely.get_parts(shapely.polygonize(segments(sorted(edges))))) if edges else []


def _inside(face: Polygon) -> tuple[float, float]:
    point = face.representative_point()
    return point.x, point.y


def _on_lattice(place: tuple[float, float]) -> Point:
    return round(place[0]), round(place[1])


def _pairs(tree: shapely.STRtree, spots: npt.NDArray[np.object_]) -> list[tuple[int, int]]:
    return [(i, j) for i, j in tree.query(spots, predicate="within").T.tolist()]

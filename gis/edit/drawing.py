"""What a planner draws, on the lattice: its nodes with the borders, the faces it cuts, and what is wrong with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from gis.edit.chain import (
    Chain,
    Edge,
    crossings,
    edges_along,
    lattice_path,
    undirected,
)
from gis.edit.faults import (
    BadLine,
    LineCrossesItself,
    Point,
    Sliver,
    TooManyVertices,
    WouldVanish,
    places,
)
from gis.edit.noding import Splits, node
from gis.edit.sheet import Grid, Key, Sheet
from gis.lattice import to_degrees
from gis.measure import area_m2

Path = Sequence[Sequence[float]]
"""Vertices in degrees."""

MAX_VERTICES = 20_000
MIN_AREA_M2 = 1.0
"""A piece smaller than this is a slip of the hand, where nothing else is said."""
DEGREES = 3
"""How far, in degrees, a drawing may lie from the sheet before its coordinates are taken for wrong."""


def drawn_path(path: Path) -> list[Point]:
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


def drawn_ring(ring: Path) -> list[Point]:
    """A drawn ring on the lattice, closed."""
    drawn = drawn_path(ring)
    if drawn[0] != drawn[-1]:
        drawn = [*drawn, drawn[0]]
    if len(drawn) < 4:
        raise BadLine("圈出的范围没有面积。请圈出一块范围。", "The ring encloses nothing. Draw round an area.")
    return drawn


def check_simple(path: list[Point]) -> None:
    closed = path[0] == path[-1]
    inner = path[:-1] if closed else path
    if len(set(inner)) < len(inner):
        raise _crosses_itself([point for point, times in Counter(inner).items() if times > 1])
    edges = edges_along(path)
    if len(edges) > 2 and not shapely.LineString(path).is_simple:
        raise _crosses_itself(crossings(edges))


def _crosses_itself(points: list[Point]) -> LineCrossesItself:
    return LineCrossesItself(
        f"画出的线与自身相交 (见图上 {len(points)} 处)。请重画不相交的线。",
        f"The line crosses itself in {len(points)} place(s), see the map. Draw one that does not.",
        where=places(points[:20]),
    )


def draw(sheet: Sheet, paths: list[list[Point]], keys: Iterable[Key]) -> tuple[Sheet, list[list[Point]]]:
    """Node lines with the borders of grids and with one another; the sheet and the lines with the nodes."""
    bounds = np.array([edge for key in keys for edge in sheet.grids[key].border]).reshape(-1, 2)
    leaves = {leaf.key for leaf in sheet.leaves()}
    concerned = [sheet.grids[key] for key in keys if key in leaves]
    lines: list[list[Point]] = []
    for path in paths:
        xy = np.array(path)
        if ((xy < bounds.min(axis=0) - DEGREES * 10**7) | (xy > bounds.max(axis=0) + DEGREES * 10**7)).any():
            raise BadLine(
                "画出的线远在方案之外, 坐标可能有误。请检查经纬度的先后和坐标系。",
                "The line lies far outside the plan. Check the order of longitude and latitude, and the datum.",
            )
        check_simple(path)
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
        noded, splits = node(path, near | edges_of(lines))
        sheet = sheet.with_nodes(splits)
        lines = [*(_with_nodes(line, splits) for line in lines), noded]
    return sheet, lines


def edges_of(lines: Iterable[list[Point]]) -> set[Edge]:
    """The undirected edges of lines."""
    return {undirected(edge) for line in lines for edge in edges_along(line)}


def _with_nodes(line: list[Point], splits: Splits) -> list[Point]:
    result = line[:1]
    for edge in edges_along(line):
        nodes = splits.get(undirected(edge), [])
        result += [*(nodes if undirected(edge) == edge else reversed(nodes)), edge[2:]]
    return result


def inside_of(cut: set[Edge], grid: Grid) -> set[Edge]:
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


def faces_of(grid: Grid, inside: set[Edge]) -> list[Polygon]:
    """The pieces, in lattice units, into which edges cut a grid."""
    edges = np.array([*({undirected(edge) for edge in grid.border} | inside)], dtype=np.float64)
    faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(edges.reshape(-1, 2, 2))))
    shape = grid.geometry
    shapely.prepare(shape)
    return [face for face in faces if shape.contains(in_degrees(face).representative_point())]


def loose_ends(inside: set[Edge], grid: Grid) -> list[Point]:
    """Where lines end inside a grid."""
    degree: dict[Point, int] = defaultdict(int)
    for edge in inside:
        degree[edge[:2]] += 1
        degree[edge[2:]] += 1
    border = {edge[:2] for edge in grid.border}
    return [point for point, n in degree.items() if n == 1 and point not in border][:20]


def face_chain(face: Polygon) -> Chain:
    """The border of a face in lattice units."""
    result: set[Edge] = set()
    oriented = shapely.orient_polygons(face)
    for ring in (oriented.exterior, *oriented.interiors):
        result.update(edges_along([(int(x), int(y)) for x, y in ring.coords]))
    return frozenset(result)


def in_degrees(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry, to_degrees)


def checked(before: Sheet, after: Sheet, keys: Iterable[Key], min_area_m2: float = MIN_AREA_M2) -> Sheet:
    """The sheet after, if the grids are polygons and no new slivers have come of them."""
    for key in keys:
        old = {part.wkb for part in before.grids[key].geometry.geoms}
        check_slivers([part for part in after.grids[key].geometry.geoms if part.wkb not in old], min_area_m2)
    return after


def check_slivers(parts: Sequence[Polygon], least: float) -> None:
    """Raise Sliver for polygons (degrees) smaller than any grid."""
    if len(parts) and (small := [part for part, m2 in zip(parts, area_m2(parts), strict=True) if m2 < least]):
        raise Sliver(
            f"会留下小于 {least:g} 平方米的碎块 (见图上标出处)。请把界线画得干净一些。",
            f"A piece smaller than {least:g} m² would be left (see the map). Draw the border more cleanly.",
            where=places([_point_in(part) for part in small[:20]]),
        )


def _point_in(part: BaseGeometry) -> Point:
    x, y = shapely.get_coordinates(shapely.point_on_surface(part))[0] * 1e7
    return round(x), round(y)


def vanishes(grids: Sequence[Grid]) -> WouldVanish:
    names = "、".join(map(str, grids))
    return WouldVanish(
        f"网格 {names} 会因此消失。要并入邻格请用“合并”, 要换上级请用“移交到另一上级”。",
        f"Nothing would be left of {names}. To join it to a neighbour use Merge; to move it whole, choose another parent.",
        where=places([_point_in(grid.geometry) for grid in grids]),
        grids=[grid.key for grid in grids],
    )


def apart_above(sheet: Sheet, one: Key | None, other: Key | None) -> tuple[list[Key], list[Key]]:
    """What stands above (and including) each of two grids, but not above both; None for what is outside the service area."""
    first, second = sheet.ancestors(one), sheet.ancestors(other)
    return [key for key in first if key not in second], [key for key in second if key not in first]

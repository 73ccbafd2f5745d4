"""Two versions of one coverage that depart from the same base, merged: exactly, or with the places where they clash.

Borders are chains (gis.edit.chain). A leaf that only one side has changed is taken from that side. That is exact: the leaves
that one edit has touched share out, afterwards, the same land as before, so that two edits of different leaves concern
different land. Only nodes are shared: where a new border ends on the border of an untouched neighbour, the neighbour gets
a vertex. All versions get all such vertices first, so that an untouched leaf is the same in all of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import shapely

from gis.edit.chain import Chain, Edge, add, chain_of, polygons_of, turned, undirected
from gis.lattice import STEP

Code = str
Version = Mapping[Code, "Unit"]
NODE_SLACK = 3
"""A vertex that lies no further from an edge, in lattice units, is a node on it."""


@dataclass(frozen=True)
class Unit:
    """A grid of a version. `facts` are compared and carried along whole; `is_leaf` says whether it has children."""

    code: Code
    parent: Code | None
    level: int
    border: Chain
    is_leaf: bool
    facts: tuple[object, ...] = ()


@dataclass(frozen=True)
class Clash:
    """Grids that both sides changed, each in its own way, with those that go along: one choice for all of them."""

    codes: frozenset[Code]
    both: frozenset[Code]


@dataclass(frozen=True)
class Merged:
    """What came of it.

    Attributes
    ----------
    units : the merged version; empty when there are clashes.
    clashes : what somebody has to choose between.
    recoded : codes of mine that were given anew, because theirs had given the same code to another new grid.
    mine, theirs : the codes of the leaves that each side changed.
    """

    units: Version
    clashes: list[Clash] = field(default_factory=list)
    recoded: Mapping[Code, Code] = field(default_factory=dict)
    mine: frozenset[Code] = frozenset()
    theirs: frozenset[Code] = frozenset()


def merge_versions(
    base: Version,
    mine: Version,
    theirs: Version,
    resolve: Mapping[Code, str] | None = None,
    *,
    may_overlap: bool = False,
) -> Merged:
    """Merge two versions of a coverage.

    Parameters
    ----------
    base
        What both depart from; all versions have the same root.
    resolve
        Code → "mine" or "theirs", for clashes known from a former try; one code of a clash speaks for all of it.
    may_overlap
        Whether siblings may overlap (ZG04): then what is above them is their union, not the sum of their borders.

    Returns
    -------
    Units with ancestors dissolved from their leaves, all vertices kept; or clashes.
    """
    choice = dict(resolve or {})
    mine, recoded = _recoded(base, mine, theirs)
    base, mine, theirs = _with_common_nodes(base, mine, theirs)
    groups_mine, groups_theirs = _groups(base, mine), _groups(base, theirs)
    united = _united([*groups_mine, *groups_theirs])
    all_mine = frozenset().union(*groups_mine)
    all_theirs = frozenset().union(*groups_theirs)
    clashes: list[Clash] = []
    taken: dict[Code, Unit | None] = {}
    for group in united:
        both = group & all_mine & all_theirs
        if not both or all(_same(mine.get(code), theirs.get(code)) for code in group):
            side = mine if group & all_mine else theirs
        else:
            # Not leaf by leaf: a leaf that is gone on both sides may have gone to different neighbours.
            said = {choice[code] for code in group if code in choice}
            if len(said) != 1:
                clashes.append(Clash(group, both))
                continue
            side = mine if said == {"mine"} else theirs
        taken |= {code: side.get(code) for code in group}
    if clashes:
        return Merged({}, clashes, recoded, all_mine, all_theirs)
    leaves = {code: unit for code, unit in base.items() if unit.is_leaf and code not in taken}
    leaves |= {code: unit for code, unit in taken.items() if unit is not None and unit.is_leaf}
    units, missing = _with_ancestors((base, mine, theirs), leaves, choice, may_overlap)
    if missing:
        return Merged({}, [Clash(missing, missing)], recoded, all_mine, all_theirs)
    return Merged(units, [], recoded, all_mine, all_theirs)


def _same(one: Unit | None, other: Unit | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.parent, one.level, one.border, one.facts, one.is_leaf) == (
        other.parent,
        other.level,
        other.border,
        other.facts,
        other.is_leaf,
    )


def _recoded(base: Version, mine: Version, theirs: Version) -> tuple[Version, dict[Code, Code]]:
    """Mine, with new codes for the new grids whose codes theirs has given to others."""
    doubled = sorted(
        code for code in mine.keys() & theirs.keys() if code not in base and not _same(mine[code], theirs[code])
    )
    # Nodes apart: the same split made by both is the same grid.
    doubled = [code for code in doubled if mine[code].border != theirs[code].border]
    used = base.keys() | mine.keys() | theirs.keys()
    recoded: dict[Code, Code] = {}
    for code in doubled:
        recoded[code] = _free_code(code, used | set(recoded.values()))
    if not recoded:
        return mine, {}
    renamed = {}
    for unit in mine.values():
        code = recoded.get(unit.code, unit.code)
        renamed[code] = replace(unit, code=code, parent=recoded.get(unit.parent or "", unit.parent))
    return renamed, recoded


def _free_code(code: Code, used: Iterable[Code]) -> Code:
    """The next number after all of the same length and beginning; a longer one when they are all given."""
    digits = 2 if len(code) > 15 else 3
    stem = code[:-digits]
    tails = [one[len(stem) :] for one in used if one.startswith(stem) and len(one) == len(code)]
    number = 1 + max((int(tail) for tail in tails if tail.isdigit()), default=0)
    fresh = f"{stem}{number:0{digits}}"
    known = set(used)
    while fresh in known:
        number += 1
        fresh = f"{stem}{number:0{digits}}"
    return fresh


def _with_common_nodes(*versions: Version) -> list[Version]:
    """The versions, with every edge of the first that another one has put nodes into noded alike in all."""
    edges = [{undirected(edge) for unit in version.values() for edge in unit.border} for version in versions]
    nodes: dict[Edge, set[tuple[int, int]]] = defaultdict(set)
    for version_edges in edges[1:]:
        beyond: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for edge in version_edges - edges[0]:
            beyond[edge[:2]].append(edge[2:])
            beyond[edge[2:]].append(edge[:2])
        for edge in edges[0] - version_edges:
            nodes[edge].update(_path_along(edge, beyond))
    refined = {edge: sorted(points, key=_along(edge)) for edge, points in nodes.items() if points}
    if not refined:
        return list(versions)
    return [_noded(version, refined) for version in versions]


def _path_along(edge: Edge, beyond: Mapping[tuple[int, int], list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """The inner vertices of the path that has taken the place of an edge without moving it; none if there is no such path."""
    end, along = edge[2:], _along(edge)
    at, done, path = edge[:2], 0.0, []
    while at != end:
        further = [(along(point), point) for point in beyond.get(at, ()) if _is_near(point, edge)]
        further = [(t, point) for t, point in further if t > done and (t < 1 or point == end)]
        if not further:
            return []
        done, at = min(further)
        path.append(at)
    return path[:-1]


def _along(edge: Edge) -> Callable[[tuple[int, int]], float]:
    ax, ay, bx, by = edge
    length = (bx - ax) ** 2 + (by - ay) ** 2
    return lambda point: ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / length


def _is_near(point: tuple[int, int], edge: Edge) -> bool:
    ax, ay, bx, by = edge
    length = math.hypot(bx - ax, by - ay)
    off = abs((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)) / length
    return off <= NODE_SLACK


def _noded(version: Version, refined: Mapping[Edge, list[tuple[int, int]]]) -> Version:
    """A version with the nodes put into whole edges, and into the pieces that it has of them."""
    pieces: dict[Edge, list[tuple[int, int]]] = {}
    for edge, points in refined.items():
        path = [edge[:2], *points, edge[2:]]
        for i in range(len(path)):
            for j in range(i + 2, len(path)):
                pieces[undirected((*path[i], *path[j]))] = (
                    path[i + 1 : j] if path[i] < path[j] else path[i + 1 : j][::-1]
                )
    result = {}
    for code, unit in version.items():
        border = set(unit.border)
        for edge in unit.border:
            key = undirected(edge)
            if key in pieces:
                path = [key[:2], *pieces[key], key[2:]]
                steps = [(*a, *b) for a, b in pairwise(path)]
                border.remove(edge)
                border.update(steps if key == edge else map(turned, steps))
        result[code] = replace(unit, border=frozenset(border))
    return result


def _groups(base: Version, side: Version) -> list[frozenset[Code]]:
    """The leaves that a side has changed, those together that have exchanged land: each group keeps its land."""
    before = {code: unit for code, unit in base.items() if unit.is_leaf}
    after = {code: unit for code, unit in side.items() if unit.is_leaf}
    changed = [code for code in before.keys() | after.keys() if not _same(before.get(code), after.get(code))]
    owner: dict[Edge, list[Code]] = defaultdict(list)
    for code in changed:
        old = before[code].border if code in before else frozenset()
        new = after[code].border if code in after else frozenset()
        for edge in old ^ new:
            owner[undirected(edge)].append(code)
    return _united([*(frozenset(codes) for codes in owner.values()), *(frozenset([code]) for code in changed)])


def _united(sets: Iterable[frozenset[Code]]) -> list[frozenset[Code]]:
    """Sets that have a member in common, joined."""
    root: dict[Code, Code] = {}

    def find(code: Code) -> Code:
        root.setdefault(code, code)
        while root[code] != code:
            root[code] = root[root[code]]
            code = root[code]
        return code

    for codes in sets:
        first, *others = sorted(codes)
        for code in others:
            root[find(code)] = find(first)
        find(first)
    joined: dict[Code, set[Code]] = defaultdict(set)
    for code in list(root):
        joined[find(code)].add(code)
    return [frozenset(joined[code]) for code in sorted(joined)]


def _with_ancestors(
    versions: tuple[Version, Version, Version],
    leaves: Mapping[Code, Unit],
    choice: Mapping[Code, str],
    may_overlap: bool,
) -> tuple[dict[Code, Unit], frozenset[Code]]:
    """The leaves and what is above them, dissolved; and the codes of those above that are missing or disputed."""
    base, mine, theirs = versions
    units, missing = dict(leaves), set()
    for level in range(max((unit.level for unit in leaves.values()), default=0), 0, -1):
        below: dict[Code, list[Unit]] = defaultdict(list)
        for unit in [each for each in units.values() if each.level == level]:
            below[unit.parent or ""].append(unit)
        for code, children in below.items():
            chosen = _three_way(base.get(code), mine.get(code), theirs.get(code), choice.get(code))
            if chosen is None or chosen.level != level - 1 or code in leaves:
                missing.add(code)
                continue
            known = [version[code].border for version in versions if code in version]
            border = _union(children, known) if may_overlap else add(*(child.border for child in children))
            units[code] = replace(chosen, border=border, is_leaf=False)
    return units, frozenset(missing)


def _union(children: Sequence[Unit], known: Iterable[Chain]) -> Chain:
    """The border of the union of grids: their sum where they do not overlap; else, if it is a known one, that one to the vertex."""
    shapes = [polygons_of(child.border) for child in children]
    union = shapely.union_all(shapes, grid_size=STEP)
    if sum(shape.area for shape in shapes) - union.area < STEP**2 / 2:
        return add(*(child.border for child in children))
    same = (border for border in known if shapely.equals(polygons_of(border), union))
    return next(same, None) or chain_of(union)


def _three_way(base: Unit | None, mine: Unit | None, theirs: Unit | None, said: str | None) -> Unit | None:
    """Facts and parent of an upper grid: of the side that changed them."""

    def about(unit: Unit | None) -> object:
        return unit and (unit.parent, unit.level, unit.facts)

    if about(mine) == about(base) or about(mine) == about(theirs):
        # What a side has taken away is still needed if the other has put leaves there.
        return theirs or None
    if about(theirs) == about(base):
        return mine
    return {"mine": mine, "theirs": theirs}.get(said or "")

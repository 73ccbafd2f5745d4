"""A planner who draws at random: operations of gis.edit on a sheet, most of them sensible, some not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
import shapely

from gis.coverage import is_exact_cover
from gis.edit import (
    Change,
    Grid,
    Key,
    Sheet,
    add_level,
    merge,
    redraw,
    remove_level,
    reparent,
    reshape,
    split,
    transfer,
)
from gis.edit.chain import add, chain_of
from gis.errors import JingtianError
from tests.gis.strategies import Tree

Rng = np.random.Generator
UNDO = 1 / 8
MOST_TRIES = 20


def sheet_of(tree: Tree) -> Sheet:
    """A tree of polygons as a sheet; keys count from the root."""
    grids: list[Grid] = []
    first = 0
    for level, (shapes, parents) in enumerate(zip(tree.geometries, tree.parents, strict=True)):
        above = first - len(tree.geometries[level - 1]) if level else 0
        grids += [
            Grid(first + i + 1, above + parent + 1 if level else None, level, chain_of(shape), name=f"{level}-{i}")
            for i, (shape, parent) in enumerate(zip(shapes, parents, strict=True))
        ]
        first += len(shapes)
    return Sheet.of(grids)


def assert_exact(sheet: Sheet, keys: set[Key] | None = None) -> None:
    """Children cover their parent exactly, everywhere (or below the parents of some grids), and every grid is a polygon."""
    for parent, children in sheet.children.items():
        if keys is None or parent in keys or not keys.isdisjoint(children):
            whole = add(*(sheet.grids[child].border for child in children), minus=sheet.grids[parent].border)
            assert not whole, f"{parent} is not covered by {children}"
    for grid in sheet.grids.values():
        if keys is None or grid.key in keys:
            assert grid.geometry.is_valid and chain_of(grid.geometry) == grid.border
        assert grid.parent is None or sheet.grids[grid.parent].level == grid.level - 1


def assert_exact_by_geometry(sheet: Sheet) -> None:
    """The same, asked of gis.coverage."""
    for parent, children in sheet.children.items():
        assert is_exact_cover([sheet.grids[child].geometry for child in children], sheet.grids[parent].geometry)


def play(sheet: Sheet, rng: Rng, steps: int) -> tuple[Sheet, list[Change], Counter[str]]:
    """So many random operations that were done, one in eight an undo, and among them others that were refused.

    Returns the sheet, the changes that stand, and how often each operation was done or refused.
    """
    changes: list[Change] = []
    tally: Counter[str] = Counter()
    done = 0
    for _ in range(MOST_TRIES * steps):
        if done == steps:
            break
        if changes and rng.random() < UNDO:
            change = changes.pop().inverse()
            sheet = change.on(sheet)
            name = "undo"
        else:
            operation = OPERATIONS[rng.integers(len(OPERATIONS))]
            try:
                after = operation(sheet, rng)
            except JingtianError as fault:
                tally[f"{operation.__name__} {fault.code}"] += 1
                continue
            change, sheet, name = Change.between(sheet, after), after, operation.__name__
            changes.append(change)
        assert_exact(sheet, change.keys)
        tally[name] += 1
        done += 1
    assert done == steps, tally
    return sheet, changes, tally


def random_reshape(sheet: Sheet, rng: Rng) -> Sheet:
    leaves = [leaf for leaf in sheet.leaves() if leaf.level]
    leaf = leaves[rng.integers(len(leaves))]
    edges = sorted(leaf.border)
    edge = edges[rng.integers(len(edges))]
    old = np.array([edge[:2], edge[2:]])
    shift = rng.normal(0, 0.3, size=2) * np.abs(old[1] - old[0]).max()
    middle = old.mean(axis=0) + shift
    new = np.array([old[0], middle.round(), old[1]])
    return reshape(sheet, [(old / 1e7, new / 1e7)], outer=bool(rng.integers(2)))


def random_redraw(sheet: Sheet, rng: Rng) -> Sheet:
    old, new = random_stroke(sheet, rng)
    return redraw(sheet, old, new, outer=bool(rng.integers(2)))


def random_stroke(sheet: Sheet, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """A line along borders, mostly the straightest way on at each node, and a stroke not far from it."""
    meeting: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for edge in sheet.sides:
        meeting[edge[:2]].add(edge[2:])
        meeting[edge[2:]].add(edge[:2])
    edges = sorted(sheet.sides)
    edge = edges[rng.integers(len(edges))]
    line = [edge[:2], edge[2:]]
    for _ in range(rng.integers(8)):
        (ax, ay), (bx, by) = line[-2:]
        onward = sorted(
            (end for end in meeting[bx, by] if end not in line),
            key=lambda end: -np.cos(np.arctan2(end[1] - by, end[0] - bx) - np.arctan2(by - ay, bx - ax)),
        )
        if not onward:
            break
        line.append(onward[0] if rng.random() < 0.8 else onward[rng.integers(len(onward))])
    old = np.array(line)
    count = rng.integers(1, 5)
    share = np.sort(rng.random(count))[:, None]
    along = old[-1] - old[0]
    inner = old[0] + along * share + rng.normal(0, 0.2, size=(count, 2)) * np.hypot(*along)
    return old / 1e7, np.vstack([old[0], inner.round(), old[-1]]) / 1e7


def random_node_move(sheet: Sheet, rng: Rng) -> Sheet:
    leaves = sheet.leaves()
    edge = sorted(leaves[rng.integers(len(leaves))].border)[0]
    point = edge[:2]
    ends = {tuple(e[2:]) for e in sheet.sides if e[:2] == point} | {tuple(e[:2]) for e in sheet.sides if e[2:] == point}
    to = tuple((np.array(point) + rng.integers(-200, 200, size=2)).tolist())
    paths = [(np.array([point, end]) / 1e7, np.array([to, end]) / 1e7) for end in sorted(ends) if end != to]
    return reshape(sheet, paths, outer=True)


def random_split(sheet: Sheet, rng: Rng) -> Sheet:
    keys = [key for key, grid in sheet.grids.items() if grid.level]
    key = keys[rng.integers(len(keys))]
    west, south, east, north = sheet.grids[key].geometry.bounds
    corner, size = np.array([west, south]), np.array([east - west, north - south])
    if rng.random() < 0.2:
        ring = corner + size * (0.3 + 0.4 * rng.random((3, 2)))
        return split(sheet, key, [[*ring.tolist(), ring[0].tolist()]])
    line = corner + size * (rng.random((rng.integers(2, 5), 2)) * 1.6 - 0.3)
    return split(sheet, key, [line.tolist()])


def random_merge(sheet: Sheet, rng: Rng) -> Sheet:
    parents = sorted(sheet.children)
    children = sheet.children[parents[rng.integers(len(parents))]]
    return merge(sheet, rng.choice(children, size=2).tolist())


def random_transfer(sheet: Sheet, rng: Rng) -> Sheet:
    leaves = sheet.leaves()
    receiver = leaves[rng.integers(len(leaves))]
    west, south, east, north = receiver.geometry.bounds
    corner, size = np.array([west, south]), np.array([east - west, north - south])
    middle = corner + size * rng.random(2)
    ring = middle + size * rng.normal(0, 0.3, size=(4, 2))
    return transfer(sheet, shapely.MultiPoint(ring).convex_hull.exterior.coords[:], receiver.key)


def random_reparent(sheet: Sheet, rng: Rng) -> Sheet:
    grids = [grid for grid in sheet.grids.values() if grid.level > 1]
    if not grids:
        return random_split(sheet, rng)
    grid = grids[rng.integers(len(grids))]
    above = [other.key for other in sheet.grids.values() if other.level == grid.level - 1]
    return reparent(sheet, grid.key, above[rng.integers(len(above))])


def random_level(sheet: Sheet, rng: Rng) -> Sheet:
    keys = sorted(sheet.grids)
    key = keys[rng.integers(len(keys))]
    if key in sheet.children:
        return remove_level(sheet, key) if sheet.grids[key].level else sheet
    return add_level(sheet, [key])


OPERATIONS: list[Callable[[Sheet, Rng], Sheet]] = [
    random_reshape,
    random_reshape,
    random_node_move,
    random_redraw,
    random_split,
    random_split,
    random_merge,
    random_transfer,
    random_reparent,
    random_level,
]

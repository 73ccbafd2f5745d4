"""A sheet: the grids that an edit can concern, on every level, as chains; and what an edit has changed in it.

A change is a difference of borders, not a copy of grids. So it has an inverse, and the inverse still fits after the same grids
were changed elsewhere on their borders: that is what undo needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from shapely import MultiPolygon

from gis.edit.chain import Chain, Edge, add, polygons_of, turned
from gis.edit.faults import GridLocked, Point, Superseded, places

Key = int
"""Names a grid: its id in the database; negative for one that the edit has made."""


@dataclass(frozen=True)
class Grid:
    """A grid of a sheet."""

    key: Key
    parent: Key | None
    level: int
    border: Chain
    code: str = ""
    name: str = ""
    locked: bool = False

    @cached_property
    def geometry(self) -> MultiPolygon:
        """Degrees, CGCS2000, on the lattice."""
        return polygons_of(self.border)

    def __str__(self) -> str:
        return f"{self.name} {self.code}".strip() or str(self.key)


@dataclass(frozen=True)
class Sheet:
    """Grids by key. Ancestors of every grid are there; so are all grids that share the borders which may change."""

    grids: Mapping[Key, Grid]

    @classmethod
    def of(cls, grids: Iterable[Grid]) -> Sheet:
        return cls({grid.key: grid for grid in grids})

    @cached_property
    def children(self) -> Mapping[Key, list[Key]]:
        """Keys of the children of each grid that has any."""
        result = defaultdict(list)
        for grid in self.grids.values():
            if grid.parent is not None:
                result[grid.parent].append(grid.key)
        return result

    @cached_property
    def sides(self) -> Mapping[Edge, list[Key]]:
        """The grids, of all levels, that have a directed edge in their border."""
        result = defaultdict(list)
        for grid in self.grids.values():
            for edge in grid.border:
                result[edge].append(grid.key)
        return result

    def ancestors(self, key: Key | None) -> list[Key]:
        """A grid and what is above it, up to the service area."""
        result = []
        while key is not None:
            result.append(key)
            key = self.grids[key].parent
        return result

    def descendants(self, key: Key) -> list[Key]:
        """A grid and all below it, those above first."""
        result = [key]
        for each in result:
            result += sorted(self.children.get(each, []))
        return result

    def leaves(self) -> list[Grid]:
        """Grids without children."""
        return [grid for grid in self.grids.values() if grid.key not in self.children]

    def with_grids(self, *changed: Grid, without: Iterable[Key] = ()) -> Sheet:
        """The sheet with grids put in or replaced, and others left out."""
        gone = set(without)
        grids = {key: grid for key, grid in self.grids.items() if key not in gone}
        return Sheet(grids | {grid.key: grid for grid in changed})

    def with_borders(self, borders: Mapping[Key, Chain]) -> Sheet:
        """The sheet with other borders; a locked grid's may not change."""
        changed = [replace(self.grids[key], border=border) for key, border in borders.items()]
        check_unlocked(self, [grid.key for grid in changed if grid.border != self.grids[grid.key].border])
        return self.with_grids(*changed)

    def with_nodes(self, splits: Mapping[Edge, list[Point]]) -> Sheet:
        """Nodes put into the borders of every grid, of every level, that shares them; locked ones too: nothing moves.

        Parameters
        ----------
        splits
            Undirected edge → nodes from its first end to its second.
        """
        changes: dict[Key, tuple[list[Edge], list[Edge]]] = {}
        for edge, nodes in splits.items():
            path = [edge[:2], *nodes, edge[2:]]
            forward = [(*a, *b) for a, b in pairwise(path)]
            backward = [turned(each) for each in forward]
            for old, new in ((edge, forward), (turned(edge), backward)):
                for key in self.sides.get(old, []):
                    gone, come = changes.setdefault(key, ([], []))
                    gone.append(old)
                    come.extend(new)
        if not changes:
            return self
        # A sum: where two edges of a sharp corner get the same node, nothing is left of the corner beyond it.
        return self.with_grids(
            *(
                replace(self.grids[key], border=add(self.grids[key].border, come, minus=gone))
                for key, (gone, come) in changes.items()
            )
        )

    def next_key(self) -> Key:
        """A key for a grid that is not in the database yet."""
        return min(0, *self.grids) - 1


def check_unlocked(sheet: Sheet, keys: Iterable[Key]) -> None:
    """Raise GridLocked if one of the grids is locked."""
    if locked := [sheet.grids[key] for key in keys if sheet.grids[key].locked]:
        names = "、".join(map(str, locked))
        raise GridLocked(
            f"网格 {names} 已锁定, 它的界线不能改动。请先解锁, 或把界线画在别处。",
            f"{names} is locked: its border cannot be changed. Unlock it first, or draw elsewhere.",
            where=places([next(iter(grid.border))[:2] for grid in locked]),
            grids=[grid.key for grid in locked],
        )


@dataclass(frozen=True)
class Change:
    """What an edit did to a sheet.

    Attributes
    ----------
    borders : key → (edges taken away, edges added).
    parents : key → (parent before, parent after).
    born, gone : grids made, and grids that are no more.
    """

    borders: Mapping[Key, tuple[Chain, Chain]] = field(default_factory=dict)
    parents: Mapping[Key, tuple[Key | None, Key | None]] = field(default_factory=dict)
    born: Mapping[Key, Grid] = field(default_factory=dict)
    gone: Mapping[Key, Grid] = field(default_factory=dict)

    @classmethod
    def between(cls, before: Sheet, after: Sheet) -> Change:
        """The difference of two sheets."""
        both = [
            (old, after.grids[key])
            for key, old in before.grids.items()
            if key in after.grids and after.grids[key] is not old
        ]
        return cls(
            {
                old.key: (old.border - new.border, new.border - old.border)
                for old, new in both
                if old.border != new.border
            },
            {old.key: (old.parent, new.parent) for old, new in both if old.parent != new.parent},
            {key: grid for key, grid in after.grids.items() if key not in before.grids},
            {key: grid for key, grid in before.grids.items() if key not in after.grids},
        )

    @property
    def keys(self) -> set[Key]:
        """All grids concerned."""
        return {*self.borders, *self.parents, *self.born, *self.gone}

    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(
            {key: (added, taken) for key, (taken, added) in self.borders.items()},
            {key: (after, before) for key, (before, after) in self.parents.items()},
            self.gone,
            self.born,
        )

    def on(self, sheet: Sheet) -> Sheet:
        """The sheet changed.

        Raises
        ------
        Superseded
            A border or a grid that it changes is no longer as it was.
        GridLocked
        LineCrossesBorder
            Its borders would now cross others.
        """
        stale = [key for key in (*self.borders, *self.parents, *self.gone) if key not in sheet.grids]
        stale += [
            key
            for key, (taken, _) in self.borders.items()
            if key in sheet.grids and not taken <= sheet.grids[key].border
        ]
        stale += [
            key for key, (parent, _) in self.parents.items() if key in sheet.grids and sheet.grids[key].parent != parent
        ]
        stale += [
            key
            for key, grid in self.gone.items()
            if key in sheet.grids
            and (sheet.grids[key].border != grid.border or not set(sheet.children.get(key, ())) <= self._leaving(key))
        ]
        stale += [key for key in self.born if key in sheet.grids]
        stale += [grid.parent for grid in self.born.values() if grid.parent not in {*sheet.grids, *self.born, None}]  # type: ignore[misc]
        if stale:
            known = [sheet.grids[key] for key in dict.fromkeys(stale) if key in sheet.grids]
            names = "、".join(map(str, known)) or "有关网格"
            raise Superseded(
                f"{names} 之后又有改动, 这一步不能单独撤销。请先撤销之后的步骤, 或直接修改界线。",
                f"{names} changed again afterwards, so this step cannot be taken back by itself. Undo the later steps first,"
                " or move the border.",
                where=places([next(iter(grid.border))[:2] for grid in known[:20]]),
                grids=[grid.key for grid in known],
            )
        moved = {key: (sheet.grids[key].border - taken) | added for key, (taken, added) in self.borders.items()}
        if any(taken & added for taken, added in self.borders.values()):
            raise AssertionError("a change takes away what it adds")
        check_unlocked(sheet, self.gone)
        result = sheet.with_borders({key: add(border) for key, border in moved.items()})
        result = result.with_grids(
            *(replace(result.grids[key], parent=parent) for key, (_, parent) in self.parents.items()),
            *self.born.values(),
            without=self.gone,
        )
        for key in (*self.borders, *self.born):
            _ = result.grids[key].geometry
        return result

    def _leaving(self, parent: Key) -> set[Key]:
        """Grids that leave a parent in this change."""
        return {*self.gone, *(key for key, (before, _) in self.parents.items() if before == parent)}

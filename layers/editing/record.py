"""A change as JSON, for the log: borders as flat lists of lattice integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain as flatten
from typing import Any

from gis.edit import Change, Grid, Key
from gis.edit.chain import Chain

FACTS = ("code", "bank_code", "name", "kind", "locked")


@dataclass(frozen=True)
class Step:
    """What a step did: to the sheet, to the facts of grids, and to the names of the levels.

    Attributes
    ----------
    made : facts of the grids that are born or gone (kind, bank_code, counts), by key.
    facts : key → field → (before, after).
    levels : names of the levels before and after, or None.
    """

    change: Change = field(default_factory=Change)
    made: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[Key, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)
    levels: tuple[list[str], list[str]] | None = None

    def inverse(self) -> Step:
        """The step that takes this one back."""
        return Step(
            self.change.inverse(),
            self.made,
            {key: {name: (new, old) for name, (old, new) in facts.items()} for key, facts in self.facts.items()},
            self.levels and (self.levels[1], self.levels[0]),
        )

    @property
    def keys(self) -> set[Key]:
        """All grids concerned."""
        return self.change.keys | set(self.facts)

    def to_json(self) -> dict[str, Any]:
        return {
            "borders": {str(key): [_flat(taken), _flat(added)] for key, (taken, added) in self.change.borders.items()},
            "parents": {str(key): list(pair) for key, pair in self.change.parents.items()},
            "born": [self._grid(grid) for grid in self.change.born.values()],
            "gone": [self._grid(grid) for grid in self.change.gone.values()],
            "facts": {
                str(key): {name: list(pair) for name, pair in facts.items()} for key, facts in self.facts.items()
            },
            "levels": self.levels and list(self.levels),
        }

    def _grid(self, grid: Grid) -> dict[str, Any]:
        return {
            "id": grid.key,
            "parent": grid.parent,
            "level": grid.level,
            "code": grid.code,
            "name": grid.name,
            "locked": grid.locked,
            "border": _flat(grid.border),
            **self.made[grid.key],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Step:
        both = [*data["born"], *data["gone"]]
        return cls(
            Change(
                {int(key): (_chain(taken), _chain(added)) for key, (taken, added) in data["borders"].items()},
                {int(key): (before, after) for key, (before, after) in data["parents"].items()},
                {item["id"]: _from(item) for item in data["born"]},
                {item["id"]: _from(item) for item in data["gone"]},
            ),
            {item["id"]: {name: item[name] for name in ("bank_code", "kind", "counts")} for item in both},
            {
                int(key): {name: (old, new) for name, (old, new) in facts.items()}
                for key, facts in data["facts"].items()
            },
            data["levels"] and (data["levels"][0], data["levels"][1]),
        )


def _flat(border: Chain) -> list[int]:
    return list(flatten.from_iterable(sorted(border)))


def _chain(flat: Iterable[int]) -> Chain:
    numbers = iter(flat)
    return frozenset(zip(numbers, numbers, numbers, numbers, strict=True))


def _from(item: Mapping[str, Any]) -> Grid:
    return Grid(
        item["id"], item["parent"], item["level"], _chain(item["border"]), item["code"], item["name"], item["locked"]
    )

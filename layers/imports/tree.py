"""What an import works on: files with how to read them, and the tree of grids that comes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.arrangement import dissolve
from gis.nesting import Level

Parents = Literal["prefix", "column", "files"]
Note = dict[str, str]
"""{"zh": …, "en": …}"""

MAX_LEVELS = 5
DEFAULT_GAP_WIDTH_M = 5.0


@dataclass(frozen=True)
class Source:
    """A file, and where in it things are; what is None is chosen by the names of the columns.

    Attributes
    ----------
    path : GeoJSON, TopoJSON, GeoPackage, zipped Shapefile, or .shp.
    name : how messages call the file; its own name if empty.
    code_field, name_field, parent_field, kind_field : columns.
    datum : where this file's differs from that of the others.
    layer, encoding : see `gis.reading.read_features`.
    """

    path: Path
    name: str = ""
    code_field: str | None = None
    name_field: str | None = None
    parent_field: str | None = None
    kind_field: str | None = None
    datum: str | None = None
    layer: str | None = None
    encoding: str | None = None

    @property
    def label(self) -> str:
        """The name to call it by."""
        return self.name or Path(self.path).name


@dataclass(frozen=True)
class Options:
    """How the files make a tree.

    Attributes
    ----------
    datum : of the coordinates: cgcs2000, wgs84, gcj02, bd09 or an EPSG code. Never guessed.
    parents : "prefix": a grid's parent is the one whose code its own begins with; "column": a column names it;
        "files": a file a level, from the top down. None: "files" for several files, "prefix" for one.
    area_code, area_name : of the service area. The first level is the service area if it is a single grid (with this
        code, if one is given); otherwise the service area is the union of the first level.
    level_names : from the service area down; derived from the codes where empty.
    gap_width_m : an enclosed gap at the rim of a derived service area is one if no wider circle fits in; others are lakes.
    """

    datum: str
    parents: Parents | None = None
    area_code: str | None = None
    area_name: str | None = None
    level_names: Sequence[str] = ()
    gap_width_m: float = DEFAULT_GAP_WIDTH_M


@dataclass(frozen=True, slots=True)
class Unit:
    """A grid to be; `geometry` in CGCS2000 degrees on the lattice, None only for a service area yet to be derived."""

    code: str
    name: str
    parent: str | None
    kind: str
    geometry: BaseGeometry | None
    bank_code: str = ""


@dataclass(frozen=True)
class Tree:
    """Levels of units from the service area (one unit) down; every parent is in the level above."""

    levels: tuple[tuple[Unit, ...], ...]
    level_names: tuple[str, ...]
    notes: tuple[Note, ...] = field(default=())

    @property
    def area(self) -> Unit:
        """The service area."""
        return self.levels[0][0]

    @property
    def is_area_derived(self) -> bool:
        """Whether the service area is still to be derived from the level below."""
        return self.area.geometry is None

    def nesting_levels(self) -> list[Level]:
        """The levels in the form that `gis.repair` takes."""
        result: list[Level] = []
        place: dict[str, int] = {}
        for units in self.levels:
            parents = [0 if unit.parent is None else place[unit.parent] for unit in units]
            shapes = [unit.geometry for unit in units if unit.geometry is not None]
            result.append(Level([unit.code for unit in units], parents, shapes or None))
            place = {unit.code: number for number, unit in enumerate(units)}
        return result

    def with_geometries(self, geometries: Sequence[Sequence[BaseGeometry]]) -> Tree:
        """The same units with other geometries, level by level."""
        levels = (
            tuple(replace(unit, geometry=shape) for unit, shape in zip(units, shapes, strict=True))
            for units, shapes in zip(self.levels, geometries, strict=True)
        )
        return replace(self, levels=tuple(levels))

    def with_area(self) -> Tree:
        """The tree with its service area: derived, if need be, as the union of an exact level."""
        if not self.is_area_derived:
            return self
        shapes = np.array([unit.geometry for unit in self.levels[1]], dtype=object)
        outline = dissolve(shapes, np.zeros(len(shapes), dtype=np.int64), 1)[0]
        return replace(self, levels=((replace(self.area, geometry=outline),), *self.levels[1:]))


def save_tree(tree: Tree, path: Path) -> None:
    """Write a tree to a file of our own, for `open_tree`."""
    levels = [
        [
            [
                u.code,
                u.name,
                u.parent,
                u.kind,
                u.bank_code,
                None if u.geometry is None else shapely.to_wkb(u.geometry, hex=True),
            ]
            for u in units
        ]
        for units in tree.levels
    ]
    content: dict[str, Any] = {"levels": levels, "level_names": tree.level_names, "notes": tree.notes}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def open_tree(path: Path) -> Tree:
    """The tree that `save_tree` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))
    levels = (
        tuple(
            Unit(code, name, parent, kind, None if wkb is None else shapely.from_wkb(wkb), bank_code)
            for code, name, parent, kind, bank_code, wkb in units
        )
        for units in content["levels"]
    )
    return Tree(tuple(levels), tuple(content["level_names"]), tuple(content["notes"]))

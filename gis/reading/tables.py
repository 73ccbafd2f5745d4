"""A table as it stands in a file: columns, rows of plain values, and the line that each row stands in."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from gis.lattice import FloatArray
from gis.reading.contents import note
from gis.reading.refusals import NotATable

Cell = str | int | float | bool | None

INVISIBLE = re.compile("[\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
"""Marks that change the direction of text or take no room: they come along with copied text, and two texts that look the same differ."""


NOWHERE = (math.nan, math.nan)


@dataclass
class Sheet:
    """A table.

    Attributes
    ----------
    rows
        Lists of cells; longer than `columns` where a line has cells beyond the heading.
    lines
        The line of a text file, the row of a workbook, or the place of a feature in its file; counted from 1.
    format
        "csv", "xlsx", "geojson", "gpkg" or "shp".
    xy, shapes
        Of files of points: positions in the file's coordinates (NaN where there is none) and types of geometry; else None.
    paths
        Where lines were asked for, too: the vertices of each line, None of what is none. Its position is its middle.
    """

    columns: list[str]
    rows: list[list[Cell]]
    lines: list[int]
    format: str
    notes: list[dict[str, str]] = field(default_factory=list)
    crs: str | None = None
    xy: FloatArray | None = None
    shapes: list[str] | None = None
    paths: list[list[list[float]] | None] | None = None

    def as_json(self) -> dict[str, Any]:
        """All but the positions."""
        names = ("columns", "rows", "lines", "format", "notes", "crs", "shapes", "paths")
        return {name: getattr(self, name) for name in names}


def headings(cells: Sequence[Cell]) -> tuple[list[str], list[dict[str, str]]]:
    """Names of columns, each different and none empty, and what was done for that."""
    names: list[str] = []
    renamed = []
    for number, cell in enumerate(cells, start=1):
        name = clean_text(str(cell if cell is not None else ""))
        wanted = name or f"#{number}"
        name, copy = wanted, 1
        while name in names:
            copy += 1
            name = f"{wanted} ({copy})"
        if copy > 1:
            renamed.append(name)
        names.append(name)
    if not renamed:
        return names, []
    shown = "、".join(name[:40] for name in renamed[:10])
    return names, [
        note(f"有同名的列，已改称 {shown}。", f"Columns of the same name are called {shown}."),
    ]


def clean_text(text: str) -> str:
    """Without what cannot be seen, in the composed form, without blanks at the ends."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text)).strip()


def trimmed(cells: Sequence[Cell]) -> list[Cell]:
    """Without the empty cells at the end."""
    end = len(cells)
    while end and (cells[end - 1] is None or cells[end - 1] == ""):
        end -= 1
    return list(cells[:end])


def middle_of(line: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Half-way along a line; nowhere where a vertex is nowhere, or where there is but one."""
    if len(line) < 2 or not np.isfinite(line).all():
        return NOWHERE
    spot = shapely.LineString(line).interpolate(0.5, normalized=True)
    return spot.x, spot.y


def no_rows() -> NotATable:
    return NotATable(
        "文件是空的，或只有表头。第一行应是列名，其后每行一个对象。",
        "The file is empty, or has a heading only. The first line names the columns; each line after it is one thing.",
    )

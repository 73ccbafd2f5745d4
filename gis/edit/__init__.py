"""Edits of an exact coverage that cannot break it: pure functions from sheet to sheet, on the lattice, all levels at once."""

from gis.edit.cutting import split, transfer
from gis.edit.joining import add_level, divide, merge, remove_level, reparent
from gis.edit.overlapping import extend, withdraw
from gis.edit.redrawing import redraw
from gis.edit.reshaping import reshape
from gis.edit.sheet import Change, Grid, Key, Sheet

__all__ = [
    "Change",
    "Grid",
    "Key",
    "Sheet",
    "add_level",
    "divide",
    "extend",
    "merge",
    "redraw",
    "remove_level",
    "reparent",
    "reshape",
    "split",
    "transfer",
    "withdraw",
]

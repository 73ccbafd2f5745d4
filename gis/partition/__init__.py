"""Dividing a grid into grids: units from streets and buildings, a balanced cut of their graph, and what it is worth."""

from __future__ import annotations

from gis.partition.choice import NoSuchCount, count_in_band
from gis.partition.cut import CannotDivide, Graph, cut, improve, take
from gis.partition.quality import Quality, quality_of
from gis.partition.units import Places, Units, units_of

__all__ = [
    "CannotDivide",
    "Graph",
    "NoSuchCount",
    "Places",
    "Quality",
    "Units",
    "count_in_band",
    "cut",
    "improve",
    "quality_of",
    "take",
    "units_of",
]

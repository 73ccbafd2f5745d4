"""Automatic partition: blocks between streets, cells of buildings inside big blocks, a balanced cut of their graph, its repair.

Exact by construction: the parts are unions of the faces of one arrangement on the lattice.
"""

from __future__ import annotations

from gis.partition.around import ServiceAreas, around
from gis.partition.cut import Cut, cut
from gis.partition.graph import UnitGraph
from gis.partition.ground import Ground, Load, TooFewUnits
from gis.partition.partition import (
    Partition,
    PartitionWish,
    Taken,
    count_for,
    numbering_key,
    partition,
    rebalance,
    take,
)

__all__ = [
    "Cut",
    "Ground",
    "Load",
    "Partition",
    "PartitionWish",
    "ServiceAreas",
    "Taken",
    "TooFewUnits",
    "UnitGraph",
    "around",
    "count_for",
    "cut",
    "numbering_key",
    "partition",
    "rebalance",
    "take",
]

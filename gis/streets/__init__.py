"""Streets as a network: the way along them between two clicks or to the nearest of many goals, and the street beside a border."""

from __future__ import annotations

from gis.streets.network import NoStreetNearby, StreetNetwork, StreetsNotConnected, Trace
from gis.streets.parallel import Aligned
from gis.streets.reach import Reach, reach

__all__ = ["Aligned", "NoStreetNearby", "Reach", "StreetNetwork", "StreetsNotConnected", "Trace", "reach"]

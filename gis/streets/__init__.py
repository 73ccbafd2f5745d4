"""Streets as a network: the way along them between two clicks, and the street beside a border."""

from __future__ import annotations

from gis.streets.network import NoStreetNearby, StreetNetwork, StreetsNotConnected, Trace
from gis.streets.parallel import Aligned

__all__ = ["Aligned", "NoStreetNearby", "StreetNetwork", "StreetsNotConnected", "Trace"]

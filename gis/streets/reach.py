"""How far it is by street from many places to the nearest of some goals: one search over the whole network, not one a pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis.lattice import FloatArray, IntArray, to_degrees, to_lattice
from gis.measure import segment_length_m
from gis.streets.network import StreetNetwork


class Reach(NamedTuple):
    """For each place, metres to its nearest goal by street, and which.

    Attributes
    ----------
    metres : (n,)
        The whole way: from the place straight to the street, along streets, and straight to the goal. Infinite where no
        street leads to a goal, or where the place is too far from every street.
    access_m : (n,)
        The part of it off the streets, at both ends; not a number where there is no way.
    goal : (n,)
        Number of the goal, or -1.
    is_off : (n,)
        Whether the place is too far from every street to say anything about it.
    """

    metres: FloatArray
    access_m: FloatArray
    goal: IntArray
    is_off: np.ndarray[tuple[int], np.dtype[np.bool_]]


class _Stops(NamedTuple):
    """Places moved to the nearest street: its edge, the metres off it, and from the edge's two ends."""

    edge: IntArray
    access_m: FloatArray
    from_start_m: FloatArray
    to_end_m: FloatArray


def reach(network: StreetNetwork, places: FloatArray, goals: FloatArray, *, within_m: float) -> Reach:
    """The way by street from each place to the nearest goal.

    Parameters
    ----------
    places, goals : (n, 2), (m, 2)
        Degrees.
    within_m
        How far from a street a place or a goal may be.
    """
    count = len(places)
    metres = np.full(count, np.inf)
    access = np.full(count, np.nan)
    nearest = np.full(count, -1, dtype=np.int64)
    if not count or not len(network.edges):
        return Reach(metres, access, nearest, np.ones(count, dtype=bool))
    start = _stops(network, places)
    is_off = start.access_m > within_m
    if not len(goals):
        return Reach(metres, access, nearest, is_off)
    end = _stops(network, goals)
    reachable = np.flatnonzero(end.access_m <= within_m)
    if not len(reachable):
        return Reach(metres, access, nearest, is_off)
    end = _Stops(end.edge[reachable], end.access_m[reachable], end.from_start_m[reachable], end.to_end_m[reachable])
    at_node, from_goal = _from_goals(network, end)
    for side, along in ((0, start.from_start_m), (1, start.to_end_m)):
        node = network.edges[start.edge, side]
        way = start.access_m + along + at_node[node]
        better = way < metres
        metres = np.where(better, way, metres)
        nearest = np.where(better, from_goal[node], nearest)
    # On the edge on which a goal is, the way does not go by the edge's ends.
    for number in range(len(reachable)):
        beside = np.flatnonzero(start.edge == end.edge[number])
        along = np.abs(start.from_start_m[beside] - end.from_start_m[number])
        way = start.access_m[beside] + along + end.access_m[number]
        better = way < metres[beside]
        metres[beside[better]] = way[better]
        nearest[beside[better]] = number
    found = np.isfinite(metres) & ~is_off
    metres[~found] = np.inf
    access[found] = start.access_m[found] + end.access_m[nearest[found]]
    goal = np.full(count, -1, dtype=np.int64)
    goal[found] = reachable[nearest[found]]
    return Reach(metres, access, goal, is_off)


def _stops(network: StreetNetwork, points: FloatArray) -> _Stops:
    edges, tree = network.travelled
    spots = shapely.points(network.frame.of(to_lattice(points)))
    _, found = tree.query_nearest(spots, all_matches=False)
    edge = edges[found]
    share = shapely.line_locate_point(tree.geometries[found], spots, normalized=True)
    ends = to_degrees(network.nodes)[network.edges[edge]]
    on_street = ends[:, 0] + share[:, None] * (ends[:, 1] - ends[:, 0])
    along = share * network.length_m[edge]
    return _Stops(edge, segment_length_m(np.hstack([points, on_street])), along, network.length_m[edge] - along)


def _from_goals(network: StreetNetwork, goals: _Stops) -> tuple[FloatArray, IntArray]:
    """Metres from each node to the nearest goal, infinite where there is none, and which.

    Goals become nodes of their own, joined to the ends of their edge; all are searched from at once.
    """
    nodes, number = len(network.nodes), len(goals.edge)
    own = nodes + np.arange(number)
    start = np.concatenate([network.edges[:, 0], own, own])
    end = np.concatenate([network.edges[:, 1], network.edges[goals.edge, 0], network.edges[goals.edge, 1]])
    # An explicit zero would be no edge at all.
    to_ends = np.concatenate([goals.from_start_m, goals.to_end_m]) + np.tile(goals.access_m, 2)
    length = np.maximum(np.concatenate([network.length_m, to_ends]), 1e-6)
    graph = csr_array((length, (start, end)), shape=(nodes + number, nodes + number))
    metres, _before, sources = dijkstra(graph, directed=False, indices=own, min_only=True, return_predecessors=True)
    return metres[:nodes], sources[:nodes].astype(np.int64) - nodes

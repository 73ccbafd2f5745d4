"""The street network and the shortest way along it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely import LineString

from gis.errors import JingtianError
from gis.lattice import FloatArray, IntArray, to_degrees, to_lattice
from gis.measure import segment_length_m
from gis.streets.frame import LocalMetres
from gis.streets.noding import node_lines
from gis.streets.parallel import Aligned, align

JOIN_M = 1.0
"""Lines whose ends come this near meet: survey and digitising leave such gaps at crossings."""
SNAP_M = 60.0
"""How far from a street a click may be."""
LEAST_SHARE = 0.01
"""A connected part of less than this share of all streets' length is a stray path: nobody sets out along it."""


class NoStreetNearby(JingtianError):
    """A click is too far from every street; `where` has those clicks, numbered."""

    code = "no_street_nearby"


class StreetsNotConnected(JingtianError):
    """No way leads along streets from one click to the next; `where` has the two."""

    code = "streets_not_connected"


class Trace(NamedTuple):
    """A way along streets: vertices in degrees on the lattice, shape (n, 2); metres; names in the order they come."""

    path: FloatArray
    length_m: float
    streets: list[str]


class Snapped(NamedTuple):
    """The nearest place of the network for each of some points: on the lattice, its edge, and how far it is in metres."""

    place: IntArray
    edge: IntArray
    distance_m: FloatArray


@dataclass(frozen=True)
class StreetNetwork:
    """Streets, divided at their crossings; see `StreetNetwork.of`.

    Attributes
    ----------
    nodes : (n, 2)
        Lattice integers; every vertex of a street is a node.
    edges : (m, 2)
        Straight pieces between nodes, by node numbers, the lower first, in order.
    street : (m,)
        Which of the lines given each edge is of.
    names
        Names of the lines given; "" for one that has none.
    """

    nodes: IntArray
    edges: IntArray
    street: IntArray
    names: tuple[str, ...]
    frame: LocalMetres

    @classmethod
    def of(
        cls, lines: Iterable[LineString], names: Iterable[str] | None = None, *, tolerance_m: float = JOIN_M
    ) -> StreetNetwork:
        """The network of lines in degrees.

        Parameters
        ----------
        names
            As many as lines; none when left out.
        tolerance_m
            A line that ends this near another is joined to it.
        """
        given = list(lines)
        array = np.empty(len(given), dtype=object)
        array[:] = given
        named = ("",) * len(given) if names is None else tuple(names)
        if len(named) != len(given):
            raise ValueError(f"{len(named)} names for {len(given)} lines")
        xy = shapely.get_coordinates(array)
        frame = LocalMetres.at(to_lattice(xy.mean(axis=0) if len(xy) else np.zeros(2)))
        return cls(*node_lines(array, frame, tolerance_m), named, frame)

    @cached_property
    def length_m(self) -> FloatArray:
        """Metres of each edge."""
        ends = to_degrees(self.nodes)[self.edges]
        return segment_length_m(ends.reshape(-1, 4))

    @cached_property
    def component(self) -> IntArray:
        """For each node, the number of the connected part it is in."""
        count = len(self.nodes)
        ones = np.ones(len(self.edges), dtype=np.int8)
        _, labels = connected_components(csr_array((ones, self.edges.T), shape=(count, count)), directed=False)
        return np.asarray(labels, dtype=np.int64)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The edges in metres of the frame."""
        return shapely.STRtree(shapely.linestrings(self.frame.of(self.nodes)[self.edges]))

    @cached_property
    def travelled(self) -> tuple[IntArray, shapely.STRtree]:
        """Edges of the parts of the network that are more than stray paths, and these alone as a tree."""
        part = self.component[self.edges[:, 0]]
        length = np.bincount(part, weights=self.length_m)
        edges = np.flatnonzero(length[part] >= LEAST_SHARE * length.sum())
        return edges, shapely.STRtree(self.tree.geometries[edges], node_capacity=4)

    def align(self, path: Sequence[Sequence[float]] | FloatArray, tolerance_m: float) -> Aligned:
        """The path moved onto the streets that run beside it within a tolerance; see `gis.streets.parallel.align`."""
        return align(self, np.asarray(path, dtype=np.float64), tolerance_m)

    def lines(self) -> npt.NDArray[np.object_]:
        """The edges as lines in degrees; shape (m,)."""
        return np.asarray(shapely.linestrings(to_degrees(self.nodes)[self.edges]), dtype=object)

    def snap(self, points: FloatArray) -> Snapped:
        """The nearest place on a street for each point in degrees, shape (n, 2). The network must not be empty."""
        spots = self._spots(points)
        _, edge = self.tree.query_nearest(spots, all_matches=False)
        return self._snapped(spots, edge)

    def snap_together(self, points: FloatArray, within_m: float) -> Snapped | None:
        """The nearest place for each point on streets that are connected with each other; None if there are none so near."""
        spots = self._spots(points)
        point, edge = self.tree.query(spots, predicate="dwithin", distance=within_m)
        part = self.component[self.edges[edge, 0]]
        distance = shapely.distance(spots[point], self.tree.geometries[edge])
        order = np.lexsort([distance, point, part])
        point, edge, part, distance = point[order], edge[order], part[order], distance[order]
        nearest = np.ones(len(point), dtype=bool)
        nearest[1:] = (point[1:] != point[:-1]) | (part[1:] != part[:-1])
        point, edge, part, distance = point[nearest], edge[nearest], part[nearest], distance[nearest]
        parts, of_part = np.unique(part, return_inverse=True)
        total = np.bincount(of_part, weights=distance, minlength=len(parts))
        total[np.bincount(of_part, minlength=len(parts)) < len(spots)] = np.inf
        if not np.isfinite(total).any():
            return None
        return self._snapped(spots, edge[of_part == total.argmin()])

    def _spots(self, points: FloatArray) -> npt.NDArray[np.object_]:
        return np.asarray(shapely.points(self.frame.of(to_lattice(points))), dtype=object)

    def _snapped(self, spots: npt.NDArray[np.object_], edge: IntArray) -> Snapped:
        shapes = self.tree.geometries[edge]
        places = shapely.line_interpolate_point(shapes, shapely.line_locate_point(shapes, spots))
        lattice = self.frame.to_lattice(shapely.get_coordinates(places))
        return Snapped(lattice, edge.astype(np.int64), shapely.distance(spots, shapes))

    def trace(self, points: Sequence[Sequence[float]] | FloatArray, *, within_m: float = SNAP_M) -> Trace:
        """The shortest way along streets from click to click, at least two, in degrees.

        The ends are the clicks moved to the nearest street; where these are one place, the path is that place twice. Where a click in between would make the way turn back on
        itself, that there-and-back is left out: a border does not go there.

        Raises
        ------
        NoStreetNearby
            When a click is farther than `within_m` from every street.
        StreetsNotConnected
            When no way leads from one click to the next.
        """
        clicks = np.asarray(points, dtype=np.float64)
        far = list(range(len(clicks)))
        if len(self.edges):
            snapped = self.snap(clicks)
            far = np.flatnonzero(snapped.distance_m > within_m).tolist()
        if far:
            raise NoStreetNearby(
                f"第 {'、'.join(str(i + 1) for i in far)} 个点 {within_m:g} 米内没有街道; 请点在街道上或其附近, 或改为手工绘制。",
                f"There is no street within {within_m:g} m of point {', '.join(str(i + 1) for i in far)}:"
                " click on or near a street, or draw by hand.",
                where=numbered_points(clicks, far),
            )
        if len(np.unique(self.component[self.edges[snapped.edge, 0]])) > 1:
            # A stray footpath may be nearer than the street that leads on.
            snapped = self.snap_together(clicks, within_m) or snapped
        joined = _Joined(self, snapped)
        way: list[int] = [joined.stops[0]]
        for i, (start, goal) in enumerate(itertools.pairwise(joined.stops)):
            stretch = joined.way(start, goal)
            if stretch is None:
                raise StreetsNotConnected(
                    f"第 {i + 1} 点与第 {i + 2} 点之间没有相连的街道; 请在中间加点, 或这一段改为手工绘制。",
                    f"No street leads from point {i + 1} to point {i + 2}: add points between, or draw this stretch by hand.",
                    where=numbered_points(clicks, [i, i + 1]),
                )
            way += stretch[1:]
        way = _without_spikes(way) if len(way) > 1 else way * 2
        path = to_degrees(joined.nodes[way])
        metres = float(segment_length_m(np.hstack([path[:-1], path[1:]])).sum())
        return Trace(path, metres, joined.names(way))


class _Joined:
    """A network with stops put into its edges."""

    def __init__(self, network: StreetNetwork, snapped: Snapped) -> None:
        self.network = network
        extra: list[tuple[int, int]] = []
        self.stops: list[int] = []
        added: dict[tuple[int, int], int] = {}
        street_of_extra: dict[tuple[int, int], int] = {}
        on_edge: dict[int, list[int]] = defaultdict(list)
        for place, edge in zip(snapped.place.tolist(), snapped.edge.tolist(), strict=True):
            ends = network.edges[edge].tolist()
            at_end = [node for node in ends if network.nodes[node].tolist() == place]
            node = at_end[0] if at_end else added.setdefault((place[0], place[1]), len(network.nodes) + len(added))
            self.stops.append(node)
            if not at_end:
                on_edge[edge].append(node)
        points = np.array(list(added), dtype=np.int64).reshape(-1, 2)
        self.nodes = np.concatenate([network.nodes, points])
        for edge, inside in on_edge.items():
            start, end = network.edges[edge].tolist()
            run = self.nodes[end] - self.nodes[start]
            chain = sorted(set(inside), key=lambda n: float(((self.nodes[n] - self.nodes[start]) * run).sum()))
            for pair in itertools.pairwise([start, *chain, end]):
                key = (min(pair), max(pair))
                extra.append(key)
                street_of_extra[key] = int(network.street[edge])
        more = np.array(sorted(set(extra)), dtype=np.int64).reshape(-1, 2)
        ends_of_more = to_degrees(self.nodes)[more].reshape(-1, 4)
        edges = np.concatenate([network.edges, more])
        length = np.concatenate([network.length_m, segment_length_m(ends_of_more)])
        both = np.concatenate([edges, edges[:, ::-1]])
        count = len(self.nodes)
        self.graph = csr_array((np.concatenate([length, length]), both.T), shape=(count, count))
        self.street_of_extra = street_of_extra

    def way(self, start: int, goal: int) -> list[int] | None:
        """Nodes of the shortest way, or None."""
        distance, before = dijkstra(self.graph, indices=start, return_predecessors=True)
        if not np.isfinite(distance[goal]):
            return None
        way = [goal]
        while way[-1] != start:
            way.append(int(before[way[-1]]))
        return way[::-1]

    def names(self, way: list[int]) -> list[str]:
        """Names of the streets along a way, each once in a row."""
        found: list[str] = []
        for a, b in itertools.pairwise(way):
            name = "" if a == b else self.network.names[self._street(min(a, b), max(a, b))]
            if name and name not in found:
                found.append(name)
        return found

    def _street(self, low: int, high: int) -> int:
        if (low, high) in self.street_of_extra:
            return self.street_of_extra[low, high]
        first, last = np.searchsorted(self.network.edges[:, 0], [low, low + 1])
        return int(self.network.street[first + np.searchsorted(self.network.edges[first:last, 1], high)])


def numbered_points(points: FloatArray, chosen: Iterable[int]) -> dict[str, Any]:
    """Some of the points as GeoJSON, with their numbers counted from 1."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": points[i].tolist()},
                "properties": {"number": i + 1},
            }
            for i in chosen
        ],
    }


def _without_spikes(way: list[int]) -> list[int]:
    """A way without the stretches that it goes there and straight back; as it is where nothing else would be left."""
    kept: list[int] = []
    for node in way:
        if kept and kept[-1] == node:
            continue
        if len(kept) > 1 and kept[-2] == node:
            kept.pop()
        else:
            kept.append(node)
    return kept if len(kept) > 1 else way

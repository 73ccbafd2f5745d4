"""Lines to nodes and edges: a node where lines cross or meet, also where one ends just short of another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gis.lattice import IntArray, to_lattice
from gis.streets.frame import LocalMetres


class Noded(NamedTuple):
    """Nodes (n, 2) on the lattice; edges (m, 2) as pairs of node numbers, the lower first, sorted; the line of each edge."""

    nodes: IntArray
    edges: IntArray
    line: IntArray


class _Segments(NamedTuple):
    start: IntArray
    end: IntArray
    line: IntArray

    def shapes(self, frame: LocalMetres) -> npt.NDArray[np.object_]:
        return np.asarray(shapely.linestrings(np.stack([frame.of(self.start), frame.of(self.end)], axis=1)))


class _Cuts(NamedTuple):
    """Points to be put into segments."""

    segment: IntArray
    point: IntArray


def node_lines(lines: npt.NDArray[np.object_], frame: LocalMetres, tolerance_m: float) -> Noded:
    """Divide lines, in degrees, where they cross, touch, or end within the tolerance of another line."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    vertices = to_lattice(xy)
    real = (line[:-1] == line[1:]) & (vertices[:-1] != vertices[1:]).any(axis=1)
    segments = _Segments(vertices[:-1][real], vertices[1:][real], line[:-1][real])
    if not len(segments.line):
        empty = np.empty((0, 2), dtype=np.int64)
        return Noded(empty, empty, np.empty(0, dtype=np.int64))
    shapes = segments.shapes(frame)
    tree = shapely.STRtree(shapes)
    crossings = _crossings(segments, shapes, tree, frame)
    is_end = np.ones(len(line), dtype=bool)
    is_end[1:-1] = (line[:-2] != line[1:-1]) | (line[2:] != line[1:-1])
    joints, links = _joints(segments, shapes, tree, frame, vertices[is_end], line[is_end], tolerance_m)
    pieces = _divided(segments, _Cuts(*map(np.concatenate, zip(crossings, joints, strict=True))))
    everything = _Segments(*map(np.concatenate, zip(pieces, links, strict=True)))
    return _numbered(everything)


def _crossings(
    segments: _Segments, shapes: npt.NDArray[np.object_], tree: shapely.STRtree, frame: LocalMetres
) -> _Cuts:
    first, second = tree.query(shapes, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    meet = np.zeros(len(first), dtype=bool)
    for a in (segments.start, segments.end):
        for b in (segments.start, segments.end):
            meet |= (a[first] == b[second]).all(axis=1)
    first, second = first[~meet], second[~meet]
    places, pair = shapely.get_coordinates(shapely.intersection(shapes[first], shapes[second]), return_index=True)
    points = frame.to_lattice(places)
    return _Cuts(np.concatenate([first[pair], second[pair]]), np.concatenate([points, points]))


def _joints(
    segments: _Segments,
    shapes: npt.NDArray[np.object_],
    tree: shapely.STRtree,
    frame: LocalMetres,
    ends: IntArray,
    line: IntArray,
    tolerance_m: float,
) -> tuple[_Cuts, _Segments]:
    """For each end of a line, the nearest place of every other line within the tolerance, and the link to it."""
    spots = shapely.points(frame.of(ends))
    end, segment = tree.query(spots, predicate="dwithin", distance=tolerance_m)
    other = line[end] != segments.line[segment]
    end, segment = end[other], segment[other]
    order = np.lexsort([shapely.distance(spots[end], shapes[segment]), segments.line[segment], end])
    end, segment = end[order], segment[order]
    nearest = np.ones(len(end), dtype=bool)
    nearest[1:] = (end[1:] != end[:-1]) | (segments.line[segment][1:] != segments.line[segment][:-1])
    end, segment = end[nearest], segment[nearest]
    along = shapely.line_locate_point(shapes[segment], spots[end])
    points = frame.to_lattice(shapely.get_coordinates(shapely.line_interpolate_point(shapes[segment], along)))
    # No splinter of an edge where a vertex is near enough.
    points = np.where((along <= tolerance_m)[:, None], segments.start[segment], points)
    left = shapely.length(shapes[segment]) - along
    points = np.where(((left <= tolerance_m) & (left < along))[:, None], segments.end[segment], points)
    apart = (points != ends[end]).any(axis=1)
    return _Cuts(segment, points), _Segments(ends[end][apart], points[apart], line[end][apart])


def _divided(segments: _Segments, cuts: _Cuts) -> _Segments:
    count = np.arange(len(segments.line))
    of = np.concatenate([count, cuts.segment, count])
    points = np.concatenate([segments.start, cuts.point, segments.end])
    run = (segments.end - segments.start)[of].astype(np.float64)
    along = ((points - segments.start[of]) * run).sum(axis=1) / (run**2).sum(axis=1)
    along[: len(count)], along[len(of) - len(count) :] = -np.inf, np.inf
    order = np.lexsort([along, of])
    of, points = of[order], points[order]
    real = (of[:-1] == of[1:]) & (points[:-1] != points[1:]).any(axis=1)
    return _Segments(points[:-1][real], points[1:][real], segments.line[of[:-1][real]])


def _numbered(segments: _Segments) -> Noded:
    nodes, number = np.unique(np.concatenate([segments.start, segments.end]), axis=0, return_inverse=True)
    pairs = np.sort(number.reshape(2, -1).T, axis=1)
    edges, first = np.unique(pairs, axis=0, return_index=True)
    return Noded(nodes, edges.astype(np.int64), segments.line[first])

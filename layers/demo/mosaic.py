"""Natural-looking nested divisions of an area, edge-matched by construction.

Everything is one planar set of arcs. Regions are divided level by level (a weighted Voronoi diagram inside each), all
straight lines of all regions are noded together on the integer lattice, and only then the inner arcs are bent. Every
unit of every level is chained from the same bent arcs, so neighbours and levels share their vertices exactly.

Lines are in steps (lattice integers counted from the area's south-west corner) unless said to be in metres.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from gis.lattice import STEP, to_degrees, to_lattice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vertex = tuple[int, int]
Edge = tuple[Vertex, Vertex]

METRES_A_STEP = 111_320 * STEP  # along a meridian, near enough for a made-up map
OUTSIDE = -1
SAMPLES_A_SITE = 60
ROUNDS = 25  # more make the parts rounder and more alike
CANDIDATES = 6
WAVE_LENGTHS = tuple(16_000 / 1.4**n for n in range(12))  # metres, down to 400
WAVES = 3  # in each length
HEIGHT = 0.03  # of the length
SPACING = 0.16  # of the square root of the smaller neighbour's area: about 30 vertices a ring


class NotDivisible(ValueError):
    """The area could not be divided into the pieces asked for; another seed may do."""


@dataclass(frozen=True)
class Frame:
    """Between degrees, steps, and the plane of metres in which shapes are judged."""

    origin: Ints
    metres: Floats

    @classmethod
    def of(cls, outline: Polygon) -> Frame:
        """Frame of an outline in degrees."""
        west, south, _, north = outline.bounds
        cosine = np.cos(np.radians((south + north) / 2))
        return cls(to_lattice([west, south]), METRES_A_STEP * np.array([cosine, 1.0]))

    def to_steps(self, degrees: Floats) -> Ints:
        return to_lattice(degrees) - self.origin

    def to_degrees(self, steps: Floats) -> Floats:
        return to_degrees(steps + self.origin)

    def to_plane(self, steps: Floats | Ints) -> Floats:
        return steps * self.metres

    def from_plane(self, plane: Floats) -> Floats:
        return plane / self.metres

    def area(self, steps: Polygon) -> float:
        """Square metres."""
        return float(steps.area * self.metres.prod())


@dataclass(frozen=True)
class Demand:
    """What a region is to be divided into: the share of each part, those of lower rank nearer to `heart`."""

    shares: Floats
    ranks: Floats
    heart: Floats


@dataclass(frozen=True)
class Arc:
    """A border between two nodes with one unit on its left and one (or the outside) on its right."""

    left: int
    right: int
    line: Ints


def divide(
    regions: Sequence[Polygon], demands: Sequence[Demand], frame: Frame, rng: np.random.Generator
) -> list[list[Polygon]]:
    """Divide every region into connected parts of about the shares asked for, edge-matched over all regions.

    Parameters
    ----------
    regions
        Edge-matched polygons.
    demands
        One for each region; the parts come back in the order of `Demand.shares`.

    Raises
    ------
    NotDivisible
        When a part comes out empty or in pieces.
    """
    diagrams = [_weighted_sites(r, d, frame, rng) for r, d in zip(regions, demands, strict=True)]
    borders = [
        shapely.intersection(region, shapely.multilinestrings(frame.from_plane(_power_borders(*diagram))))
        for region, diagram in zip(regions, diagrams, strict=True)
    ]
    # Snap rounding nodes a border's end into the line that it was cut at, in every region that shares the line.
    linework = shapely.unary_union([*(r.boundary for r in regions), *borders], grid_size=1)
    faces = list(shapely.orient_polygons(shapely.get_parts(shapely.polygonize([linework]))))
    inner = shapely.point_on_surface(faces)
    home = np.full(len(faces), OUTSIDE)
    points, found = shapely.STRtree(regions).query(inner, predicate="intersects")
    home[points] = found
    label = np.full(len(faces), OUTSIDE)
    first = np.concatenate([[0], np.cumsum([len(d.shares) for d in demands])])
    for region, (sites, weights) in enumerate(diagrams):
        mine = np.flatnonzero(home == region)
        at = frame.to_plane(shapely.get_coordinates(inner[mine]))
        label[mine] = first[region] + _nearest(at, sites, weights)
    _join_fragments(faces, home, label)
    parts = []
    for unit in range(first[-1]):
        part = shapely.coverage_union_all([faces[i] for i in np.flatnonzero(label == unit)])
        if part.is_empty or part.geom_type != "Polygon":
            raise NotDivisible(f"part {unit} of {first[-1]} came out as {part.geom_type}")
        parts.append(part)
    return [parts[a:b] for a, b in pairwise(first)]


def _weighted_sites(region: Polygon, demand: Demand, frame: Frame, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Sites and weights of a power diagram whose cells have about the shares asked for.

    Nocaj and Brandes, "Computing Voronoi Treemaps" (2012): move each site to the middle of its cell, then scale its
    weight by what its area lacks, never beyond its nearest neighbour, so that no cell gets lost.
    """
    count = len(demand.shares)
    samples = _samples(region, count * SAMPLES_A_SITE, frame, rng)
    shares = demand.shares / demand.shares.sum()
    sites = _first_sites(samples, shares, demand, frame, rng)
    weights = np.zeros(count)
    if count == 1:
        return sites, weights
    for _ in range(ROUNDS):
        owner = _nearest(samples, sites, weights)
        size = np.bincount(owner, minlength=count)
        middle = np.stack([np.bincount(owner, samples[:, axis], count) for axis in (0, 1)], axis=1)
        sites = np.where(size[:, None] > 0, middle / np.maximum(size, 1)[:, None], sites)
        apart = _distances2(sites, sites)
        np.fill_diagonal(apart, np.inf)
        reach = np.maximum(np.sqrt(weights), 0.05 * np.sqrt(apart.min(1)))
        lacking = np.clip(np.sqrt(shares * len(samples) / np.maximum(size, 1)), 0.8, 1.25)
        weights = np.minimum((reach * lacking) ** 2, 0.9 * apart.min(1))
    return sites, weights


def _samples(region: Polygon, count: int, frame: Frame, rng: np.random.Generator) -> Floats:
    """About `count` points spread evenly inside the region, in metres."""
    west, south, east, north = region.bounds
    step = np.sqrt(frame.area(region) / count) / frame.metres
    x, y = np.meshgrid(np.arange(west, east, step[0]), np.arange(south, north, step[1]))
    corners = np.stack([x.ravel(), y.ravel()], axis=1)
    points = corners + rng.random(corners.shape) * step
    shapely.prepare(region)
    return frame.to_plane(points[shapely.contains_xy(region, points)])


def _first_sites(samples: Floats, shares: Floats, demand: Demand, frame: Frame, rng: np.random.Generator) -> Floats:
    """A first site for each part: in rings round the heart in the order of ranks, away from the sites already there."""
    outwards = samples[np.argsort(_distances2(samples, frame.to_plane(demand.heart[None]))[:, 0])]
    order = np.lexsort((rng.random(len(shares)), demand.ranks))
    ends = np.maximum(np.round(np.cumsum(shares[order]) * len(outwards)).astype(int), 1)
    sites = np.full((len(shares), 2), np.inf)
    for part, start, end in zip(order, [0, *ends[:-1]], ends, strict=True):
        start = min(start, end - 1)
        candidates = outwards[rng.integers(start, end, CANDIDATES)] + rng.normal(0, 1.0, (CANDIDATES, 2))
        sites[part] = candidates[_distances2(candidates, sites).min(1).argmax()]
    return sites


def _distances2(points: Floats, sites: Floats) -> Floats:
    return np.asarray((points[:, :1] - sites[:, 0]) ** 2 + (points[:, 1:] - sites[:, 1]) ** 2)


def _nearest(points: Floats, sites: Floats, weights: Floats) -> Ints:
    return np.asarray((_distances2(points, sites) - weights).argmin(1))


def _power_borders(sites: Floats, weights: Floats) -> Floats:
    """The border segments of a power diagram, far ends cut at 1,000 km: shape (n, 2, 2), metres.

    The border of a pair is its radical line, less what any third site is nearer to. It is computed once, so that both
    cells get the same.
    """
    segments = []
    for i in range(len(sites)):
        for j in range(i + 1, len(sites)):
            across = sites[j] - sites[i]
            distance2 = across @ across
            foot = sites[i] + across * (0.5 + (weights[i] - weights[j]) / (2 * distance2))
            along = np.array([-across[1], across[0]]) / np.sqrt(distance2)
            # On the line, power(k) - power(i) = base + slope * t must not be negative.
            slope = -2 * (sites - sites[i]) @ along
            base = ((foot - sites) ** 2).sum(1) - weights - (((foot - sites[i]) ** 2).sum() - weights[i])
            others = np.ones(len(sites), dtype=bool)
            others[[i, j]] = False
            with np.errstate(divide="ignore", invalid="ignore"):
                cut = -base / slope
            start = max(cut[others & (slope > 0)], default=-1e6)
            end = min(cut[others & (slope < 0)], default=1e6)
            blocked = bool((base[others & (slope == 0)] < 0).any())
            if not blocked and end - start > 1e-3:
                segments.append((foot + along * max(start, -1e6), foot + along * min(end, 1e6)))
    return np.array(segments).reshape(-1, 2, 2)


def _join_fragments(faces: Sequence[Polygon], home: Ints, label: Ints) -> None:
    """Where a part came out in pieces, give all but its largest face to neighbours: the longest common border wins."""
    by_area = sorted((face for face in range(len(faces)) if home[face] != OUTSIDE), key=lambda face: -faces[face].area)
    largest: dict[int, int] = {}
    for face in by_area:
        largest.setdefault(int(label[face]), face)
    settled = set(largest.values())
    loose = [face for face in by_area if face not in settled]
    left_of = _left_of(faces)
    while loose:
        waiting = []
        for face in loose:
            shared: dict[int, float] = defaultdict(float)
            for a, b in _edges(faces[face]):
                other = left_of.get((b, a), OUTSIDE)
                if other in settled and home[other] == home[face]:
                    shared[other] += float(np.hypot(b[0] - a[0], b[1] - a[1]))
            if shared:
                label[face] = label[max(shared, key=lambda other: (shared[other], -other))]
                settled.add(face)
            else:
                waiting.append(face)
        if len(waiting) == len(loose):
            raise NotDivisible("a fragment has no neighbour in its region")
        loose = waiting


def _edges(polygon: Polygon) -> list[Edge]:
    """Directed edges of an oriented polygon, the inside on the left."""
    edges: list[Edge] = []
    for ring in (polygon.exterior, *polygon.interiors):
        vertices: list[Vertex] = [(int(x), int(y)) for x, y in shapely.get_coordinates(ring)]
        edges.extend(pairwise(vertices))
    return edges


def _left_of(polygons: Sequence[Polygon]) -> dict[Edge, int]:
    """The polygon on the left of each directed edge, where there is one."""
    return {edge: unit for unit, polygon in enumerate(polygons) for edge in _edges(polygon)}


def arcs_of(leaves: Sequence[Polygon]) -> list[Arc]:
    """The arcs between an edge-matched set of polygons, and between them and the outside."""
    left_of = _left_of(list(shapely.orient_polygons(list(leaves))))
    ways: dict[Vertex, set[Vertex]] = defaultdict(set)
    onward: dict[tuple[int, int], dict[Vertex, list[Vertex]]] = defaultdict(lambda: defaultdict(list))
    for (a, b), left in left_of.items():
        right = left_of.get((b, a), OUTSIDE)
        ways[a].add(b)
        ways[b].add(a)
        if left > right:
            onward[left, right][a].append(b)
    arcs = []
    for (left, right), following in sorted(onward.items()):
        nodes = [a for a in following if len(ways[a]) > 2]
        for start in [*nodes, *following]:  # after the nodes, what is left are closed rings
            while following[start]:
                line = [start, following[start].pop()]
                while len(ways[line[-1]]) == 2 and line[-1] != start:
                    line.append(following[line[-1]].pop())
                arcs.append(Arc(left, right, np.array(line, dtype=np.int64)))
    return arcs


def bend(
    arcs: Sequence[Arc], leaves: Sequence[Polygon], outline: Polygon, frame: Frame, rng: np.random.Generator
) -> list[Arc]:
    """Roughen the inner arcs; arcs on the outline stay as they are.

    All arcs go through one chain of waves, from kilometres down to fields. A wave moves every point of the plane; the
    moves of two points differ by less than the points do, so a wave cannot fold the plane, and it fades to nothing at
    the outline. What did not cross before cannot cross after. Where the straight pieces between vertices are too
    coarse for that to hold, the arcs are made finer.
    """
    waves = _waves(rng)
    border = shapely.transform(outline.boundary, frame.to_plane)
    size = np.sqrt([frame.area(leaf) for leaf in leaves])
    spacing = {i: SPACING * min(size[arc.left], size[arc.right]) for i, arc in enumerate(arcs) if arc.right != OUTSIDE}
    bent = list(arcs)
    coarse = list(spacing)
    for _ in range(6):
        lines = [shapely.LineString(frame.to_plane(arcs[i].line)) for i in coarse]
        fine = shapely.segmentize(lines, [spacing[i] for i in coarse])
        places, which = shapely.get_coordinates(fine, return_index=True)
        moved = np.round(frame.from_plane(_move(places, waves, border))).astype(np.int64)
        for n, i in enumerate(coarse):
            line = moved[which == n]
            bent[i] = Arc(arcs[i].left, arcs[i].right, line[np.r_[True, (np.diff(line, axis=0) != 0).any(1)]])
        crossed = {i for i, valid in enumerate(shapely.is_valid(rings(bent, np.arange(len(leaves))))) if not valid}
        coarse = [i for i in spacing if arcs[i].left in crossed or arcs[i].right in crossed]
        if not coarse:
            return bent
        for i in coarse:
            spacing[i] /= 2
    raise NotDivisible("borders cross after bending")


def _waves(rng: np.random.Generator) -> list[tuple[float, Floats, Floats, Floats]]:
    """For each length: itself, wave vectors, moves, phases.

    Steepness: WAVES * HEIGHT * 2 pi * 1.25 (the shortest of a length) + 2 * WAVES * HEIGHT (fading) = 0.89 < 1.
    """
    chain = []
    for length in WAVE_LENGTHS:
        towards, sideways = rng.uniform(0, 2 * np.pi, (2, WAVES))
        number = 2 * np.pi / length * rng.uniform(0.75, 1.25, WAVES)
        vectors = number[:, None] * np.stack([np.cos(towards), np.sin(towards)], axis=1)
        moves = HEIGHT * length * np.stack([np.cos(sideways), np.sin(sideways)], axis=1)
        chain.append((length, vectors, moves, rng.uniform(0, 2 * np.pi, WAVES)))
    return chain


def _move(places: Floats, waves: list[tuple[float, Floats, Floats, Floats]], border: shapely.Geometry) -> Floats:
    for length, vectors, moves, phases in waves:
        fading = np.clip(shapely.distance(shapely.points(places), border) / (length / 2), 0, 1)
        places = places + fading[:, None] * (np.sin(places @ vectors.T + phases) @ moves)
    return places


def rings(arcs: Sequence[Arc], unit_of: Ints) -> list[Polygon]:
    """The polygon of each unit, chained from arcs: those inside the unit are dropped, the rest joined end to end.

    Parameters
    ----------
    unit_of
        For each leaf, the unit that it belongs to.

    Raises
    ------
    NotDivisible
        When a unit is in pieces, touches itself at a node, or has a border that does not close.
    """
    onward: dict[int, dict[Vertex, Ints]] = defaultdict(dict)
    for arc in arcs:
        left = int(unit_of[arc.left])
        right = OUTSIDE if arc.right == OUTSIDE else int(unit_of[arc.right])
        if left == right:
            continue
        for unit, line in ((left, arc.line), (right, arc.line[::-1])):
            start = (int(line[0][0]), int(line[0][1]))
            if unit != OUTSIDE and onward[unit].setdefault(start, line) is not line:
                raise NotDivisible(f"unit {unit} touches itself at {start}")
    polygons = []
    for unit in range(int(unit_of.max()) + 1):
        following = onward[unit]
        chains = []
        while following:
            start = next(iter(following))
            line = following.pop(start)
            chain = [line]
            while (end := (int(line[-1][0]), int(line[-1][1]))) != start:
                if end not in following:
                    raise NotDivisible(f"the border of unit {unit} does not close at {end}")
                line = following.pop(end)
                chain.append(line[1:])
            chains.append(shapely.LinearRing(np.concatenate(chain)))
        shells = [ring for ring in chains if ring.is_ccw]
        if len(shells) != 1:
            raise NotDivisible(f"unit {unit} has {len(shells)} shells")
        polygons.append(Polygon(shells[0], [ring for ring in chains if not ring.is_ccw]))
    return polygons

"""Random exact coverages on the lattice: trees of two to four levels with holes, enclaves, exclaves and multiparts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from gis.arrangement import Frame, dissolve
from gis.lattice import IntArray, to_degrees, to_lattice

CORNER = Frame(to_lattice([112.9, 30.4]))


@dataclass(frozen=True)
class Tree:
    """Units per level, from the root down, and the parent of each; every level covers the one above exactly."""

    geometries: list[list[BaseGeometry]]
    parents: list[list[int]]

    def children(self, level: int, parent: int) -> list[BaseGeometry]:
        """The units of the next level that belong to a unit."""
        below = zip(self.geometries[level + 1], self.parents[level + 1], strict=True)
        return [geometry for geometry, of in below if of == parent]


def make_tree(seed: int, *, points: int = 30, units: int = 8, levels: int = 2, span: int = 5_000) -> Tree:
    """A tree grown from a triangulation of random lattice points, `span` steps wide."""
    rng = np.random.default_rng(seed)
    cloud = shapely.multipoints(rng.integers(0, span, size=(max(points, 4), 2)).astype(np.float64))
    triangles = shapely.get_parts(shapely.delaunay_triangles(cloud))
    triangles = triangles[shapely.area(triangles) > 0]
    # A few missing triangles make voids and notches in the service area.
    triangles = triangles[rng.random(len(triangles)) > 0.08 * rng.integers(0, 2)]
    middles = shapely.get_coordinates(shapely.centroid(triangles))
    seeds = middles[rng.integers(0, len(middles), size=units)]
    label = np.hypot(*(middles[:, None] - seeds[None]).transpose(2, 0, 1)).argmin(axis=1)
    # And a few strays make enclaves, exclaves, and parts that touch at a point.
    stray = rng.random(len(label)) < 0.15 * rng.integers(0, 2)
    label[stray] = rng.integers(0, units, size=stray.sum())
    label = _renumbered(label)

    geometries, parents = [], []
    for level in reversed(range(levels)):
        if level == 0:
            label = np.zeros(len(label), dtype=np.int64)
        count = int(label.max()) + 1
        above = _renumbered(rng.integers(0, max(2, count // 2), size=count)) if level > 1 else np.zeros(count, int)
        geometries.insert(0, list(CORNER.to_degrees(dissolve(triangles, label, count))))
        parents.insert(0, above.tolist())
        label = above[label]
    return Tree(geometries, parents)


def trees(levels: int = 2, *, span: int = 5_000) -> st.SearchStrategy[Tree]:
    """Random trees of a root and so many levels in all."""
    return st.builds(
        make_tree,
        st.integers(0, 2**32 - 1),
        points=st.integers(5, 60),
        units=st.integers(1, 14),
        levels=st.just(levels),
        span=st.just(span),
    )


def move_vertex(polygon: BaseGeometry, index: int, dx: int, dy: int) -> BaseGeometry:
    """The polygon with one of its vertices moved by lattice steps (its ring stays closed)."""
    xy = to_lattice(shapely.get_coordinates(polygon))
    at = (xy == xy[index % len(xy)]).all(axis=1)
    # Only this ring's vertex: another ring may touch it at the same point.
    _, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(polygon)), return_index=True)
    at &= ring == ring[index % len(xy)]
    xy[at] += (dx, dy)
    return shapely.set_coordinates(shapely.from_wkb(polygon.wkb), to_degrees(xy))


def box(x0: int, y0: int, x1: int, y1: int) -> BaseGeometry:
    """A rectangle in lattice steps from the corner, in degrees."""
    return polygon((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def polygon(*shell: tuple[int, int], holes: list[list[tuple[int, int]]] | None = None) -> BaseGeometry:
    """A polygon in lattice steps from the corner, in degrees."""
    return shapely.Polygon(at(shell), [at(hole) for hole in holes or []])


def at(points: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    """Points in lattice steps from the corner, in degrees."""
    return [tuple(xy) for xy in to_degrees(np.asarray(points) + CORNER.corner).tolist()]


def _renumbered(labels: IntArray) -> IntArray:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)

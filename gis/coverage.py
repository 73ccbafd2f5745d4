"""Where the grids of a plan do not cover their parent exactly: gaps, overlaps and what sticks out, each with its place.

The border sum says whether; this says where. The directed edges that do not cancel are the outline of the defects, so
only they are noded and polygonised. What is compared is the coverage on the lattice: coordinates that lie between
lattice points are first moved to the nearest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import GeometryCollection, MultiLineString, mapping
from shapely.geometry.base import BaseGeometry

from gis.arrangement import Arrangement, Frame, compact, dissolve
from gis.border import directed_edges, net_edges
from gis.lattice import STEP, IntArray, is_on_lattice, snap
from gis.measure import area_m2, is_narrow

Objects = npt.NDArray[np.object_]
Bools = npt.NDArray[np.bool_]

NEARBY = 0.5
"""In steps: what is less far away touches."""
THICKNESS = 1e-8
"""In steps: what is thinner comes from the rounding of doubles; the thinnest that real edges enclose is 1e-7."""


class DefectKind(StrEnum):
    """What is wrong at a place."""

    INVALID = "invalid"
    """无效: not a valid polygon."""
    GAP = "gap"
    """缺口: inside the parent, in no grid."""
    OVERLAP = "overlap"
    """重叠: in more than one grid."""
    OUTSIDE = "outside"
    """越界: in a grid, outside its parent."""
    UNMATCHED = "unmatched"
    """边界未对齐: a border with a vertex that one side lacks; no area is wrong."""


@dataclass(frozen=True)
class Defect:
    """One place where a coverage is not exact.

    Attributes
    ----------
    kind
    area_m2 : of the place, on the ellipsoid; 0 for borders that are not edge-matched.
    geometry : in degrees; polygons, or lines for UNMATCHED, or the INVALID polygon as it is (empty if not finite).
    grids : indices of the children concerned, ascending: those that overlap, that touch the gap, that stick out, that
        are invalid, that have the border. Empty for an INVALID parent.
    reason : for INVALID, what is invalid, in the words of GEOS.
    """

    kind: DefectKind
    area_m2: float
    geometry: BaseGeometry
    grids: tuple[int, ...]
    reason: str = ""


def is_exact_cover(children: Sequence[BaseGeometry], parent: BaseGeometry) -> bool:
    """Whether valid polygons on the lattice cover their parent with no gap and no overlap, edge-matched; O(n)."""
    everything = [*children, parent]
    if any(why_invalid(polygon) or not is_on_lattice(polygon) for polygon in everything):
        return False
    return len(net_edges(directed_edges(children).ends, directed_edges([parent]).ends)) == 0


def find_defects(
    children: Sequence[BaseGeometry], parent: BaseGeometry | None = None, *, narrow_gap_m: float = 20.0
) -> list[Defect]:
    """Everything that keeps children from covering their parent exactly; [] if and only if they do.

    Parameters
    ----------
    children, parent
        Polygons and MultiPolygons in degrees. Coordinates off the lattice count as at the nearest lattice point. An
        invalid polygon is reported and, in the rest, counts as what can be made of it.
    narrow_gap_m
        Without a parent only: the children themselves bound the service area, and a hole between them is a gap when no
        circle of more than this diameter fits into it. A wider one is taken for a lake.

    Returns
    -------
    Defects, by kind (in the order of DefectKind), largest first. Adjacent places with the same kind and the same grids
    are one defect. A place outside the parent that several grids cover is both an OUTSIDE and an OVERLAP.
    """
    invalid, usable = _usable(children)
    if parent is not None:
        invalid_parent, usable_parent = _usable([parent])
        if invalid_parent:
            invalid += [Defect(d.kind, d.area_m2, d.geometry, (), d.reason) for d in invalid_parent]
        parent = usable_parent[0]
    parent_ends = None if parent is None else directed_edges([parent]).ends
    net = net_edges(directed_edges(usable).ends, parent_ends)
    if not len(net):
        return invalid
    places = _Places.around(net, usable, parent)
    found = places.gaps(narrow_gap_m) + places.overlaps() + places.sticking_out()
    found += places.unmatched(beside=[defect.geometry for defect in found])
    order = list(DefectKind)
    return sorted(invalid + found, key=lambda defect: (order.index(defect.kind), -defect.area_m2, defect.grids))


def to_geojson(defects: Sequence[Defect], labels: Sequence[str]) -> dict[str, Any]:
    """A FeatureCollection (degrees, CGCS2000) of defects for the map, numbered from 1 in the order given.

    `labels` are the codes or names of the children, by index.
    """
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": number,
                "geometry": None if defect.geometry.is_empty else mapping(defect.geometry),
                "properties": {
                    "number": number,
                    "kind": defect.kind.value,
                    "area_m2": round(defect.area_m2, 4),
                    "grids": [labels[index] for index in defect.grids],
                    "reason": defect.reason,
                },
            }
            for number, defect in enumerate(defects, start=1)
        ],
    }


def polygons_of(geometry: BaseGeometry) -> BaseGeometry:
    """The valid polygons that can be made of a geometry; empty if there are none."""
    if not _in_degrees(geometry):
        return GeometryCollection()
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(valid))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def why_invalid(geometry: BaseGeometry) -> str:
    """What keeps a geometry from being a valid, finite, non-empty polygon; "" if nothing does."""
    if geometry.geom_type not in ("Polygon", "MultiPolygon"):
        return f"{geometry.geom_type} instead of Polygon"
    if geometry.is_empty:
        return "Empty"
    if not _in_degrees(geometry):
        return "Coordinate not finite, or not in degrees"
    return "" if geometry.is_valid else str(shapely.is_valid_reason(geometry))


def _in_degrees(geometry: BaseGeometry) -> bool:
    """Whether the coordinates are numbers of a size that degrees can have."""
    return bool((np.abs(shapely.get_coordinates(geometry)) <= 360).all())


def _usable(polygons: Sequence[BaseGeometry]) -> tuple[list[Defect], list[BaseGeometry]]:
    """The polygons on the lattice, made valid (or empty where that cannot be), and those that were not valid."""
    nothing = GeometryCollection()
    defects, usable = [], []
    for index, given in enumerate(polygons):
        in_degrees = _in_degrees(given)
        polygon = snap(given) if in_degrees else given
        reason = why_invalid(polygon)
        if reason:
            place = given if in_degrees else nothing
            polygon = snap(polygons_of(given))
            if why_invalid(polygon):
                polygon = nothing
            area = float(area_m2([polygon])[0])
            defects.append(Defect(DefectKind.INVALID, area, place, (index,), reason))
        usable.append(polygon)
    return defects, usable


@dataclass(frozen=True)
class _Places:
    """The faces between the edges that do not cancel; all geometries in steps.

    A border that cancels parts no faces, so the number of children over a face may change within it, and so may being
    inside the parent; but their difference, the `surplus`, does not: -1 is a gap, 0 is right, more is too much.
    """

    frame: Frame
    arrangement: Arrangement
    children: Objects
    tree: shapely.STRtree
    parent: BaseGeometry | None
    surplus: IntArray

    @classmethod
    def around(cls, net: IntArray, children: Sequence[BaseGeometry], parent: BaseGeometry | None) -> _Places:
        polygons = np.array([*children] if parent is None else [*children, parent], dtype=object)
        frame = Frame.around(polygons)
        in_steps = frame.to_steps(polygons)
        inner, outer = (in_steps, None) if parent is None else (in_steps[:-1], in_steps[-1])
        edges = (net.reshape(-1, 2) - frame.corner).astype(np.float64).reshape(-1, 2, 2)
        arrangement = Arrangement.of(shapely.linestrings(edges), snap_rounded=False)
        tree = shapely.STRtree(inner)
        return cls(frame, arrangement, inner, tree, outer, _surplus(arrangement, tree, outer))

    def gaps(self, narrow_gap_m: float) -> list[Defect]:
        """The places in no child: inside the parent, or else enclosed by children and narrow."""
        where = self.surplus == (0 if self.parent is None else -1)
        gaps = self._defects(DefectKind.GAP, self._regions(where.astype(np.int64), where))
        if self.parent is None:
            narrow = is_narrow([gap.geometry for gap in gaps], narrow_gap_m)
            gaps = [gap for gap, fits in zip(gaps, narrow, strict=True) if fits]
        return gaps

    def overlaps(self) -> list[Defect]:
        """The places in more than one child."""
        if self.parent is None:
            return self._defects(DefectKind.OVERLAP, self._by_children(self.surplus > 1))
        # Where the surplus is one, only what lies inside the parent is in two.
        twice = [shapely.intersection(place, self.parent) for place in self._by_children(self.surplus == 1)]
        return self._defects(DefectKind.OVERLAP, [*twice, *self._by_children(self.surplus > 1)])

    def sticking_out(self) -> list[Defect]:
        """The places in a child, but not in the parent."""
        if self.parent is None:
            return []
        out = [shapely.difference(place, self.parent) for place in self._by_children(self.surplus > 0)]
        return self._defects(DefectKind.OUTSIDE, out)

    def unmatched(self, beside: Sequence[BaseGeometry]) -> list[Defect]:
        """The edges that do not cancel although the surplus is the same on both sides.

        Those that run on from a defect `beside` them (in degrees) are a part of it: the edge that ends there is longer.
        """
        surplus = np.append(self.surplus, 0)
        same = surplus[self.arrangement.left] == surplus[self.arrangement.right]
        if not same.any():
            return []
        segments = shapely.linestrings(self.arrangement.segments[same].reshape(-1, 2, 2))
        lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(segments)))
        places = self.frame.to_degrees(lines)
        explained, _ = shapely.STRtree(beside).query(places, predicate="dwithin", distance=NEARBY * STEP)
        middles = shapely.line_interpolate_point(lines, 0.5, normalized=True)
        line, child = self.tree.query(middles, predicate="dwithin", distance=NEARBY)
        by_children: dict[tuple[int, ...], list[BaseGeometry]] = {}
        for index in np.setdiff1d(np.arange(len(lines)), explained):
            by_children.setdefault(tuple(np.sort(child[line == index]).tolist()), []).append(places[index])
        return [Defect(DefectKind.UNMATCHED, 0.0, MultiLineString(of), grids) for grids, of in by_children.items()]

    def _by_children(self, where: Bools) -> Objects:
        """The connected places in which the same children are concerned."""
        chosen = np.flatnonzero(where)
        covering = [self._covering(face) for face in self.arrangement.faces[chosen]]
        number = {children: n for n, children in enumerate(set(covering), start=1)}
        label = np.zeros(len(where), dtype=np.int64)
        label[chosen] = [number[children] for children in covering]
        return self._regions(label, where)

    def _regions(self, label: IntArray, where: Bools) -> Objects:
        """The connected places with the same label."""
        regions = self.arrangement.regions(label, outside=0)[:-1]
        return dissolve(self.arrangement.faces, *compact(regions, where))

    def _defects(self, kind: DefectKind, places: Sequence[BaseGeometry] | Objects) -> list[Defect]:
        concerned = self._touching if kind == DefectKind.GAP else self._covering
        some = [place for place in map(_without_noise, places) if not place.is_empty]
        in_degrees = self.frame.to_degrees(np.array(some, dtype=object))
        facts = zip(area_m2(in_degrees).tolist(), in_degrees, map(concerned, some), strict=True)
        return [Defect(kind, *fact) for fact in facts]

    def _touching(self, place: BaseGeometry) -> tuple[int, ...]:
        return tuple(np.sort(self.tree.query(place, predicate="dwithin", distance=NEARBY)).tolist())

    def _covering(self, place: BaseGeometry) -> tuple[int, ...]:
        near = np.sort(self.tree.query(place, predicate="intersects")).tolist()
        shared = shapely.intersection(self.children[near], place)
        return tuple(n for n, common in zip(near, shared, strict=True) if not _without_noise(common).is_empty)


def _surplus(arrangement: Arrangement, children: shapely.STRtree, parent: BaseGeometry | None) -> IntArray:
    """How many children cover each face, less one inside the parent."""

    def count(points: Objects, predicate: str) -> IntArray:
        covered = np.bincount(children.query(points, predicate=predicate)[0], minlength=len(points))
        if parent is None:
            return covered
        return covered - np.bincount(outer.query(points, predicate=predicate)[0], minlength=len(points))

    outer = shapely.STRtree([parent])
    faces, points = arrangement.faces, arrangement.points()
    # A border that cancels may run through the point; on the border between two children it is within neither.
    on_border = count(points, "within") != count(points, "intersects")
    points[on_border] = [_odd_point(face) for face in faces[on_border]]
    return count(points, "within")


def _odd_point(face: BaseGeometry) -> BaseGeometry:
    """A point inside a polygon, at no place where lines through lattice points would run."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(face))
    corners = shapely.get_coordinates(triangles[shapely.area(triangles).argmax()])[:3]
    return shapely.Point(np.array([np.pi / 10, np.e / 10, 1 - np.pi / 10 - np.e / 10]) @ corners)


def _without_noise(place: BaseGeometry) -> BaseGeometry:
    """The polygons of a place that are not mere rounding of where two lines cross."""
    parts = shapely.get_parts(place)
    real = shapely.area(parts) > THICKNESS * shapely.length(parts)
    return place if real.all() and len(parts) == 1 else shapely.multipolygons(parts[real])

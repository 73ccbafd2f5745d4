"""Topology: what is rebuilt from arcs is what went in; what does not match is refused with its place."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from gis.lattice import snap, to_degrees, to_lattice
from gis.topology import NotEdgeMatched, build_separately, build_topology, label_points, neighbours, to_topojson

DATA = Path(__file__).parents[3] / "shared" / "data"

Levels = Sequence[Sequence[BaseGeometry]]


def decode(topojson: dict[str, Any]) -> list[list[BaseGeometry]]:
    """Decode as topojson-client does, then round to the lattice as the page does."""
    scale, translate = (np.array(topojson["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.round((np.cumsum(arc, axis=0) * scale + translate) * 1e7) / 1e7 for arc in topojson["arcs"]]

    def ring(references: list[int]) -> np.ndarray:
        pieces = [arcs[r] if r >= 0 else arcs[~r][::-1] for r in references]
        for before, after in zip(pieces, pieces[1:] + pieces[:1], strict=True):
            assert (before[-1] == after[0]).all()
        return np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])

    def polygon(rings: list[list[int]]) -> Polygon:
        return Polygon(ring(rings[0]), [ring(hole) for hole in rings[1:]])

    return [
        [
            polygon(g["arcs"]) if g["type"] == "Polygon" else MultiPolygon([polygon(part) for part in g["arcs"]])
            for g in level["geometries"]
        ]
        for level in topojson["objects"].values()
    ]


def facts(levels: Levels) -> list[list[dict[str, Any]]]:
    return [[{"unit": i} for i in range(len(level))] for level in levels]


def names(levels: Levels) -> list[str]:
    return [f"level{i}" for i in range(len(levels))]


def assert_round_trip(levels: Levels) -> dict[str, Any]:
    topojson = json.loads(json.dumps(to_topojson(build_topology(levels), facts(levels), names(levels))))
    decoded = decode(topojson)
    assert [len(level) for level in decoded] == [len(level) for level in levels]
    for level, rebuilt in zip(levels, decoded, strict=True):
        for before, after in zip(level, rebuilt, strict=True):
            assert shapely.normalize(before).equals_exact(shapely.normalize(after), 0)
    return topojson


def b(x0: int, y0: int, x1: int, y1: int) -> Polygon:
    """A box in thousandths of a degree."""
    return box(*to_degrees([x0 * 10_000, y0 * 10_000, x1 * 10_000, y1 * 10_000]))


def mosaic(labels: np.ndarray, wobble: int) -> list[BaseGeometry]:
    """The polygons of equal labels on a grid of squares, whose vertices are shaken by less than half a square."""
    rng = np.random.default_rng(wobble)
    rows, columns = labels.shape
    nodes = np.stack(np.meshgrid(np.arange(columns + 1), np.arange(rows + 1)), axis=-1) * 10_000
    nodes = nodes + rng.integers(-3000, 3001, nodes.shape) + [1_129_000_000, 304_000_000]
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2).reshape(-1, 4, 2)
    squares = shapely.polygons(to_degrees(corners))
    return [shapely.coverage_union_all(squares[labels.ravel() == i]) for i in range(labels.max() + 1)]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_any_nested_mosaic_survives_the_round_trip(rows: int, columns: int, colours: int, seed: int) -> None:
    """Random labels make holes, enclaves, multiparts, parts that touch at a corner; four levels by merging labels."""
    rng = np.random.default_rng(seed)
    leaf = np.unique(rng.integers(0, colours * 4, (rows, columns)), return_inverse=True)[1].reshape(rows, columns)
    levels = [mosaic(leaf // divisor, seed) for divisor in (10**6, 4, 2, 1)]
    topojson = assert_round_trip(levels)
    edges = sum(len(arc) - 1 for arc in topojson["arcs"])
    unique = {tuple(sorted(map(tuple, e))) for g in levels[-1] for e in edges_of(g)}
    assert edges == len(unique)


def edges_of(geometry: BaseGeometry) -> list[Any]:
    rings = shapely.get_rings(shapely.get_parts(geometry))
    return [e for r in rings for e in np.hstack([r.coords[:-1], r.coords[1:]]).reshape(-1, 2, 2).tolist()]


@pytest.mark.parametrize("turn", range(4))
def test_an_enclave_is_one_closed_arc_shared_with_the_hole(turn: int) -> None:
    outer, inner = b(0, 0, 9, 9), b(3, 3, 6, 6)
    ring = shapely.difference(outer, inner)
    rolled = Polygon(np.roll(inner.exterior.coords[:-1], turn, axis=0))
    topology = build_topology([[outer], [ring, rolled]])
    assert len(topology.arcs) == 2
    assert_round_trip([[outer], [ring, rolled]])


def test_nested_enclaves_and_holes_that_touch_the_shell() -> None:
    outer = b(0, 0, 9, 9)
    diamond = snap(Polygon([(0, 0.0045), (0.003, 0.003), (0.006, 0.0045), (0.003, 0.006)]))
    outer = snap(Polygon([(0, 0), (0.009, 0), (0.009, 0.009), (0, 0.009), (0, 0.0045)]))
    middle = b(7, 7, 8, 8)
    rest = shapely.difference(outer, shapely.union(diamond, middle))
    assert shapely.get_num_interior_rings(rest) >= 1
    assert_round_trip([[outer], [rest, diamond, middle]])


def test_levels_need_not_be_equally_deep() -> None:
    left, right = b(0, 0, 4, 8), b(4, 0, 8, 8)
    left = Polygon([(0, 0), (0.004, 0), (0.004, 0.004), (0.004, 0.008), (0, 0.008), (0, 0.004)])
    right = Polygon([(0.004, 0), (0.008, 0), (0.008, 0.008), (0.004, 0.008), (0.004, 0.004)])
    low, high = b(0, 0, 4, 4), b(0, 4, 4, 8)
    county = shapely.coverage_union_all([left, right])
    assert_round_trip([[county], [left, right], [low, high]])


@pytest.mark.parametrize(
    "children",
    [
        [b(0, 0, 4, 8), b(4, 0, 8, 7)],
        [b(0, 0, 4, 8), b(3, 0, 8, 8)],
        [b(0, 0, 8, 8), b(0, 0, 8, 8)],
        [b(0, 0, 4, 8), b(4, 0, 8, 4), b(4, 4, 8, 8)],
        [
            Polygon(
                [(0, 0), (0.004, 0), (0.008, 0), (0.008, 0.004), (0.008, 0.008), (0.004, 0.008), (0, 0.008), (0, 0.004)]
            )
        ],
    ],
    ids=["gap", "overlap", "duplicate", "vertex missing on an inner border", "vertices missing on the parent"],
)
def test_levels_that_do_not_match_are_refused_with_the_place(children: list[Polygon]) -> None:
    parent = Polygon([(0, 0), (0.004, 0), (0.008, 0), (0.008, 0.008), (0.004, 0.008), (0, 0.008)])
    with pytest.raises(NotEdgeMatched) as refusal:
        build_topology([[parent], children])
    assert refusal.value.where is not None
    assert shapely.geometry.shape(refusal.value.where).length > 0
    assert refusal.value.details["levels"] == [0, 1]


def test_nothing_makes_an_empty_topology() -> None:
    topology = build_topology([[], []])
    assert topology.arcs == [] and topology.levels == [[], []]
    assert to_topojson(topology, [[], []], ["a", "b"])["arcs"] == []
    assert len(neighbours(topology, 0).pairs) == 0


def test_neighbours_share_border_and_not_just_a_corner() -> None:
    grids = [b(0, 0, 1, 1), b(1, 0, 2, 1), b(0, 1, 1, 2), b(1, 1, 2, 2)]
    pairs, metres = neighbours(build_topology([grids]), 0)
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]
    np.testing.assert_allclose(metres, [110.57, 111.32, 111.32, 110.57], atol=0.01)


def test_a_label_stands_inside_the_largest_part_far_from_the_border() -> None:
    ring = shapely.difference(b(0, 0, 100, 100), b(20, 20, 80, 90))
    two = shapely.union(b(200, 0, 201, 1), b(300, 0, 340, 40))
    at = label_points([ring, two])
    distances = shapely.distance(shapely.boundary([ring, two]), shapely.points(at))
    assert shapely.contains_xy([ring, two], at[:, 0], at[:, 1]).all()
    assert (distances > [0.0095, 0.0195]).all()


def test_real_governance_grids_are_small_on_the_wire() -> None:
    """西湖区: 605 grids as found (by themselves: their overlaps of 0.1 m² would not match another level)."""
    path = DATA / "xihu_demo_grids.geojson"
    if not path.exists():
        pytest.skip("xihu_demo_grids.geojson is not beside the repository")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    grids = [shapely.remove_repeated_points(snap(shapely.geometry.shape(f["geometry"]))) for f in features]
    topology = build_topology([grids])
    topojson = to_topojson(topology, [[f["properties"] for f in features]], ["grid"])
    rebuilt = decode(topojson)[0]
    assert all(shapely.normalize(a).equals_exact(shapely.normalize(c), 0) for a, c in zip(grids, rebuilt, strict=True))
    text = json.dumps(topojson, ensure_ascii=False, separators=(",", ":")).encode()
    size = len(gzip.compress(text, 6))
    print(f"605 grids: {len(topology.arcs)} arcs, {len(text)} bytes, {size} compressed")
    assert size < 250_000
    assert (to_lattice(label_points(grids)) > 0).all()


def test_real_levels_that_differ_are_refused() -> None:
    """The communities as found are another version than the grids."""
    levels = []
    for name in ("xihu_communities.geojson", "xihu_grids.geojson"):
        path = DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not beside the repository")
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        levels.append([snap(shapely.geometry.shape(f["geometry"])) for f in features])
    with pytest.raises(NotEdgeMatched, match="Repair"):
        build_topology(levels)


def test_a_broken_coverage_can_still_be_drawn() -> None:
    parent = box(113.0, 30.0, 113.002, 30.001)
    # A gap in the middle, and an overlap at its right end.
    children = [
        box(113.0, 30.0, 113.0009, 30.001),
        box(113.001, 30.0, 113.002, 30.001),
        box(113.0015, 30.0, 113.002, 30.001),
    ]
    with pytest.raises(NotEdgeMatched):
        build_topology([[parent], children])
    topology = build_separately([[parent], children])
    for geometries, units in zip(([parent], children), topology.levels, strict=True):
        for geometry, polygons in zip(geometries, units, strict=True):
            [[shell]] = polygons
            ring = np.vstack([topology.arcs[ref] if ref >= 0 else topology.arcs[~ref][::-1] for ref in shell])
            assert Polygon(ring / 1e7).equals(geometry)

"""Streets as a network: nodes where they meet, the way along them, borders moved onto them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString

from gis.lattice import is_on_lattice, to_degrees, to_lattice
from gis.measure import segment_length_m
from gis.streets import NoStreetNearby, StreetNetwork, StreetsNotConnected, reach
from tests.gis.shared_data import load

CORNER = np.array([1_130_000_000, 300_000_000])
STEP = 10_000
"""Lattice steps, some 100 m, between the streets of a town of squares."""


def at(x: float, y: float) -> tuple[float, float]:
    """A place in streets of 100 m: degrees."""
    lon, lat = to_degrees(CORNER + np.rint(np.array([x, y]) * STEP).astype(np.int64))
    return float(lon), float(lat)


def line(*places: tuple[float, float]) -> LineString:
    return LineString([at(*place) for place in places])


def town(size: int = 3) -> StreetNetwork:
    """Streets from west to east and from south to north that cross without sharing vertices."""
    lines = [line((-0.5, i), (size + 0.5, i)) for i in range(size + 1)]
    lines += [line((i, -0.5), (i, size + 0.5)) for i in range(size + 1)]
    return StreetNetwork.of(lines, [f"横{i}" for i in range(size + 1)] + [f"纵{i}" for i in range(size + 1)])


def metres(path: np.ndarray) -> float:
    return float(segment_length_m(np.hstack([path[:-1], path[1:]])).sum())


def random_town(seed: int, count: int = 12) -> StreetNetwork:
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        steps = rng.integers(-3 * STEP, 3 * STEP, (rng.integers(2, 6), 2))
        places = CORNER + np.cumsum(steps, axis=0)
        lines.append(LineString(to_degrees(places)))
    return StreetNetwork.of(lines)


def test_streets_that_cross_meet_in_a_node():
    network = StreetNetwork.of([line((0, 0), (2, 2)), line((0, 2), (2, 0))])
    assert len(network.nodes) == 5 and len(network.edges) == 4
    assert (CORNER + STEP).tolist() in network.nodes.tolist()


def test_a_street_that_ends_short_of_another_is_joined_within_the_tolerance():
    main, side = line((0, 0), (2, 0)), line((1, 0.006), (1, 1))  # 60 cm short
    assert StreetNetwork.of([main, side], tolerance_m=1).component.max() == 0
    assert StreetNetwork.of([main, side], tolerance_m=0.3).component.max() == 1


def test_a_street_given_twice_is_one():
    assert len(StreetNetwork.of([line((0, 0), (2, 0)), line((2, 0), (0, 0)), line((0.5, 0), (1, 0))]).edges) == 3


def test_a_street_of_no_length_is_no_street():
    network = StreetNetwork.of([line((1, 1), (1, 1))])
    with pytest.raises(NoStreetNearby):
        network.trace([at(1, 1), at(2, 1)])


def test_the_way_leads_round_the_corner_and_names_the_streets():
    way = town().trace([at(0.2, 0.05), at(3, 2.4)])
    assert way.path[0].tolist() == list(at(0.2, 0)) and way.path[-1].tolist() == list(at(3, 2.4))
    assert way.length_m == pytest.approx(metres(way.path)) and way.length_m == pytest.approx(
        2.8 * 95.8 + 2.4 * 110.8, rel=0.02
    )
    assert way.streets[0] == "横0" and way.streets[-1].startswith("纵")


def test_the_way_leads_by_every_click():
    way = town().trace([at(0, 0), at(0, 3), at(3, 3)])
    assert list(at(0, 3)) in way.path.tolist()
    assert way.streets == ["纵0", "横3"]


def test_a_click_in_a_dead_end_does_not_make_the_way_turn_back():
    way = town().trace([at(0, 1), at(1, 3.4), at(3, 1)])
    assert LineString(way.path).is_simple


def test_two_clicks_on_one_street_between_two_crossings():
    way = town().trace([at(0.3, 1), at(0.6, 1)])
    assert way.path.tolist() == [list(at(0.3, 1)), list(at(0.6, 1))] and way.streets == ["横1"]


def test_a_click_far_from_every_street_is_shown():
    with pytest.raises(NoStreetNearby) as caught:
        town().trace([at(0, 0), at(1.5, 30)])
    [feature] = caught.value.where["features"]
    assert feature["properties"]["number"] == 2 and feature["geometry"]["coordinates"] == list(at(1.5, 30))


def test_streets_without_a_way_between_them_are_shown():
    network = StreetNetwork.of([line((0, 0), (1, 0)), line((0, 5), (1, 5))])
    with pytest.raises(StreetsNotConnected) as caught:
        network.trace([at(0, 0), at(0, 5)])
    assert [feature["properties"]["number"] for feature in caught.value.where["features"]] == [1, 2]


def test_a_stray_path_nearer_than_the_street_does_not_break_the_way():
    network = StreetNetwork.of([line((0, 0), (5, 0)), line((1, 0.2), (1.2, 0.2)), line((0, 0.4), (0.2, 0.4))])
    way = network.trace([at(1.1, 0.15), at(4, 0.1)])
    assert way.path.tolist() == [list(at(1.1, 0)), list(at(4, 0))]


def test_two_clicks_in_one_place_are_a_way_of_no_length():
    way = town().trace([at(0.5, 1), at(0.5, 1)])
    assert way.path.tolist() == [list(at(0.5, 1))] * 2 and way.length_m == 0 and way.streets == []


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_a_way_runs_on_streets_and_is_as_long_in_both_directions(seed: int):
    network = random_town(seed)
    rng = np.random.default_rng(seed)
    clicks = to_degrees(network.nodes)[rng.integers(0, len(network.nodes), 2)] + rng.normal(0, 1e-4, (2, 2))
    try:
        way = network.trace(clicks, within_m=500)
    except StreetsNotConnected:
        with pytest.raises(StreetsNotConnected):
            network.trace(clicks[::-1], within_m=500)
        return
    back = network.trace(clicks[::-1], within_m=500)
    assert back.length_m == pytest.approx(way.length_m, abs=1e-6)
    assert way.length_m >= metres(way.path[[0, -1]]) - 1e-6
    on_streets = shapely.buffer(shapely.multilinestrings(network.lines()), 3e-7)
    assert on_streets.covers(LineString(way.path) if way.length_m else shapely.Point(way.path[0]))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(2, 60))
def test_an_aligned_path_keeps_its_ends_and_stays_simple(seed: int, tolerance_m: float):
    network = random_town(seed)
    rng = np.random.default_rng(seed + 1)
    clicks = to_degrees(network.nodes)[rng.integers(0, len(network.nodes), 2)]
    try:
        near = network.trace(clicks).path
    except StreetsNotConnected:
        near = clicks
    path = to_degrees(to_lattice(near + rng.normal(0, 5e-5, near.shape)))
    aligned = network.align(path, tolerance_m)
    assert aligned.path[0].tolist() == path[0].tolist() and aligned.path[-1].tolist() == path[-1].tolist()
    assert is_on_lattice(LineString(aligned.path)) and 0 <= aligned.share <= 1
    if LineString(path).is_simple:
        assert LineString(aligned.path).is_simple


def test_a_border_beside_a_street_is_moved_onto_it():
    path = np.array([at(0, 1), at(0.4, 1.1), at(1.2, 0.92), at(2.1, 1.08), at(3, 1)])
    aligned = town().align(path, 15)
    assert aligned.path[:, 1].tolist() == [at(0, 1)[1]] * len(aligned.path)
    assert aligned.share > 0.95 and 5 < aligned.moved_m < 15


def test_a_border_follows_the_street_round_a_corner():
    path = np.array([at(0.5, 1.05), at(1.95, 1.06), at(2.05, 2.5)])
    aligned = town().align(path, 15)
    assert list(at(2, 1)) in aligned.path.tolist()
    assert aligned.path[0].tolist() == list(at(0.5, 1.05)) and aligned.path[-1].tolist() == list(at(2.05, 2.5))


def test_a_street_that_only_crosses_moves_nothing():
    path = np.array([at(0.2, 0.5), at(2.8, 0.5)])
    aligned = town().align(path, 15)
    assert aligned.path.tolist() == path.tolist() and aligned.share == aligned.moved_m == 0


def test_where_no_street_is_near_the_border_stays():
    network = StreetNetwork.of([line((0, 0), (1, 0))])
    path = np.array([at(0, 0.05), at(0.5, 0.08), at(1, 0.05), at(1.5, 1), at(2, 2)])
    aligned = network.align(path, 15)
    assert list(at(1.5, 1)) in aligned.path.tolist()
    assert 0.1 < aligned.share < 0.6


def test_a_ring_of_streets_takes_a_closed_border():
    ring = np.array([at(1.05, 1.05), at(1.95, 1.04), at(1.96, 1.95), at(1.04, 1.96), at(1.05, 1.05)])
    aligned = town().align(ring, 15)
    assert aligned.path[0].tolist() == aligned.path[-1].tolist() == ring[0].tolist()
    assert aligned.share > 0.9 and LineString(aligned.path).is_simple


def test_no_streets_at_all():
    path = np.array([at(0, 0), at(1, 1)])
    assert StreetNetwork.of([]).align(path, 10).path.tolist() == path.tolist()
    with pytest.raises(NoStreetNearby):
        StreetNetwork.of([]).trace(path)


def test_the_streets_of_futian():
    lines, _ = load("shenzhen_futian_osm_roads")
    network = StreetNetwork.of(lines)
    sizes = np.bincount(network.component)
    assert sizes.max() / sizes.sum() > 0.99
    rng = np.random.default_rng(1)
    for start, goal in rng.integers(0, len(network.nodes), (20, 2)):
        way = network.trace(to_degrees(network.nodes[[start, goal]]))
        assert LineString(way.path).is_simple or start == goal


def places(*given: tuple[float, float]) -> np.ndarray:
    return np.array([at(*place) for place in given])


def test_by_street_it_is_farther_than_by_air_and_both_ends_are_walked():
    goals = places((0, 0.1), (3, 3))
    found = reach(town(), places((1.1, 1.2), (2.9, 3.05)), goals, within_m=50)
    way = metres(places((1.1, 1.2), (1, 1.2), (1, 1), (0, 1), (0, 0.1)))
    assert found.goal.tolist() == [0, 1] and found.metres[0] == pytest.approx(way, rel=1e-5)
    assert found.metres[0] > metres(places((1.1, 1.2), (0, 0.1)))
    assert found.metres[1] == pytest.approx(metres(places((2.9, 3.05), (2.9, 3), (3, 3))), rel=1e-6)
    assert found.access_m[1] == pytest.approx(metres(places((2.9, 3.05), (2.9, 3))), rel=1e-6)


def test_on_one_stretch_of_street_the_way_does_not_go_by_a_crossing():
    found = reach(town(), places((0.8, 0)), places((0.6, 0)), within_m=50)
    assert found.metres[0] == pytest.approx(metres(places((0.8, 0), (0.6, 0))), rel=1e-6)


def test_what_is_far_from_every_street_has_no_way_rather_than_a_wrong_one():
    found = reach(town(), places((1, 1), (9, 9)), places((0, 0)), within_m=50)
    assert found.is_off.tolist() == [False, True] and found.goal.tolist() == [0, -1]
    assert np.isinf(found.metres[1]) and np.isnan(found.access_m[1])
    no_goal = reach(town(), places((1, 1)), places((9, 9)), within_m=50)
    assert np.isinf(no_goal.metres[0]) and not no_goal.is_off[0]
    assert reach(StreetNetwork.of([]), places((1, 1)), places((0, 0)), within_m=50).is_off.all()


def test_nobody_sets_out_along_a_stray_path():
    network = StreetNetwork.of([line((0, 0), (60, 0)), line((30, 0.1), (30.2, 0.1))])
    found = reach(network, places((30.1, 0.12)), places((0, 0)), within_m=50)
    assert found.metres[0] == pytest.approx(metres(places((30.1, 0.12), (30.1, 0), (0, 0))), rel=1e-6)


def test_the_nearest_goal_in_futian_is_that_of_all_the_single_ways():
    lines, _ = load("shenzhen_futian_osm_roads")
    network = StreetNetwork.of(lines)
    rng = np.random.default_rng(2)
    on_main = np.flatnonzero(network.component == np.bincount(network.component).argmax())
    sites = to_degrees(network.nodes[rng.choice(on_main, 22, replace=False)])
    homes, goals = sites[:4], sites[4:]
    found = reach(network, homes, goals, within_m=1)
    for home, way, goal in zip(homes, found.metres, found.goal, strict=True):
        single = [network.trace(np.array([home, one])).length_m for one in goals]
        assert way == pytest.approx(min(single), abs=1e-3) and goal == int(np.argmin(single))

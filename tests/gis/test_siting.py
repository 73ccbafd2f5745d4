"""Choosing places: as good as trying all choices, on small cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.siting import NotEnoughCandidates, least_distance, most_covered, nearest_m

RADIUS = 3000.0


def place(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.round(rng.uniform((112.9, 30.4), (113.1, 30.6), (n, 2)), 7)


def covered(places: np.ndarray, weights: np.ndarray, sites: np.ndarray) -> float:
    return float(weights[nearest_m(places, sites) <= RADIUS].sum())


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 2))
def test_most_covered_is_the_best_of_all_choices(seed: int, k: int, existing: int) -> None:
    rng = np.random.default_rng(seed)
    places, sites, there = place(rng, 30), place(rng, 8), place(rng, existing)
    weights = rng.integers(0, 100, 30).astype(float)
    found = most_covered(places, weights, sites, there, k=k, radius_m=RADIUS)
    best = max(
        covered(places, weights, np.vstack([there, sites[list(choice)]]))
        for choice in itertools.combinations(range(8), k)
    )
    assert weights[found.after_m <= RADIUS].sum() == pytest.approx(best)
    assert len(found.chosen) <= k and found.gap < 1e-3
    assert (found.after_m <= found.before_m).all()


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 2))
def test_least_distance_is_the_best_of_all_choices(seed: int, k: int, existing: int) -> None:
    rng = np.random.default_rng(seed)
    places, sites, there = place(rng, 25), place(rng, 7), place(rng, existing)
    weights = rng.integers(1, 100, 25).astype(float)
    found = least_distance(places, weights, sites, there, k=k)
    best = min(
        (weights * nearest_m(places, np.vstack([there, sites[list(choice)]]))).sum()
        for choice in itertools.combinations(range(7), k)
    )
    assert (weights * found.after_m).sum() == pytest.approx(best, rel=1e-3)


def test_what_helps_nobody_is_not_chosen() -> None:
    places, sites = [[113.0, 30.5]], [[113.0, 30.5], [113.05, 30.5], [113.06, 30.5]]
    assert most_covered(places, [10], sites, np.empty((0, 2)), k=3, radius_m=500).chosen.tolist() == [0]


def test_more_than_there_are_candidates() -> None:
    with pytest.raises(NotEnoughCandidates):
        most_covered([[113, 30]], [1], [[113, 30]], np.empty((0, 2)), k=2, radius_m=500)

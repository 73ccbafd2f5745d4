"""Where to put the next ones: choose k of the candidate places so that they cover most, or lie nearest.

Exact mixed-integer models, solved by HiGHS (scipy.optimize.milp) within a time limit:
maximal covering location (Church & ReVelle 1974) and p-median (Hakimi 1964; ReVelle & Swain 1970).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, identity, vstack
from scipy.spatial import cKDTree

from gis.errors import JingtianError
from gis.lattice import FloatArray, IntArray
from gis.measure import segment_length_m

EARTH_M = 6_371_000.0
NEAREST = 40
"""Candidates that a place of demand may be given to in the p-median: it goes to a near one, so far ones only slow the model."""


class NotEnoughCandidates(JingtianError):
    """Fewer candidates than places to be chosen."""

    code = "not_enough_candidates"


class NoSolution(JingtianError):
    """Nothing was found within the time."""

    code = "no_solution"


@dataclass(frozen=True)
class Siting:
    """What was chosen, and what it does.

    Attributes
    ----------
    chosen
        Indices of candidates, ascending; shape (k,), or fewer where more would not help.
    before_m, after_m
        Metres from each place of demand to the nearest facility, without and with those chosen; inf where there is none.
    gap
        How far from the best the answer may be: 0 when proven optimal, else a share of the objective.
    """

    chosen: IntArray
    before_m: FloatArray
    after_m: FloatArray
    gap: float


def most_covered(
    demand: npt.ArrayLike,
    weights: npt.ArrayLike,
    candidates: npt.ArrayLike,
    existing: npt.ArrayLike,
    *,
    k: int,
    radius_m: float,
    seconds: float = 20,
) -> Siting:
    """Choose k candidates so that most weight lies within a radius of a facility (MCLP); what is covered already counts once.

    Parameters
    ----------
    demand, candidates, existing : (n, 2), (m, 2), (e, 2)
        Longitudes and latitudes, CGCS2000 degrees; `existing` may be empty.
    weights : (n,)
        Households, or whatever is to be served; not negative.
    radius_m
        Metres on the ellipsoid, as the crow flies.

    Raises
    ------
    NotEnoughCandidates, NoSolution
    """
    places, weight, sites, there = _arrays(demand, weights, candidates, existing)
    _check(k, len(sites))
    before = nearest_m(places, there)
    open_ = np.flatnonzero((before > radius_m) & (weight > 0))
    near, site = _pairs(places[open_], sites, radius_m)
    n, m = len(open_), len(sites)
    # x: candidate chosen (0/1); y: demand covered, at most the number of chosen candidates near it.
    reach = coo_array((np.ones(len(near)), (near, site)), shape=(n, m)).tocsr()
    covered_only_if_near = LinearConstraint(hstack([-reach, identity(n)]).tocsr(), -np.inf, 0)
    count = LinearConstraint(csr_array(np.r_[np.ones(m), np.zeros(n)][None, :]), 0, k)
    cost = np.r_[np.full(m, _tie_break(weight)), -weight[open_]]
    x, gap = _solve(cost, [covered_only_if_near, count], m, seconds)
    return _siting(places, sites, there, before, np.flatnonzero(x > 0.5), gap)


def least_distance(
    demand: npt.ArrayLike,
    weights: npt.ArrayLike,
    candidates: npt.ArrayLike,
    existing: npt.ArrayLike,
    *,
    k: int,
    seconds: float = 20,
) -> Siting:
    """Choose k candidates so that the sum of weight × distance to the nearest facility is least (p-median with fixed facilities).

    Parameters and errors as of `most_covered`.
    """
    places, weight, sites, there = _arrays(demand, weights, candidates, existing)
    _check(k, len(sites))
    before = nearest_m(places, there)
    served = np.flatnonzero(weight > 0)
    at_least = min(len(sites), NEAREST)
    _d, order = cKDTree(_cartesian(sites)).query(_cartesian(places[served]), k=at_least)
    order = np.asarray(order).reshape(len(served), at_least)
    row = np.repeat(np.arange(len(served)), at_least)
    site = order.ravel()
    metres = segment_length_m(np.hstack([places[served][row], sites[site]]))
    # A candidate that is no nearer than what is there changes nothing.
    helps = metres < before[served][row]
    row, site, metres = row[helps], site[helps], metres[helps]
    n, m, a = len(served), len(sites), len(row)
    stays = before[served]
    # Where nothing is there yet, going without costs more than any way that exists.
    stays = np.where(np.isfinite(stays), stays, 10 * (metres.max(initial=1.0) + 1))
    # x: candidate chosen; z: demand given to a candidate; s: demand stays with what is there.
    each_once = hstack([csr_array((n, m)), coo_array((np.ones(a), (row, np.arange(a))), shape=(n, a)), identity(n)])
    only_chosen = hstack([coo_array((-np.ones(a), (np.arange(a), site)), shape=(a, m)), identity(a), csr_array((a, n))])
    count = csr_array(np.r_[np.ones(m), np.zeros(a + n)][None, :])
    rules = LinearConstraint(
        vstack([each_once, only_chosen, count]).tocsr(),
        np.r_[np.ones(n), np.full(a, -np.inf), 0],
        np.r_[np.ones(n), np.zeros(a), k],
    )
    total = weight[served]
    cost = np.r_[np.full(m, _tie_break(total)), total[row] * metres, total * stays]
    x, gap = _solve(cost, [rules], m, seconds)
    return _siting(places, sites, there, before, np.flatnonzero(x > 0.5), gap)


def nearest_m(places: FloatArray, facilities: FloatArray) -> FloatArray:
    """Metres from each place to the nearest facility, shape (n,); inf where there are none. Exact to 1e-6 within 20 km."""
    return nearest(places, facilities)[1]


def nearest(places: FloatArray, facilities: FloatArray) -> tuple[IntArray, FloatArray]:
    """Which facility is nearest to each place, and how far it is, as `nearest_m` says; -1 where there are none."""
    if not len(facilities):
        return np.full(len(places), -1, dtype=np.int64), np.full(len(places), np.inf)
    _d, index = cKDTree(_cartesian(facilities)).query(_cartesian(places))
    index = np.asarray(index, dtype=np.int64)
    return index, segment_length_m(np.hstack([places, facilities[index]]))


def _solve(cost: FloatArray, rules: list[LinearConstraint], chosen: int, seconds: float) -> tuple[FloatArray, float]:
    """Minimise; the first `chosen` variables are 0 or 1, the others between them."""
    integral = np.r_[np.ones(chosen), np.zeros(len(cost) - chosen)]
    found = milp(cost, constraints=rules, integrality=integral, bounds=Bounds(0, 1), options={"time_limit": seconds})
    if found.x is None:
        raise NoSolution(
            "在限定时间内没有找到方案。请减少候选地点, 或缩小范围。",
            "Nothing was found within the time. Give fewer candidates, or a smaller area.",
        )
    return np.asarray(found.x[:chosen]), float(found.mip_gap or 0)


def _siting(
    places: FloatArray, sites: FloatArray, there: FloatArray, before: FloatArray, chosen: IntArray, gap: float
) -> Siting:
    after = np.minimum(before, nearest_m(places, sites[chosen]))
    return Siting(chosen.astype(np.int64), before, after, gap)


def _pairs(places: FloatArray, sites: FloatArray, radius_m: float) -> tuple[IntArray, IntArray]:
    """Which place has which site within the radius."""
    # The sphere is within 0.6 % of the ellipsoid here; the exact length decides.
    found = cKDTree(_cartesian(places)).sparse_distance_matrix(
        cKDTree(_cartesian(sites)), radius_m * 1.01, output_type="coo_matrix"
    )
    metres = segment_length_m(np.hstack([places[found.row], sites[found.col]]))
    return found.row[metres <= radius_m], found.col[metres <= radius_m]


def _cartesian(lonlat: FloatArray) -> FloatArray:
    lon, lat = np.radians(lonlat).T
    return EARTH_M * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _tie_break(weights: FloatArray) -> float:
    """A cost for each choice that never outweighs the smallest gain: nothing is chosen that does not help."""
    positive = weights[weights > 0]
    return float(positive.min() * 1e-6) if len(positive) else 1e-6


def _arrays(*values: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    demand, weights, candidates, existing = (np.asarray(value, dtype=np.float64) for value in values)
    return demand.reshape(-1, 2), weights.ravel(), candidates.reshape(-1, 2), existing.reshape(-1, 2)


def _check(k: int, candidates: int) -> None:
    if not 1 <= k <= candidates:
        raise NotEnoughCandidates(
            f"要选 {k} 处, 候选地点有 {candidates} 处。请减少数量或增加候选地点。",
            f"{k} are to be chosen from {candidates} candidates. Ask for fewer, or give more candidates.",
        )

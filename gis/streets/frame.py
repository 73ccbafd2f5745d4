"""Metres around a place: flat, true at one latitude, good enough to measure how far a street is from a click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gis.lattice import STEPS_PER_DEGREE, FloatArray, IntArray
from gis.measure import segment_length_m

MILLI = 1e-3


@dataclass(frozen=True)
class LocalMetres:
    """Metres east and north of a lattice point, by scales that hold at its latitude."""

    origin: IntArray
    metres_per_step: FloatArray

    @classmethod
    def at(cls, origin: IntArray) -> LocalMetres:
        """The frame of a lattice point, shape (2,)."""
        x, y = origin / STEPS_PER_DEGREE
        lengths = segment_length_m(np.array([[x, y, x + MILLI, y], [x, y - MILLI / 2, x, y + MILLI / 2]]))
        return cls(origin, lengths / (MILLI * STEPS_PER_DEGREE))

    def of(self, lattice: IntArray) -> FloatArray:
        """Lattice points, shape (…, 2), in metres."""
        return np.asarray((lattice - self.origin) * self.metres_per_step, dtype=np.float64)

    def to_lattice(self, metres: FloatArray) -> IntArray:
        """The nearest lattice points of places in metres, shape (…, 2)."""
        return np.rint(metres / self.metres_per_step).astype(np.int64) + self.origin

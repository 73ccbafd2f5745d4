"""A point on a border is of one grid, and the API, the tiles, the export and the measures name the same one."""

from __future__ import annotations

import csv
import io

import mapbox_vector_tile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from layers.rules.counts import counted
from tests.api.world import bearer
from tests.factories import SIDE, InstitutionFactory, MachineFactory, UserFactory, published, square_plan
from tests.rules.places import at

STEP = SIDE // 8
PLACES = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda spot: (spot[0] * STEP, spot[1] * STEP))
"""Every other one lies on a border of the leaves, many on corners, some on the outer border."""
WHOLE = "/tiles/machines/8/208/105.mvt"


class OneGrid(TestCase):
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(places=st.lists(PLACES, min_size=1, max_size=8), in_force=st.booleans())
    def test_every_answer_puts_a_point_into_the_same_grid(self, places: list[tuple[int, int]], in_force: bool) -> None:
        bank = InstitutionFactory()
        plan = square_plan(2, levels=3, institution=bank)
        if in_force:
            published(plan)
        codes = {MachineFactory(institution=bank, geom=at(x, y)).code for x, y in places}
        client = bearer(UserFactory(institution=bank, role="planner"))
        for level in range(3):
            found: list[str] = []
            for grid in plan.grids.filter(level=level):
                asked = {"grid": grid.pk}
                page = client.get("/api/layers/machines", asked).json()
                here = sorted(feature["properties"]["code"] for feature in page["features"])
                export = client.get("/api/layers/machines/export", asked | {"format": "csv"})
                body = b"".join(export) if export.streaming else export.content
                rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
                tile = mapbox_vector_tile.decode(client.get(WHOLE, asked).content)
                assert page["numberMatched"] == len(here)
                assert sorted(row[0].lstrip("'") for row in rows[1:]) == here
                assert sum(spot["properties"]["n"] for spot in tile.get("machines", {}).get("features", [])) == len(
                    here
                )
                assert (counted("machines", [grid.pk]) or {}).get(grid.pk, 0) == len(here)
                found += here
            assert sorted(found) == sorted(codes)

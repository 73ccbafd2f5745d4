"""What the guard accepts as covering a parent exactly, and what it refuses: by plain SQL, as any client would send it."""

from __future__ import annotations

import pytest
import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from gis.coverage import is_exact_cover
from layers.grids.models import Plan
from tests.factories import PlanFactory, polygon, square
from tests.sql.client import COVER, Client

ROOT = "429005"
AREA = square(0, 0, 12, 12, step=4)
CORE = square(4, 4, 8, 8)
RING = polygon((0, 0), (12, 0), (12, 12), (0, 12), holes=[[(4, 4), (8, 4), (8, 8), (4, 8)]])
TRIANGLE = polygon((6, 0), (9, 4), (3, 4))
NOTCHED = polygon((0, 0), (6, 0), (12, 0), (12, 12), (0, 12), holes=[[(6, 0), (9, 4), (3, 4)]])
WITH_NODE = polygon((0, 0), (6, 0), (12, 0), (12, 12), (0, 12))
PLAIN = square(0, 0, 12, 12)
TILES = [square(x, y, x + 4, y + 4) for x in (0, 4, 8) for y in (0, 4, 8)]
Cover = tuple[BaseGeometry, list[BaseGeometry]]

EXACT: dict[str, Cover] = {
    "nine grids, four of them meeting at a node": (AREA, TILES),
    "one child equal to its parent": (AREA, [AREA]),
    "an enclave fills a hole": (PLAIN, [RING, CORE]),
    "nested enclaves": (
        PLAIN,
        [RING, polygon((4, 4), (8, 4), (8, 8), (4, 8), holes=[[(5, 5), (7, 5), (7, 7), (5, 7)]]), square(5, 5, 7, 7)],
    ),
    "a hole that touches the shell at one vertex": (WITH_NODE, [NOTCHED, TRIANGLE]),
    "two holes that touch at one vertex": (
        PLAIN,
        [
            polygon(
                (0, 0),
                (12, 0),
                (12, 12),
                (0, 12),
                holes=[[(2, 2), (6, 2), (6, 6), (2, 6)], [(6, 6), (10, 6), (10, 10), (6, 10)]],
            ),
            MultiPolygon([square(2, 2, 6, 6), square(6, 6, 10, 10)]),
        ],
    ),
    "multipolygons whose parts touch at a point": (
        square(0, 0, 8, 8, step=4),
        [
            MultiPolygon([square(0, 0, 4, 4), square(4, 4, 8, 8)]),
            MultiPolygon([square(4, 0, 8, 4), square(0, 4, 4, 8)]),
        ],
    ),
    "an exclave inside another grid": (
        polygon((0, 0), (12, 0), (24, 0), (24, 12), (12, 12), (0, 12)),
        [
            MultiPolygon([polygon((12, 0), (24, 0), (24, 12), (12, 12)), CORE]),
            RING,
        ],
    ),
    "a service area of two parts, one with a void": (
        MultiPolygon([RING, square(20, 0, 24, 4)]),
        [RING, square(20, 0, 24, 4)],
    ),
    "three borders meet in the middle of a fourth": (
        polygon((0, 0), (6, 0), (12, 0), (12, 6), (12, 12), (6, 12), (0, 12)),
        [
            polygon((0, 0), (6, 0), (6, 6), (6, 12), (0, 12)),
            polygon((6, 0), (12, 0), (12, 6), (6, 6)),
            polygon((6, 6), (12, 6), (12, 12), (6, 12)),
        ],
    ),
}
BROKEN: dict[str, Cover] = {
    "a gap": (AREA, TILES[1:]),
    "an overlap": (AREA, [*TILES[1:], square(0, 0, 5, 4)]),
    "the same grid twice": (AREA, [*TILES, TILES[4]]),
    "everything twice": (AREA, [*TILES, *TILES]),
    "many small grids and one that covers them": (AREA, [*TILES, AREA]),
    "a child equal to its parent, and one more": (AREA, [AREA, CORE]),
    "sticking out": (AREA, [*TILES[:-1], square(8, 8, 13, 12)]),
    "beside the parent": (AREA, [square(20, 20, 32, 32, step=4)]),
    "an inner void": (AREA, [*TILES[:4], *TILES[5:]]),
    "an inner void, which no child's outline shows": (PLAIN, [RING]),
    "an outer notch": (WITH_NODE, [NOTCHED]),
    "a void of the parent filled": (RING, [RING, CORE]),
    "a sliver of one step": (AREA, [*TILES[1:], square(0, 0, 4, 3)]),
    "a node that the neighbour lacks": (
        square(0, 0, 8, 4, step=4),
        [polygon((0, 0), (4, 0), (4, 2), (4, 4), (0, 4)), square(4, 0, 8, 4)],
    ),
    "a node that only the parent has": (AREA, [PLAIN]),
    "a node that only the children have": (PLAIN, [AREA]),
}


@pytest.fixture
def plan(committed_db: None) -> Plan:
    return PlanFactory()


def load(psql: Client, plan: Plan, cover: Cover) -> None:
    area, children = cover
    psql.add(plan, ROOT, area)
    for i, child in enumerate(children, start=1):
        psql.add(plan, f"{ROOT}{i:03}", child, parent=ROOT)


@pytest.mark.parametrize("cover", EXACT.values(), ids=EXACT.keys())
def test_an_exact_cover_is_accepted(psql: Client, plan: Plan, cover: Cover):
    assert is_exact_cover(cover[1], cover[0])
    load(psql, plan, cover)
    psql.commit()
    assert psql.run("SELECT count(*) FROM grid") == [(1 + len(cover[1]),)]
    assert psql.faults() == []


@pytest.mark.domain("ZG03")
@pytest.mark.parametrize("cover", BROKEN.values(), ids=BROKEN.keys())
def test_anything_else_is_refused_and_the_parent_named(psql: Client, plan: Plan, cover: Cover):
    assert not is_exact_cover(cover[1], cover[0])
    with psql.refused(COVER, naming=ROOT):
        load(psql, plan, cover)
    assert psql.run("SELECT count(*) FROM grid") == [(0,)]


@pytest.mark.parametrize("cover", EXACT.values(), ids=EXACT.keys())
@pytest.mark.parametrize("turned", ["ST_Reverse", "ST_ForcePolygonCW"])
def test_the_direction_of_rings_makes_no_difference(psql: Client, plan: Plan, cover: Cover, turned: str):
    load(psql, plan, cover)
    psql.commit()
    psql.run(f"UPDATE grid SET geom = {turned}(geom) WHERE id % 2 = 0")
    psql.commit()
    assert psql.faults() == []


def test_differences_in_the_ninth_digit_are_put_on_the_lattice(psql: Client, plan: Plan):
    load(psql, plan, (AREA, TILES))
    psql.commit()
    stored = psql.run("SELECT geom FROM grid ORDER BY id")
    psql.run("UPDATE grid SET geom = ST_Translate(geom, 4e-8 * (id % 3 - 1), -3e-9 * (id % 5))")
    psql.commit()
    assert psql.run("SELECT geom FROM grid ORDER BY id") == stored


@pytest.mark.parametrize(
    "function",
    ["ST_ReducePrecision(geom, 1e-7)", "ST_SnapToGrid(geom, 1e-7)", "ST_GeomFromGeoJSON(ST_AsGeoJSON(geom, 9))"],
)
def test_what_comes_back_from_other_tools_is_the_same_to_the_last_bit(psql: Client, plan: Plan, function: str):
    load(psql, plan, (AREA, TILES))
    psql.commit()
    stored = psql.run("SELECT ST_AsBinary(ST_Normalize(geom))::text, border_sum FROM grid ORDER BY id")
    psql.run(f"UPDATE grid SET geom = ST_SetSRID(ST_Multi({function}), 4490)")
    psql.commit()
    assert psql.run("SELECT ST_AsBinary(ST_Normalize(geom))::text, border_sum FROM grid ORDER BY id") == stored


def test_a_vertex_written_twice_makes_no_difference(psql: Client, plan: Plan):
    load(psql, plan, (square(0, 0, 4, 4), [square(0, 0, 4, 4)]))
    psql.commit()
    twice = shapely.Polygon([xy for xy in shapely.get_coordinates(square(0, 0, 4, 4)) for _ in range(2)])
    psql.reshape(plan, f"{ROOT}001", twice)
    psql.commit()

"""Every stored polygon is valid, not empty, flat, finite, in degrees and on the lattice; and its border sum is Python's."""

from __future__ import annotations

import numpy as np
import psycopg2
import pytest
import shapely
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon

from gis.border import border_sum
from layers.grids.models import Plan
from tests.factories import PlanFactory, square
from tests.gis.strategies import Tree, make_tree, trees
from tests.sql.client import Client, ewkb

VALUES = "VALUES (%(plan)s, NULL, 0, '429005', '', '', 'rural', "
INSERT = "INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom) " + VALUES
DEGREES, VALID = "grid_geom_is_in_degrees", "grid_geom_is_valid"


@pytest.fixture
def plan(committed_db: None) -> Plan:
    return PlanFactory()


@pytest.mark.parametrize(
    ("rings", "constraint"),
    [
        ("((NaN 30, 113.1 30, 113.1 30.1, NaN 30))", DEGREES),
        ("((113 30, 113.1 NaN, 113.1 30.1, 113 30))", DEGREES),
        ("((1e308 30, 113.1 30, 113.1 30.1, 1e308 30))", DEGREES),
        ("((-1e308 30, 1e308 30, 113.1 30.1, -1e308 30))", DEGREES),
        ("((30 113, 30.1 113, 30.1 113.1, 30 113))", DEGREES),
        ("((30.12345678 113, 30.1 113, 30.1 113.1, 30.12345678 113))", DEGREES),
        ("((12617000 3503000, 12618000 3503000, 12618000 3504000, 12617000 3503000))", DEGREES),
        ("((180.0000001 30, 179 30, 179 31, 180.0000001 30))", DEGREES),
        ("((113 30, 113.1 30, 113 30, 113 30))", VALID),
        ("((113 30, 113.1 30, 113.1 30.00000001, 113 30))", VALID),
        ("((113 30, 113.1 30.1, 113.1 30, 113 30.1, 113 30))", VALID),
        ("((113 30, 113.2 30, 113.2 30.2, 113 30.2, 113 30), (113.1 30.1, 113.3 30.1, 113.3 30.3, 113.1 30.1))", VALID),
        ("((113 30, 113.2 30, 113.2 30.2, 113 30)), ((113 30, 113.2 30, 113.2 30.2, 113 30))", VALID),
    ],
    ids=[
        "NaN", "NaN inside", "1e308", "1e308 both ways", "swapped axes", "swapped axes off the lattice", "metres",
        "beyond 180", "collapsed to a line", "thinner than the lattice", "self-intersecting", "a hole that sticks out",
        "parts that overlap",
    ],
)  # fmt: skip
def test_bad_geometry_is_refused(psql: Client, plan: Plan, rings: str, constraint: str):
    with psql.refused(constraint):
        psql.run(INSERT + "ST_GeomFromText(%(text)s, 4490))", plan=plan.pk, text=f"MULTIPOLYGON({rings})")


@pytest.mark.parametrize("infinite", ["Infinity", "-Infinity", "NaN"])
def test_what_is_not_finite_is_refused_from_binary_too(psql: Client, plan: Plan, infinite: str):
    with np.errstate(invalid="ignore"):
        ring = shapely.Polygon([(113, 30), (113.1, 30), (float(infinite), 30.1)])
    with pytest.raises(psycopg2.Error):
        psql.run(INSERT + "%(geom)s)", plan=plan.pk, geom=ewkb(ring))
        psql.commit()


def test_an_empty_geometry_is_refused(psql: Client, plan: Plan):
    with psql.refused(DEGREES):
        psql.run(INSERT + "%(geom)s)", plan=plan.pk, geom=ewkb(MultiPolygon()))
    with psql.refused(None, sqlstate="23502"):
        psql.run(INSERT + "NULL)", plan=plan.pk)


@pytest.mark.parametrize(
    "text",
    [
        "SRID=4490;MULTIPOLYGON Z (((113 30 1, 113.1 30 1, 113.1 30.1 1, 113 30 1)))",
        "SRID=4490;MULTIPOLYGON M (((113 30 1, 113.1 30 1, 113.1 30.1 1, 113 30 1)))",
        "SRID=4326;MULTIPOLYGON(((113 30, 113.1 30, 113.1 30.1, 113 30)))",
        "SRID=4490;POLYGON((113 30, 113.1 30, 113.1 30.1, 113 30))",
        "SRID=4490;GEOMETRYCOLLECTION(POLYGON((113 30, 113.1 30, 113.1 30.1, 113 30)))",
        "SRID=4490;" + "GEOMETRYCOLLECTION(" * 150 + "POINT(113 30)" + ")" * 150,
    ],
    ids=["Z", "M", "another datum", "polygon", "collection", "deep nesting"],
)
def test_another_type_or_datum_is_refused(psql: Client, plan: Plan, text: str):
    with pytest.raises(psycopg2.Error):
        psql.run(INSERT + "%(text)s::geometry)", plan=plan.pk, text=text)
    psql.rollback()
    with pytest.raises(psycopg2.Error):
        psql.copy("plan_id, level, code, bank_code, name, kind, geom", f"{plan.pk}\t0\t429005\t\t\trural\t{text}\n")


def test_the_constraints_hold_where_triggers_do_not(psql: Client, plan: Plan):
    psql.run("SET session_replication_role = replica")
    with psql.refused("grid_geom_is_on_lattice"):
        psql.run("SET session_replication_role = replica")
        off = shapely.Polygon([(113.00000001, 30), (113.1, 30), (113.1, 30.1)])
        psql.run(INSERT + "%(geom)s)", plan=plan.pk, geom=ewkb(off))


@pytest.mark.django_db
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(trees(), trees(levels=4, span=200), trees(span=40_000_000)))
@example(make_tree(1, points=400, units=30, levels=4))
def test_the_border_sum_is_that_of_python(tree: Tree):
    shapes = [shape for level in tree.geometries for shape in level]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(border_sum(ST_SetSRID(ST_GeomFromWKB(wkb), 4490)) ORDER BY n)"
            " FROM unnest(%s) WITH ORDINALITY AS given (wkb, n)",
            [[shape.wkb for shape in shapes]],
        )
        assert [int(total) for total in cursor.fetchone()[0]] == [border_sum(shape) for shape in shapes]


@pytest.mark.django_db
@pytest.mark.parametrize("west", [-180.0, -0.0000001, 0.0, 9.9999999, 99.9999999, 179.9999999])
def test_border_sums_agree_wherever_on_earth(west: float):
    """Signs and numbers of digits are what the hashed texts are made of."""
    east = round((west + 1e-7) * 1e7) / 1e7
    shape = shapely.Polygon([(west, -0.0000001), (east, -0.0000001), (east, 0.0000001), (west, 0.0)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT border_sum(ST_SetSRID(ST_GeomFromWKB(%s), 4490))", [shape.wkb])
        assert int(cursor.fetchone()[0]) == border_sum(shape)


@pytest.mark.django_db
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(-(1800 * 10**6), 1800 * 10**6), st.integers(-(900 * 10**6), 900 * 10**6)), min_size=1
    )
)
def test_the_lattice_of_the_database_is_that_of_python(lattice: list[tuple[int, int]]):
    points = shapely.multipoints([(x / 1e7, y / 1e7) for x, y in lattice])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_on_lattice(geom), ST_AsBinary(to_lattice(geom)) FROM ST_GeomFromWKB(%s) AS geom", [points.wkb]
        )
        on_lattice, same = cursor.fetchone()
    # -0.0 is stored as 0.0.
    assert on_lattice or any(x == 0 or y == 0 for x, y in lattice)
    assert shapely.from_wkb(bytes(same)).equals_exact(points)


def test_a_square_of_one_lattice_step_is_a_grid(psql: Client, plan: Plan):
    psql.run(INSERT + "%(geom)s)", plan=plan.pk, geom=ewkb(square(0, 0, 1, 1)))
    psql.commit()
    assert psql.faults() == []

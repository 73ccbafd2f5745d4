"""The demo county, and random places in it."""

from __future__ import annotations

from django.db import connection

from layers.demo.areas import AREAS
from layers.grids.models import Plan
from layers.orgs.models import Institution


def load() -> None:
    """潜江, unless an earlier suite of the same run has loaded it."""
    if not Institution.objects.filter(code=AREAS["qianjiang"].bank).exists():
        AREAS["qianjiang"].load(lambda line: None)


def fill(count: int) -> None:
    """Random places over the county's box instead of those of before, homed as a bulk load does it: without triggers, then all at once."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "ALTER TABLE place DISABLE TRIGGER USER; DELETE FROM place WHERE code LIKE 'B%'; ALTER TABLE place ENABLE TRIGGER USER"
        )
        cursor.execute(
            """
            WITH box AS (SELECT ST_Extent(geom) AS b FROM grid WHERE level = 0),
            spot AS MATERIALIZED (
                SELECT n, to_lattice(ST_SetSRID(ST_MakePoint(ST_XMin(b) + random() * (ST_XMax(b) - ST_XMin(b)),
                    ST_YMin(b) + random() * (ST_YMax(b) - ST_YMin(b))), 4490)) AS geom
                FROM box, generate_series(1, %s) AS n
            )
            INSERT INTO place (institution_id, code, name, kind, geom, synthetic, area_id, grid_code)
            SELECT area.institution_id, 'B' || n, '点' || n, CASE n %% 3 WHEN 0 THEN 'school' WHEN 1 THEN 'shop' ELSE 'firm' END,
                spot.geom, true, CASE WHEN home.code IS NOT NULL THEN area.id END, home.code
            FROM service_area AS area JOIN institution ON institution.id = area.institution_id AND institution.code = 'QJ'
            CROSS JOIN spot
            LEFT JOIN LATERAL (
                SELECT leaf.code FROM grid AS leaf
                WHERE leaf.plan_id = area.plan_id AND leaf.level = 3 AND ST_Intersects(leaf.geom, spot.geom)
                ORDER BY leaf.code LIMIT 1
            ) AS home ON true
            """,
            [count],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE place")


def plan_in_force() -> Plan:
    return Plan.objects.in_force().get(institution__code="QJ")

"""What lasts beyond one database: a dump restored elsewhere, and migrations taken back and done again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from layers.grids.models import Plan
from tests.factories import PlanFactory, published, square, square_plan
from tests.sql.client import COVER, IN_FORCE, Client
from tests.sql.databases import client_of, manage, new_database, tool

ROWS = [
    "SELECT * FROM grid ORDER BY id",
    "SELECT * FROM grid_cover ORDER BY grid_id",
    "SELECT * FROM plan ORDER BY id",
    "SELECT conname, contype, convalidated, condeferred FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT tgname, tgenabled, tgtype, tgdeferrable, tginitdeferred FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
]
LEFTOVERS = """
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL SELECT relname FROM pg_class WHERE relname IN ('grid', 'plan', 'grid_cover')
    UNION ALL SELECT typname FROM pg_type WHERE typname = 'cover_fault'
"""


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is not installed")
def test_a_restored_dump_is_the_same_and_as_well_guarded(psql: Client, committed_db: None, tmp_path: Path):
    square_plan(3, levels=3)
    published(square_plan(2))
    overlapping = PlanFactory(policy=Plan.Policy.BOUNDED_OVERLAP, overlap_limit=1)
    psql.add(overlapping, "429005", square(0, 0, 10, 10), kind="urban")
    for code in ("429005001", "429005002"):
        psql.add(overlapping, code, square(0, 0, 10, 10), parent="429005", kind="urban")
    psql.commit()
    dump = str(tmp_path / "dump")
    # PostGIS lets its table of datums be dumped by all, yet restored by superusers only; it is as it came with PostGIS.
    own = "--exclude-table-data=spatial_ref_sys"
    tool("pg_dump", psql.connection.info.dbname, "--format=custom", own, f"--file={dump}")
    with new_database("restored") as name:
        tool("pg_restore", name, "--no-owner", "--no-comments", "--exit-on-error", "--single-transaction", dump)
        with client_of(name) as restored:
            assert [restored.run(sql) for sql in ROWS] == [psql.run(sql) for sql in ROWS]
            assert restored.faults() == restored.run("SELECT * FROM audit_guard()") == []
            with restored.refused(COVER):
                restored.run("DELETE FROM grid WHERE level = 2 AND code LIKE '%%1'")
            with restored.refused(IN_FORCE, sqlstate="55000"):
                restored.run("DELETE FROM grid USING plan WHERE plan.id = plan_id AND status = 'published'")


def test_the_migrations_of_grids_go_back_and_forth(committed_db: None):
    with new_database("migrated") as name:
        manage(name, "migrate")
        with client_of(name) as migrated:
            before = [migrated.run(sql) for sql in ROWS[3:]]
            functions = sorted(migrated.run(LEFTOVERS))
            assert migrated.run("SELECT * FROM audit_guard()") == []
        manage(name, "migrate", "grids", "zero")
        manage(name, "migrate", "audit", "zero")
        with client_of(name) as migrated:
            assert migrated.run(LEFTOVERS) == []
        manage(name, "migrate")
        with client_of(name) as migrated:
            assert [migrated.run(sql) for sql in ROWS[3:]] == before
            assert sorted(migrated.run(LEFTOVERS)) == functions
            assert migrated.run("SELECT * FROM audit_guard()") == []

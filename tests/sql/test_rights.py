"""What the role of the site can do to the guard: nothing, with all that it may do on tables and functions of its own."""

from __future__ import annotations

import psycopg2
import pytest

from layers.grids.models import Plan
from tests.factories import PlanFactory, square, square_plan
from tests.sql.client import COVER, Client

ROOT = "429005"
OWN_TRIGGER = """
    CREATE TEMP TABLE own (id int);
    CREATE FUNCTION pg_temp.tamper() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$;
    CREATE TRIGGER tamper AFTER INSERT ON own FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.tamper();
    INSERT INTO own VALUES (1)
"""
HANGING_THEIRS = """
    CREATE TEMP TABLE own (id bigint, plan_id bigint, parent_id bigint, border_sum numeric);
    CREATE TRIGGER feed AFTER {} FOR EACH STATEMENT EXECUTE FUNCTION {}()
"""


@pytest.mark.parametrize(
    "attack",
    [
        OWN_TRIGGER.format("UPDATE public.grid_cover SET children_sum = 0"),
        OWN_TRIGGER.format("DELETE FROM public.grid_cover"),
        HANGING_THEIRS.format("INSERT ON own REFERENCING NEW TABLE AS new_grid", "grid_inserted"),
        HANGING_THEIRS.format("UPDATE ON own REFERENCING OLD TABLE AS old_grid NEW TABLE AS new_grid", "grid_updated"),
        HANGING_THEIRS.format("DELETE ON own REFERENCING OLD TABLE AS old_grid", "grid_deleted"),
        "CREATE TEMP TABLE own (id int);"
        " CREATE TRIGGER feed AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION plan_policy_changed()",
        "UPDATE grid_cover SET children_sum = 0",
        "TRUNCATE grid_cover",
        "ALTER TABLE grid DISABLE TRIGGER grid_deleted",
        "ALTER TABLE plan DISABLE TRIGGER ALL",
        "DROP FUNCTION refuse_direct_write() CASCADE",
        "CREATE OR REPLACE FUNCTION border_sum(geometry) RETURNS numeric LANGUAGE sql AS 'SELECT 0'",
        "CREATE TABLE shadow (id int)",
        "SET session_replication_role = replica",
        "DELETE FROM feature_table",
        "DELETE FROM django_migrations",
    ],
)
def test_what_is_refused(site_role: Client, attack: str):
    square_plan(2)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        site_role.run(attack)


def test_it_edits_under_the_guard(site_role: Client, committed_db: None):
    plan = PlanFactory()
    site_role.add(plan, ROOT, square(0, 0, 10, 10, step=5))
    site_role.add(plan, "429005001", square(0, 0, 5, 10, step=5), parent=ROOT)
    with site_role.refused(COVER):
        site_role.commit()
    site_role.add(plan, ROOT, square(0, 0, 10, 10, step=5))
    site_role.add(plan, "429005001", square(0, 0, 5, 10, step=5), parent=ROOT)
    site_role.add(plan, "429005002", square(5, 0, 10, 10, step=5), parent=ROOT)
    site_role.commit()
    site_role.run("UPDATE plan SET policy = %(policy)s", policy=Plan.Policy.BOUNDED_OVERLAP)
    site_role.run("DELETE FROM grid WHERE parent_id IS NOT NULL")
    site_role.commit()
    assert site_role.faults() == []


def test_what_runs_as_the_owner_is_for_no_trigger_of_others(psql: Client):
    """Each function that runs as its owner can be executed by nobody without a grant, and finds names where they were meant."""
    open_to_others = psql.run("""
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE prosecdef AND proowner = current_user::regrole
            AND (has_function_privilege('public', oid, 'EXECUTE') OR proconfig IS DISTINCT FROM '{"search_path=public, pg_temp"}')
    """)
    assert open_to_others == []


def test_a_plan_keeps_its_id(psql: Client):
    """Else its log of edits could be deleted while there is no such plan."""
    plan = square_plan(2)
    with psql.refused("plan_keeps_its_id", sqlstate="55000"):
        psql.run("UPDATE plan SET id = id + 1000 WHERE id = %(id)s", id=plan.pk)

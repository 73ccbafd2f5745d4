"""The audit, and the parts of the guard: each is missed by the audit when it is gone, and something is then let through."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import psycopg2
import pytest

from layers.grids.models import Plan
from tests.factories import FIRST_DAY, InstitutionFactory, PlanFactory, published, square, square_plan
from tests.sql.client import Client

ROOT, LEAF = "429005", "429005001"


@dataclass(frozen=True)
class Part:
    """A trigger, constraint or index; and what goes through once it is gone, where nothing else stops it."""

    relation: str
    name: str
    attack: str = ""

    @property
    def removal(self) -> str:
        if self.name == "grid_one_root_a_plan":
            return f"DROP INDEX {self.name}"
        is_trigger = self.name in TRIGGERS
        return f"ALTER TABLE {self.relation} {'DISABLE TRIGGER' if is_trigger else 'DROP CONSTRAINT'} {self.name}"


TRIGGERS = {
    "grid_geom_to_lattice", "grid_inserted", "grid_updated", "grid_deleted", "grid_truncated",
    "grid_children_cover_their_parent", "grid_cover_is_kept_by_triggers", "grid_level_has_a_name",
    "plan_changed", "plan_truncated", "plan_born", "plan_published", "plan_policy_changed",
}  # fmt: skip
A_ROOT = """INSERT INTO grid (plan_id, level, code, bank_code, name, kind, geom) SELECT id, {level}, '429009', '', '', 'rural',
            ST_GeomFromText('MULTIPOLYGON({rings})', 4490) FROM plan WHERE name = '{plan}'"""
A_PLAN = """INSERT INTO plan (institution_id, name, area_code, level_names, status, policy, overlap_limit, revision,
                              synthetic, source, created_at, valid_from)
            SELECT institution_id, 'born', '429009', level_names, 'submitted', policy, overlap_limit, revision,
                   synthetic, source, created_at, '2026-01-01' FROM plan WHERE name = 'draft'"""
PUBLISH = "UPDATE plan SET status = 'published', valid_from = {day} WHERE name = '{plan}'"
SQUARE = "((113 30, 113.1 30, 113.1 30.1, 113 30))"

PARTS = [
    Part("grid", "grid_geom_to_lattice", "UPDATE grid SET geom = ST_Translate(geom, 4e-8, 0) WHERE plan_id < 0"),
    Part(
        "grid",
        "grid_inserted",
        "INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom)"
        " SELECT plan_id, parent_id, level, code || '9', '', '', kind, geom FROM grid WHERE code = '429005001'",
    ),
    Part("grid", "grid_updated", "UPDATE grid SET geom = ST_Translate(geom, 1e-7, 0) WHERE code = '429005001'"),
    Part("grid", "grid_deleted", "DELETE FROM grid WHERE code = '429005001'"),
    Part("grid", "grid_truncated"),
    Part("grid_cover", "grid_children_cover_their_parent", "DELETE FROM grid WHERE code = '429005001' AND plan_id = (SELECT id FROM plan WHERE name = 'draft')"),
    Part("grid_cover", "grid_cover_is_kept_by_triggers", "UPDATE grid_cover SET children_sum = 0"),
    Part(
        "grid_cover",
        "grid_level_has_a_name",
        "INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom)"
        " SELECT plan_id, grid.id, level + 1, code || '9', '', '', kind, geom FROM grid JOIN plan ON plan.id = plan_id"
        " WHERE plan.name = 'draft' AND level = 1",
    ),
    Part("plan", "plan_changed", "UPDATE plan SET name = 'other' WHERE status = 'published'"),
    Part("plan", "plan_truncated"),
    Part("plan", "plan_born", A_PLAN),
    Part("plan", "plan_published", PUBLISH.format(day="'2026-01-01'", plan="empty")),
    Part("plan", "plan_policy_changed", "UPDATE plan SET policy = 'partition' WHERE name = 'overlapping'"),
    Part("grid", "grid_geom_is_in_degrees", A_ROOT.format(level=0, plan="bare", rings="((30 113, 31 113, 31 114, 30 113))")),
    Part("grid", "grid_geom_is_on_lattice"),
    Part("grid", "grid_geom_is_valid", A_ROOT.format(level=0, plan="bare", rings="((113 30, 113.1 30.1, 113.1 30, 113 30.1, 113 30))")),
    Part("grid", "grid_parent_is_one_level_up_in_the_same_plan", "DELETE FROM grid WHERE level = 0 AND plan_id = (SELECT id FROM plan WHERE name = 'draft')"),
    Part("grid", "grid_level_counts_from_the_root", A_ROOT.format(level=3, plan="bare", rings=SQUARE)),
    Part("grid", "grid_one_root_a_plan", A_ROOT.format(level=0, plan="draft", rings=SQUARE)),
    Part("grid", "grid_kind_is_urban_or_rural", "UPDATE grid SET kind = 'x' WHERE plan_id = (SELECT id FROM plan WHERE name = 'draft')"),
    Part("grid", "grid_code_is_unique_in_its_plan", "UPDATE grid SET code = '0' WHERE level = 1 AND plan_id = (SELECT id FROM plan WHERE name = 'draft')"),
    Part("plan", "plan_one_in_force_a_service_area", PUBLISH.format(day="'2026-06-01'", plan="next")),
    Part("plan", "plan_in_force_has_a_first_day", PUBLISH.format(day="NULL", plan="elsewhere")),
    Part("plan", "plan_retired_has_a_last_day", "UPDATE plan SET status = 'retired' WHERE name = 'in force'"),
]  # fmt: skip


@pytest.fixture
def plans(committed_db: None) -> None:
    bank = InstitutionFactory()
    published(square_plan(2, institution=bank, name="in force"))
    square_plan(2, institution=bank, name="next", status="approved")
    square_plan(2, institution=bank, name="draft")
    square_plan(2, name="elsewhere", status="approved")
    PlanFactory(name="empty", status="approved")
    PlanFactory(name="bare")
    overlapping = PlanFactory(name="overlapping", policy=Plan.Policy.BOUNDED_OVERLAP, overlap_limit=1)
    with psycopg2.connect(**_parameters()) as connection:
        client = Client(connection)
        client.add(overlapping, ROOT, square(0, 0, 10, 10), kind="urban")
        for code in (LEAF, "429005002"):
            client.add(overlapping, code, square(0, 0, 10, 10), parent=ROOT, kind="urban")
    connection.close()


def _parameters() -> dict[str, object]:
    from django.db import connection

    return connection.get_connection_params() | {"cursor_factory": None}


def test_the_list_is_that_of_the_audit(psql: Client):
    [[source]] = psql.run("SELECT pg_get_functiondef('audit_guard'::regproc)")
    assert all(f"'{part.name}'" in source for part in PARTS)
    assert source.count("_") and psql.run("SELECT * FROM audit_guard()") == []
    known = {part.name for part in PARTS}
    triggers = psql.run(
        "SELECT tgname FROM pg_trigger WHERE tgrelid IN ('grid'::regclass, 'grid_cover'::regclass, 'plan'::regclass) AND NOT tgisinternal"
        " AND tgfoid <> 'log_write'::regproc"
    )
    # Not of the guard: moving the homes of features, which have an audit of their own, and the audit log.
    others = {"plan_moves_homes", *(name for (name,) in triggers if name.startswith("log_"))}
    assert {name for (name,) in triggers} - others == known & TRIGGERS


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_each_part_of_the_guard_is_missed(psql: Client, plans: None, part: Part):
    if part.attack and part.name != "grid_geom_to_lattice":
        with pytest.raises(psycopg2.Error):
            psql.run(part.attack)
            psql.run("SET CONSTRAINTS ALL IMMEDIATE")
        psql.rollback()
    psql.run(part.removal)
    [[missed]] = psql.run("SELECT * FROM audit_guard()")
    assert part.name in missed
    if part.attack:
        psql.run(part.attack)
        psql.run("SET CONSTRAINTS ALL IMMEDIATE")
    psql.rollback()
    assert psql.run("SELECT * FROM audit_guard()") == []


def test_a_guard_that_is_whole_may_also_fire_always(psql: Client, committed_db: None):
    psql.run("ALTER TABLE grid ENABLE ALWAYS TRIGGER grid_deleted")
    assert psql.run("SELECT * FROM audit_guard()") == []
    psql.run("ALTER TABLE grid ENABLE REPLICA TRIGGER grid_deleted")
    assert len(psql.run("SELECT * FROM audit_guard()")) == 1


@pytest.mark.parametrize("way", ["SET session_replication_role = replica", "ALTER TABLE grid DISABLE TRIGGER USER"])
def test_what_was_written_without_triggers_is_found(psql: Client, committed_db: None, way: str):
    square_plan(2)
    psql.run(way)
    psql.run("DELETE FROM grid WHERE code = %(code)s", code=LEAF)
    psql.run("SET session_replication_role = DEFAULT")
    if psql.run("SELECT * FROM audit_guard()"):
        psql.run("SET CONSTRAINTS ALL IMMEDIATE")
        psql.run("ALTER TABLE grid ENABLE TRIGGER USER")
    psql.commit()
    assert psql.faults() == [(ROOT, "gap or overlap"), (ROOT, "running sum is not that of the rows")]


def test_orphans_are_found(psql: Client, committed_db: None):
    first, second = square_plan(2), square_plan(2)
    psql.run("SET session_replication_role = replica")
    psql.run("DELETE FROM grid WHERE level = 0 AND plan_id = %(plan)s", plan=first.pk)
    psql.run("UPDATE grid SET level = 2 WHERE level = 1 AND plan_id = %(plan)s", plan=second.pk)
    psql.commit()
    assert (None, "parent is missing, or in another plan or level") in psql.faults()
    for plan in (first, second):
        found = psql.run("SELECT fault FROM audit_coverage(ARRAY[%(plan)s::bigint])", plan=plan.pk)
        assert ("parent is missing, or in another plan or level",) in found


def test_a_running_sum_that_was_tampered_with_is_found(psql: Client, committed_db: None):
    square_plan(2)
    psql.run("SET session_replication_role = replica")
    psql.run("UPDATE grid_cover SET children_sum = children_sum + 1")
    psql.commit()
    assert psql.faults() == [(ROOT, "running sum is not that of the rows")]


def test_the_audit_of_one_plan_is_about_that_plan(psql: Client, committed_db: None):
    good, bad = square_plan(2), square_plan(2)
    psql.run("SET session_replication_role = replica")
    psql.run("DELETE FROM grid WHERE plan_id = %(plan)s AND code = %(code)s", plan=bad.pk, code=LEAF)
    psql.commit()
    assert psql.run("SELECT * FROM audit_coverage(ARRAY[%(plan)s::bigint])", plan=good.pk) == []
    found = psql.run("SELECT DISTINCT plan_id FROM audit_coverage(ARRAY[%(plan)s::bigint])", plan=bad.pk)
    assert found == psql.run("SELECT DISTINCT plan_id FROM audit_coverage()") == [(bad.pk,)]


def test_the_day_before_the_first_is_not_in_force(committed_db: None):
    plan = published(square_plan(2))
    assert not plan.is_in_force(FIRST_DAY - dt.timedelta(days=1)) and plan.is_in_force(FIRST_DAY)

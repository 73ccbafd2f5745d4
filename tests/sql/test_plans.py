"""Plans go step by step, come into force once an area, and then stay as they are, for every client."""

from __future__ import annotations

import datetime as dt

import pytest

from layers.grids.models import Plan
from tests.factories import FIRST_DAY, InstitutionFactory, PlanFactory, published, retired, square, square_plan
from tests.sql.client import IN_FORCE, Client

FROZEN = "55000"


@pytest.fixture(params=["published", "retired"])
def in_force(committed_db: None, request: pytest.FixtureRequest) -> Plan:
    plan = published(square_plan(2))
    return retired(plan, dt.date(2026, 6, 1)) if request.param == "retired" else plan


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE grid SET name = 'other' WHERE level = 1",
        "UPDATE grid SET geom = geom WHERE level = 1",
        "UPDATE grid SET code = code || '9' WHERE level = 0",
        "DELETE FROM grid",
        "DELETE FROM grid WHERE level = 1",
        "WITH gone AS (DELETE FROM grid WHERE level = 1) SELECT 1",
    ],
)
def test_the_grids_of_a_plan_in_force_do_not_change(psql: Client, in_force: Plan, sql: str):
    with psql.refused(IN_FORCE, sqlstate=FROZEN, naming=in_force.status):
        psql.run(sql)


def test_no_grid_comes_into_a_plan_in_force_or_leaves_it(psql: Client, in_force: Plan):
    draft = PlanFactory(institution=in_force.institution)
    with psql.refused(IN_FORCE, sqlstate=FROZEN):
        psql.add(in_force, "429005001001", square(0, 0, 5, 5), parent="429005001")
    with psql.refused(IN_FORCE, sqlstate=FROZEN):
        psql.run("UPDATE grid SET plan_id = %(draft)s WHERE level = 1", draft=draft.pk)
    other = square_plan(2)
    with psql.refused(IN_FORCE, sqlstate=FROZEN):
        psql.run(
            "UPDATE grid SET plan_id = %(to)s, code = 'x' || code WHERE plan_id = %(plan)s AND level = 1",
            to=in_force.pk,
            plan=other.pk,
        )


@pytest.mark.parametrize(
    "change",
    [
        "name = 'other'",
        "valid_from = valid_from - 1",
        "area_code = '429006'",
        "policy = 'bounded_overlap'",
        "overlap_limit = 1",
        "institution_id = institution_id + 1",
        "status = 'draft'",
        "status = 'submitted'",
        "status = 'approved'",
        "level_names = '{a,b}'",
        "id = id + 1000",
    ],
)
def test_a_plan_in_force_does_not_change(psql: Client, in_force: Plan, change: str):
    with psql.refused(IN_FORCE, sqlstate=FROZEN):
        psql.run(f"UPDATE plan SET {change}")


def test_a_plan_in_force_is_not_deleted(psql: Client, in_force: Plan):
    with psql.refused(IN_FORCE, sqlstate=FROZEN):
        psql.run("DELETE FROM plan")


def test_a_retired_plan_does_not_come_back_and_keeps_its_last_day(psql: Client, committed_db: None):
    retired(published(square_plan(2)), dt.date(2026, 6, 1))
    for change in ("status = 'published'", "valid_to = NULL", "valid_to = '2027-01-01'"):
        with psql.refused(IN_FORCE, sqlstate=FROZEN):
            psql.run(f"UPDATE plan SET {change}")


STEPS = {
    ("draft", "submitted"),
    ("submitted", "draft"),
    ("submitted", "approved"),
    ("approved", "draft"),
    ("approved", "published"),
}


@pytest.mark.parametrize("start", ["draft", "submitted", "approved"])
@pytest.mark.parametrize("end", ["draft", "submitted", "approved", "published", "retired", "anything"])
def test_plans_go_step_by_step(psql: Client, committed_db: None, start: str, end: str):
    square_plan(2, status=start)
    sql = f"UPDATE plan SET status = '{end}', valid_from = '2026-01-01', valid_to = '2027-01-01'"
    if start == end or (start, end) in STEPS:
        psql.run(sql)
        psql.commit()
    else:
        with psql.refused("plan_goes_step_by_step", sqlstate=FROZEN, naming=end):
            psql.run(sql)


@pytest.mark.parametrize("status", ["submitted", "approved", "published", "retired", "anything"])
def test_a_plan_is_born_a_draft(psql: Client, committed_db: None, status: str):
    with psql.refused("plan_is_born_a_draft", sqlstate=FROZEN, naming=status):
        psql.run(
            """INSERT INTO plan (institution_id, name, area_code, level_names, status, policy, overlap_limit, revision,
                                 synthetic, source, created_at, valid_from, valid_to)
               VALUES (%(bank)s, '', '429005', '{a,b}', %(status)s, 'partition', 0, 1, false, '', now(), now(), now())""",
            bank=InstitutionFactory().pk,
            status=status,
        )


def test_every_level_of_a_plan_has_a_name(psql: Client, committed_db: None):
    """However the grids, or the names, come: both may change in one transaction, in any order."""
    plan = square_plan(2, levels=3)
    named = "grid_level_has_a_name"
    with psql.refused(named):
        psql.run("UPDATE plan SET level_names = '{县,镇}'")
        psql.commit()
    below = """INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom)
               SELECT plan_id, id, level + 1, code || '1', '', '', kind, geom FROM grid WHERE level = 2"""
    with psql.refused(named, naming=f"plan {plan.pk}"):
        psql.run(below)
        psql.commit()
    psql.run(below)
    psql.run("UPDATE plan SET level_names = '{县,镇,村,网格}'")
    psql.commit()
    psql.run("UPDATE plan SET level_names = '{县,镇,村}'")
    psql.run("DELETE FROM grid WHERE level = 3")
    psql.commit()
    assert plan.grids.count() == 21


def test_a_plan_without_its_service_area_is_not_published(psql: Client, committed_db: None):
    PlanFactory(status="approved")
    square_plan(2, status="approved", area_code="429006")
    for code in ("429005", "429006"):
        with psql.refused("plan_in_force_has_its_service_area", sqlstate=FROZEN, naming=code):
            psql.run("UPDATE plan SET status = 'published', valid_from = now() WHERE area_code = %(code)s", code=code)


def test_a_plan_in_force_has_a_first_day_and_a_retired_one_a_last(psql: Client, committed_db: None):
    square_plan(2, status="approved")
    with psql.refused("plan_in_force_has_a_first_day"):
        psql.run("UPDATE plan SET status = 'published'")
    psql.run("UPDATE plan SET status = 'published', valid_from = '2026-01-01'")
    psql.commit()
    with psql.refused("plan_retired_has_a_last_day"):
        psql.run("UPDATE plan SET status = 'retired'")
    with psql.refused("plan_ends_after_it_begins"):
        psql.run("UPDATE plan SET status = 'retired', valid_to = '2025-12-31'")
    psql.run("UPDATE plan SET status = 'retired', valid_to = '2026-12-31'")
    psql.commit()


def publish(psql: Client, plan: Plan, first: str, last: str | None = None) -> None:
    sql = "UPDATE plan SET status = 'published', valid_from = %(first)s, valid_to = %(last)s WHERE id = %(plan)s"
    psql.run(sql, plan=plan.pk, first=first, last=last)


def test_one_plan_in_force_an_area_at_a_time(psql: Client, committed_db: None):
    first = published(square_plan(2))
    second = square_plan(2, institution=first.institution, status="approved")
    once = "plan_one_in_force_a_service_area"
    for day in ("2026-01-01", "2025-01-01", "2027-01-01"):
        with psql.refused(once, sqlstate="23P01"):
            publish(psql, second, day)
    publish(psql, second, "2025-01-01", "2026-01-01")
    psql.commit()


def test_successive_plans_follow_one_another(psql: Client, committed_db: None):
    first = retired(published(square_plan(2)), dt.date(2026, 7, 1))
    second = square_plan(2, institution=first.institution, status="approved")
    publish(psql, second, "2026-07-01")
    psql.commit()
    assert list(Plan.objects.in_force(dt.date(2026, 6, 30))) == [first]
    assert list(Plan.objects.in_force(dt.date(2026, 7, 1))) == [second]
    assert not Plan.objects.in_force(FIRST_DAY - dt.timedelta(days=1)).exists()


def test_another_bank_and_another_area_may_be_in_force_too(psql: Client, committed_db: None):
    first = published(square_plan(2))
    publish(psql, square_plan(2, status="approved"), "2026-01-01")
    other = square_plan(2, status="approved", institution=first.institution, area_code="429006")
    psql.run("UPDATE grid SET code = '429006' WHERE level = 0 AND plan_id = %(plan)s", plan=other.pk)
    publish(psql, other, "2026-01-01")
    psql.commit()
    assert Plan.objects.in_force(FIRST_DAY).count() == 3


@pytest.mark.parametrize(
    "change", ["overlap_limit = -0.1", "overlap_limit = 1.1", "overlap_limit = 'NaN'", "level_names = '{a}'"]
)
def test_a_draft_keeps_within_its_bounds(psql: Client, committed_db: None, change: str):
    PlanFactory()
    name = "plan_has_two_to_five_levels" if "level" in change else "plan_overlap_limit_is_a_share"
    with psql.refused(name):
        psql.run(f"UPDATE plan SET {change}")

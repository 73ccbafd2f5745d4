"""manage.py audit_coverage: exit status, table and JSON, on exact plans and on what was loaded with triggers disabled."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from layers.grids.coverage import audit, rebuild_running_sums
from layers.grids.models import Grid
from tests.factories import square, square_plan
from tests.sql.client import ewkb

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("audit_coverage", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def as_replica(sql: str, *values: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)


def test_exact_plans():
    plan = square_plan(3, levels=3)
    status, text = run()
    assert status == 0 and plan.name in text and "无缺口、无重叠 / exact" in text
    assert run("--plan", str(plan.pk))[0] == 0


def test_an_empty_database_is_exact():
    assert run() == (0, "")


def test_a_plan_that_does_not_exist_is_a_mistake_of_usage():
    with pytest.raises(CommandError) as caught:
        call_command("audit_coverage", "--plan", "0")
    assert caught.value.returncode == 2


def test_faults_are_shown_with_their_defects():
    good, plan = square_plan(2), square_plan(2)
    as_replica("DELETE FROM grid WHERE plan_id = %s AND code = '429005001'", plan.pk)
    shape = square(0, 0, 129_600, 64_900, step=64_800)
    as_replica("UPDATE grid SET geom = %s WHERE plan_id = %s AND code = '429005002'", ewkb(shape), plan.pk)
    status, text = run()
    assert status == 1
    assert "429005  缺口或重叠 / gap or overlap" in text
    assert "重叠 / overlap" in text and "429005002" in text and "m²" in text
    assert run("--plan", str(good.pk))[0] == 0


def test_json_holds_the_reports():
    plan = square_plan(2)
    as_replica("DELETE FROM grid WHERE plan_id = %s AND code = '429005001'", plan.pk)
    status, text = run("--json")
    report = json.loads(text)
    [of_plan] = report["plans"]
    assert status == 1 and report["exact"] is of_plan["exact"] is False and report["guard"] == []
    assert of_plan["plan"] == plan.pk and of_plan["parents"] == 1 and of_plan["grids"] == 4
    assert {fault["fault"] for fault in of_plan["faults"]} == {"gap or overlap", "running sum is not that of the rows"}
    assert {feature["properties"]["kind"] for feature in of_plan["defects"]["features"]} == {"gap"}


def test_a_part_of_the_guard_that_is_off_is_a_fault():
    square_plan(2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE grid DISABLE TRIGGER grid_deleted")
        try:
            status, text = run()
            assert status == 1 and "grid_deleted" in text
            assert json.loads(run("--json")[1])["guard"] == ["trigger grid_deleted on grid is disabled"]
        finally:
            cursor.execute("ALTER TABLE grid ENABLE TRIGGER grid_deleted")
    assert run()[0] == 0


def test_rebuild_recounts_the_running_sums():
    plan = square_plan(2, levels=3)
    as_replica("UPDATE grid_cover SET children_sum = 1")
    assert run()[0] == 1
    status, text = run("--rebuild")
    assert status == 0, text
    Grid.objects.filter(plan=plan, code__startswith="429005001", level=2).delete()
    assert audit(plan) == []


def test_rebuild_does_not_hide_a_gap_and_survives_orphans():
    plan = square_plan(2, levels=3)
    as_replica("DELETE FROM grid WHERE plan_id = %s AND code IN ('429005001', '429005002001')", plan.pk)
    rebuild_running_sums()
    status, text = run()
    assert status == 1 and "running sum" not in text
    assert "429005002  缺口或重叠" in text and "上级网格不存在" in text

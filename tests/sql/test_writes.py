"""Every way of writing grids is bound by the guard: each statement, COPY, trees put together in any order, and its evasions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import psycopg2
import pytest
import shapely

from gis.lattice import to_degrees, to_lattice
from layers.grids.models import Grid, Plan
from tests.factories import CORNER, SIDE, PlanFactory, square, square_plan, square_records
from tests.sql.client import COVER, Client, ewkb

ROOT, WEST, LEAF = "429005", "429005001", "429005001001"


@pytest.fixture
def plan(committed_db: None) -> Plan:
    """Three levels, 1 › 4 › 16."""
    return square_plan(2, levels=3)


def shape(plan: Plan, code: str) -> shapely.Geometry:
    return shapely.from_wkb(bytes(Grid.objects.get(plan=plan, code=code).geom.wkb))


def moved(geometry: shapely.Geometry, x: int, y: int, dx: int, dy: int) -> shapely.Geometry:
    """The geometry with its vertex at (x, y), in steps from the corner, moved."""
    xy = to_lattice(shapely.get_coordinates(geometry))
    xy[(xy == np.add(CORNER, (x, y))).all(axis=1)] += (dx, dy)
    return shapely.set_coordinates(shapely.from_wkb(geometry.wkb), to_degrees(xy))


def test_deleting_a_leaf_is_refused(psql: Client, plan: Plan):
    with psql.refused(COVER, naming=WEST):
        psql.run("DELETE FROM grid WHERE code = %(code)s", code=LEAF)


def test_deleting_all_leaves_of_a_parent_makes_it_a_leaf(psql: Client, plan: Plan):
    psql.run("DELETE FROM grid WHERE parent_id = (SELECT id FROM grid WHERE code = %(code)s)", code=WEST)
    psql.commit()
    assert psql.faults() == []


def test_deleting_a_parent_alone_is_refused(psql: Client, plan: Plan):
    with psql.refused("grid_parent_is_one_level_up_in_the_same_plan", sqlstate="23503"):
        psql.run("DELETE FROM grid WHERE code = %(code)s", code=ROOT)


def test_a_whole_draft_can_be_deleted_in_any_order(psql: Client, plan: Plan):
    psql.run("DELETE FROM grid WHERE level = 0")
    psql.run("DELETE FROM grid WHERE level = 2")
    psql.run("DELETE FROM grid")
    psql.run("DELETE FROM plan")
    psql.commit()
    assert psql.run("SELECT * FROM grid_cover") == []


@pytest.mark.parametrize("table", ["grid", "plan", "grid_cover", "institution"])
def test_truncate_is_refused(psql: Client, plan: Plan, table: str):
    with psql.refused(None, sqlstate="42501" if table == "grid_cover" else "55000"):
        psql.run(f"TRUNCATE {table} CASCADE")


def test_copy_is_bound_by_the_guard(psql: Client, committed_db: None):
    plan = PlanFactory()
    columns = "id, plan_id, parent_id, level, code, bank_code, name, kind, geom"
    lines = [
        f"{i}\t{plan.pk}\t{1 if record.level else chr(92) + 'N'}\t{record.level}\t{record.code}\t\t\trural\t{ewkb(record.geometry)}\n"
        for i, record in enumerate(square_records(3), start=1)
    ]
    with psql.refused(COVER, naming=ROOT):
        psql.copy(columns, "".join(lines[:-1]))
    psql.copy(columns, "".join(lines))
    psql.commit()
    assert psql.faults() == []


def test_children_may_come_before_their_parent(psql: Client, committed_db: None):
    plan = PlanFactory()
    sql = """INSERT INTO grid (id, plan_id, parent_id, level, code, bank_code, name, kind, geom)
             VALUES (%(id)s, %(plan)s, %(parent)s, %(level)s, %(code)s, '', '', 'rural', %(geom)s)"""
    left, right = square(0, 0, 5, 10, step=5), square(5, 0, 10, 10, step=5)
    for last in (square(0, 0, 10, 10, step=10), square(0, 0, 10, 10, step=5)):
        psql.run(sql, id=2, plan=plan.pk, parent=1, level=1, code="429005001", geom=ewkb(left))
        psql.run(sql, id=3, plan=plan.pk, parent=1, level=1, code="429005002", geom=ewkb(right))
        psql.run(sql, id=1, plan=plan.pk, parent=None, level=0, code="429005", geom=ewkb(last))
        if last == square(0, 0, 10, 10, step=10):
            with psql.refused(COVER, naming=ROOT):
                pass
    psql.commit()
    assert psql.faults() == []


def test_a_parent_put_back_under_its_old_id_is_checked_again(psql: Client, plan: Plan):
    back = """INSERT INTO grid (id, plan_id, parent_id, level, code, bank_code, name, kind, geom)
              SELECT id, plan_id, parent_id, level, code, bank_code, name, kind, %(geom)s FROM gone"""
    with psql.refused(COVER, naming=ROOT):
        psql.run("CREATE TEMP TABLE gone AS SELECT * FROM grid WHERE level = 0")
        psql.run("DELETE FROM grid WHERE level = 0")
        psql.run(back, geom=ewkb(square(0, 0, SIDE, SIDE + 1)))
    psql.run("CREATE TEMP TABLE gone AS SELECT * FROM grid WHERE level = 0")
    psql.run("DELETE FROM grid WHERE level = 0")
    psql.run(back, geom=ewkb(shape(plan, ROOT)))
    psql.commit()
    assert psql.faults() == []


def test_ids_cannot_be_swapped_under_the_children(psql: Client, plan: Plan):
    with psql.refused("grid_keeps_its_id", sqlstate="55000"):
        psql.run("UPDATE grid SET id = -id WHERE code = %(code)s", code=WEST)


@pytest.mark.parametrize("name", ["grid_cover", "plan", "grid"])
def test_a_temporary_table_of_the_same_name_takes_nothing_away_from_the_guard(psql: Client, plan: Plan, name: str):
    with psql.refused(COVER, naming=WEST):
        psql.run(f"CREATE TEMP TABLE {name} (LIKE public.{name} INCLUDING INDEXES)")
        psql.run("DELETE FROM public.grid WHERE code = %(code)s", code=LEAF)


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE INTO grid USING (VALUES (1)) AS one ON code = '429005001001' WHEN MATCHED THEN DELETE",
        "WITH a AS (DELETE FROM grid WHERE code = '429005001001') DELETE FROM grid WHERE code = '429005001002'",
        "UPDATE grid SET geom = ST_Translate(geom, 0.0000001, 0) WHERE code = '429005001001'",
        "UPDATE grid SET geom = (SELECT geom FROM grid WHERE level = 0) WHERE code = '429005001001'",
        "UPDATE grid SET geom = ST_Translate(geom, 0, 0.0000001) WHERE level = 0",
        "UPDATE grid SET parent_id = (SELECT id FROM grid WHERE code = '429005002') WHERE code = '429005001001'",
        "UPDATE grid SET parent_id = (SELECT id FROM grid WHERE code = '429005002') WHERE code LIKE '429005001___'",
        """INSERT INTO grid (plan_id, parent_id, level, code, bank_code, name, kind, geom)
           SELECT plan_id, parent_id, level, code, bank_code, name, kind, geom FROM grid WHERE code = '429005001001'
           ON CONFLICT (plan_id, code) DO UPDATE SET geom = ST_Translate(grid.geom, 0.0000001, 0)""",
    ],
    ids=[
        "MERGE",
        "two in one WITH",
        "a shift",
        "another's shape",
        "the root",
        "re-parent one",
        "re-parent all",
        "upsert",
    ],
)
@pytest.mark.parametrize("when", ["at commit", "at once"])
def test_every_statement_that_breaks_a_cover_is_refused(psql: Client, plan: Plan, sql: str, when: str):
    with psql.refused(COVER, naming=ROOT):
        if when == "at once":
            psql.run("SET CONSTRAINTS ALL IMMEDIATE")
        psql.run(sql)
    assert psql.faults() == []


def test_grids_that_change_places_in_one_statement_stay_exact(psql: Client, plan: Plan):
    psql.run("""UPDATE grid SET geom = other.geom FROM grid AS other
                WHERE (grid.code, other.code) IN (('429005001001', '429005001002'), ('429005001002', '429005001001'))""")
    psql.commit()
    assert psql.faults() == []


@pytest.mark.domain("ZG02")
def test_a_level_can_be_taken_out_by_re_parenting(psql: Client, plan: Plan):
    psql.run("UPDATE grid SET parent_id = (SELECT id FROM grid WHERE level = 0), level = 1 WHERE level = 2")
    psql.run("DELETE FROM grid WHERE level = 1 AND length(code) = 9")
    psql.commit()
    assert psql.run("SELECT level, count(*) FROM grid GROUP BY level ORDER BY level") == [(0, 1), (1, 16)]
    assert psql.faults() == []


def test_a_parent_is_in_the_same_plan_one_level_up(psql: Client, plan: Plan):
    other = square_plan(2, levels=3)
    ids = dict(psql.run("SELECT code, id FROM grid WHERE plan_id = %(plan)s", plan=other.pk))
    structure = "grid_parent_is_one_level_up_in_the_same_plan"
    with psql.refused(structure, sqlstate="23503"):
        psql.run(
            "UPDATE grid SET parent_id = %(id)s WHERE plan_id = %(plan)s AND level = 1", id=ids[ROOT], plan=plan.pk
        )
    with psql.refused(structure, sqlstate="23503"):
        psql.run("UPDATE grid SET plan_id = %(plan)s, code = 'x' WHERE id = %(id)s", plan=plan.pk, id=ids[LEAF])
    with psql.refused(structure, sqlstate="23503"):
        psql.run("UPDATE grid SET parent_id = %(up)s WHERE id = %(id)s", up=ids[ROOT], id=ids[LEAF])
    with psql.refused(structure, sqlstate="23503"):
        psql.run("UPDATE grid SET level = 2 WHERE id = %(id)s", id=ids[WEST])


def test_there_are_no_cycles(psql: Client, plan: Plan):
    with psql.refused("grid_level_counts_from_the_root"):
        psql.run("UPDATE grid SET parent_id = (SELECT id FROM grid WHERE code = %(code)s) WHERE level = 0", code=LEAF)
    with psql.refused("grid_parent_is_one_level_up_in_the_same_plan", sqlstate="23503"):
        psql.run("UPDATE grid SET parent_id = id WHERE code = %(code)s", code=LEAF)


def test_a_plan_has_one_root(psql: Client, plan: Plan):
    with psql.refused("grid_one_root_a_plan", sqlstate="23505"):
        psql.add(plan, "429006", square(0, 0, 5, 5))


@pytest.mark.parametrize("level", [-1, 1, 5])
def test_levels_count_from_the_root(psql: Client, committed_db: None, level: int):
    with psql.refused("grid_level_counts_from_the_root"):
        psql.add(PlanFactory(), ROOT, square(0, 0, 5, 5), level=level)


def test_codes_are_unique_in_their_plan(psql: Client, plan: Plan):
    with psql.refused("grid_code_is_unique_in_its_plan", sqlstate="23505"):
        psql.run("UPDATE grid SET code = %(code)s WHERE code = %(other)s", code=LEAF, other=LEAF[:-1] + "2")


def test_a_kind_is_urban_or_rural(psql: Client, plan: Plan):
    with psql.refused("grid_kind_is_urban_or_rural"):
        psql.run("UPDATE grid SET kind = 'Urban'")


@pytest.mark.parametrize(
    "sql", ["UPDATE grid_cover SET children_sum = 0", "DELETE FROM grid_cover", "INSERT INTO grid_cover VALUES (1, 0)"]
)
def test_the_running_sums_cannot_be_written_directly(psql: Client, plan: Plan, sql: str):
    with psql.refused(None, sqlstate="42501"):
        psql.run(sql)


def test_border_sums_cannot_be_written_directly(psql: Client, plan: Plan):
    with psql.refused(None, sqlstate="428C9"):
        psql.run("UPDATE grid SET border_sum = 0")


def test_a_plan_left_half_loaded_is_never_committed(psql: Client, committed_db: None):
    plan = PlanFactory()
    psql.add(plan, ROOT, square(0, 0, 10, 10, step=5))
    psql.add(plan, "429005001", square(0, 0, 5, 10, step=5), parent=ROOT)
    psql.connection.close()
    assert not Grid.objects.exists()


@pytest.mark.domain("XF03")
def test_a_border_of_four_levels_moves_in_all_of_them_or_not_at_all(psql: Client, committed_db: None):
    """A node on the outline of the service area: every subset of its sharers but the whole is refused."""
    plan = square_plan(2, levels=4)
    x = SIDE // 8
    node = shapely.Point((CORNER[0] + x) / 1e7, CORNER[1] / 1e7)
    sharers = [grid.code for grid in Grid.objects.filter(plan=plan) if node.distance(shape(plan, grid.code)) == 0]
    shapes = {code: moved(shape(plan, code), x, 0, 7, 20) for code in sharers}
    assert sorted(map(len, sharers)) == [6, 9, 12, 15, 15]
    for count in range(1, len(sharers)):
        for some in combinations(sharers, count):
            with pytest.raises(psycopg2.errors.CheckViolation):
                for code in some:
                    psql.reshape(plan, code, shapes[code])
                psql.commit()
            psql.rollback()
    for code in sharers:
        psql.reshape(plan, code, shapes[code])
    psql.commit()
    assert psql.faults() == []


def test_an_edit_in_one_statement_that_cancels_does_not_touch_the_parent(psql: Client, plan: Plan):
    parents = "SELECT grid_id, children_sum, xmin::text FROM grid_cover ORDER BY grid_id"
    before = psql.run(parents)
    for i in (1, 2, 3, 4):
        psql.run("CREATE TEMP TABLE IF NOT EXISTS edit (code text, geom geometry)")
        shaped = moved(shape(plan, f"{WEST}00{i}"), SIDE // 4, SIDE // 4, 100, -50)
        psql.run("INSERT INTO edit VALUES (%(code)s, %(geom)s)", code=f"{WEST}00{i}", geom=ewkb(shaped))
    psql.run("UPDATE grid SET geom = edit.geom FROM edit WHERE grid.code = edit.code")
    psql.commit()
    ids = {row[0] for row in before}
    assert [row for row in psql.run(parents) if row[0] in ids] == before
    assert psql.faults() == []

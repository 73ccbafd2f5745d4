"""Every write of every client is logged in the database: what changed, by whom, from where."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import Client as WebClient
from django_otp.plugins.otp_totp.models import TOTPDevice

from layers.audit.acting import acting_as
from layers.audit.models import Entry
from layers.audit.tables import institution_of, logged_models
from layers.facilities.models import Outlet
from layers.features.models import Kind
from layers.grids.loading import load_grids
from layers.grids.models import Grid, GridCount
from layers.orgs.models import ApiToken, User
from layers.staff.models import Assignment, Staff
from tests.audit.conftest import Entries
from tests.conftest import Connect
from tests.factories import (
    InstitutionFactory,
    OutletFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
    grid,
    square_plan,
    square_records,
)
from tests.sql.client import Client


def test_every_table_is_logged_or_excepted_with_a_reason(db: None):
    """A new table is logged by the next migrate; one that shall not be is named in the settings, and why."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgfoid = 'log_write'::regproc"
            " AND tgenabled = 'A' GROUP BY relname HAVING count(*) = 4"
        )
        logged = {name for (name,) in cursor.fetchall()}
        tables = set(connection.introspection.table_names(cursor))
    models = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    assert logged == {model._meta.db_table for model in logged_models()} == (models - settings.AUDIT_EXEMPT.keys())
    assert tables - logged - settings.AUDIT_EXEMPT.keys() == {"django_migrations", "feature_table", "grid_cover"}
    assert all(settings.AUDIT_EXEMPT.values())


def test_a_write_by_the_site_is_its_users(entries: Entries):
    person, user = StaffFactory(name="甲"), UserFactory()
    with acting_as(user):
        person.name = "乙"
        person.save()
    [entry] = entries(operation="update")
    assert (entry.kind, entry.table_name, entry.keys, entry.rows) == ("write", "staff", [str(person.pk)], 1)
    assert (entry.old, entry.new) == ({"name": "甲"}, {"name": "乙"})
    assert (entry.user_id, entry.username, entry.user_institution_id) == (user.pk, user.username, user.institution_id)
    assert entry.institution_id == person.institution_id
    assert entry.db_role == connection.settings_dict["USER"]


def test_a_request_tells_who_acts(entries: Entries):
    """By token, by session; and a request that only reads tells nothing."""
    plan = square_plan(levels=2)
    user = UserFactory(institution=plan.institution)
    web = WebClient(headers={"authorization": f"Bearer {ApiToken.issue(user, 'x')}"})
    address, body = f"/api/plans/{plan.pk}/comments", {"text": "看看"}
    assert web.post(address, body, content_type="application/json").status_code == 201
    by_session = WebClient()
    by_session.force_login(user)
    assert by_session.post(address, body, content_type="application/json").status_code == 201
    assert [(entry.user_id, entry.institution_id) for entry in entries(table_name="plan_comment")] == [
        (user.pk, plan.institution_id)
    ] * 2
    StaffFactory()
    assert entries(table_name="staff")[0].user_id is None


def test_reading_asks_nothing_more(django_assert_num_queries: object, db: None):
    user = UserFactory()
    web = WebClient(headers={"authorization": f"Bearer {ApiToken.issue(user, 'x')}"})
    web.get("/api/me")
    with django_assert_num_queries(1) as asked:
        web.get("/api/me")
    assert "set_config" not in asked[0]["sql"]


def test_a_raw_client_is_logged_with_its_role_only(raw: Connect, entries: Entries):
    outlet = OutletFactory(name="甲网点")
    psql = Client(raw())
    psql.run("SET application_name = 'psql'")
    psql.run("UPDATE outlet SET name = '乙网点', geom = ST_Translate(geom, 0.001, 0) WHERE id = %(id)s", id=outlet.pk)
    psql.commit()
    [entry] = entries(operation="update")
    assert (entry.user_id, entry.username, entry.program) == (None, "", "psql")
    assert entry.institution_id == outlet.institution_id
    assert set(entry.new) == {"name", "geom"} and "md5" in entry.new["geom"] != entry.old["geom"]


def test_insert_and_delete_keep_all_columns(entries: Entries):
    person = StaffFactory()
    key = str(person.pk)
    person.delete()
    inserted, deleted = entries(table_name="staff")
    assert inserted.keys == deleted.keys == [key]
    assert inserted.new == deleted.old and inserted.new["number"] == person.number
    assert inserted.old is None and deleted.new is None


def test_secrets_are_never_logged(entries: Entries):
    user = UserFactory()
    token = ApiToken.issue(user, "x")
    user.set_password("quite another password")
    user.save()
    user.delete()
    text = "".join(f"{entry.old}{entry.new}" for entry in entries())
    assert "'password': '***'" in text and "'password': '*** (new)'" in text and "'digest': '***'" in text
    for secret in ("md5$", token, ApiToken.digest_of(token)):
        assert secret not in text


def test_nothing_changed_is_no_entry(entries: Entries):
    person = StaffFactory()
    person.save()
    User.objects.update(last_login="2026-01-01T00:00Z")
    Staff.objects.filter(pk=0).delete()
    assert entries(operation__in=["update", "delete"]) == []


def test_a_changed_key_is_a_row_gone_and_a_row_come(entries: Entries):
    person = StaffFactory()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE staff SET id = id + 1000000 WHERE id = %s", [person.pk])
    gone, come = sorted(entries(operation="update"), key=lambda entry: entry.old is None)
    assert (gone.keys, come.keys) == ([str(person.pk)], [str(person.pk + 1_000_000)])
    assert gone.new is None and come.old is None


def test_a_rolled_back_write_is_no_entry_and_leaves_nobody_behind(raw: Connect, entries: Entries):
    with pytest.raises(ZeroDivisionError), transaction.atomic(), acting_as(UserFactory()):
        StaffFactory()
        raise ZeroDivisionError
    StaffFactory()
    [entry] = entries(table_name="staff")
    assert entry.user_id is None


def test_many_inserted_rows_are_one_entry(entries: Entries):
    institution = StaffFactory().institution
    people = Staff.objects.bulk_create(
        Staff(institution=institution, number=f"B{n}", name=f"B{n}") for n in range(1001)
    )
    [entry] = entries(table_name="staff", rows__gt=1)
    assert entry.rows == 1001 and set(entry.keys) == {str(person.pk) for person in people}
    assert entry.institution_id == institution.pk and entry.new is None
    Staff.objects.filter(number__startswith="B").update(name="另名")
    assert len(entries(operation="update")) == 1001


def test_a_grid_written_by_anybody_is_logged(raw: Connect, entries: Entries):
    """The edit log tells what a planner meant; this one tells what any client did."""
    plan = square_plan(levels=2)
    psql = Client(raw())
    psql.run("UPDATE grid SET name = '改' WHERE plan_id = %(plan)s AND level = 0", plan=plan.pk)
    psql.commit()
    [entry] = entries(table_name="grid", operation="update")
    assert entry.new == {"name": "改"} and entry.institution_id == plan.institution_id
    assert entry.keys == [str(grid(plan, plan.area_code).pk)]


def test_switching_triggers_off_as_a_replica_does_not_stop_the_log(raw: Connect, entries: Entries):
    person = StaffFactory()
    psql = Client(raw())
    psql.run("SET session_replication_role = replica")
    psql.run("UPDATE staff SET name = '改' WHERE id = %(id)s", id=person.pk)
    psql.commit()
    assert [entry.new for entry in entries(operation="update")] == [{"name": "改"}]


def test_truncate_is_logged(raw: Connect, entries: Entries):
    psql = Client(raw())
    psql.run("TRUNCATE share_link")
    psql.commit()
    [entry] = entries(operation="truncate")
    assert entry.table_name == "share_link"


def test_an_entry_finds_its_institution_over_foreign_keys():
    assert institution_of(Outlet) == "r.institution_id"
    assert institution_of(Grid) == '(SELECT t0.institution_id FROM "plan" AS t0 WHERE t0.id = r.plan_id)'
    assert "JOIN" in institution_of(GridCount) and institution_of(Assignment).startswith("(SELECT t0.institution_id")
    assert institution_of(Entry) == "NULL::bigint"


def test_a_copy_is_its_users_too(entries: Entries):
    """No statement can stand before COPY in the same message, so loading says it first."""
    plan, user = PlanFactory(), UserFactory()
    with acting_as(user):
        load_grids(plan, square_records(2, levels=3))
    found = entries(table_name="grid", operation="insert")
    assert len(found) == 21 and {entry.user_id for entry in found} == {user.pk}


def test_changing_many_rows_takes_seconds_not_minutes(entries: Entries):
    """Old and new rows are joined by hashing: 20,000 in a nested loop would take minutes."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE many (id integer PRIMARY KEY, name text, derived integer)")
        cursor.execute("INSERT INTO many SELECT n, 'x', n FROM generate_series(1, 20000) AS n")
        cursor.execute("SELECT log_writes('many', '{derived}', 'NULL::bigint')")
        cursor.execute("SET LOCAL statement_timeout = '20s'")
        cursor.execute("UPDATE many SET derived = derived + 1")
        assert entries(table_name="many") == []
        cursor.execute("UPDATE many SET name = 'y'")
    assert Entry.objects.filter(table_name="many").count() == 20_000


def test_the_key_of_a_kind_is_read_in_the_log_and_that_of_a_second_factor_is_not(db: None) -> None:
    Kind.objects.create(institution=InstitutionFactory(), layer="places", key="pier", name="码头")
    TOTPDevice.objects.create(user=UserFactory(), name="x")
    kind = Entry.objects.get(table_name="feature_kind", operation="insert", new__name="码头")
    assert kind.new["key"] == "pier"
    assert Entry.objects.get(table_name="otp_totp_totpdevice", operation="insert").new["key"] == "***"

"""Nobody changes the log: attacked by raw clients, as the owner of the tables and as the role of the site."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from layers.audit.models import Entry
from layers.audit.tables import after_migrate
from tests.audit.conftest import Entries
from tests.conftest import Connect
from tests.factories import StaffFactory, UserFactory
from tests.sql.client import Client

ATTACKS = (
    "UPDATE audit SET username = 'somebody else'",
    "UPDATE audit SET at = '2000-01-01'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET username = ''",
    "SET jingtian.purging = 'on'; DELETE FROM audit",
    "SET session_replication_role = replica; DELETE FROM audit",
    "SET session_replication_role = replica; UPDATE audit SET username = ''",
    "SET session_replication_role = replica; TRUNCATE audit",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_log_only_grows(raw: Connect, entries: Entries, attack: str):
    StaffFactory()
    [before] = entries(table_name="staff")
    psql = Client(raw())
    with psql.refused("audit_only_grows", sqlstate="55000"):
        psql.run(attack)
    assert Entry.objects.get(pk=before.pk).username == before.username


@pytest.fixture
def old(entries: Entries) -> Entry:
    """An entry of 200 days ago, written in a transaction that is rolled back or purged."""
    StaffFactory()
    [entry] = entries(table_name="staff")
    copy = {field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields} | {"id": None}
    return Entry.objects.create(**copy | {"at": entry.at - dt.timedelta(days=200)})


@pytest.mark.parametrize("days", ["183", "0", "-1", "NULL"])
def test_less_than_six_months_cannot_be_kept(raw: Connect, days: str):
    psql = Client(raw())
    with psql.refused("audit_is_kept", sqlstate="22023"):
        psql.run(f"SELECT purge_audit({days})")


def test_purging_takes_what_is_old_and_says_so(old: Entry, entries: Entries):
    with connection.cursor() as cursor:
        cursor.execute("SELECT purge_audit(201)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT purge_audit(184)")
        assert cursor.fetchone() == (1,)
    assert not Entry.objects.filter(pk=old.pk).exists()
    assert entries(table_name="staff") and [entry.reason[:9] for entry in entries(kind="purge")] == [
        "0 entries",
        "1 entries",
    ]


def test_what_is_old_goes_by_purging_only(old: Entry):
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        Entry.objects.filter(pk=old.pk).delete()


@pytest.mark.parametrize(
    "attack",
    [
        *ATTACKS[:4],
        "INSERT INTO audit (kind) VALUES ('login')",
        "DROP TABLE audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_only_grows ON audit",
        "DROP FUNCTION log_write() CASCADE",
        "CREATE OR REPLACE FUNCTION log_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "ALTER TABLE staff DISABLE TRIGGER log_update",
        "SET session_replication_role = replica",
        "SELECT purge_audit(184)",
        "ALTER TABLE audit OWNER TO jingtian_site",
        "SET ROLE jingtian",
        # A trigger of one's own runs as its function says, with what it is told.
        "CREATE TEMP TABLE staff (id int PRIMARY KEY);"
        " CREATE TRIGGER forge AFTER INSERT ON pg_temp.staff REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION log_write('{id}', '{}', 'pg_temp.as_the_owner()')",
    ],
)
def test_the_role_of_the_site_cannot_touch_it(site_role: Client, attack: str):
    with pytest.raises(psycopg2.Error) as caught:
        site_role.run(attack)
    assert caught.value.pgcode == "42501", str(caught.value)


def test_the_role_of_the_site_works_and_is_logged(site_role: Client, entries: Entries):
    user, person = UserFactory(), StaffFactory()
    site_role.run("SELECT set_config('jingtian.user', %(user)s, true)", user=str(user.pk))
    site_role.run("UPDATE staff SET name = '改' WHERE id = %(id)s", id=person.pk)
    site_role.run("SELECT log_event('read', %(user)s, '', NULL, 'staff', '{1}', '{name}', '看看', '')", user=user.pk)
    site_role.commit()
    assert [(entry.kind, entry.db_role, entry.user_id) for entry in entries(db_role="jingtian_site")] == [
        ("write", "jingtian_site", user.pk),
        ("read", "jingtian_site", user.pk),
    ]


def test_a_missing_role_is_told(db: None, settings: Any):
    settings.DATABASE_SITE_ROLE = "nobody_of_this_name"
    said = io.StringIO()
    after_migrate(using="default", stdout=said)
    assert "nobody_of_this_name" in said.getvalue()


def test_a_cluster_that_lacks_nothing_is_left_as_it_is(db: None, settings: Any):
    """docker/database.sql is run at each start."""
    host = ["--host", connection.settings_dict["HOST"]]
    for _ in range(2):
        with (settings.ROOT / "docker" / "database.sql").open() as statements:
            again = ["psql", "-X", "-q", *host, "--username=postgres", "postgres"]
            done = subprocess.run(again, stdin=statements, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_event_does_not_pass_for_a_write(site_role: Client):
    with site_role.refused("audit_write_has_its_operation"):
        site_role.run("SELECT log_event('write', NULL, '', NULL, 'staff', '{1}', '{}', '', '')")


def test_a_shadow_of_the_log_catches_nothing(site_role: Client, entries: Entries):
    person = StaffFactory()
    site_role.run("CREATE TEMP TABLE audit (LIKE public.audit); CREATE TEMP TABLE account (LIKE public.account)")
    site_role.run("SET search_path = pg_temp, public")
    site_role.run("UPDATE public.staff SET name = '改' WHERE id = %(id)s", id=person.pk)
    assert site_role.run("SELECT count(*) FROM pg_temp.audit") == [(0,)]
    site_role.commit()
    [entry] = entries(db_role="jingtian_site")
    assert (entry.table_name, entry.operation, entry.new) == ("staff", "update", {"name": "改"})


def test_the_purge_command(old: Entry, capsys: pytest.CaptureFixture[str]):
    call_command("purge_audit", "--dry-run")
    assert "1 entries older than 184 days would be removed" in capsys.readouterr().out
    call_command("purge_audit", days=201)
    assert Entry.objects.filter(pk=old.pk).exists()
    call_command("purge_audit")
    assert not Entry.objects.filter(pk=old.pk).exists()
    with pytest.raises(CommandError, match="184"):
        call_command("purge_audit", "--days=183")

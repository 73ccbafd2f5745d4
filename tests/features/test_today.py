"""A plan that comes into force by the calendar is taken up without anybody doing anything; `rehome` checks and mends."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from layers.facilities.models import Outlet
from layers.features import today
from layers.features.models import ServiceArea
from layers.features.registry import LAYERS
from layers.grids.models import SRID, Plan
from layers.orgs.models import Institution
from tests.factories import InstitutionFactory, OutletFactory, UserFactory, published, square_plan

TODAY = timezone.localdate()


@pytest.fixture
def tomorrow(committed_db: None) -> Plan:
    """A plan that begins tomorrow, and an outlet where it will be."""
    bank = InstitutionFactory()
    OutletFactory(institution=bank, geom=Point(113.001, 30.001, srid=SRID))
    plan = published(square_plan(2, levels=3, institution=bank), TODAY + dt.timedelta(days=1))
    assert ServiceArea.objects.filter(plan=plan).count() == 0
    return plan


def let_a_day_pass(plan: Plan) -> None:
    """As the calendar does it: nothing is written that a trigger could see."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE plan SET valid_from = %s WHERE id = %s", [TODAY, plan.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
    # The process has looked yesterday.
    today._seen[connection.settings_dict["NAME"]] = TODAY - dt.timedelta(days=1)


def test_the_first_look_of_the_day_finds_the_new_plan(tomorrow: Plan) -> None:
    user = UserFactory(institution=Institution.objects.get())
    assert LAYERS["outlets"].visible_to(user).get().grid_code is None
    let_a_day_pass(tomorrow)
    found = LAYERS["outlets"].visible_to(user).get()
    assert found.grid_code == "429005001001" and found.area.plan == tomorrow


def test_the_calendar_is_looked_at_once_a_day(tomorrow: Plan, django_assert_num_queries) -> None:
    today.keep_up_with_today()
    with django_assert_num_queries(0):
        today.keep_up_with_today()


def test_rehome_takes_up_the_plan_and_check_says_that_it_is_late(tomorrow: Plan) -> None:
    let_a_day_pass(tomorrow)
    with pytest.raises(CommandError) as refused:
        call_command("rehome", check=True, stdout=io.StringIO())
    assert refused.value.returncode == 1
    said = io.StringIO()
    call_command("rehome", dry_run=True, stdout=said)
    assert Outlet.objects.get().grid_code is None and "试运行" in said.getvalue()
    call_command("rehome", stdout=said)
    assert Outlet.objects.get().grid_code == "429005001001"
    call_command("rehome", check=True, stdout=said)


def test_rehome_mends_what_a_load_without_triggers_left(tomorrow: Plan) -> None:
    let_a_day_pass(tomorrow)
    call_command("rehome", stdout=io.StringIO())
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE outlet SET grid_code = '429005001002'")
        cursor.execute("SET session_replication_role = DEFAULT")
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("rehome", check=True, stdout=said)
    assert "429005001002 → 429005001001" in said.getvalue()
    call_command("rehome", stdout=said)
    assert Outlet.objects.get().grid_code == "429005001001"

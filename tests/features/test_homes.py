"""The database keeps each feature's grid, for every client: when the feature moves, and when a plan comes into force or ends."""

from __future__ import annotations

import datetime as dt

import pytest
import shapely
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils import timezone

from layers.facilities.models import Outlet
from layers.features.models import ServiceArea
from layers.grids.models import SRID, Plan
from layers.orgs.models import Institution
from layers.streets.models import Building
from tests.conftest import Connect
from tests.factories import (
    SIDE,
    InstitutionFactory,
    OutletFactory,
    PlanFactory,
    load_grids,
    published,
    retired,
    square_plan,
    square_records,
)
from tests.sql.client import Client

STEP = SIDE // 4
TODAY = timezone.localdate()


def at(column: float, row: float) -> Point:
    """A place in steps of a leaf from the south-west corner of the 4 × 4 leaves of `square_records(2, levels=3)`."""
    return Point(113 + column * STEP / 1e7, 30 + row * STEP / 1e7, srid=SRID)


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory()


def plan_of(bank: Institution, valid_from: dt.date = dt.date(2026, 1, 1)) -> Plan:
    return published(square_plan(2, levels=3, institution=bank), valid_from)


def code(thing: Outlet | Building) -> str | None:
    thing.refresh_from_db()
    return thing.grid_code


def leaf_of(records: list, x: float, y: float) -> str:
    place = shapely.Point(*at(x, y).coords)
    return next(record.code for record in records if record.level == 2 and record.geometry.covers(place))


def test_a_new_feature_knows_its_grid(bank: Institution) -> None:
    plan = plan_of(bank)
    branch = InstitutionFactory(parent=bank, kind=Institution.Kind.BRANCH)
    outlet = OutletFactory(institution=branch, geom=at(0.5, 0.5))
    assert code(outlet) == leaf_of(square_records(2, levels=3), 0.5, 0.5)
    assert outlet.area == ServiceArea.objects.get(institution=bank, area_code=plan.area_code, plan=plan)


def test_a_feature_that_moves_changes_its_grid(bank: Institution) -> None:
    plan_of(bank)
    outlet = OutletFactory(institution=bank, geom=at(0.5, 0.5))
    outlet.geom = at(3.5, 3.5)
    outlet.save()
    assert code(outlet) == leaf_of(square_records(2, levels=3), 3.5, 3.5)
    Outlet.objects.update(geom=at(9, 9))
    assert code(outlet) is None
    assert list(Outlet.objects.outside()) == [outlet]


def test_on_a_border_the_smallest_code_holds_it(bank: Institution) -> None:
    plan_of(bank)
    leaves = [leaf_of(square_records(2, levels=3), x, y) for x in (1.5, 2.5) for y in (1.5, 2.5)]
    assert code(OutletFactory(institution=bank, geom=at(2, 2))) == min(leaves)


def test_another_banks_plan_is_not_its_grid(bank: Institution) -> None:
    plan_of(bank)
    assert code(OutletFactory(institution=InstitutionFactory(), geom=at(0.5, 0.5))) is None


def test_the_first_plan_finds_those_that_were_there(bank: Institution) -> None:
    outlet = OutletFactory(institution=bank, geom=at(0.5, 0.5))
    assert code(outlet) is None
    plan_of(bank)
    assert code(outlet) is not None


def test_a_plan_that_ends_leaves_nothing_behind(bank: Institution) -> None:
    plan = plan_of(bank)
    outlet = OutletFactory(institution=bank, geom=at(0.5, 0.5))
    retired(plan, TODAY)
    assert code(outlet) is None


def versions() -> dict[int, str]:
    """Where each outlet's row lies; another place after it has been written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM outlet")
        return dict(cursor.fetchall())


def test_a_new_plan_touches_only_what_lies_in_changed_grids(bank: Institution) -> None:
    old = published(square_plan(4, levels=2, institution=bank), dt.date(2026, 1, 1))
    outlets = [OutletFactory(institution=bank, geom=at(x + 0.5, y + 0.5)) for x in range(4) for y in range(4)]
    before = {outlet.pk: code(outlet) for outlet in outlets}
    new = PlanFactory(institution=bank, level_names=old.level_names)
    # The same, but for two leaves that are now one.
    records = square_records(4, levels=2)
    first, second = (leaf for leaf in records if leaf.code in {"429005001", "429005002"})
    merged = type(first)(
        first.code, first.parent_code, first.name, first.level, first.kind, first.geometry.union(second.geometry)
    )
    load_grids(new, [record for record in records if record not in (first, second)] + [merged])
    were = versions()
    old.status, old.valid_to = Plan.Status.RETIRED, TODAY
    old.save()
    published(new, TODAY)
    written = {pk for pk, place in versions().items() if place != were[pk]}
    assert written == {pk for pk, was in before.items() if was == second.code}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_homes()")
        assert cursor.fetchone() == (0,)


def test_buildings_have_homes_too(bank: Institution) -> None:
    """Through a plan and the next; their outlines stay as they were surveyed, off the lattice."""
    outline = at(0.5, 0.5).buffer(1.5e-8)
    building = Building.objects.create(institution=bank, geom=outline, households=1)
    plan = plan_of(bank)
    home = code(building)
    assert home == leaf_of(square_records(2, levels=3), 0.5, 0.5) and building.geom.equals_exact(outline)
    Building.objects.update(grid_code="wrong")
    assert code(building) == home
    Building.objects.update(geom=at(3.5, 3.5))
    assert code(building) not in {home, None}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_homes()")
        assert cursor.fetchone() == (0,)
    retired(plan, TODAY)
    assert code(building) is None


@pytest.mark.parametrize("sql", ["UPDATE outlet SET grid_code = 'wrong'", "UPDATE outlet SET area_id = NULL"])
def test_nobody_else_writes_the_grid(raw: Connect, sql: str) -> None:
    bank = InstitutionFactory()
    plan_of(bank)
    outlet = OutletFactory(institution=bank, geom=at(0.5, 0.5))
    was = code(outlet)
    psql = Client(raw())
    psql.run(sql)
    psql.commit()
    assert code(outlet) == was is not None
    assert outlet.area is not None


def test_the_service_area_has_the_plan_in_force_whatever_is_written(raw: Connect) -> None:
    bank = InstitutionFactory()
    plan = plan_of(bank)
    draft = square_plan(2, levels=3, institution=bank)
    psql = Client(raw())
    psql.run("UPDATE service_area SET plan_id = %(plan)s", plan=draft.pk)
    psql.commit()
    assert ServiceArea.objects.get().plan == plan


def test_a_row_written_while_a_plan_comes_into_force_gets_its_grid(raw: Connect) -> None:
    """The publication waits for the row, and then finds it."""
    bank = InstitutionFactory()
    old = plan_of(bank)
    OutletFactory(institution=bank, geom=at(0.5, 0.5))
    writer = Client(raw())
    writer.run(
        "INSERT INTO outlet (institution_id, code, name, kind, geom) VALUES (%(bank)s, 'x', 'x', 'staffed',"
        " ST_SetSRID(ST_MakePoint(113.0001, 30.0001), 4490))",
        bank=bank.pk,
    )
    publisher = Client(raw())
    publisher.run("SET lock_timeout = '300ms'")
    publisher.run("UPDATE plan SET status = 'retired', valid_to = %(day)s WHERE id = %(plan)s", plan=old.pk, day=TODAY)
    with publisher.refused(None, sqlstate="55P03"):
        pass
    writer.commit()
    publisher.run("UPDATE plan SET status = 'retired', valid_to = %(day)s WHERE id = %(plan)s", plan=old.pk, day=TODAY)
    publisher.commit()
    assert not Outlet.objects.exclude(grid_code=None).exists()


@pytest.mark.parametrize("place", ["'NaN', 30", "113, 91", "181, 30", "'Infinity', 0"])
def test_a_place_that_is_none_is_refused(raw: Connect, place: str) -> None:
    bank = InstitutionFactory()
    psql = Client(raw())
    with psql.refused("feature_is_in_degrees"):
        psql.run(
            "INSERT INTO outlet (institution_id, code, name, kind, geom) VALUES (%(bank)s, 'x', 'x', 'staffed',"
            f" ST_SetSRID(ST_MakePoint({place}), 4490))",
            bank=bank.pk,
        )


def test_a_kind_is_a_word_of_the_vocabulary(raw: Connect) -> None:
    bank = InstitutionFactory()
    psql = Client(raw())
    with psql.refused("feature_kind_is_known"):
        psql.run(
            "INSERT INTO outlet (institution_id, code, name, kind, geom) VALUES (%(bank)s, 'x', 'x', 'casino',"
            " ST_SetSRID(ST_MakePoint(113, 30), 4490))",
            bank=bank.pk,
        )


def test_the_bank_of_a_path_is_its_first_step(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT bank_of('000100020003')")
        assert cursor.fetchone() == ("000100020003"[: Institution.steplen],)

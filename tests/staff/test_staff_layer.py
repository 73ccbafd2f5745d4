"""People at their base places as a layer: queried by place like outlets, each in its grid, seen by those who look after them."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from layers.audit.models import Entry
from layers.grids.models import SRID
from layers.people.lists import rows_of
from layers.staff.models import Staff
from tests.api.world import bearer
from tests.staff.town import Town, today


@pytest.fixture
def based(town: Town) -> Town:
    """a and b at a place in the first and the second grid, c without a base place."""
    for who, code in (("a", "001"), ("b", "002")):
        town.people[who].geom = town.grid(code).geom.point_on_surface
        town.people[who].save()
    town.people["c"].geom = None
    town.people["c"].save()
    return town


def names(town: Town, user: str, query: str = "") -> set[str]:
    answer = bearer(town.users[user]).get(f"/api/layers/staff{query}")
    assert answer.status_code == 200, answer.content
    return {each["properties"]["name"] for each in answer.json()["features"]}


def test_workers_are_found_by_place(based: Town) -> None:
    place = based.people["a"].geom
    near = f"?near={place.x},{place.y}"
    assert names(based, "boss") == {"员工a", "员工b"}
    assert names(based, "boss", f"?grid={based.grid('001').pk}") == {"员工a"}
    assert names(based, "boss", f"{near}&radius=50") == {"员工a"}
    assert names(based, "boss", f"{near}&nearest=1") == {"员工a"}
    assert names(based, "boss", f"?bbox={place.x - 1e-5},{place.y - 1e-5},{place.x + 1e-5},{place.y + 1e-5}") == {
        "员工a"
    }
    assert names(based, "boss", "?kind=volunteer") == set()


def test_one_is_told_with_grid_and_duties(based: Town) -> None:
    based.serve("a", "003")
    found = bearer(based.users["boss"]).get(f"/api/layers/staff/{based.people['a'].pk}").json()["properties"]
    assert found["grid"]["code"] == based.grid("001").code and found["in_charge_of"] == [based.grid("003").name]
    assert found["kind_label"] == "专职网格员" and found["page"] == f"/people/{based.people['a'].pk}/"
    assert not found["can_change"]


def test_who_sees_base_places(based: Town) -> None:
    for name in based.users:
        seen = {"worker": {"员工a"}, "stranger": set(), "regulator": set()}.get(name, {"员工a", "员工b"})
        assert names(based, name) == seen, name


def test_whoever_left_is_there_no_more(based: Town) -> None:
    Staff.objects.filter(pk=based.people["a"].pk).update(left_on=today())
    assert names(based, "boss") == {"员工b"} and names(based, "boss", "?state=all") == {"员工a", "员工b"}


def test_the_database_keeps_the_grid(based: Town) -> None:
    person = based.people["a"]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE staff SET geom = %s WHERE id = %s", [based.grid("002").geom.point_on_surface.ewkb, person.pk]
        )
    person.refresh_from_db()
    assert person.grid_code == based.grid("002").code
    person.geom = Point(100, 20, srid=SRID)
    person.save()
    person.refresh_from_db()
    assert person.grid_code is None
    with pytest.raises(IntegrityError, match="there is no kind"), transaction.atomic():
        Staff.objects.filter(pk=person.pk).update(kind="nobody")


def test_exported_and_logged_but_never_imported_or_changed(based: Town, tmp_path) -> None:
    boss = bearer(based.users["admin"])
    text = b"".join(boss.get("/api/layers/staff/export?format=csv").streaming_content).decode("utf-8-sig")
    assert {row["名称"] for row in csv.DictReader(io.StringIO(text))} == {"员工a", "员工b"}
    assert Entry.objects.filter(table_name="staff_place", kind=Entry.Kind.READ).exists()
    given = {"code": "x", "name": "x", "kind": "full_time", "lon": 113, "lat": 30}
    assert boss.post("/api/layers/staff", given, content_type="application/json").status_code == 404
    assert (
        boss.post("/api/layers/staff/export", {"reason": "电话核实"}, content_type="application/json").status_code
        == 400
    )
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("import_points", str(tmp_path / "x.csv"), layer="staff", institution="x", datum="cgcs2000")


def test_those_without_a_base_place_are_counted_and_listed(based: Town) -> None:
    """The layer has fewer than the list of people: it says how many are missing, and leads to them."""

    def told(user: str) -> tuple[int, object]:
        layers = bearer(based.users[user]).get("/api/layers/").json()
        [one] = [one for one in layers if one["id"] == "staff"]
        return one["count"], one["without_place"]

    assert told("boss") == (2, {"count": 1, "page": "/people/?list=unplaced"})
    assert [row.staff for row in rows_of("unplaced", based.users["boss"])] == [based.people["c"]]
    assert told("worker") == (1, None) and told("regulator") == (0, None)
    Staff.objects.filter(pk=based.people["c"].pk).update(left_on=today())
    assert told("boss") == (2, None)

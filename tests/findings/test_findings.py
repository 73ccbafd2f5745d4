"""Lists of what is not as it should be: what each finds, by which number, and for whose eyes."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.contrib.gis.geos import LineString
from django.test import Client

from layers.facilities.models import Place
from layers.features.models import Kind
from layers.grids.models import SRID, GridCount, Plan
from layers.orgs.models import Institution
from layers.rules.models import MeasureSettings, Rule
from layers.streets.models import Building, Street
from tests.api.world import bearer
from tests.factories import (
    SIDE,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    UserFactory,
    published,
    square_plan,
)
from tests.rules.places import at

pytestmark = pytest.mark.django_db
QUARTER = SIDE // 4


@pytest.fixture
def bank() -> Institution:
    return InstitutionFactory(name="潜江农商行")


@pytest.fixture
def plan(bank: Institution) -> Plan:
    return published(square_plan(2, levels=3, institution=bank))


@pytest.fixture
def manager(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="manager"))


def rows(client: Client, key: str) -> list[dict]:
    answer = client.get(f"/api/findings/{key}")
    assert answer.status_code == 200, answer.content
    return answer.json()["rows"]


def test_villages_without_a_cash_point(manager: Client, bank: Institution, plan: Plan):
    for x, y in ((1, 1), (3, 1), (1, 3)):
        MachineFactory(institution=bank, geom=at(x * QUARTER, y * QUARTER))
    found = manager.get("/api/findings/rule-yl04-1").json()
    assert [row["code"] for row in found["rows"]] == ["429005004"]
    assert found["domain"] == "YL04" and "至少 1 个" in found["demand"] and "按预设" in found["demand"]
    lon, lat = found["rows"][0]["at"]
    assert 113.0064 < lon < 113.013 and 30.0064 < lat < 30.013


@pytest.mark.domain("QJ01")
def test_stations_that_lack_some_of_the_ten_things(manager: Client, bank: Institution, plan: Plan):
    whole = {item["key"]: True for item in Kind.objects.get(layer="outlets", key="station").checklist}
    values = {"institution": bank, "kind": "station"}
    OutletFactory(code="1", geom=at(QUARTER, QUARTER), attributes=whole, **values)
    OutletFactory(code="2", geom=at(QUARTER, QUARTER), attributes=whole | {"atlas": False, "sign": False}, **values)
    OutletFactory(code="3", geom=at(QUARTER, QUARTER), attributes=whole | {"sign": False}, is_active=False, **values)
    OutletFactory(code="4", kind="station", geom=at(QUARTER, QUARTER), attributes={})  # another bank's
    found = manager.get("/api/findings/stations").json()
    assert [(row["code"], row["value"], row["text"]) for row in found["rows"]] == [("2", 2, "缺: 标牌、图集")]
    assert found["domain"] == "QJ01" and "标牌、图集、团队" in found["demand"] and found["rows"][0]["at"]
    listed = manager.get("/api/findings").json()["lists"]
    assert [one["count"] for one in listed if one["id"] == "stations"] == [1]
    english = manager.get("/api/findings/stations", headers={"accept-language": "en"}).json()
    assert english["rows"][0]["text"] == "Lacking: Sign, Atlas"


def test_the_number_is_a_setting(manager: Client, bank: Institution, plan: Plan):
    for x, y in ((1, 1), (3, 1), (1, 3), (3, 3)):
        MachineFactory(institution=bank, geom=at(x * QUARTER, y * QUARTER))
    assert rows(manager, "rule-yl04-1") == []
    rule = Rule.objects.create(
        institution=bank, name="两个取款点", measure="cash_points", level=1, kind="rural", low=2, domain="YL04"
    )
    listed = {one["id"]: one for one in manager.get("/api/findings").json()["lists"]}
    assert "rule-yl04-1" not in listed and listed[f"rule-{rule.pk}"]["count"] == 4
    assert listed[f"rule-{rule.pk}"]["rule"] == rule.pk and "按预设" not in listed[f"rule-{rule.pk}"]["demand"]
    Rule.objects.update(active=False)
    assert not {"rule-yl04-1", f"rule-{rule.pk}"} & {one["id"] for one in manager.get("/api/findings").json()["lists"]}


def test_communities_and_villages_without_a_station(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, kind="station", geom=at(QUARTER, QUARTER))
    OutletFactory(institution=bank, kind="staffed", geom=at(3 * QUARTER, QUARTER))
    assert [row["code"] for row in rows(manager, "rule-qj02-1")] == ["429005002", "429005003", "429005004"]


def test_households_farther_than_the_radius(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, kind="staffed", geom=at(0, 0))
    Building.objects.create(institution=bank, households=3, geom=at(QUARTER // 2, QUARTER // 2))
    Building.objects.create(institution=bank, households=7, geom=at(SIDE - QUARTER // 2, SIDE - QUARTER // 2))
    assert rows(manager, "far-households") == []
    Rule.objects.create(institution=bank, name="半径", measure="outlet_distance_km", level=0, kind="rural", high=1)
    found = rows(manager, "far-households")
    assert [(row["code"], row["value"]) for row in found] == [("429005004004", 7)]
    assert "7 户超出 (共 7 户)" in found[0]["text"]


def test_households_without_any_outlet_nearby_are_far(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, kind="staffed", geom=at(SIDE * 100, 0))
    Building.objects.create(institution=bank, households=3, geom=at(QUARTER // 2, QUARTER // 2))
    found = rows(manager, "far-households")
    assert found[0]["value"] == 3 and "公里" in found[0]["text"]


def test_without_buildings_the_households_of_a_grid_stand_at_its_label(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, kind="staffed", geom=at(SIDE * 100, 0))
    leaf = plan.grids.get(code="429005001001")
    GridCount.objects.create(grid=leaf, measure="households", value=40, as_of="2026-01-01")
    found = manager.get("/api/findings/far-households").json()
    assert [(row["code"], row["value"]) for row in found["rows"]] == [(leaf.code, 40)]
    assert "估算" in found["demand"]


@pytest.fixture
def ladder(bank: Institution, plan: Plan) -> Rule:
    """A street along the southern border and up the western one; an outlet at its southern end; within 1.5 km is near.

    The house in the north-west is 1.3 km away by air, and by street as far as both sides of the square.
    """
    corners = [at(SIDE - 1000, 0), at(0, 0), at(0, SIDE)]
    Street.objects.create(institution=bank, geom=LineString(corners, srid=SRID))
    OutletFactory(institution=bank, kind="staffed", geom=at(SIDE - 1000, 0))
    Building.objects.create(institution=bank, households=5, code="nw", geom=at(1000, SIDE // 2))
    Building.objects.create(institution=bank, households=2, code="sw", geom=at(QUARTER // 2, 1000))
    return Rule.objects.create(
        institution=bank, name="半径", measure="outlet_distance_km", level=0, kind="rural", high=1.5
    )


@pytest.mark.domain("ZG05")
def test_who_is_farther_by_street_than_the_radius(manager: Client, bank: Institution, ladder: Rule):
    """The setting chooses; the other way is listed beside it, for comparison."""
    assert rows(manager, "far-households") == [] == rows(manager, "far-households-air")
    [far] = rows(manager, "far-households-street")
    assert far["value"] == 5 and "5 户超出 (共 5 户), 最远 2.0 公里, 其中离街道 10 米" in far["text"]
    admin = bearer(UserFactory(institution=bank, role="administrator"))
    answer = admin.put(
        "/api/rules/settings",
        {"institution": bank.pk, "distance_by": "street", "street_access_m": 900},
        content_type="application/json",
    )
    assert answer.json()["distance_by"] == "street"
    listed = {one["id"]: one for one in manager.get("/api/findings").json()["lists"]}
    assert listed["far-households"]["count"] == 1 and "沿街" in listed["far-households"]["name"]
    assert listed["far-households-air"]["count"] == 0 and "供对照" in listed["far-households-air"]["demand"]
    table = b"".join(manager.get("/api/findings/far-households?format=csv").streaming_content).decode("utf-8-sig")
    assert "沿街距离, 含两端离街道的直线部分" in table and "其中离街道 10 米" in table
    by_grid = manager.get("/api/measures/far_households?level=2").json()
    assert {row["code"]: row["value"] for row in by_grid["rows"] if row["value"]} == {far["code"]: 5}
    assert any("沿街" in note for note in by_grid["notes"])
    whole = manager.get("/api/measures/far_households?level=0").json()["rows"]
    assert [row["value"] for row in whole] == [5]
    distance = manager.get("/api/measures/outlet_distance_km?level=0").json()
    [root] = distance["rows"]
    # How far a grid is from the street is said beside its value, not in the notes on all of them.
    assert root["value"] > 1.2 and re.search(r"沿街.* \([\d,]+ 米\)$", root["source"])
    assert [note for note in distance["notes"] if "数据" in note] == ["数据: 沿街距离, 含两端离街道的直线部分"]


def test_where_there_is_no_street_nothing_is_said(manager: Client, bank: Institution, ladder: Rule):
    MeasureSettings.objects.create(institution=bank, distance_by="street", street_access_m=300)
    Building.objects.create(institution=bank, households=9, geom=at(SIDE - 1000, SIDE - 1000))
    found = manager.get("/api/findings/far-households").json()
    assert [row["value"] for row in found["rows"]] == [5] and found["unmeasured"] == 1
    assert "离街道超过 300 米的住户没有数据" in found["demand"]
    values = manager.get("/api/measures/far_households?level=2").json()["rows"]
    assert {row["value"] for row in values if "没有街道数据" in row["source"]} == {None}
    Street.objects.all().delete()
    assert rows(manager, "far-households") == []
    [root] = manager.get("/api/measures/outlet_distance_km?level=0").json()["rows"]
    assert root["value"] is None and "没有街道数据" in root["source"]


@pytest.mark.domain("ZG05")
def test_the_homes_behind_a_number(manager: Client, bank: Institution, plan: Plan, ladder: Rule):
    """A row leads to the homes that it counts, the farthest first, each with its outlet; in pages and as a table."""
    Building.objects.create(institution=bank, households=4, code="=nw2", geom=at(1000, SIDE // 2 - 1000))
    near = OutletFactory(institution=bank, name="远支行", kind="staffed", geom=at(SIDE * 100, 0))
    [far] = rows(manager, "far-households-street")
    assert far["value"] == 9
    found = manager.get(f"/api/findings/{far['behind']}").json()
    assert [(row["code"], row["details"]["households"]) for row in found["rows"]] == [("nw", 5), ("=nw2", 4)]
    first = found["rows"][0]
    assert 1.9 < first["details"]["km"] < 2.0 and first["details"]["off_street_m"] == 10
    assert first["details"]["outlet_at"] == list(at(SIDE - 1000, 0).coords) and near.name not in first["text"]
    assert found["count"] == 2 and found["within"] == "far-households-street" and found["grid"] == far["grid"]
    page = manager.get(f"/api/findings/{far['behind']}?limit=1&offset=1").json()
    assert [row["code"] for row in page["rows"]] == ["=nw2"] and page["count"] == 2
    table = b"".join(manager.get(f"/api/findings/{far['behind']}?format=csv").streaming_content).decode("utf-8-sig")
    heads, *lines = csv.reader(io.StringIO(table))
    assert heads[-5:] == ["户数", "公里", "其中离街道 (米)", "最近营业网点", "网点编码"] and len(lines) == 2
    assert lines[1][3] == "'=nw2"
    # By air all are near; of the whole area, as of a leaf.
    assert rows(manager, f"homes-air-{far['grid']}") == []
    assert len(rows(manager, f"homes-street-{plan.grids.get(parent=None).pk}")) == 2


def test_homes_that_no_street_leads_from_come_first(manager: Client, bank: Institution, plan: Plan, ladder: Rule):
    Building.objects.create(institution=bank, households=1, name="孤屋", geom=at(SIDE - 1000, SIDE - 1000))
    Street.objects.create(
        institution=bank, geom=LineString([at(3 * QUARTER, SIDE - 1000), at(SIDE - 1000, SIDE - 1000)], srid=SRID)
    )
    root = plan.grids.get(parent=None).pk
    first, second = rows(manager, f"homes-street-{root}")
    assert first["name"] == "孤屋" and first["value"] is None and "没有街道" in first["text"]
    assert second["code"] == "nw"


def test_homes_at_labels_say_that_they_are_estimated(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, kind="staffed", geom=at(SIDE * 100, 0))
    leaf = plan.grids.get(code="429005001001")
    GridCount.objects.create(grid=leaf, measure="households", value=40, as_of="2026-01-01")
    [row] = rows(manager, f"homes-air-{leaf.pk}")
    assert "标注点" in row["name"] and "估算" in row["text"] and row["details"]["households"] == 40


def test_there_are_homes_of_grids_of_the_plan_only(manager: Client, bank: Institution, plan: Plan):
    other = square_plan(1, levels=2, institution=bank).grids.first()
    strange = square_plan(1, levels=2, institution=InstitutionFactory()).grids.first()
    for key in (f"air-{other.pk}", f"air-{strange.pk}", "air-x", f"boat-{plan.pk}", "air-", f"air-{10**30}", "air-٣"):
        assert manager.get(f"/api/findings/homes-{key}").status_code == 404, key
    assert manager.get("/api/findings/vacant?limit=0").status_code == 422
    assert not [one for one in manager.get("/api/findings").json()["lists"] if one["id"].startswith("homes")]


def test_the_overview_counts_and_puts_nothing_in_words(
    manager: Client, bank: Institution, plan: Plan, ladder: Rule, monkeypatch
):
    """Of lists of a thousand rows only the numbers are shown: no sentence and no row is made."""

    def refuse(*_given: object) -> None:
        raise AssertionError

    for name in ("layers.rules.evaluate.sentences", "layers.findings.lists.Row"):
        monkeypatch.setattr(name, refuse)
    listed = {one["id"]: one["count"] for one in manager.get("/api/findings").json()["lists"]}
    assert listed["far-households-street"] == 1 and listed["rule-yl04-1"] == 4


def test_points_in_no_grid_are_listed(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, name="界外网点", geom=at(2 * SIDE, 0))
    Place.objects.create(institution=bank, code="p", name="界外市场", kind="market", geom=at(0, 2 * SIDE))
    MachineFactory(geom=at(2 * SIDE, 0))  # of another bank
    assert [row["name"] for row in rows(manager, "outside-outlets")] == ["界外网点"]
    assert [row["name"] for row in rows(manager, "outside-places")] == ["界外市场"]
    assert rows(manager, "outside-machines") == []


def test_vacant_grids_are_among_the_lists(manager: Client, plan: Plan):
    assert len(rows(manager, "people-vacant")) == 16
    listed = {one["id"]: one["count"] for one in manager.get("/api/findings").json()["lists"]}
    assert listed["people-vacant"] == 16


def test_every_list_has_a_name_a_demand_and_where_it_comes_from(manager: Client, plan: Plan):
    for language in ("zh-hans", "en"):
        for one in manager.get("/api/findings", headers={"Accept-Language": language}).json()["lists"]:
            assert one["name"] and one["demand"] and one["group"] and one["domain"], one


def test_a_list_as_a_table_is_text_that_no_spreadsheet_runs(manager: Client, bank: Institution, plan: Plan):
    OutletFactory(institution=bank, name="=HYPERLINK(1)", geom=at(2 * SIDE, 0))
    answer = manager.get("/api/findings/outside-outlets?format=csv")
    lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert lines[1][4] == "'=HYPERLINK(1)" and lines[1][1] == "ZG08"
    assert manager.get("/api/findings/outside-outlets?format=xlsx").status_code == 200


def test_lists_are_for_the_bank_only(plan: Plan, manager: Client):
    regulator = bearer(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    stranger = bearer(UserFactory(role="administrator"))
    for address in ("/api/findings", "/api/findings/people-vacant"):
        assert regulator.get(f"{address}?plan={plan.pk}").status_code == 403
        assert stranger.get(f"{address}?plan={plan.pk}").status_code == 404
    assert manager.get("/api/findings/nothing").status_code == 404
    assert manager.get("/api/findings/people-nothing").status_code == 404


def test_the_page(plan: Plan, bank: Institution):
    client = Client()
    assert client.get("/findings/").status_code == 302
    client.force_login(UserFactory(institution=bank, role="manager"))
    assert "检查清单" in client.get("/findings/").content.decode()
    client.force_login(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    assert client.get("/findings/").status_code == 403


@pytest.mark.parametrize(("role", "can"), [("administrator", True), ("manager", False), ("planner", False)])
def test_who_cannot_change_rules_is_not_sent_to_change_them(bank: Institution, plan: Plan, role: str, can: bool):
    client = Client()
    client.force_login(UserFactory(institution=bank, role=role))
    assert ("data-can-edit-rules" in client.get("/findings/").content.decode()) is can

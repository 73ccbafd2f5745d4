"""Layers: features by place and by what they are, for those who may see them, and changes by those who may make them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gis.datum import GCJ02, from_cgcs2000
from layers.facilities.models import Machine, Outlet, Place
from layers.features.models import Kind
from layers.features.registry import LAYERS
from layers.grids.models import Grid
from layers.staff.models import Staff
from layers.streets.models import Building, Street
from tests.api.world import LEAF, STEP, World, assert_fault, spot
from tests.factories import MachineFactory, OutletFactory, grid, square_plan


@pytest.fixture
def planner(world: World) -> Client:
    return world.client("甲总 planner")


def ask(client: Client, layer: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/layers/{layer}", query)
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def names(collection: dict[str, Any]) -> list[str]:
    return [feature["properties"]["name"] for feature in collection["features"]]


def at(x: int, y: int) -> str:
    place = spot(x, y)
    return f"{place.x},{place.y}"


def make_places(world: World) -> None:
    """A school in the middle of each of the four leaves of the first square, one on their common corner, one far away."""
    bank = world.institutions["甲总"]
    for number, (x, y) in enumerate(((0.5, 0.5), (1.5, 0.5), (0.5, 1.5), (1.5, 1.5), (1, 1), (90, 90))):
        Place.objects.create(
            institution=bank,
            code=f"P{number}",
            name=f"学校{number}",
            kind="school",
            geom=spot(int(x * STEP), int(y * STEP)),
            attributes={"address": f"{number}号"},
        )


@pytest.mark.domain("HY12")
def test_every_object_is_in_exactly_one_grid(world: World, planner: Client):
    make_places(world)
    plan = world.plans["甲发布"]
    found = [ask(planner, "places", grid=leaf.pk) for leaf in Grid.objects.filter(plan=plan, level=2)]
    assert sorted(name for collection in found for name in names(collection)) == [f"学校{n}" for n in range(5)]
    for above in (grid(plan, "001"), plan.grids.get(level=0)):
        assert sorted(names(ask(planner, "places", grid=above.pk))) == [f"学校{n}" for n in range(5)]
    # The corner: the leaf with the smallest code.
    assert names(ask(planner, "places", grid=grid(plan, "001001").pk)) == ["学校0", "学校4"]
    assert names(ask(planner, "places", outside="true")) == ["学校5"]


def test_what_is_there_no_more_counts_nowhere_and_is_still_found(world: World, planner: Client):
    leaf = grid(world.plans["甲发布"], "001001")
    gone = Outlet.objects.get(name="甲一网点")
    measures = f"/api/plans/{leaf.plan_id}/measures?grids={leaf.pk}&names=outlets,outlets_staffed"
    before = planner.get(measures).json()[str(leaf.pk)]["outlets"]["value"]
    place = {"lon": gone.geom.x, "lat": gone.geom.y, "plan": leaf.plan_id}
    assert gone.name in str(planner.get("/api/locate", place).json()["nearest"]["outlets"])
    answer = planner.put(f"/api/layers/outlets/{gone.pk}", {"active": False}, content_type="application/json")
    assert answer.status_code == 200 and not answer.json()["properties"]["active"]
    assert planner.get(measures).json()[str(leaf.pk)]["outlets"]["value"] == before - 1
    assert gone.name not in str(planner.get("/api/locate", place).json()["nearest"]["outlets"])
    assert gone.name not in names(ask(planner, "outlets"))
    assert names(ask(planner, "outlets", state="inactive")) == [gone.name]
    assert gone.name in names(ask(planner, "outlets", state="all", grid=leaf.pk)), "it still knows its grid"
    listed = {layer["id"]: layer["count"] for layer in planner.get("/api/layers/").json()}
    assert listed["outlets"] == len(names(ask(planner, "outlets")))
    assert planner.get(f"/api/layers/outlets/{gone.pk}").status_code == 200
    planner.put(f"/api/layers/outlets/{gone.pk}", {"active": True}, content_type="application/json")
    assert gone.name in names(ask(planner, "outlets"))


@pytest.mark.domain("OC07")
def test_five_base_registers_and_what_the_bank_adds(world: World, planner: Client):
    """1+5+N: people, houses, events, organisations, things by place; a kind of the bank's own is an extension."""
    bank, leaf = world.institutions["甲总"], grid(world.plans["甲发布"], "001001")
    Kind.objects.create(institution=bank, layer="places", key="charging", name="充电站")
    Building.objects.create(institution=bank, households=4, geom=spot(STEP // 2, STEP // 2))
    Staff.objects.update(geom=spot(STEP // 2, STEP // 2))
    for number, kind in enumerate(("event_hazard", "event_hazard", "hydrant", "association", "charging", "compound")):
        values = {"lon": 113 + STEP / 2e7, "lat": 30 + STEP / 2e7, "code": f"R{number}", "name": "x", "kind": kind}
        given = values | ({"attributes": {"happened": "2026-03-01", "state": "待办"}} if "event" in kind else {})
        assert planner.post("/api/layers/places", given, content_type="application/json").status_code == 201
    refused = planner.post(
        "/api/layers/places", values | {"code": "R9", "kind": "event_hazard"}, content_type="application/json"
    )
    assert_fault(refused, 400, "invalid_attributes")  # an event has a day

    def counts(client: Client, of: Grid = leaf) -> dict[str, int]:
        return {one["id"]: one["count"] for one in client.get(f"/api/grids/{of.pk}/registers").json()}

    found = {one["id"]: one for one in planner.get(f"/api/grids/{leaf.pk}/registers").json()}
    assert list(found) == ["person", "house", "event", "organisation", "thing", "extension"]
    by_name = {part["name"]: part["count"] for one in found.values() for part in one["parts"]}
    assert by_name.items() >= {"安全隐患": 2, "建筑": 1, "居民小区": 1, "消防栓": 1, "社会组织": 1, "充电站": 1}.items()
    assert found["event"]["count"] == 2 and found["extension"]["count"] == 1 and by_name["专职网格员"] == 3
    assert counts(planner, leaf.parent)["event"] == counts(planner, leaf.parent.parent)["event"] == 2
    [part] = found["event"]["parts"]
    assert len(names(ask(planner, part["layer"], grid=leaf.pk, kind=part["kind"]))) == part["count"]
    regulator = counts(world.client("监管 regulator"))
    assert regulator["person"] == 0 and regulator["event"] == 2
    assert world.client("乙总 administrator").get(f"/api/grids/{leaf.pk}/registers").status_code == 404
    assert [one["id"] for one in planner.get(f"/api/grids/{leaf.pk}/registers?only=event").json()] == ["event"]
    # All grids of a level in one table say the same, and lead to the same rows.
    Kind.objects.create(
        institution=world.institutions["乙总"], layer="places", key="charging", name="x", register="thing"
    )
    five = ("person", "house", "event", "organisation", "thing")
    pages = signed_in(world, "甲总 planner")
    heads, *lines = csv.reader(pages.get("/registers/?format=csv").getvalue().decode("utf-8-sig").splitlines())
    assert heads == ["编码", "网格", "上级网格", "人", "房", "事", "组织", "物品"]
    table = {line[0]: [int(cell) for cell in line[3:]] for line in lines}
    for one in world.plans["甲发布"].grids.filter(level=2):
        assert table[one.code] == [counts(planner, one)[key] for key in five]
    assert table[leaf.code][2] == 2 and sum(line[2] for line in table.values()) == 2
    text = pages.get("/registers/?sort=-event").content.decode()
    assert text.index(f'data-grid="{leaf.pk}"') < text.index("<tr data-grid", text.index("<tr data-grid") + 1)
    row = measure_rows(planner, "register_event", leaf)
    assert row["value"] == 2 and row["rows"] == [f"/api/grids/{leaf.pk}/registers?only=event"]
    parts = pages.get(f"/registers/?grid={leaf.pk}").content.decode()
    assert "安全隐患" in parts and f"find=places%3Fgrid%3D{leaf.pk}%26" in parts and "kind%3Devent_hazard" in parts
    for query, status in (("level=9", 400), ("level=x", 404), ("grid=9999", 404), ("plan=9999", 404), ("sort=x", 200)):
        assert pages.get(f"/registers/?{query}").status_code == status
    for who in ("监管 regulator", "甲总 worker"):
        assert signed_in(world, who).get("/registers/").status_code == 403


def test_all_grids_of_the_registers_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mapserver.views.ROWS", 10)
    pages = signed_in(world, "甲总 planner")
    grids = [str(one.pk) for one in world.plans["甲发布"].grids.filter(level=2).order_by("code")]
    assert len(grids) == 16
    first, last = (pages.get(f"/registers/?sort=x&page={page}").content.decode() for page in (1, 2))
    assert re.findall(r'data-grid="(\d+)"', first) + re.findall(r'data-grid="(\d+)"', last) == grids
    assert "16 个网格 · 第 1 至 10 个" in first and "第 11 至 16 个" in last
    assert f'href="?plan={world.plans["甲发布"].pk}&amp;level=2&amp;sort=x&amp;page=2"' in first
    assert pages.get("/registers/?sort=x&page=99").content.decode().count("data-grid") == 6
    assert pages.get("/registers/?page=x").status_code == 404
    assert 'id="pages"' not in pages.get("/registers/?level=1").content.decode()


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(world: World, planner: Client) -> None:
    Kind.objects.create(institution=world.institutions["乙总"], layer="places", key="theirs", name="别家的")
    for address in ("/api/layers/places?", "/api/layers/places/export?", "/api/layers/places?near=113,30&"):
        for wrong in ("shcool", "school,shcool", "school,", "theirs"):
            said = assert_fault(planner.get(f"{address}kind={wrong}"), 400, "invalid_filter")["message"]
            assert "school (学校)" in said["zh"] and "school (School)" in said["en"]
            assert "别家的" not in said["zh"]
    assert planner.get("/tiles/places/14/13330/6750.mvt?kind=shcool").status_code == 400
    assert planner.get("/api/layers/places?kind=school,market").status_code == 200


def signed_in(world: World, who: str) -> Client:
    client = Client()
    client.force_login(world.users[who])
    return client


def measure_rows(client: Client, name: str, grid: Grid) -> dict[str, Any]:
    return next(row for row in client.get(f"/api/measures/{name}").json()["rows"] if row["id"] == grid.pk)


def test_in_a_draft_the_shapes_decide_by_the_same_tie_break(world: World, planner: Client):
    make_places(world)
    draft = square_plan(2, levels=3, institution=world.institutions["甲总"])
    leaves = {leaf.code: names(ask(planner, "places", grid=leaf.pk)) for leaf in draft.grids.filter(level=2)}
    assert leaves["429005001001"] == ["学校0", "学校4"]
    assert sorted(name for found in leaves.values() for name in found) == [f"学校{n}" for n in range(5)]
    assert len(ask(planner, "places", grid=draft.grids.get(level=0).pk)["features"]) == 5


def test_where_a_bank_plans_twice_the_plan_asked_for_decides(world: World):
    """The branch's own plan is in force, too; homes are those of the head office's."""
    from tests.factories import published

    own = published(square_plan(3, levels=2, institution=world.institutions["甲一"]))
    outlets = ask(world.client("甲一 planner"), "outlets", grid=own.grids.get(code="429005001").pk)
    assert names(outlets) == ["甲一网点", "甲二网点"]


def test_near_and_nearest_are_geodesic(world: World, planner: Client):
    make_places(world)
    near = ask(planner, "places", near=at(STEP // 2, STEP // 2), radius=500)
    assert names(near)[0] == "学校0" and near["features"][0]["properties"]["distance_m"] == 0
    metres = [feature["properties"]["distance_m"] for feature in near["features"]]
    assert metres == sorted(metres) and metres[-1] <= 500
    nearest = ask(planner, "places", near=at(STEP // 2, STEP // 2), nearest=3)
    assert names(nearest) == names(near)[:3] and nearest["numberMatched"] == 3
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_Distance(a.geom::geography, b.geom::geography) FROM place a, place b WHERE a.code = 'P0' AND b.code = 'P4'"
        )
        assert nearest["features"][1]["properties"]["distance_m"] == pytest.approx(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"near": "113.001,30.001", "nearest": 5}, "place_geography"),
        ({"near": "113.001,30.001", "radius": 20}, "place_geography"),
        ({"grid": LEAF}, "place_home"),
    ],
)
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_places_are_found_by_their_index(world: World, planner: Client, query: dict[str, Any], index: str, mode: str):
    """Also by the plan that a prepared statement keeps for all values."""
    plan = world.plans["甲发布"]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO place (institution_id, code, name, kind, geom) SELECT %s, 'n' || n, 'n', 'shop',"
            " ST_SetSRID(ST_MakePoint(113 + (n %% 71) * 0.0002, 30 + n / 71 * 0.0002), 4490) FROM generate_series(1, 5000) n",
            [world.institutions["甲总"].pk],
        )
        cursor.execute("ANALYZE place")
        cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
    if "grid" in query:
        query = {"grid": plan.grids.get(code=query["grid"]).pk}
    with CaptureQueriesContext(connection) as queries:
        ask(planner, "places", **query)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + queries[-1]["sql"].replace("%", "%%"))
        text = "\n".join(row[0] for row in cursor.fetchall())
    assert index in text and "place_institution" not in text


def test_a_question_is_one_statement(world: World, planner: Client, django_assert_num_queries):
    """The user of the token, the grid, the answer with the number of all; nothing is composed twice for the same kind of question."""
    make_places(world)
    leaf = grid(world.plans["甲发布"], "001001").pk
    for query, number in (({"near": at(1, 1), "nearest": 3}, 2), ({"grid": leaf, "limit": 1}, 3)):
        found = ask(planner, "places", **query)
        with django_assert_num_queries(number):
            assert ask(planner, "places", **query) == found
    assert (found["numberMatched"], found["numberReturned"]) == (2, 1)
    assert ask(planner, "places", limit=2, offset=4)["numberMatched"] == 6
    assert ask(planner, "places", limit=2, offset=9)["numberMatched"] == 6


def test_along_a_street(world: World, planner: Client):
    make_places(world)
    line = {
        "type": "LineString",
        "coordinates": [list(spot(0, STEP // 2).coords), list(spot(2 * STEP, STEP // 2).coords)],
    }
    street = Street.objects.create(institution=world.institutions["甲总"], name="人民路", geom=_line(line))
    for along in (json.dumps(line), "人民路", str(street.pk)):
        assert sorted(names(ask(planner, "places", along=along, within=20))) == ["学校0", "学校1"], along
    assert_fault(planner.get("/api/layers/places", {"along": "无名路"}), 400, "invalid_place")
    assert_fault(planner.get("/api/layers/places", {"along": '{"type":"Point"}'}), 400, "invalid_place")
    # Another bank's street is none.
    assert_fault(
        world.client("乙总 administrator").get("/api/layers/places", {"along": "人民路"}), 400, "invalid_place"
    )


def _line(line: dict[str, Any]) -> Any:
    from django.contrib.gis.geos import LineString

    return LineString(line["coordinates"], srid=4490)


@pytest.mark.domain("YL05")
def test_by_kind_institution_and_words(world: World, planner: Client):
    branch = world.institutions["甲一"]
    OutletFactory(institution=branch, code="ZZ9", name="城南自助银行", kind="self_service")
    MachineFactory(institution=branch, name="城南 ATM", kind="atm")
    assert names(ask(planner, "outlets", kind="self_service")) == ["城南自助银行"]
    assert names(ask(planner, "machines", kind="atm,crs")) == ["城南 ATM"]
    assert set(names(ask(planner, "outlets", institution=branch.pk))) == {"甲一网点", "城南自助银行"}
    for words in ("自助", "zz"):
        assert names(ask(planner, "outlets", q=words)) == ["城南自助银行"]
    assert_fault(planner.get(f"/api/layers/outlets?institution={world.institutions['乙一'].pk}"), 404, "not_found")


@pytest.mark.domain("QJ01")
def test_a_station_says_what_is_missing_of_its_ten(world: World, planner: Client):
    items = [item["key"] for item in Kind.objects.get(layer="outlets", key="station").attributes if item.get("scored")]
    assert len(items) == 10
    attributes = {key: True for key in items[:7]} | {items[7]: False, "address": "村部"}
    station = OutletFactory(
        institution=world.institutions["甲一"], name="工作站", kind="station", attributes=attributes
    )
    [found] = ask(planner, "outlets", kind="station")["features"]
    assert found["properties"]["completeness"] == {"done": 7, "of": 10, "missing": items[7:]}
    assert (
        found["properties"]["kind_label"] == "普惠金融工作站" and found["properties"]["attributes"]["address"] == "村部"
    )
    # Whoever ticks the rest sees ten of ten.
    answer = planner.put(
        f"/api/layers/outlets/{station.pk}",
        {"attributes": attributes | {key: "是" for key in items}},
        content_type="application/json",
    )
    assert answer.json()["properties"]["completeness"] == {"done": 10, "of": 10, "missing": []}
    assert ask(planner, "outlets", kind="station", **{"attributes.sign": "否"})["features"] == []


@pytest.mark.domain("XF01", "GC05")
def test_by_attributes(world: World, planner: Client):
    bank = world.institutions["甲总"]
    for code, kind, attributes in (
        ("a", "fire_unit", {"grade": "A", "supervisor": "消防大队"}),
        ("b", "fire_unit", {"grade": "B", "supervisor": "派出所"}),
        ("c", "party_site", {"area_m2": 650.5}),
        ("d", "party_site", {"area_m2": 80}),
        ("e", "compound", {"households": 500}),
    ):
        Place.objects.create(institution=bank, code=code, name=code, kind=kind, geom=spot(5, 5), attributes=attributes)
    for query, expected in (
        ({"attributes.grade": "A"}, ["a"]),
        ({"attributes.supervisor": "派出"}, ["b"]),
        ({"attributes.area_m2.min": "500"}, ["c"]),
        ({"attributes.area_m2.min": "10", "attributes.area_m2.max": "100"}, ["d"]),
        ({"attributes.households": "500", "kind": "compound"}, ["e"]),
    ):
        assert names(ask(planner, "places", **query)) == expected, query
    assert_fault(planner.get("/api/layers/places?attributes.grade=D"), 400, "invalid_attributes")
    assert_fault(planner.get("/api/layers/places?attributes.grade.min=A"), 400, "invalid_filter")
    assert_fault(planner.get("/api/layers/places?attributes.nothing=1"), 400, "invalid_filter")
    assert_fault(planner.get("/api/layers/places?attributes.a__b'=1"), 400, "invalid_filter")
    assert_fault(planner.get("/api/layers/places?kind=school&attributes.grade=A"), 400, "invalid_filter")


@pytest.mark.domain("QJ01")
def test_those_that_lack_something_of_their_checklist(world: World, planner: Client):
    bank = world.institutions["甲总"]
    station = Kind.objects.get(layer="outlets", key="station")
    whole = {item["key"]: True for item in station.checklist}
    assert len(whole) == 10
    for code, kind, attributes in (
        ("whole", "station", whole | {"keeper": "村委会"}),
        ("without a sign", "station", whole | {"sign": False}),
        ("with nothing", "station", {}),
        ("no checklist", "staffed", {}),
    ):
        OutletFactory(institution=bank, code=code, name=code, kind=kind, geom=spot(5, 5), attributes=attributes)
    found = ask(planner, "outlets", incomplete="true", q="w")
    assert names(found) == ["without a sign", "with nothing"]
    assert names(ask(planner, "outlets", incomplete="true", kind="station", **{"attributes.keeper": "村"})) == []
    assert names(ask(planner, "outlets", incomplete="true", kind="staffed")) == []
    assert names(ask(planner, "places", incomplete="true")) == []
    file = planner.get("/api/layers/outlets/export", {"incomplete": "true", "q": "w", "format": "geojson"}).json()
    assert len(file["features"]) == 2


def test_what_a_parameter_may_be_is_said_in_words(planner: Client):
    for query, zh, en in (
        ("along=x&within=6000", "离街道的距离 (米) 至多 5,000", "distance from the street (m): at most 5,000"),
        ("near=113,30&radius=0", "附近的距离 (米) 应大于 0", "distance around the place (m): more than 0"),
        ("near=113,30&nearest=x", "最近的个数 应为整数", "how many of the nearest: a whole number"),
        (f"q={'长' * 121}", "查找的文字 至多 120 个字", "words to look for: at most 120 characters"),
        ("state=gone", "state 应为 'active', 'inactive', 'all' 之一", "state: one of 'active', 'inactive' or 'all'"),
    ):
        for address in ("/api/layers/outlets?", "/tiles/outlets/3/0/0.mvt?"):
            said = assert_fault(planner.get(address + query), 422, "invalid_request")["message"]
            assert said == {"zh": f"填写有误: {zh}。", "en": f"Please correct: {en}."}
    said = assert_fault(planner.get("/api/locate?lon=113"), 422, "invalid_request")["message"]
    assert said["zh"] == "填写有误: 纬度 没有填写。"


def test_a_few_of_each_layer_for_the_search_box(world: World, planner: Client):
    make_places(world)
    OutletFactory(institution=world.institutions["甲总"], name="学校旁网点", code="S1", geom=spot(5, 5))
    OutletFactory(institution=world.institutions["乙总"], name="学校旁网点", code="S2", geom=spot(5, 5))
    found = planner.get("/api/layers/search?q=学校").json()
    assert [(one["layer"], one["code"]) for one in found] == [
        ("outlets", "S1"), *(("places", f"P{number}") for number in range(4))
    ]  # fmt: skip
    assert found[0]["layer_name"] == "网点" and found[0]["kind_label"] and found[0]["id"]
    assert [one["code"] for one in world.client("监管 regulator").get("/api/layers/search?q=学校旁").json()] == [
        "S1",
        "S2",
    ]
    assert planner.get("/api/layers/search?q=%20").json() == []


def test_an_attribute_that_is_none_is_said_in_words(planner: Client):
    said = assert_fault(planner.get("/api/layers/outlets?kind=station&attributes.tellers.min=1"), 400, "invalid_filter")
    assert "所选类型没有" in said["message"]["zh"] and "、橱窗、" in said["message"]["zh"]
    assert "Display" in said["message"]["en"] and "window" in said["details"]["attributes"]
    assert "window" not in said["message"]["zh"] + said["message"]["en"] and "图层" not in said["message"]["zh"]


def test_the_datum_of_question_and_answer(world: World, planner: Client):
    make_places(world)
    place = spot(STEP // 2, STEP // 2)
    [[lon, lat]] = from_cgcs2000(np.array([place.coords]), GCJ02).tolist()
    found = ask(planner, "places", near=f"{lon},{lat}", radius=5, datum="gcj02", output_datum="gcj02")
    assert names(found) == ["学校0"]
    assert found["features"][0]["geometry"]["coordinates"] == pytest.approx([lon, lat], abs=2e-7)
    assert names(ask(planner, "places", near=f"{lon},{lat}", radius=5)) == []


def test_pages_stay_put_by_their_cursor(world: World, planner: Client):
    make_places(world)
    seen, after = [], None
    while True:
        page = ask(planner, "places", limit=2, **({} if after is None else {"after": after}))
        seen += names(page)
        if after is None:
            assert page["numberMatched"] == 6
        after = page["next"]
        if after is None:
            break
    assert seen == [f"学校{n}" for n in range(6)]


def test_the_grids_of_each_when_asked(world: World, planner: Client):
    [first, _] = ask(planner, "outlets", **{"with": "grid"})["features"]
    chain = first["properties"]["grid"]["chain"]
    assert [step["level"] for step in chain] == [0, 1, 2] and chain[-1]["code"] == first["properties"]["grid"]["code"]
    assert "grid" not in ask(planner, "outlets")["features"][0]["properties"]


def test_csv(world: World, planner: Client):
    OutletFactory(institution=world.institutions["甲总"], code="0001", name="=HYPERLINK(1)", attributes={"tellers": 3})
    text = b"".join(planner.get("/api/layers/outlets?format=csv&with=grid").streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["name"] for row in rows} == {"甲一网点", "甲二网点", "'=HYPERLINK(1)"}
    [row] = [row for row in rows if row["code"] == "0001"]
    assert row["attributes.tellers"] == "3" and float(row["lon"]) and row["kind_label"] == "营业网点"


def test_a_personal_layer_shows_no_attributes_here_and_nothing_outside_the_subtree(world: World):
    from layers.ledger.models import Customer

    Customer.objects.create(
        institution=world.institutions["甲一"],
        code="c",
        name="某某",
        kind="resident",
        geom=spot(5, 5),
        attributes={"members": 3},
    )
    assert "members" not in json.dumps(ask(world.client("甲总 manager"), "customers"))
    for name, own in (("乙总 administrator", ["乙一客户"]), ("监管 regulator", []), ("nowhere", [])):
        found = ask(world.client(name), "customers")
        assert [feature["properties"]["name"] for feature in found["features"]] == own
    assert_fault(
        world.client("甲总 planner").post("/api/layers/customers", {"code": "x"}, content_type="application/json"),
        404,
        "not_found",
    )


def test_the_grid_of_a_plan_that_is_not_seen_is_not_told(world: World):
    """A sister branch's plan is in force; its outlet is seen, its plan is not."""
    from tests.factories import move_homes, published, retired

    retired(world.plans["甲发布"], Grid.objects.get(plan=world.plans["甲发布"], level=0).plan.valid_from)
    published(square_plan(3, levels=2, institution=world.institutions["甲一"]))
    move_homes()
    for name, told in (("甲一 planner", True), ("甲二 worker", False)):
        found = ask(world.client(name), "outlets", **{"with": "grid"})
        assert [bool(feature["properties"]["grid"]) for feature in found["features"]] == [told, told]


# Changing


@pytest.fixture
def new() -> dict[str, Any]:
    place = spot(STEP // 2, STEP // 2)
    return {
        "code": "N1",
        "name": "新网点",
        "kind": "staffed",
        "lon": place.x,
        "lat": place.y,
        "attributes": {"tellers": "1,0"},
    }


def test_add_move_and_delete(world: World, planner: Client, new: dict[str, Any]):
    plan = world.plans["甲发布"]
    new["attributes"] = {"tellers": "12", "address": " 一号 "}
    made = planner.post("/api/layers/outlets", new, content_type="application/json")
    assert made.status_code == 201, made.content.decode()
    properties = made.json()["properties"]
    assert properties["attributes"] == {"tellers": 12, "address": "一号"} and properties["can_change"]
    assert properties["grid"]["code"] == grid(plan, "001001").code
    address = f"/api/layers/outlets/{properties['id']}"
    elsewhere = spot(3 * STEP + 5, 3 * STEP + 5)
    moved = planner.put(address, {"lon": elsewhere.x, "lat": elsewhere.y}, content_type="application/json").json()
    assert moved["properties"]["grid"]["code"] == grid(plan, "004004").code
    assert moved["properties"]["name"] == "新网点"
    assert planner.delete(address).status_code == 204
    assert planner.get(address).status_code == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "casino"}, "invalid_feature"),
        ({"code": " "}, "invalid_feature"),
        ({"name": "x" * 121}, "invalid_feature"),
        ({"lon": None, "lat": None}, "invalid_feature"),
        ({"lon": None}, "invalid_place"),
        ({"lon": 30, "lat": 113}, "coordinates_outside_datum"),
        ({"attributes": {"tellers": "many"}}, "invalid_attributes"),
        ({"attributes": {"nothing": 1}}, "invalid_attributes"),
    ],
)
def test_a_feature_that_is_not_right_is_refused(
    world: World, planner: Client, new: dict[str, Any], change: dict[str, Any], code: str
):
    answer = planner.post("/api/layers/outlets", new | {"attributes": {}} | change, content_type="application/json")
    assert_fault(answer, 400, code)
    assert not Outlet.objects.filter(code="N1").exists()


def test_a_code_is_given_once(world: World, planner: Client, new: dict[str, Any]):
    new["attributes"] = {}
    assert planner.post("/api/layers/outlets", new, content_type="application/json").status_code == 201
    assert_fault(planner.post("/api/layers/outlets", new, content_type="application/json"), 409, "code_taken")


def test_a_kind_switched_off_is_kept_by_those_that_have_it_and_given_to_no_other(
    world: World, planner: Client, new: dict[str, Any]
):
    Kind.objects.filter(layer="machines", key="cash_point").update(is_active=False)
    machine = Machine.objects.get(name="甲一机具")
    assert (
        planner.put(f"/api/layers/machines/{machine.pk}", {"name": "改名"}, content_type="application/json").status_code
        == 200
    )
    answer = planner.post(
        "/api/layers/machines", new | {"kind": "cash_point", "attributes": {}}, content_type="application/json"
    )
    assert_fault(answer, 400, "invalid_feature")


@pytest.mark.parametrize(
    ("name", "of_own_branch", "of_sister", "of_other_bank"),
    [
        ("甲总 planner", 200, 200, 404),
        ("甲总 administrator", 200, 200, 404),
        ("甲一 planner", 200, 403, 404),
        ("甲总 manager", 403, 403, 404),
        ("甲总 worker", 403, 403, 404),
        ("甲总 auditor", 403, 403, 404),
        ("甲二 worker", 403, 403, 404),
        ("乙总 administrator", 404, 404, 200),
        ("监管 regulator", 403, 403, 403),
        ("nowhere", 404, 404, 404),
    ],
)
def test_who_may_change(world: World, name: str, of_own_branch: int, of_sister: int, of_other_bank: int):
    client = world.client(name)
    for owner, status in (("甲一", of_own_branch), ("甲二", of_sister), ("乙一", of_other_bank)):
        outlet = Outlet.objects.get(name=f"{owner}网点")
        address = f"/api/layers/outlets/{outlet.pk}"
        changed = client.put(address, {"attributes": {"address": "新址"}}, content_type="application/json")
        assert changed.status_code == status, (owner, changed.content.decode())
        assert client.delete(address).status_code == (204 if status == 200 else status)
        made = client.post(
            "/api/layers/outlets",
            {"code": "N", "name": "n", "kind": "staffed", "lon": 113, "lat": 30, "institution": outlet.institution_id},
            content_type="application/json",
        )
        assert made.status_code == (201 if status == 200 else status), made.content.decode()


def test_a_feature_is_not_handed_to_another_bank(world: World, planner: Client):
    outlet = Outlet.objects.get(name="甲一网点")
    answer = planner.put(
        f"/api/layers/outlets/{outlet.pk}",
        {"institution": world.institutions["乙一"].pk},
        content_type="application/json",
    )
    assert answer.status_code == 404


def test_layers_count_by_kind(world: World, planner: Client):
    [outlets, *_] = planner.get("/api/layers/").json()
    assert outlets["counts"] == {"staffed": 2} and outlets["count"] == 2 and outlets["can_add"]
    assert set(LAYERS) == {layer["id"] for layer in planner.get("/api/layers/").json()}

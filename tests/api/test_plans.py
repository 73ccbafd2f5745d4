"""Plans and grids over HTTP: what comes back, that it is exact, how many queries it takes, and when it has changed."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
import shapely
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from shapely.geometry import shape

from gis.lattice import is_on_lattice, to_degrees, to_lattice
from layers.grids.models import Grid, Plan
from tests.api.world import World, assert_fault, spot
from tests.factories import grid, square_plan


@pytest.fixture
def planner(world: World) -> Client:
    return world.client("甲总 planner")


def test_me(world: World, planner: Client):
    bank = world.institutions["甲总"]
    assert planner.get("/api/me").json() == {
        "id": world.users["甲总 planner"].pk,
        "username": "head-planner",
        "name": "head-planner",
        "role": "planner",
        "role_label": "网格规划员",
        "institution": {"id": bank.pk, "code": bank.code, "name": "甲总行"},
        "synthetic": False,
    }


def test_a_plan(world: World, planner: Client):
    plan = world.plans["甲发布"]
    answer = planner.get(f"/api/plans/{plan.pk}").json()
    assert answer["base"] is None and answer.pop("created_at")
    assert (
        answer.items()
        >= {
            "id": plan.pk,
            "name": "甲发布方案",
            "institution": {"id": world.institutions["甲总"].pk, "name": "甲总行"},
            "area_code": "429005",
            "status": "published",
            "status_label": "已发布",
            "policy": "partition",
            "policy_label": "不重不漏",
            "overlap_limit": 0,
            "level_names": ["县", "镇", "村"],
            "revision": 1,
            "valid_from": "2026-01-01",
            "valid_to": None,
            "in_force": True,
            "synthetic": False,
            "source": "",
            "can_edit": False,
            "grid_count": 21,
        }.items()
    )
    listed = planner.get("/api/plans").json()
    assert (
        listed[0].pop("created_at")
        and listed[0] == answer
        and [row["in_force"] for row in listed] == [True, False, False]
    )


def decoded(topology: dict[str, Any], level: int) -> dict[int, shapely.Geometry]:
    """The polygons of a level, put together from the arcs as the browser does, rounded to the lattice."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(indices: list[int]) -> list[tuple[float, float]]:
        points: list[Any] = []
        for index in indices:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            points += arc.tolist()[1 if points else 0 :]
        return [tuple(xy) for xy in to_degrees(to_lattice(points)).tolist()]

    made = {}
    for geometry in topology["objects"][f"level{level}"]["geometries"]:
        parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        made[geometry["id"]] = shapely.MultiPolygon(
            [(ring(part[0]), [ring(hole) for hole in part[1:]]) for part in parts]
        )
    return made


def test_the_topology_gives_back_every_grid_to_the_last_bit(world: World, planner: Client):
    plan = world.plans["甲发布"]
    answer = planner.get(f"/api/plans/{plan.pk}/topology", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    topology = json.loads(gzip.decompress(answer.content))
    assert topology["type"] == "Topology" and list(topology["objects"]) == ["level0", "level1", "level2"]
    assert np.allclose(topology["bbox"], Grid.objects.get(plan=plan, level=0).geom.extent, atol=1e-7)
    for level in range(3):
        shapes = decoded(topology, level)
        stored = {row.pk: row for row in Grid.objects.filter(plan=plan, level=level)}
        assert set(shapes) == set(stored)
        for pk, polygon in shapes.items():
            assert polygon.normalize().equals_exact(shapely.from_wkb(bytes(stored[pk].geom.wkb)).normalize())
        for geometry in topology["objects"][f"level{level}"]["geometries"]:
            row = stored[geometry["id"]]
            known = {"code": row.code, "name": row.name, "kind": "rural", "parent": row.parent_id}
            assert {key: geometry["properties"][key] for key in known} == known
            lon, lat = geometry["properties"]["label"]
            assert shapely.from_wkb(bytes(row.geom.wkb)).contains(shapely.Point(lon, lat))


def test_what_was_seen_is_not_sent_again_until_it_changes(world: World, planner: Client):
    plan = world.plans["甲总草案"]
    address = f"/api/plans/{plan.pk}/topology"
    first = planner.get(address)
    for tag in (first["ETag"], f"W/{first['ETag']}".replace("W/W/", "W/")):
        again = planner.get(address, headers={"if-none-match": tag})
        assert again.status_code == 304 and again.content == b"" and again["ETag"] == first["ETag"]
    assert "private" in first["Cache-Control"]
    seen = {first["ETag"]}
    for change in (
        "UPDATE grid SET name = name || '甲' WHERE plan_id = %s AND level = 1",
        "UPDATE grid SET kind = 'urban' WHERE plan_id = %s AND level = 1",
        "UPDATE grid SET locked = true WHERE plan_id = %s AND level = 1",
        "UPDATE grid SET code = code || '9' WHERE plan_id = %s AND level = 1",
        "UPDATE grid SET geom = ST_Translate(geom, 0.0000001, 0) WHERE plan_id = %s",
        "DELETE FROM grid WHERE plan_id = %s AND level = 1",
    ):
        with connection.cursor() as cursor:
            cursor.execute(change, [plan.pk])
        changed = planner.get(address, headers={"if-none-match": first["ETag"]})
        assert changed.status_code == 200 and changed["ETag"] not in seen
        seen.add(changed["ETag"])


def test_the_coverage_is_computed(world: World, planner: Client):
    plan = world.plans["甲总草案"]
    address = f"/api/plans/{plan.pk}/coverage"
    exact = planner.get(address).json()
    assert exact["exact"] is True and exact["faults"] == exact["guard"] == exact["defects"]["features"] == []
    assert (exact["grids"], exact["parents"], exact["policy"], exact["overlap_limit"]) == (5, 1, "partition", 0)
    assert exact["policy_label"] == "不重不漏" and exact["checked_at"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM grid WHERE plan_id = %s AND code = '429005001'", [plan.pk])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    broken = planner.get(address).json()
    assert broken["exact"] is False
    assert {fault["code"] for fault in broken["faults"]} == {"429005"}
    gap = broken["defects"]["features"][0]
    assert gap["properties"]["kind"] == "gap" and gap["properties"]["parent"] == "429005"
    assert gap["properties"]["number"] == 1 and gap["properties"]["area_m2"] > 0
    assert shape(gap["geometry"]).is_valid


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("29005", []),
        ("429005001001", ["429005001001"]),
        ("镇", ["429005001", "429005002", "429005003", "429005004"]),
        ("  潜江 ", ["429005"]),
        ("没有", []),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE grid; --", []),
        ("", []),
    ],
)
def test_search(world: World, planner: Client, words: str, codes: list[str]):
    answer = planner.get(f"/api/plans/{world.plans['甲发布'].pk}/search", {"q": words})
    assert answer.status_code == 200
    assert [row["code"] for row in answer.json()] == codes


def test_a_search_result(world: World, planner: Client):
    plan = world.plans["甲发布"]
    [row] = planner.get(f"/api/plans/{plan.pk}/search?q=429005001001").json()
    found = grid(plan, "001001")
    assert (row["id"], row["level"], row["level_name"], row["parent_name"]) == (found.pk, 2, "村", "甲发布镇 001")
    assert row["bbox"] == list(found.geom.extent) and len(row["label"]) == 2
    assert len(planner.get(f"/api/plans/{plan.pk}/search?q=4").json()) == 20


def test_the_export_is_exact(world: World, planner: Client):
    plan = world.plans["甲发布"]
    answer = planner.get(f"/api/plans/{plan.pk}/grids")
    assert answer["Content-Type"] == "application/geo+json"
    features = answer.json()["features"]
    assert len(features) == 21
    for feature in features:
        stored = Grid.objects.select_related("parent").get(pk=feature["id"])
        assert shape(feature["geometry"]).equals_exact(shapely.from_wkb(bytes(stored.geom.wkb)))
        assert is_on_lattice(shape(feature["geometry"]))
        assert feature["properties"] == {
            "code": stored.code,
            "name": stored.name,
            "level": stored.level,
            "kind": "rural",
            "parent": stored.parent and stored.parent.code,
            "bank_code": "",
        }
    assert len(planner.get(f"/api/plans/{plan.pk}/grids?level=1").json()["features"]) == 4
    assert planner.get(f"/api/plans/{plan.pk}/grids?level=4").json()["features"] == []


@pytest.mark.domain("LA01")
def test_a_grid(world: World, planner: Client):
    plan = world.plans["甲发布"]
    leaf = grid(plan, "001001")
    answer = planner.get(f"/api/grids/{leaf.pk}").json()
    assert answer["code"] == "429005001001" and answer["plan_id"] == plan.pk and answer["level_name"] == "村"
    assert answer["kind_label"] == "农村" and answer["children"] == 0 and answer["bank_code"] == ""
    assert [(step["code"], step["level_name"]) for step in answer["chain"]] == [
        ("429005", "县"),
        ("429005001", "镇"),
        ("429005001001", "村"),
    ]
    assert answer["area_m2"] == pytest.approx(324 * 356, rel=0.1)
    assert {row["code"] for row in answer["neighbours"]} == {"429005001002", "429005001003"}
    assert all(300 < row["border_m"] < 380 for row in answer["neighbours"])
    assert answer["households"] == {"value": 301, "as_of": "2026-06-30", "synthetic": False}
    backup, main = answer["responsible"][-1], answer["responsible"][0]
    assert (main["kind_label"], backup["kind_label"], backup["name"]) == ("责任人", "B岗", "甲二员工")
    assert main["staff_kind_label"] == "专职网格员" and main["since"] == "2026-01-01"
    assert backup["institution"] == "甲二支行"
    assert answer["vacant"] is False and answer["people_visible"] is True


def test_vacancy_is_a_matter_of_leaves(world: World, planner: Client):
    plan = world.plans["甲发布"]
    empty = planner.get(f"/api/grids/{grid(plan, '002001').pk}").json()
    assert empty["vacant"] is True and empty["households"] is None
    assert planner.get(f"/api/grids/{grid(plan, '001').pk}").json()["vacant"] is None


def test_the_number_of_queries_does_not_grow(world: World, planner: Client):
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            planner.get(address)
        return len(queries)

    plan = world.plans["甲总草案"]
    addresses = [
        "/api/plans",
        f"/api/plans/{plan.pk}/search?q=4",
        f"/api/plans/{plan.pk}/grids",
        "/api/layers/",
        "/api/layers/outlets",
    ]
    for address in addresses:
        planner.get(
            address
        )  # the first of the day looks at the calendar; the first of a connection prepares its statement
    before = [count(address) for address in addresses]
    assert max(before) <= 9, dict(zip(addresses, before, strict=True))
    for _ in range(3):
        square_plan(3, levels=3, institution=world.institutions["甲总"])
    assert [count(address) for address in addresses] == before
    assert Plan.objects.count() == len(world.plans) + 3


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/plans/0", 404, "not_found"),
        ("/api/plans/99999999999999999999999", 404, "not_found"),
        ("/api/plans/x", 422, "invalid_request"),
        ("/api/plans/-1/topology", 404, "not_found"),
        ("/api/grids/99999999999999999999999", 404, "not_found"),
        ("/api/grids/-99999999999999999999999", 404, "not_found"),
        ("/api/nothing", 404, "not_found"),
        ("/api/locate?lon=113", 422, "invalid_request"),
        ("/api/locate?lon=x&lat=30", 422, "invalid_request"),
        ("/api/locate?lon=113&lat=30&at=2026-02-30", 422, "invalid_request"),
        ("/api/locate?lon=113&lat=30&accuracy=-1", 422, "invalid_request"),
        ("/api/locate?lon=113&lat=30&accuracy=nan", 422, "invalid_request"),
        ("/api/locate?lon=nan&lat=30", 400, "coordinates_outside_datum"),
        ("/api/locate?lon=inf&lat=30", 400, "coordinates_outside_datum"),
        ("/api/locate?lon=30&lat=113", 400, "coordinates_outside_datum"),
        ("/api/locate?lon=113&lat=30&datum=mars", 400, "unknown_datum"),
        ("/api/locate?lon=113&lat=30&plan=99999999999999999999999", 404, "outside_every_grid"),
        ("/api/plans/{plan}/search", 422, "invalid_request"),
        ("/api/plans/{plan}/grids?level=x", 422, "invalid_request"),
        ("/api/plans/{plan}/grids?level=99999999999", 422, "invalid_request"),
        ("/api/layers/nothing", 404, "not_found"),
        ("/api/layers/outlets?bbox=1,2,3", 400, "invalid_place"),
        ("/api/layers/outlets?bbox=nan,2,3,4", 400, "invalid_place"),
        ("/api/layers/outlets?bbox=30,112,31,113", 400, "coordinates_outside_datum"),
        ("/api/layers/outlets?near=30.1,112.9", 400, "coordinates_outside_datum"),
        ("/api/layers/outlets?near=inf,1", 400, "invalid_place"),
        ("/api/layers/outlets?near=112.9,30.1&radius=-1", 422, "invalid_request"),
        ("/api/layers/outlets?near=112.9,30.1&radius=nan", 422, "invalid_request"),
        ("/api/layers/outlets?offset=99999999999999999999999", 422, "invalid_request"),
        ("/api/layers/outlets?limit=0", 422, "invalid_request"),
        ("/api/layers/outlets?grid=0", 404, "not_found"),
    ],
)
def test_a_mistake_is_answered_in_one_shape(world: World, planner: Client, address: str, status: int, code: str):
    answer = planner.get(address.format(plan=world.plans["甲总草案"].pk))
    assert_fault(answer, status, code)


def test_points_by_place(world: World, planner: Client):
    leaf = grid(world.plans["甲发布"], "001001")
    stands = world_spot()
    for query in ("bbox=113,30,113.002,30.002", f"grid={leaf.pk}", f"near={stands}&radius=20"):
        answer = planner.get(f"/api/layers/outlets?{query}").json()
        assert {feature["properties"]["name"] for feature in answer["features"]} == {"甲一网点", "甲二网点"}, query
    for query in ("bbox=114,30,115,31", "near=113,30.02&radius=1000", f"near={stands}&radius=0.5"):
        assert planner.get(f"/api/layers/outlets?{query}").json()["features"] == [], query
    [first, second] = planner.get(f"/api/layers/machines?near={stands}&radius=5000").json()["features"]
    assert first["properties"]["distance_m"] < second["properties"]["distance_m"]
    assert first["properties"]["kind_label"] == "助农取款点" and first["properties"]["institution"] == "甲一支行"
    page = planner.get("/api/layers/machines?limit=1&offset=1").json()
    assert (page["numberMatched"], page["numberReturned"]) == (2, 1)


def world_spot() -> str:
    """Where the first facilities stand, but for some metres."""
    place = spot(900, 1000)
    return f"{place.x},{place.y}"

"""Which grid is this, asked over HTTP: one point or many, on borders and corners, on other days, in other datums."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any

import numpy as np
import pytest
import shapely
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gis.datum import from_cgcs2000, parse_datum
from gis.locate import NOWHERE, Locator
from layers.facilities.models import Outlet
from layers.features.models import Kind
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.staff.models import Staff
from mapserver import batch
from tests.api.world import INSIDE, LEAF, STEP, World, assert_fault, bearer, named_plan, spot
from tests.factories import CORNER, LEVEL_NAMES, SIDE, AssignmentFactory, UserFactory, published, retired, square_plan

OUTSIDE = (113.5, 30.5)
ADDED = ["grid_code", "grid_name", "grid_chain"]


@pytest.fixture
def worker(world: World) -> Client:
    return world.client("甲总 worker")


def get(client: Client, point: tuple[float, float] = INSIDE, **more: Any) -> dict[str, Any]:
    answer = client.get("/api/locate", {"lon": repr(point[0]), "lat": repr(point[1])} | more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def post_csv(client: Client, text: str | bytes, query: str = "", content_type: str = "text/csv") -> list[list[str]]:
    answer = client.generic("POST", f"/api/locate{query}", text, content_type)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode())))


def feature(point: Any, properties: Any = None) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": point}}


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def post_geojson(client: Client, body: Any, query: str = "") -> Any:
    return client.post(f"/api/locate{query}", body, content_type="application/geo+json")


@pytest.mark.domain("ZG06")
def test_a_point_has_a_chain_of_three_levels_and_people_in_charge(world: World, worker: Client):
    plan = world.plans["甲发布"]
    found = get(worker)
    assert found["point"] == {"lon": INSIDE[0], "lat": INSIDE[1], "datum": "cgcs2000"}
    assert found["plan"] == {"id": plan.pk, "name": "甲发布方案", "synthetic": False, "institution": "甲总行"}
    assert [(step["code"], step["level"], step["level_name"]) for step in found["chain"]] == [
        ("429005", 0, "县"),
        ("429005001", 1, "镇"),
        (LEAF, 2, "村"),
    ]
    assert (found["grid"]["id"], found["grid"]["code"]) == (plan.grids.get(code=LEAF).pk, LEAF)
    assert found["people_visible"] is True and found["mine"] is False
    assert [person["name"] for person in found["responsible"]] == ["甲一员工", "甲总员工", "甲二员工"]
    assert {outlet["kind_label"] for outlet in found["nearest"]["outlets"]} == {"营业网点"}


def test_a_kind_of_its_own_is_called_as_its_bank_calls_it(world: World):
    """Both banks have added a kind of the same key; that of the other was there first."""
    for bank in ("甲总行", "乙总行"):
        institution = Institution.objects.get(name=bank)
        for layer in ("outlets", "staff"):
            Kind.objects.create(
                institution=institution, layer=layer, key="tea", name=f"{bank}茶", name_en=f"Tea {bank}"
            )
    Outlet.objects.filter(institution__name__startswith="乙").update(kind="tea")
    Staff.objects.filter(name="乙一员工").update(kind="tea")
    user = world.client("乙总 administrator")
    found = get(user)
    assert {outlet["kind_label"] for outlet in found["nearest"]["outlets"]} == {"乙总行茶"}
    assert "乙总行茶" in {person["staff_kind_label"] for person in found["responsible"]}
    english = json.loads(
        user.get("/api/locate", {"lon": INSIDE[0], "lat": INSIDE[1]}, headers={"accept-language": "en"}).content
    )
    assert {outlet["kind_label"] for outlet in english["nearest"]["outlets"]} == {"Tea 乙总行"}


@pytest.mark.domain("XF03")
def test_five_levels_give_a_chain_of_five(db: None):
    plan = published(square_plan(2, levels=5))
    client = bearer(UserFactory(institution=plan.institution, role=User.Role.WORKER))
    chain = get(client, (113.00001, 30.00001))["chain"]
    assert [step["level_name"] for step in chain] == list(LEVEL_NAMES)
    assert [len(step["code"]) for step in chain] == [6, 9, 12, 15, 17]


def test_my_own_grid(world: World, worker: Client):
    user = world.users["甲总 worker"]
    Staff.objects.filter(name="甲总员工").update(user=user)
    assert get(worker)["mine"] is True
    assert get(worker, (113.0123, 30.0123))["mine"] is False


def test_borders_and_corners_have_one_answer_however_one_asks(world: World, worker: Client):
    """GET is decided by PostGIS, POST and Locator by shapely: they agree on every vertex, edge and corner."""
    plan = world.plans["甲发布"]
    leaves = list(Grid.objects.filter(plan=plan, level=2).order_by("code"))
    shapes = [shapely.from_wkb(bytes(leaf.geom.wkb)) for leaf in leaves]
    steps = range(0, SIDE + 1, STEP // 2)
    points = [((CORNER[0] + x) / 1e7, (CORNER[1] + y) / 1e7) for x in steps for y in steps]
    points += np.unique(shapely.get_coordinates(shapes), axis=0).tolist()
    by_locator = Locator([leaf.code for leaf in leaves], shapes).locate(points)
    expected = ["" if index == NOWHERE else leaves[index].code for index in by_locator]
    assert "" not in expected
    rows = post_csv(worker, "lon,lat\n" + "".join(f"{x!r},{y!r}\n" for x, y in points))
    assert [row[2] for row in rows[1:]] == expected
    answer = post_geojson(worker, collection(*map(feature, points))).json()
    assert [found["properties"]["grid_code"] for found in answer["features"]] == expected
    assert [get(worker, point)["grid"]["code"] for point in points] == expected
    crossing = (113 + STEP / 1e7, 30 + STEP / 1e7)
    assert get(worker, crossing)["grid"]["code"] == LEAF
    assert get(worker, crossing)["border_distance_m"] == 0


def test_near_a_border_the_neighbours_are_candidates(world: World, worker: Client):
    """13 m west of the eastern border of LEAF."""
    place = spot(STEP - 1350, STEP // 2)
    point = (place.x, place.y)
    exact = get(worker, point)
    assert exact["border_distance_m"] == pytest.approx(13, abs=0.2)
    assert exact["border_point"] == pytest.approx([113 + STEP / 1e7, place.y], abs=2e-7)
    assert exact["near_border"] is False and exact["candidates"] == []
    assert get(worker, point, accuracy=12)["near_border"] is False
    near = get(worker, point, accuracy=15)
    assert near["near_border"] is True
    [other] = near["candidates"]
    assert other["code"] == "429005001002" and other["distance_m"] == pytest.approx(13, abs=0.2)
    assert near["grid"]["code"] == LEAF
    wide = [candidate["distance_m"] for candidate in get(worker, point, accuracy=5000)["candidates"]]
    assert len(wide) == 15 and wide == sorted(wide)


def test_a_candidate_says_who_serves_there(world: World):
    beside = Grid.objects.get(plan=world.plans["甲发布"], code="429005001002")
    AssignmentFactory(grid=beside, staff=Staff.objects.get(name="甲二员工"))
    place = spot(STEP - 1350, STEP // 2)
    for name, people in (("甲一 planner", ["甲二员工"]), ("监管 regulator", [])):
        [candidate] = get(world.client(name), (place.x, place.y), accuracy=15, plan=beside.plan_id)["candidates"]
        assert candidate["responsible"] == people


def test_the_plan_and_the_people_of_a_day(world: World, worker: Client):
    """A plan is in force from its first day, and not on its last."""
    former = retired(world.plans["甲发布"], dt.date(2026, 6, 1))
    later = published(named_plan("甲新", world.institutions["甲总"], levels=2), dt.date(2026, 6, 1))
    for day, plan in (("2026-01-01", former), ("2026-05-31", former), ("2026-06-01", later), ("2026-12-31", later)):
        found = get(worker, at=day)
        assert found["plan"]["id"] == plan.pk
        [_, row] = post_csv(worker, f"lon,lat\n{INSIDE[0]},{INSIDE[1]}", f"?at={day}")
        assert row[2] == found["grid"]["code"]
    assert get(worker, at="2026-05-31")["responsible"] and get(worker, at="2026-06-01")["responsible"] == []
    before = worker.get("/api/locate", {"lon": INSIDE[0], "lat": INSIDE[1], "at": "2025-12-31"})
    assert "没有生效的方案" in assert_fault(before, 404, "outside_every_grid")["message"]["zh"]


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "EPSG:4547", "wgs84"])
def test_another_datum_is_the_same_place(world: World, worker: Client, datum: str):
    [[x, y]] = from_cgcs2000(np.array([INSIDE]), parse_datum(datum)).tolist()
    found, direct = get(worker, (x, y), datum=datum), get(worker)
    assert [found["point"]["lon"], found["point"]["lat"]] == pytest.approx(INSIDE, abs=2e-9)
    assert found["grid"] == direct["grid"]
    assert found["border_distance_m"] == pytest.approx(direct["border_distance_m"], abs=1e-3)
    [_, row] = post_csv(worker, f"lon,lat\n{x!r},{y!r}", f"?datum={datum}")
    assert row[2] == LEAF
    if datum in ("gcj02", "bd09"):
        assert [row[2] for row in post_csv(worker, f"lon,lat\n{x!r},{y!r}")[1:]] != [LEAF]


def test_outside_says_where_and_what_is_nearest(world: World, worker: Client):
    fault = assert_fault(worker.get("/api/locate?lon=113.5&lat=30.5"), 404, "outside_every_grid")
    assert fault["where"] == {"type": "Point", "coordinates": list(OUTSIDE)}
    assert fault["details"]["nearest_grid"]["code"] == "429005004004"
    assert 60_000 < fault["details"]["nearest_grid"]["distance_m"] < 80_000
    assert "甲发布" in fault["message"]["zh"] and "乙" not in fault["message"]["zh"]
    one_step = worker.get(f"/api/locate?lon={113 - 1e-7:.7f}&lat=30")
    assert assert_fault(one_step, 404, "outside_every_grid")["details"]["nearest_grid"]["distance_m"] < 0.02
    nobody = world.client("nowhere").get("/api/locate?lon=113&lat=30")
    assert assert_fault(nobody, 404, "outside_every_grid")["details"]["nearest_grid"] is None


@pytest.mark.parametrize(("lon", "lat"), [(180, 90), (-180, -90), (0, 0), (113, 90), (1e-300, -0.0)])
def test_the_ends_of_the_earth_are_only_outside(world: World, worker: Client, lon: float, lat: float):
    assert_fault(worker.get(f"/api/locate?lon={lon}&lat={lat}&accuracy=10000"), 404, "outside_every_grid")


def test_locating_takes_the_token_and_one_statement(world: World, django_assert_num_queries: Any):
    for name in ("甲一 planner", "监管 regulator"):
        client = world.client(name)
        get(client, accuracy=100)
        for point in (INSIDE, (113.0123, 30.0123)):
            with django_assert_num_queries(2) as queries:
                get(client, point, accuracy=100)
            assert queries[1]["sql"].startswith("EXECUTE")


def test_locating_many_points_takes_no_more_queries_than_few(world: World, worker: Client):
    def queries(points: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            post_csv(worker, "lon,lat\n" + f"{INSIDE[0]},{INSIDE[1]}\n" * points)
        return len(captured)

    queries(1)
    assert queries(1000) == queries(1) <= 4


def test_an_edit_by_psql_is_seen_by_the_next_request(world: World):
    """The locator is kept in memory, but never beyond the rows that it was made of."""
    client, plan = world.client("甲总 planner"), world.plans["甲总草案"]
    body = f"lon,lat\n{INSIDE[0]},{INSIDE[1]}"
    assert post_csv(client, body, f"?plan={plan.pk}")[1][3] == "甲总草案镇 001"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE grid SET name = '改名' WHERE plan_id = %s AND code = '429005001'", [plan.pk])
    assert post_csv(client, body, f"?plan={plan.pk}")[1][3] == "改名"
    assert get(client, plan=plan.pk)["grid"]["name"] == "改名"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("header", ["名称,经度,纬度", "名称,LON,Lat", " 名称 , x , y "])
def test_csv_in_the_encodings_and_headers_of_china(world: World, worker: Client, encoding: str, header: str):
    text = f'{header}\r\n㐂福商店,{INSIDE[0]},{INSIDE[1]}\r\n\r\n"远, 处",113.5,30.5\r\n'
    rows = post_csv(worker, text.encode(encoding), content_type="text/csv; charset=anything")
    assert rows[0] == [*header.split(","), *ADDED]
    assert rows[1][0] == "㐂福商店" and rows[1][3:] == [
        LEAF,
        "甲发布村 001001",
        "甲发布县 潜江 › 甲发布镇 001 › 甲发布村 001001",
    ]
    assert rows[2] == ["远, 处", "113.5", "30.5", "", "", ""]
    assert len(rows) == 3


def test_csv_rows_of_unequal_length_keep_their_columns(world: World, worker: Client):
    rows = post_csv(worker, f"lon,lat,name\n{INSIDE[0]},{INSIDE[1]}\n{INSIDE[0]},{INSIDE[1]},a\n")
    assert [len(row) for row in rows] == [6, 6, 6] and [row[rows[0].index("grid_code")] for row in rows[1:]] == [
        LEAF
    ] * 2


def test_geojson_keeps_what_it_was_given(world: World, worker: Client):
    given = collection(
        feature(INSIDE, {"name": "店", "n": 1}), feature([*OUTSIDE, 12.5]), {**feature(INSIDE), "id": 7, "x": []}
    )
    answer = post_geojson(worker, given)
    assert answer["Content-Type"] == "application/geo+json"
    [first, second, third] = answer.json()["features"]
    assert first["properties"].items() >= {"name": "店", "n": 1, "grid_code": LEAF}.items()
    assert set(ADDED) <= set(first["properties"])
    assert second["properties"]["grid_code"] == "" and second["geometry"]["coordinates"] == [*OUTSIDE, 12.5]
    assert (third["id"], third["x"]) == (7, [])
    assert post_geojson(worker, collection()).json() == collection()


def test_text_that_is_not_unicode_is_no_error_of_ours(world: World, worker: Client):
    """JSON may escape half of a pair."""
    body = json.dumps(collection(feature(INSIDE, {"name": "店"}))).replace("\\u5e97", "\\ud800")
    answer = post_geojson(worker, body)
    assert answer.status_code == 200
    assert answer.json()["features"][0]["properties"]["grid_code"] == LEAF


def test_100_000_points_and_not_one_more(world: World, worker: Client):
    most = "lon,lat\n" + f"{INSIDE[0]},{INSIDE[1]}\n" * batch.LIMIT
    rows = post_csv(worker, most)
    assert len(rows) == batch.LIMIT + 1 and {row[2] for row in rows[1:]} == {LEAF}
    answer = worker.post("/api/locate", most + "113,30\n", content_type="text/csv")
    assert "100,001" in assert_fault(answer, 413, "too_many_points")["message"]["en"]
    assert_fault(post_geojson(worker, collection(*[feature([113, 30])] * (batch.LIMIT + 1))), 413, "too_many_points")


def test_a_body_that_is_too_large_is_refused(world: World, worker: Client, settings: Any):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert_fault(worker.post("/api/locate", b"x" * 1001, content_type="text/csv"), 413, "request_too_big")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\xfa",
        b"[" * 100_000,
        b'{"type": "FeatureCollection"}',
        b'{"features": null}',
        b'{"features": [null]}',
        json.dumps(collection({"type": "Feature", "geometry": None})).encode(),
        json.dumps(collection(feature([113]))).encode(),
        json.dumps(collection(feature(["a", "b"]))).encode(),
        json.dumps(collection(feature([None, 30]))).encode(),
        json.dumps(collection(feature({"lon": 1}))).encode(),
        json.dumps(collection(feature([10**400, 30]))).encode(),
        json.dumps(collection(feature([float("nan"), 30]))).encode(),
        json.dumps(collection(feature([[113, 30], [113, 31]]))).encode(),
        json.dumps(collection(feature([113, 30], properties=[1]))).encode(),
        json.dumps(collection(feature([113, 30]), feature([113]))).encode(),
        json.dumps(
            collection({**feature([113, 30]), "geometry": {"type": "LineString", "coordinates": [113, 30]}})
        ).encode(),
    ],
    ids=str,
)
def test_malformed_geojson(world: World, worker: Client, body: bytes):
    assert_fault(post_geojson(worker, body), 400, "invalid_points")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"name\nx",
        "纬度\n30".encode(),
        b"lon,lat\n113",
        b"lon,lat\n113,north",
        b"lon,lat\nnan,30",
        b"lon,lat\n113,inf",
        b"lon,lat\n113,1e400",
        b'lon,lat\n"113' + b"x" * 200_000,
        b"\xff\xff\xff",
        b"PK\x03\x04\x00\x00",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_malformed_csv(world: World, worker: Client, body: bytes):
    assert_fault(worker.post("/api/locate", body, content_type="text/csv"), 400, "invalid_points")


def test_the_line_of_a_mistake_is_named(world: World, worker: Client):
    answer = worker.post("/api/locate", "lon,lat\n113,30\n113,三十\n", content_type="text/csv")
    assert "第 3 行" in assert_fault(answer, 400, "invalid_points")["message"]["zh"]


def test_coordinates_in_the_wrong_order_are_told(world: World, worker: Client):
    answer = worker.post("/api/locate", "lon,lat\n30,113\n", content_type="text/csv")
    assert "写反" in assert_fault(answer, 400, "coordinates_outside_datum")["message"]["zh"]


def test_without_any_plan_all_points_are_outside(db: None):
    client = bearer(UserFactory())
    assert not Plan.objects.exists()
    assert post_csv(client, "lon,lat\n113,30")[1] == ["113", "30", "", "", ""]

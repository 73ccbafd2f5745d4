"""Streets and buildings through the API: as the map and the editor ask for them."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import LineString, Point, Polygon
from django.test import Client

from layers.grids.models import SRID
from layers.orgs.models import ApiToken, Institution, User
from layers.streets import api as streets_api
from layers.streets import service
from layers.streets.models import Building, Street
from tests.factories import InstitutionFactory, UserFactory

pytestmark = pytest.mark.django_db
TOWN = "112.99,29.99,113.02,30.02"
POST = {"content_type": "application/json"}


def line(*places: tuple[float, float]) -> LineString:
    return LineString(*places, srid=SRID)


def client_of(user: User) -> Client:
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(user, 'tests')}"})


@pytest.fixture
def bank() -> Institution:
    """A bank with a main street, a side street from it, and a house."""
    bank = InstitutionFactory()
    Street.objects.create(institution=bank, name="东西街", kind="primary", geom=line((113, 30), (113.01, 30)))
    Street.objects.create(institution=bank, name="南北巷", kind="lane", geom=line((113.005, 30), (113.005, 30.01)))
    outline = Polygon.from_bbox((113.001, 30.001, 113.0011, 30.0011))
    outline.srid = SRID
    Building.objects.create(institution=bank, code="甲01", households=7, geom=outline)
    Building.objects.create(institution=bank, code="甲02", households=2, geom=Point(113.002, 30.001, srid=SRID))
    return bank


@pytest.fixture
def planner(bank: Institution) -> Client:
    return client_of(UserFactory(institution=InstitutionFactory(parent=bank)))


def test_streets_and_buildings_in_a_box(planner: Client) -> None:
    streets = planner.get("/api/streets", {"bbox": TOWN}).json()
    assert [f["properties"]["name"] for f in streets["features"]] == ["东西街", "南北巷"]
    assert streets["numberMatched"] == 2 and streets["features"][0]["geometry"]["type"] == "LineString"
    houses = planner.get("/api/buildings", {"bbox": TOWN}).json()
    assert [(f["geometry"]["type"], f["properties"]["households"]) for f in houses["features"]] == [
        ("Polygon", 7),
        ("Point", 2),
    ]
    assert planner.get("/api/buildings", {"bbox": "114,30,115,31"}).json()["features"] == []


def test_names_of_streets_by_what_is_typed(planner: Client, bank: Institution) -> None:
    for name in ("章华大道", "章华大道", "潜阳路", ""):
        Street.objects.create(institution=bank, name=name, geom=LineString((113, 30), (113.001, 30), srid=4490))
    assert planner.get("/api/streets/names?q=章华").json() == ["章华大道"]
    assert planner.get("/api/streets/names?q=%").json() == []
    assert planner.get("/api/streets/names?q=").status_code == 422
    stranger = client_of(UserFactory(institution=InstitutionFactory()))
    assert stranger.get("/api/streets/names?q=章华").json() == []


def test_a_box_with_more_than_the_limit_says_so(planner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streets_api, "LIMIT", 1)
    answer = planner.get("/api/streets", {"bbox": TOWN}).json()
    assert (answer["numberMatched"], answer["numberReturned"], len(answer["features"])) == (2, 1, 1)


def test_another_bank_sees_and_traces_nothing(bank: Institution) -> None:
    other = client_of(UserFactory(institution=InstitutionFactory()))
    assert other.get("/api/streets", {"bbox": TOWN}).json()["features"] == []
    assert other.get("/api/buildings", {"bbox": TOWN}).json()["features"] == []
    answer = other.post("/api/streets/trace", {"points": [[113, 30], [113.005, 30.01]]}, **POST)
    assert answer.status_code == 400 and answer.json()["code"] == "no_street_nearby"
    assert Client().get("/api/streets", {"bbox": TOWN}).status_code == 401


@pytest.mark.domain("HY01")
def test_a_planner_traces_streets_between_two_clicks(planner: Client) -> None:
    answer = planner.post("/api/streets/trace", {"points": [[113.001, 30.0001], [113.0051, 30.008]]}, **POST)
    assert answer.status_code == 200
    way = answer.json()
    assert way["path"] == [[113.001, 30.0], [113.005, 30.0], [113.005, 30.008]]
    assert way["streets"] == ["东西街", "南北巷"] and way["length_m"] == pytest.approx(386 + 887, rel=0.01)


@pytest.mark.domain("HY01")
def test_a_planner_aligns_a_border_to_the_street_beside_it(planner: Client) -> None:
    drawn = [[113.001, 30.0], [113.003, 30.0001], [113.006, 29.9999], [113.009, 30.0]]
    answer = planner.post("/api/streets/align", {"path": drawn, "tolerance_m": 20}, **POST).json()
    assert answer["path"][0] == drawn[0] and answer["path"][-1] == drawn[-1]
    assert {y for _, y in answer["path"]} == {30.0} and answer["share"] > 0.99 and 5 < answer["moved_m"] < 20


def test_a_click_off_the_streets_is_shown_on_the_map(planner: Client) -> None:
    answer = planner.post("/api/streets/trace", {"points": [[113.001, 30], [113.009, 30.009]]}, **POST)
    assert answer.status_code == 400 and answer.json()["code"] == "no_street_nearby"
    [feature] = answer.json()["where"]["features"]
    assert feature["properties"]["number"] == 2 and feature["geometry"]["coordinates"] == [113.009, 30.009]


def test_streets_that_do_not_meet_are_shown(planner: Client, bank: Institution) -> None:
    Street.objects.create(institution=bank, geom=line((113, 30.02), (113.01, 30.02)))
    answer = planner.post("/api/streets/trace", {"points": [[113.001, 30], [113.001, 30.02]]}, **POST)
    assert answer.status_code == 400 and answer.json()["code"] == "streets_not_connected"
    assert len(answer.json()["where"]["features"]) == 2


def test_a_way_round_by_a_far_bridge_is_found(planner: Client, bank: Institution) -> None:
    Street.objects.create(institution=bank, name="对岸", geom=line((113.001, 29.9995), (113.02, 29.9995)))
    Street.objects.create(institution=bank, name="桥", geom=line((113.01, 30), (113.02, 30), (113.02, 29.9995)))
    answer = planner.post(
        "/api/streets/trace", {"points": [[113.001, 30], [113.001, 29.9995]], "within_m": 20}, **POST
    ).json()
    assert answer["streets"] == ["东西街", "桥", "对岸"]


@pytest.mark.parametrize("bbox", ["", "1,2,3", "a,b,c,d", "nan,30,113,31", "113,91,114,92", "inf,0,1,2"])
def test_a_box_that_is_none_is_refused(planner: Client, bbox: str) -> None:
    answer = planner.get("/api/streets", {"bbox": bbox})
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_place"


@pytest.mark.parametrize(
    "points", [[[113, 30]], [[113, 30], [113]], [[113, 30], [113, 91]], [[113, 30], [1e308, 30]], [], "x"]
)
def test_clicks_that_are_none_are_refused(planner: Client, points: object) -> None:
    assert planner.post("/api/streets/trace", {"points": points}, **POST).status_code in (400, 422)
    assert planner.post("/api/streets/align", {"path": points, "tolerance_m": 9}, **POST).status_code in (400, 422)


def test_too_many_streets_are_refused_not_searched(planner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_VERTICES", 3)
    answer = planner.post("/api/streets/trace", {"points": [[113.001, 30], [113.009, 30]]}, **POST)
    assert answer.status_code == 413 and answer.json()["code"] == "too_large"


def test_two_queries_a_trace(planner: Client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3):  # who asks, how many vertices, the streets
        planner.post("/api/streets/trace", {"points": [[113.001, 30], [113.005, 30.008]]}, **POST)

"""The regulator's view: how many banks serve each piece of a county, without a person in it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from layers.grids.models import SRID, GridCount, Plan
from layers.orgs.models import Institution
from tests.api.world import assert_fault, bearer
from tests.factories import (
    AssignmentFactory,
    InstitutionFactory,
    OutletFactory,
    StaffFactory,
    UserFactory,
    published,
    square_plan,
)

PERSON = "演示员·甲子01"


def bank(name: str, *vacant: str) -> Plan:
    """A bank that serves all 4 × 4 grids of the county but the vacant ones."""
    plan = published(square_plan(2, levels=3, institution=InstitutionFactory(name=name)))
    for leaf in plan.grids.filter(level=2).exclude(code__in=vacant):
        AssignmentFactory(staff=StaffFactory(institution=plan.institution, name=PERSON), grid=leaf)
        GridCount.objects.create(grid=leaf, measure="households", value=500, as_of="2026-06-30")
    return plan


@pytest.fixture
def two_banks(db: None) -> tuple[Plan, Plan]:
    return bank("甲行", "429005001001"), bank("乙行", "429005001001", "429005001002")


@pytest.fixture
def regulator(db: None) -> Client:
    office = InstitutionFactory(name="监管", kind=Institution.Kind.REGULATOR)
    return bearer(UserFactory(institution=office, role="regulator"))


@pytest.mark.domain("ZG04")
def test_blanks_and_depths_by_township(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    found = regulator.get("/api/oversight").json()
    whole = sum(found["area_by_depth"].values())
    shares = {int(n): round(area / whole * 16) for n, area in found["area_by_depth"].items()}
    assert shares == {0: 1, 1: 1, 2: 14}
    first, *rest = found["townships"]
    assert first["blank"] == pytest.approx(0.25, abs=0.001) and first["findings"] == ["blank"]
    assert all(town["blank"] == 0 and town["mean_depth"] == 2 and not town["findings"] for town in rest)
    assert {piece["properties"]["depth"] for piece in found["pieces"]["features"]} == {0, 1, 2}


@pytest.mark.domain("ZG04")
def test_each_piece_says_which_banks_serve_it_and_where_it_lies(
    regulator: Client, two_banks: tuple[Plan, Plan]
) -> None:
    found = regulator.get("/api/oversight").json()
    names = {bank["id"]: bank["name"] for bank in found["banks"]}
    assert {(plan["id"], names[plan["bank"]]) for plan in found["plans"]} == {
        (plan.pk, plan.institution.name) for plan in two_banks
    }
    pieces = {piece["id"]: piece["properties"] for piece in found["pieces"]["features"]}
    served = {tuple(names[bank] for bank in piece["banks"]) for piece in pieces.values()}
    assert served == {(), ("甲行",), ("甲行", "乙行")}
    assert sum(piece["area_m2"] for piece in pieces.values()) == pytest.approx(sum(found["area_by_depth"].values()))
    first = found["townships"][0]
    assert {pieces[part["piece"]]["depth"] for part in first["parts"]} == {0, 1, 2}
    assert sum(part["area_m2"] for part in first["parts"]) == pytest.approx(first["area_m2"], abs=2)
    west, south, east, north = first["bbox"]
    for lon, lat in (first["label"], *(part["at"] for part in first["parts"])):
        assert west < lon < east and south < lat < north


@pytest.mark.domain("ZG04")
def test_concentration_above_the_limits_of_the_regulator(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    for plan in two_banks:
        OutletFactory(institution=plan.institution, geom=Point(113.0001, 30.0001, srid=SRID))
    limits = {"depth_limit": 1, "blank_limit": 0.5, "outlets_limit": 10}
    assert regulator.put("/api/oversight/settings", limits, content_type="application/json").status_code == 200
    found = regulator.get("/api/oversight").json()
    assert found["limits"] == limits
    first, *rest = found["townships"]
    assert first["findings"] == ["deep", "dense"] and first["outlets_per_10k"] == pytest.approx(13.33, abs=0.01)
    assert all(town["findings"] == ["deep"] for town in rest)


def test_outlets_are_counted_once_and_stations_are_none(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    """On the border of townships the one with the smallest code has the outlet."""
    plan = two_banks[0]
    a, b = plan.grids.filter(level=1).order_by("code")[:2]
    border = a.geom.intersection(b.geom)
    middle = border.interpolate_normalized(0.5) if border.geom_type == "LineString" else border.centroid
    for kind in ("staffed", "station", "exchange"):
        OutletFactory(institution=plan.institution, geom=Point(middle.x, middle.y, srid=SRID), kind=kind)
    towns = regulator.get("/api/oversight").json()["townships"]
    assert [town["outlets"] for town in towns] == [1, 0, 0, 0]


def test_no_person_and_no_telephone_is_in_it(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    answers = [regulator.get(address) for address in ("/api/oversight", "/api/oversight/table?area=429005")]
    text = "".join(b"".join(answer).decode() for answer in answers)
    assert "甲行" in text and PERSON not in text and "0728" not in text


def test_the_map_of_another_day(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    assert_fault(regulator.get("/api/oversight?at=2020-01-01"), 404, "nothing_in_force")
    assert regulator.get(f"/api/oversight?at={dt.date(2026, 2, 1)}").status_code == 200


@pytest.mark.parametrize("role", ["administrator", "planner", "manager", "worker", "auditor"])
def test_banks_do_not_see_it(two_banks: tuple[Plan, Plan], role: str) -> None:
    client = bearer(UserFactory(institution=two_banks[0].institution, role=role))
    for address in ("/api/oversight", "/api/oversight/table?area=429005"):
        assert client.get(address).status_code == 403
    limits = {"depth_limit": 1, "blank_limit": 0, "outlets_limit": 0}
    assert client.put("/api/oversight/settings", limits, content_type="application/json").status_code == 403


@pytest.mark.parametrize("limits", [{"depth_limit": 0}, {"blank_limit": 2}, {"outlets_limit": -1}])
def test_limits_out_of_range(regulator: Client, limits: dict) -> None:
    body = {"depth_limit": 1, "blank_limit": 0.1, "outlets_limit": 1} | limits
    assert_fault(
        regulator.put("/api/oversight/settings", body, content_type="application/json"), 422, "invalid_request"
    )


def test_somebody_proposed_does_not_serve_yet(regulator: Client, two_banks: tuple[Plan, Plan]) -> None:
    before = regulator.get("/api/oversight").json()["area_by_depth"]
    vacant = two_banks[0].grids.get(code="429005001001")
    AssignmentFactory(staff=StaffFactory(institution=two_banks[0].institution), grid=vacant, status="proposed")
    assert regulator.get("/api/oversight").json()["area_by_depth"] == before

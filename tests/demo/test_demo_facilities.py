"""The demo has every kind of machine, stations that are not all complete, and places of every kind, each in a grid."""

from __future__ import annotations

import pytest
from django.db.models import Count
from django.test import Client

from layers.demo.bank import PASSWORD
from layers.demo.facilities import CHECKLIST
from layers.demo.people import VILLAGE_WITHOUT_CASH_POINT
from layers.facilities.models import Machine, Outlet, Place
from layers.features.attributes import clean_attributes
from layers.features.models import Kind
from layers.grids.models import Grid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("model", "layer"), [(Outlet, "outlets"), (Machine, "machines"), (Place, "places")])
def test_every_kind_occurs_and_carries_what_its_schema_allows(demo_site: None, model, layer: str):
    kinds = {kind.key: kind for kind in Kind.objects.filter(layer=layer, institution=None)}
    assert set(model.objects.values_list("kind", flat=True)) == set(kinds)
    assert not model.objects.filter(synthetic=False).exists() and not model.objects.outside().exists()
    for kind, attributes in model.objects.values_list("kind", "attributes"):
        assert clean_attributes(kinds[kind], attributes) == attributes


@pytest.mark.domain("QJ01")
def test_stations_are_complete_to_different_degrees(demo_site: None):
    client = Client()
    client.post("/login/", {"username": "planner", "password": PASSWORD})
    found = client.get("/api/layers/outlets?kind=station").json()
    done = {feature["properties"]["completeness"]["done"] for feature in found["features"]}
    assert found["numberMatched"] > 200 and 10 in done and len(done) >= 4
    assert {feature["properties"]["completeness"]["of"] for feature in found["features"]} == {len(CHECKLIST)}


def test_seven_regulations_and_stations_with_and_without_an_agreement(demo_site: None):
    client = Client()
    client.post("/login/", {"username": "manager", "password": PASSWORD})
    page = client.get("/documents/?kind=regulation").content.decode()
    assert page.count("演示〔2025〕") == 7 and "网格员管理办法" in page
    stations = Outlet.objects.filter(kind="station")
    assert 0 < stations.filter(documents=None).count() < stations.exclude(documents=None).count()


@pytest.mark.domain("YL04")
def test_one_village_counts_no_cash_point(demo_site: None):
    client = Client()
    client.post("/login/", {"username": "planner", "password": PASSWORD})
    villages = Grid.objects.filter(plan__name="2026 年网格划分", level=2)
    counts = {
        village.code: client.get(f"/api/layers/machines?kind=cash_point&limit=1&grid={village.pk}").json()[
            "numberMatched"
        ]
        for village in villages.filter(code__startswith=VILLAGE_WITHOUT_CASH_POINT[:9])
    }
    assert counts.pop(VILLAGE_WITHOUT_CASH_POINT) == 0 and set(counts.values()) == {1}


@pytest.mark.domain("HY12", "DD05", "OB04", "XF01")
def test_the_grids_of_a_level_hold_every_place_once(demo_site: None):
    for kind in ("school", "recycling", "fire_unit"):
        by_grid = Place.objects.filter(kind=kind).values("grid_code").annotate(n=Count("pk"))
        leaves = set(Grid.objects.filter(plan__name="2026 年网格划分", level=3).values_list("code", flat=True))
        assert {row["grid_code"] for row in by_grid} <= leaves
        assert sum(row["n"] for row in by_grid) == Place.objects.filter(kind=kind).count() > 0
    assert set(Place.objects.filter(kind="fire_unit").values_list("attributes__grade", flat=True)) == set("ABC")
    assert Outlet.objects.filter(kind="exchange", attributes__has_key="keeper").exists()

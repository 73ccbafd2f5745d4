"""Vector tiles of layers: counted where they hold many, one by one where the map is near."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import pytest
from django.db import connection
from django.test import Client

from tests.api.world import World, assert_fault

MANY = 6000


def tile_at(lon: float, lat: float, z: int) -> str:
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"/tiles/places/{z}/{x}/{y}.mvt"


def features(client: Client, address: str) -> list[dict[str, Any]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return mapbox_vector_tile.decode(answer.content).get("places", {}).get("features", [])


@pytest.fixture
def crowded(world: World) -> World:
    """Schools and shops, by turns, on a lattice of 77 columns over about 1.3 km; 甲's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO place (institution_id, code, name, kind, geom) SELECT %s, n, '点' || n,"
            " CASE n %% 2 WHEN 0 THEN 'school' ELSE 'shop' END,"
            " ST_SetSRID(ST_MakePoint(113 + (n %% 77) * 0.00017, 30 + n / 77 * 0.00017), 4490) FROM generate_series(0, %s) n",
            [world.institutions["甲总"].pk, MANY - 1],
        )
    return world


def test_low_tiles_count_every_feature_once(crowded: World):
    client = crowded.client("甲总 planner")
    whole = features(client, tile_at(113.006, 30.006, 8))
    assert sum(spot["properties"]["n"] for spot in whole) == MANY and len(whole) <= 4
    # All tiles of a deeper level together, borders between them included.
    z, x, y = 13, int((113.0 + 180) / 360 * 2**13), 3379
    tiles = [features(client, f"/tiles/places/{z}/{x + i}/{y + j}.mvt") for i in (-1, 0, 1) for j in (-1, 0, 1)]
    assert sum(spot["properties"]["n"] for tile in tiles for spot in tile) == MANY
    shops = features(client, tile_at(113.006, 30.006, 8) + "?kind=shop")
    assert sum(spot["properties"]["n"] for spot in shops) == MANY // 2


def test_near_tiles_name_their_features(crowded: World):
    found = features(crowded.client("甲总 planner"), tile_at(113.0001, 30.0001, 18) + "?q=点")
    assert found and {"name", "kind"} <= set(found[0]["properties"]) and found[0]["id"]
    assert all(spot["properties"]["name"].startswith("点") for spot in found)


def test_a_crowded_tile_is_counted_at_any_zoom(crowded: World, settings: Any):
    client = crowded.client("甲总 planner")
    assert "n" in features(client, tile_at(113.006, 30.006, 15))[0]["properties"], "some 2,000 would cover each other"
    assert "n" not in features(client, tile_at(113.006, 30.006, 18))[0]["properties"]
    settings.TILE_FEATURES = settings.TILE_FEATURES_MOST = 10
    assert "n" in features(client, tile_at(113.0001, 30.0001, 16))[0]["properties"]
    assert "n" in features(client, tile_at(113.006, 30.006, 18))[0]["properties"]


def test_many_at_one_place_can_be_opened_at_the_deepest_level(crowded: World):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE place SET geom = ST_SetSRID(ST_MakePoint(113.0001, 30.0001), 4490) WHERE id % 20 = 0")
    client = crowded.client("甲总 planner")
    assert "n" in features(client, tile_at(113.0001, 30.0001, 17))[0]["properties"]
    assert len(features(client, tile_at(113.0001, 30.0001, 18))) > 200


def test_another_bank_sees_nothing_and_cannot_count(crowded: World):
    for z in (8, 18):
        assert features(crowded.client("乙总 administrator"), tile_at(113.0001, 30.0001, z)) == []


def test_a_tile_that_has_not_changed_is_not_sent_again(crowded: World):
    client = crowded.client("甲总 planner")
    address = tile_at(113.006, 30.006, 8)
    tag = client.get(address)["ETag"]
    assert client.get(address, headers={"if-none-match": tag}).status_code == 304
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM place WHERE code = '5'")
    assert client.get(address, headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("?attributes.x=1", 400, "invalid_filter"), ("?grid=x", 422, "invalid_request"), ("?grid=1", 404, None)],
)
def test_a_wrong_filter_is_answered_in_the_one_shape(world: World, query: str, status: int, code: str | None):
    answer = world.client("甲总 planner").get(tile_at(113, 30, 10) + query)
    assert answer.status_code == status
    if code:
        assert_fault(answer, status, code)

"""Posts are a layer like every other, lines among them: list, detail, filters by place, tiles, counts, export, changes."""

from __future__ import annotations

import io
import json
import math

import mapbox_vector_tile
import pytest
from django.contrib.gis.geos import LineString, Point
from django.test import Client

from layers.grids.models import SRID
from layers.staff.models import Post
from tests.api.world import assert_fault, bearer
from tests.factories import AssignmentFactory, square_plan
from tests.factories import grid as grid_of
from tests.staff.town import Town

pytestmark = pytest.mark.domain("GB02")


@pytest.fixture
def boss(town: Town) -> Client:
    """The manager of a bank with a shop, held by a, a road across two grids, its partner, and a restricted post of the branch."""
    middle = town.grid("002").geom.point_on_surface
    start = town.grid("001").geom.point_on_surface
    rows = [
        ("S1", "shop", "点甲", Point(start.x, start.y, srid=SRID), False),
        ("L1", "road", "路乙", LineString((start.x, start.y), (2 * middle.x - start.x, 2 * middle.y - start.y), srid=SRID), False),
        ("R1", "household", "密丙", Point(middle.x, middle.y, srid=SRID), True),
    ]  # fmt: skip
    for code, kind, name, geom, restricted in rows:
        Post.objects.create(
            institution=town.branch, code=code, kind=kind, name=name, geom=geom, restricted=restricted, duty_text="巡查"
        )
    shop, road = Post.objects.get(code="S1"), Post.objects.get(code="L1")
    shop.partners.add(road)
    AssignmentFactory(staff=town.people["a"], post=shop, role="point_chief")
    return bearer(town.users["boss"])


def codes(client: Client, **query: object) -> set[str]:
    answer = client.get("/api/layers/posts", query)
    assert answer.status_code == 200, answer.content
    return {feature["properties"]["code"] for feature in answer.json()["features"]}


def test_posts_are_found_by_place_and_counted(town: Town, boss: Client) -> None:
    assert codes(boss) == {"S1", "L1", "R1"} and codes(boss, kind="road") == {"L1"}
    road = Post.objects.get(code="L1")
    # A line is in the grid that has its middle; on a draft the shapes say the same.
    assert codes(boss, grid=town.grid("002").pk) == {"L1", "R1"} and codes(boss, grid=town.grid("001").pk) == {"S1"}
    draft = square_plan(2, institution=town.head)
    assert codes(boss, grid=grid_of(draft, "002").pk) == {"L1", "R1"}
    end = road.geom.coords[1]
    assert codes(boss, near=f"{end[0]},{end[1]}", radius=1) == {"L1"}
    assert codes(boss, along=road.geom.json, within=1) == {"S1", "L1", "R1"}
    listed = {layer["id"]: layer for layer in boss.get("/api/layers/").json()}
    assert listed["posts"]["counts"] == {"shop": 1, "road": 1, "household": 1} and listed["posts"]["can_add"]
    in_grid = {one["layer"]: one["count"] for one in boss.get(f"/api/grids/{town.grid('002').pk}").json()["features"]}
    assert in_grid["posts"] == 2


def test_a_post_tells_who_is_in_charge_and_who_sees_it(town: Town, boss: Client) -> None:
    shop, secret = Post.objects.get(code="S1"), Post.objects.get(code="R1")
    told = boss.get(f"/api/layers/posts/{shop.pk}").json()["properties"]
    assert told["in_charge"] == ["员工a"] and [one["name"] for one in told["partners"]] == ["路乙"]
    assert told["page"] == f"/people/posts/{shop.pk}/" and told["kind_label"] == "店长" and told["duty_text"] == "巡查"
    assert codes(bearer(town.users["worker"])) == {"S1"} and codes(bearer(town.users["auditor"])) == {"S1", "L1"}
    assert bearer(town.users["auditor"]).get(f"/api/layers/posts/{secret.pk}").status_code == 404
    assert codes(bearer(town.users["regulator"])) == set() == codes(bearer(town.users["stranger"]))


def test_tiles_and_files_have_lines_too(town: Town, boss: Client) -> None:
    # From afar they are counted.
    tile = mapbox_vector_tile.decode(boss.get("/tiles/posts/0/0/0.mvt").content)
    assert sum(one["properties"]["n"] for one in tile["posts"]["features"]) == 3
    lon, lat = Post.objects.get(code="L1").place.coords
    x = int((lon + 180) / 360 * 2**18)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**18)
    near = mapbox_vector_tile.decode(boss.get(f"/tiles/posts/18/{x}/{y}.mvt").content)
    assert "路乙" in {one["properties"]["name"] for one in near["posts"]["features"]}
    collection = json.loads(boss.get("/api/layers/posts/export?format=geojson").content)
    shapes = {one["properties"]["code"]: one["geometry"]["type"] for one in collection["features"]}
    assert shapes == {"S1": "Point", "L1": "LineString", "R1": "Point"}
    table = b"".join(boss.get("/api/layers/posts/export?format=csv")).decode("utf-8-sig")
    assert "路长" in table and "L1" in table
    assert b"".join(boss.get("/api/layers/posts/export?format=gpkg")).startswith(b"SQLite")
    assert_fault(boss.get("/api/layers/posts/export?format=shp"), 400, "mixed_shapes")
    assert b"".join(boss.get("/api/layers/posts/export?format=shp&kind=road")).startswith(b"PK")
    moved = boss.get("/api/layers/posts?output_datum=gcj02&kind=road").json()["features"][0]["geometry"]
    assert moved["type"] == "LineString" and moved["coordinates"][0][0] != Post.objects.get(code="L1").geom[0][0]
    rows = list(io.StringIO(boss.get("/api/layers/posts?format=csv&kind=road").getvalue().decode("utf-8-sig")))
    assert len(rows) == 2


def test_who_arranges_adds_and_moves_points_and_lines_stay_lines(town: Town, boss: Client) -> None:
    def send(method: str, path: str, **body: object):
        return boss.generic(method, f"/api/layers/posts{path}", json.dumps(body), content_type="application/json")

    made = send("POST", "", code="N1", name="新", kind="lane", lon=113.001, lat=30.001)
    assert made.status_code == 201, made.content
    assert send("PUT", f"/{made.json()['id']}", lon=113.002, lat=30.002).status_code == 200
    road = Post.objects.get(code="L1")
    assert boss.get(f"/api/layers/posts/{road.pk}").json()["properties"]["can_change"] is False
    assert_fault(send("PUT", f"/{road.pk}", lon=113.002, lat=30.002), 400, "invalid_feature")
    assert_fault(send("POST", "", code="N2", name="x", kind="king", lon=113, lat=30), 400, "invalid_feature")
    worker = bearer(town.users["worker"])
    assert worker.delete(f"/api/layers/posts/{Post.objects.get(code='S1').pk}").status_code == 403

"""Posts on the map: points and lines, with who is in charge, and the way to their page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from layers.orgs.models import User
from layers.staff.models import Post
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


@pytest.mark.domain("GB01")
def test_posts_stand_on_the_map_and_lead_to_their_page(open_map: Open) -> None:
    seen = Post.objects.visible_to(User.objects.get(username="manager"))
    post = seen.first()
    assert post is not None
    page = open_map("?level=1", user="manager")
    page.click("#layers summary")
    expect(page.locator(".layer[data-layer=posts] .layer-head .figures")).to_have_text(str(seen.count()))
    page.check("#layer-choice input[value=posts]")
    page.keyboard.press("Escape")
    expect(page.locator("#map .cluster.posts").first).to_be_visible()
    assert "posts" in page.url
    # Near by, they stand one by one.
    lon, lat = post.geom.centroid.coords
    page.goto(f"/?level=3&layers=posts&lon={lon}&lat={lat}&z=17")
    page.locator(f'#map .leaflet-marker-icon[title="{post.name}"]').dispatch_event("click")
    expect(page.locator("#panel-body h2")).to_contain_text(post.name)
    expect(page.locator("#legend")).to_contain_text("小区长")
    page.locator("#panel-body a.button").click()
    page.wait_for_url(f"**/people/posts/{post.pk}/")
    expect(page.locator("h1")).to_contain_text(post.name)


@pytest.mark.domain("XF03")
def test_a_line_answers_along_its_whole_length(open_map: Open) -> None:
    road = Post.objects.filter(kind="section").first()
    assert road is not None and road.geom.geom_type == "LineString"
    lon, lat = road.geom.interpolate_normalized(0.15).coords
    page = open_map(f"?level=3&layers=posts&lon={lon}&lat={lat}&z=18", user="manager")
    expect(page.locator(".layer[data-layer=posts] input[value=posts]")).to_be_checked()
    page.wait_for_load_state("networkidle")
    x, y = page.evaluate(
        "() => { const box = document.getElementById('map').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }"
    )
    # The panel covers a part of the map, whose middle is where the address says.
    page.mouse.click(x, y)
    expect(page.locator("#panel-body h2")).to_contain_text(road.name)
    expect(page.locator("#panel-body .facts")).to_contain_text("责任人")


def test_a_regulator_is_shown_no_posts(open_map: Open) -> None:
    page = open_map(user="regulator")
    page.click("#layers summary")
    expect(page.locator(".layer[data-layer=outlets]")).to_be_visible()
    expect(page.locator(".layer[data-layer=posts] .layer-head .figures")).to_have_text("0")

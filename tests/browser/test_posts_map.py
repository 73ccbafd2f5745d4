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
    expect(page.locator(".layer[data-layer=posts] .figures")).to_have_text(str(seen.count()))
    page.check("#layer-choice input[value=posts]")
    page.keyboard.press("Escape")
    expect(page.locator("#map .cluster.posts").first).to_be_visible()
    assert "posts" in page.url
    # Near by, they stand one by one.
    lon, lat = post.geom.centroid.coords
    page.goto(f"/?level=3&layers=posts&lon={lon}&lat={lat}&z=17")
    page.locator(f'#map .leaflet-marker-icon[title="{post.name}"]').dispatch_event("click")
    expect(page.locator("#panel-body h2")).to_contain_text(post.name)
    page.locator("#panel-body a.button").click()
    page.wait_for_url(f"**/people/posts/{post.pk}/")
    expect(page.locator("h1")).to_contain_text(post.name)


def test_a_regulator_is_offered_no_posts(open_map: Open) -> None:
    page = open_map(user="regulator")
    page.click("#layers summary")
    expect(page.locator(".layer[data-layer=outlets]")).to_be_visible()
    expect(page.locator(".layer[data-layer=posts]")).to_have_count(0)

"""The doors of the site: signing in by session or token, CSRF, throttling, tiles, headers, and settings of production."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from layers.grids.models import Grid
from layers.orgs.models import ApiToken, User
from tests.api.test_scopes import addresses
from tests.api.world import INSIDE, World, assert_fault, bearer
from tests.factories import PASSWORD, UserFactory

HERE = f"lon={INSIDE[0]}&lat={INSIDE[1]}"
POINT = json.dumps({"type": "FeatureCollection", "features": []})


@pytest.fixture
def user(db: None) -> User:
    return UserFactory(username="planner")


def sign_in(client: Client, username: str = "planner", password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"username": username, "password": password}, **more)


def test_without_signing_in_there_is_only_401(world: World, client: Client):
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Basic eDp5"},
    ):
        for address in (
            *[address for address in addresses(world) if address.startswith("/api/")][:30],
            f"/api/grids/{Grid.objects.last().pk}",
            "/api/nothing",
            "/tiles/x/1/0/0.mvt",
        ):
            assert_fault(client.get(address, headers=headers), 401, "not_signed_in")
    for address in addresses(world):
        assert client.get(address).status_code == 401, address
    for address in ("/api/locate", "/api/imports/", "/api/imports/1/load", "/api/nothing"):
        answer = client.post(address, POINT, content_type="application/json")
        assert_fault(answer, 401, "not_signed_in")


@pytest.mark.parametrize("address", ["/", "/?plan=1", "/import/"])
def test_a_page_leads_to_the_login_and_back(user: User, client: Client, address: str):
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"].startswith("/login/?next=")
    assert client.get(answer["Location"]).status_code == 200
    signed_in = client.post(answer["Location"], {"username": "planner", "password": PASSWORD, "next": address})
    assert (signed_in.status_code, signed_in["Location"]) == (302, address)
    assert client.get(address).status_code == 200


def test_the_login_leads_to_no_other_site(user: User, client: Client):
    answer = client.post("/login/", {"username": "planner", "password": PASSWORD, "next": "https://example.com/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_whether_the_site_is_alive_is_public(db: None, client: Client):
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok"}


def test_session_and_token_see_the_same(world: World):
    for name in ("甲一 planner", "监管 regulator"):
        by_session, by_token = Client(), world.client(name)
        by_session.force_login(world.users[name])
        for address in addresses(world):
            one, other = by_session.get(address), by_token.get(address)
            assert one.status_code == other.status_code, address
            if one.status_code == 200:
                assert _without_clock(one.getvalue()) == _without_clock(other.getvalue())


def _without_clock(content: bytes) -> bytes:
    return re.sub(rb'"checked_at": "[^"]+"', b"", content)


def test_the_token_decides_not_the_session(world: World):
    client = world.client("乙总 administrator")
    client.force_login(world.users["甲总 planner"])
    assert client.get("/api/me").json()["institution"]["name"] == "乙总行"


def test_who_has_left_is_out_at_once(user: User):
    by_token, by_session = bearer(user), Client()
    by_session.force_login(user)
    assert by_token.get("/api/me").status_code == by_session.get("/api/me").status_code == 200
    user.is_active = False
    user.save()
    for client in (by_token, by_session):
        assert_fault(client.get("/api/me"), 401, "not_signed_in")
        assert client.get("/tiles/outlets/1/0/0.mvt").status_code == 401


def test_a_session_writes_with_a_csrf_token_only(user: User):
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")
    assert sign_in(client).status_code == 403
    form = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value, "username": "planner", "password": PASSWORD}
    assert client.post("/login/", form).status_code == 302
    for address in ("/api/locate", "/api/imports/", "/api/imports/1/load"):
        assert_fault(client.post(address, POINT, content_type="application/json"), 403, "refused")
    headers = {"x-csrftoken": client.cookies["csrftoken"].value}
    assert client.post("/api/locate", POINT, content_type="application/json", headers=headers).status_code == 200
    by_token = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {ApiToken.issue(user, 'x')}"})
    assert by_token.post("/api/locate", POINT, content_type="application/json").status_code == 200


def test_signing_out_ends_the_session(user: User, client: Client):
    sign_in(client)
    assert client.get("/api/me").status_code == 200
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/api/me").status_code == 401


def test_five_wrong_passwords_lock_the_account_from_that_address(user: User, settings: Any):
    settings.AXES_ENABLED = True
    UserFactory(username="another")
    client = Client()
    for _ in range(4):
        assert sign_in(client, password="wrong").status_code == 200
    assert sign_in(client, password="wrong").status_code == 429
    assert sign_in(client).status_code == 429
    assert "_auth_user_id" not in client.session
    assert sign_in(Client(), "another").status_code == 302
    assert sign_in(Client(), REMOTE_ADDR="192.0.2.1").status_code == 302


def test_a_right_password_forgives_the_wrong_ones(user: User, settings: Any):
    settings.AXES_ENABLED = True
    for _ in range(2):
        for _ in range(4):
            assert sign_in(Client(), password="wrong").status_code == 200
        assert sign_in(Client()).status_code == 302


def test_behind_the_proxy_the_last_address_counts(user: User, settings: Any):
    """Whatever the client writes into X-Forwarded-For itself stands before what the proxy adds."""
    settings.AXES_ENABLED = settings.BEHIND_PROXY = True
    for number in range(5):
        answer = sign_in(Client(), password="wrong", headers={"x-forwarded-for": f"192.0.2.{number}, 198.51.100.7"})
    assert answer.status_code == 429
    assert sign_in(Client(), headers={"x-forwarded-for": "198.51.100.8"}).status_code == 302


@pytest.mark.parametrize(
    "address",
    [
        "/tiles/nothing/1/0/0.mvt",
        "/tiles/outlets/1/2/0.mvt",
        "/tiles/outlets/23/0/0.mvt",
        "/tiles/outlets/99999999999999999999/0/0.mvt",
        "/tiles/grids/1/0/0.mvt",
        "/tiles/grids/1/0/0.mvt?plan=x&level=0",
        "/tiles/grids/1/0/0.mvt?plan=99999999999999999999&level=0",
        "/tiles/grids/0/0/0.mvt?plan={plan}",
        "/tiles/grids/0/0/0.mvt?plan={plan}&level=-1",
        "/tiles/grids/0/-1/0.mvt",
        "/tiles/grids/",
    ],
)
def test_there_is_no_such_tile(world: World, address: str):
    client = world.client("甲总 planner")
    assert_fault(client.get(address.format(plan=world.plans["甲发布"].pk)), 404, "not_found")


def test_a_method_that_an_address_does_not_have_is_refused_in_the_one_shape(world: World):
    client = world.client("甲总 planner")
    for method, address, allowed in (
        ("DELETE", "/api/plans", {"GET", "POST"}),
        ("PUT", "/api/locate", {"GET", "POST"}),
        ("POST", f"/api/grids/{Grid.objects.last().pk}", {"GET"}),
    ):
        answer = client.generic(method, address)
        assert method in assert_fault(answer, 405, "method_not_allowed")["message"]["en"]
        assert set(answer["Allow"].split(", ")) == allowed


def test_a_tile(world: World):
    client = world.client("甲总 planner")
    plan = world.plans["甲发布"].pk
    answer = client.get(f"/tiles/grids/10/833/422.mvt?plan={plan}&level=1")
    assert answer["Content-Type"] == "application/vnd.mapbox-vector-tile" and "private" in answer["Cache-Control"]
    assert "甲发布镇 001".encode() in answer.content
    assert client.get(f"/tiles/grids/10/0/0.mvt?plan={plan}&level=1").content == b""
    assert client.get(f"/tiles/grids/0/0/0.mvt?plan={plan}&level=99999999999").content == b""
    assert "甲一网点".encode() in client.get("/tiles/outlets/14/13334/6759.mvt").content


def test_a_body_that_is_not_json_is_told_so(world: World):
    """Not that a CSRF token is missing."""
    client = world.client("甲总 planner")
    answer = client.post(f"/api/imports/{world.imports['甲总'].pk}/load", "{", content_type="application/json")
    assert "CSRF" not in assert_fault(answer, 400, "invalid_body")["message"]["zh"]


def test_pages_run_no_script_but_ours(user: User, client: Client):
    client.force_login(user)
    nonces = set()
    for page in ("/", "/import/", "/login/"):
        answer = (Client() if page == "/login/" else client).get(page)
        policy = dict(
            part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";") if part.strip()
        )
        for kind in ("script-src", "style-src", "default-src"):
            assert "unsafe" not in policy[kind] and "*" not in policy[kind] and "http" not in policy[kind]
        assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        text = answer.content.decode()
        nonces |= set(found := re.findall(r"'nonce-([^']+)'", policy["script-src"]))
        for attributes in re.findall(r"<script\b([^>]*)>", text):
            if 'type="application/json"' not in attributes and "src=" not in attributes:
                assert f'nonce="{found[0]}"' in attributes
        assert not re.search(r'\son\w+="|<style|\sstyle="|javascript:', text)
    assert len(nonces) > 1 or not nonces


def test_headers_against_sniffing_framing_and_leaking(user: User, client: Client):
    client.force_login(user)
    for address in ("/", "/login/", "/api/me", "/healthz", "/api/nothing", "/nothing"):
        answer = client.get(address)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_cookies_are_closed_to_scripts_and_other_sites(user: User, client: Client):
    sign_in(client)
    session = client.cookies["sessionid"]
    assert session["httponly"] and session["samesite"] == "Lax" and not session["max-age"]


OF_THE_TESTS = {"DEBUG", "JINGTIAN_HTTP", "SECRET_KEY", "DJANGO_ALLOW_ASYNC_UNSAFE"}


def production(**more: str) -> dict[str, str]:
    """The environment of a server: https, a long key, and none of the test's own switches."""
    kept = {key: value for key, value in os.environ.items() if key not in OF_THE_TESTS}
    return (
        kept
        | {"SECRET_KEY": "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz-_", "ALLOWED_HOSTS": "grids.example"}
        | more
    )


def manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "manage.py", *arguments]
    return subprocess.run(
        command, cwd=site.ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_settings_of_production_pass_djangos_own_check():
    checked = manage("check", "--deploy", "--fail-level", "WARNING", environment=production())
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout and "WARNINGS" not in checked.stderr


def test_a_server_without_a_key_does_not_start():
    refused = manage("check", environment=production(SECRET_KEY=""))
    assert refused.returncode != 0 and "SECRET_KEY" in refused.stderr


@pytest.mark.parametrize("query", ["q", "kind", "along", "attributes.address"])
@pytest.mark.parametrize("path", ["/api/layers/outlets", "/api/layers/outlets/export", "/tiles/outlets/5/1/1.mvt"])
def test_what_is_no_text_is_refused(db: None, path: str, query: str):
    client = bearer(UserFactory(role="administrator"))
    assert_fault(client.get(f"{path}?{query}=a%00b"), 400, "not_text")


def test_half_a_character_is_refused(db: None):
    user = UserFactory(role="administrator")
    body = {"institution": user.institution_id, "code": "1", "kind": "staffed", "lon": 113, "lat": 30}
    answer = bearer(user).post("/api/layers/outlets", body | {"name": "a\ud800b"}, content_type="application/json")
    assert_fault(answer, 400, "not_text")

"""Passwords, sessions and the second factor, as each profile says."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from layers.accounts.models import FormerPassword, RecoveryCode
from layers.accounts.second_factor import confirm, enrolling, has_second_factor
from layers.audit.models import Entry
from layers.orgs.models import ApiToken, User
from mapserver.security import PROFILES, chosen
from tests.factories import PASSWORD, UserFactory

GOOD = "Qianjiang-2026"
NOW = dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def user(db: None) -> User:
    return UserFactory(username="planner", date_joined=timezone.now())


def signed_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.username, password=PASSWORD)
    return client


def codes_of(problem: ValidationError) -> set[str]:
    return {fault.code for fault in problem.error_list}


@pytest.mark.parametrize(
    ("profile", "password", "faults"),
    [
        ("dengbao", "Ab3-efg", {"password_too_short"}),
        ("dengbao", "potatoes1", {"password_too_plain"}),
        ("dengbao", "Potato-7", set()),
        ("dengbao", "Planner1", {"password_too_similar"}),
        ("asvs", "Potato-7", {"password_too_short"}),
        ("asvs", "abcdefghqrstuv", set()),
        ("asvs", "password1234", {"password_too_common"}),
    ],
)
def test_what_a_password_must_be(user: User, settings: Any, profile: str, password: str, faults: set[str]):
    settings.SECURITY = PROFILES[profile]
    found: set[str] = set()
    try:
        validate_password(password, user)
    except ValidationError as problem:
        found = codes_of(problem)
    assert found == faults


def test_the_last_five_passwords_are_refused_whichever_way_they_were_set(user: User):
    words = [f"Potato-{n}-field" for n in range(6)]
    for word in words:
        validate_password(word, user)
        user.set_password(word)
        user.save()
    for word in words[1:]:
        with pytest.raises(ValidationError) as problem:
            validate_password(word, user)
        assert codes_of(problem.value) == {"password_used_before"}
    validate_password(words[0], user)
    assert user.former_passwords.count() == 5


def test_the_profile_and_single_numbers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECURITY_IDLE_MINUTES", "7")
    assert chosen("asvs") == PROFILES["asvs"] | {"idle_minutes": 7}
    with pytest.raises(ValueError, match="dengbao, asvs"):
        chosen("none")


@pytest.mark.parametrize(("minutes", "open_"), [(29, True), (31, False)])
def test_an_idle_session_ends_and_says_so_and_returns(user: User, minutes: int, open_: bool):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        clock.shift(dt.timedelta(minutes=minutes))
        answer = client.get("/plans/?x=1")
        assert (answer.status_code == 200) is open_
        if not open_:
            assert answer["Location"] == "/login/?next=/plans/%3Fx%3D1"
            page = client.get(answer["Location"]).content.decode()
            assert "超过 30 分钟没有操作" in page and 'value="/plans/?x=1"' in page
            form = {"username": user.username, "password": PASSWORD, "next": "/plans/?x=1"}
            assert client.post("/login/", form)["Location"] == "/plans/?x=1"
            assert "没有操作" not in Client().get("/login/").content.decode()


def test_the_api_says_that_nobody_is_signed_in_any_more(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        clock.shift(dt.timedelta(minutes=31))
        answer = client.get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
        assert client.get("/api/me").status_code == 401
        assert client.get("/tiles/outlets/1/0/0.mvt").status_code == 401


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        for _ in range(3):
            clock.shift(dt.timedelta(minutes=10))
            assert client.get("/api/me", headers={"x-unattended": "1"}).status_code == 200
        clock.shift(dt.timedelta(seconds=1))
        assert client.get("/api/me", headers={"x-unattended": "1"}).status_code == 401


@pytest.mark.parametrize(("profile", "rules"), [("dengbao", 5), ("asvs", 3)])
def test_the_page_lists_the_rules_of_the_profile(user: User, settings: Any, profile: str, rules: int):
    settings.SECURITY = PROFILES[profile]
    page = signed_in(user).get("/account/password/").content.decode()
    listed = re.findall(r"<li>(.*?)</li>", page[page.index('class="note help"') :])
    assert len(listed) == rules and all(listed)


def test_who_works_on_stays_until_the_longest_time(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        for _ in range(24):
            assert client.get("/api/me").status_code == 200
            clock.shift(dt.timedelta(minutes=20))
        assert client.get("/api/me").status_code == 200  # eight hours to the second
        clock.shift(dt.timedelta(seconds=1))
        assert client.get("/api/me").status_code == 401
        assert "登录满 8 小时" in client.get("/login/").content.decode()


def test_an_ended_session_is_gone_from_the_server(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        stolen = client.cookies["sessionid"].value
        clock.shift(dt.timedelta(minutes=31))
        client.get("/")
        clock.shift(dt.timedelta(minutes=-31))
        client.cookies["sessionid"] = stolen
        assert client.get("/api/me").status_code == 401


def test_a_token_knows_no_session_time(user: User):
    token = Client(headers={"authorization": f"Bearer {ApiToken.issue(user, 'x')}"})
    with time_machine.travel(timezone.now() + dt.timedelta(days=400)):
        assert token.get("/api/me").status_code == 200


def test_an_expired_password_is_changed_before_anything_else(user: User):
    with time_machine.travel(timezone.now() + dt.timedelta(days=91)):
        client = signed_in(user)
        assert client.get("/plans/?x=1")["Location"] == "/account/password/?next=%2Fplans%2F%3Fx%3D1"
        answer = client.get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (403, "password_expired")
        page = client.get("/account/password/?next=/plans/?x=1").content.decode()
        assert "密码已使用 90 天" in page
        form = {"old_password": PASSWORD, "new_password1": GOOD, "new_password2": GOOD, "next": "/plans/?x=1"}
        assert (
            client.post("/account/password/", form | {"new_password1": "short", "new_password2": "short"}).status_code
            == 200
        )
        assert client.get("/api/me").status_code == 403
        assert client.post("/account/password/", form)["Location"] == "/plans/?x=1"
        assert client.get("/plans/?x=1").status_code == 200
        user.refresh_from_db()
        assert user.check_password(GOOD)
        client = Client()
        assert client.login(username=user.username, password=GOOD)
        assert client.get("/plans/").status_code == 200


def test_asvs_passwords_do_not_expire(user: User, settings: Any):
    settings.SECURITY = PROFILES["asvs"]
    with time_machine.travel(timezone.now() + dt.timedelta(days=4000)):
        assert signed_in(user).get("/plans/").status_code == 200


def test_a_new_password_ends_the_other_sessions(user: User):
    here, elsewhere = signed_in(user), signed_in(user)
    form = {"old_password": PASSWORD, "new_password1": GOOD, "new_password2": GOOD, "next": "//evil.example/"}
    assert here.post("/account/password/", form)["Location"] == "/account/"
    assert here.get("/api/me").status_code == 200
    assert elsewhere.get("/api/me").status_code == 401


def test_a_wrong_old_password_is_said_as_other_pages_speak(user: User):
    form = {"old_password": "x", "new_password1": GOOD, "new_password2": GOOD}
    page = signed_in(user).post("/account/password/", form).content.decode()
    assert "您的旧密码不正确" in page and "你" not in page


def code_at(device: TOTPDevice) -> str:
    """What the telephone shows now."""
    return f"{TOTP(device.bin_key).token():06}"


def enrolled(user: User) -> tuple[TOTPDevice, list[str]]:
    device = enrolling(user)
    codes = confirm(user, code_at(device))
    assert codes is not None
    return device, codes


def test_enrolling_and_signing_in_with_a_code(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        page = client.get("/account/second-factor/").content.decode()
        assert "data:image/svg+xml" in page
        assert client.post("/account/second-factor/", {"code": "000000"}).status_code == 200
        assert not has_second_factor(user)
        clock.shift(dt.timedelta(seconds=60))
        page = client.post("/account/second-factor/", {"code": code_at(enrolling(user))}).content.decode()
        assert has_second_factor(user) and page.count('<li class="code">') == 10

        clock.shift(dt.timedelta(seconds=60))
        client = Client()
        answer = client.post("/login/", {"username": user.username, "password": PASSWORD, "next": "/plans/"})
        assert answer["Location"] == "/login/code/?next=%2Fplans%2F"
        assert client.get("/api/me").status_code == 401, "the password alone opens nothing"
        device = TOTPDevice.objects.get(user=user)
        assert client.post("/login/code/?next=/plans/", {"code": "12345"}).status_code == 200
        clock.shift(dt.timedelta(seconds=60))
        code = code_at(device)
        assert client.post("/login/code/", {"code": code, "next": "/plans/"})["Location"] == "/plans/"
        assert client.get("/api/me").status_code == 200

        again = Client()
        again.post("/login/", {"username": user.username, "password": PASSWORD})
        assert again.post("/login/code/", {"code": code}).status_code == 200, "a code works once"
        assert again.get("/api/me").status_code == 401


def test_a_recovery_code_works_once(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        _device, codes = enrolled(user)
        for expected in (302, 200):
            client = Client()
            client.post("/login/", {"username": user.username, "password": PASSWORD})
            assert client.post("/login/code/", {"code": codes[0].upper()}).status_code == expected
            clock.shift(dt.timedelta(seconds=60))
        assert RecoveryCode.objects.filter(user=user).count() == 9
        assert not RecoveryCode.objects.filter(digest__in=codes).exists()


def test_guessing_codes_is_slowed_and_logged(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        device, _codes = enrolled(user)
        clock.shift(dt.timedelta(seconds=60))
        client = Client()
        client.post("/login/", {"username": user.username, "password": PASSWORD})
        for _ in range(8):
            client.post("/login/code/", {"code": "000000"})
        assert client.post("/login/code/", {"code": code_at(device)}).status_code == 200
        assert Entry.objects.filter(kind="login_failed", username=user.username, reason="TOTP").count() == 9


def test_a_code_too_soon_after_a_wrong_one_is_told_how_long_to_wait(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        device, _codes = enrolled(user)
        clock.shift(dt.timedelta(seconds=60))
        client = Client()
        client.post("/login/", {"username": user.username, "password": PASSWORD})
        said = client.post("/login/code/", {"code": "000000"}).content.decode()
        assert "验证码不对或已用过。 请等 1 秒再输入。" in said
        clock.shift(dt.timedelta(milliseconds=600))
        soon = client.post("/login/code/", {"code": code_at(device)}).content.decode()
        assert "没有核对。 请等 1 秒再输入。" in soon and "验证码不对或已用过" not in soon
        clock.shift(dt.timedelta(milliseconds=400))
        client.post("/login/code/", {"code": "000000"})
        client.cookies["django_language"] = "en"
        assert "Wait 2 seconds" in client.post("/login/code/", {"code": code_at(device)}).content.decode()
        clock.shift(dt.timedelta(seconds=2))
        assert client.post("/login/code/", {"code": code_at(device)}).status_code == 302


def test_turning_it_on_says_how_long_to_wait(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        client = signed_in(user)
        client.get("/account/second-factor/")
        assert "请等 1 秒" in client.post("/account/second-factor/", {"code": "000000"}).content.decode()
        assert "没有核对" in client.post("/account/second-factor/", {"code": code_at(enrolling(user))}).content.decode()
        clock.shift(dt.timedelta(seconds=1))
        client.post("/account/second-factor/", {"code": code_at(enrolling(user))})
        assert has_second_factor(user)


def test_the_second_step_waits_five_minutes(user: User):
    with time_machine.travel(NOW, tick=False) as clock:
        device, _codes = enrolled(user)
        client = Client()
        assert client.get("/login/code/")["Location"] == "/login/"
        client.post("/login/", {"username": user.username, "password": PASSWORD})
        clock.shift(dt.timedelta(seconds=301))
        assert client.post("/login/code/", {"code": code_at(device)})["Location"] == "/login/"


def test_turning_it_off_needs_the_password(user: User):
    enrolled(user)
    client = Client()
    client.force_login(user)
    assert client.post("/account/second-factor/off/", {"password": "wrong"}).status_code == 400
    assert client.get("/account/second-factor/off/")["Location"] == "/account/"
    assert has_second_factor(user)
    assert client.post("/account/second-factor/codes/", {"password": PASSWORD}).status_code == 200
    assert client.post("/account/second-factor/off/", {"password": PASSWORD})["Location"] == "/account/"
    assert not has_second_factor(user) and not user.recovery_codes.exists()


def test_a_role_may_be_bound_to_it(user: User, settings: Any):
    settings.SECOND_FACTOR_ROLES = ["planner"]
    client = signed_in(user)
    assert client.get("/plans/")["Location"] == "/account/second-factor/?next=%2Fplans%2F"
    assert client.get("/api/me").json()["code"] == "second_factor_missing"
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=60)):
        assert client.post("/account/second-factor/", {"code": code_at(enrolling(user))}).status_code == 200
        assert client.get("/plans/").status_code == 200
        assert client.post("/account/second-factor/off/", {"password": PASSWORD}).status_code == 400
    assert has_second_factor(user)


def test_tokens_are_listed_and_revoked_by_their_owner_only(user: User):
    token = ApiToken.issue(user, "报表程序")
    key = user.tokens.get().pk
    other = Client()
    other.force_login(UserFactory())
    assert other.post(f"/account/tokens/{key}/revoke/").status_code == 404
    client = signed_in(user)
    assert "报表程序" in client.get("/account/").content.decode()
    program = Client(headers={"authorization": f"Bearer {token}"})
    assert program.get("/api/me").status_code == 200
    client.post(f"/account/tokens/{key}/revoke/")
    assert program.get("/api/me").status_code == 401


def test_a_token_is_made_with_the_password_shown_once_and_expires(user: User):
    client, address = signed_in(user), "/account/tokens/"
    for form in ({"name": "报表", "password": "wrong"}, {"name": " ", "password": PASSWORD}):
        assert client.post(address, form).status_code == 400 and not user.tokens.exists()
    text = client.post(address, {"name": "报表", "password": PASSWORD}).content.decode()
    token = re.search(r'id="token"[^>]*>([\w-]{40,})<', text)[1]
    assert token not in client.get("/account/").content.decode() and "报表" in text
    assert "同名" in client.post(address, {"name": "报表", "password": PASSWORD}).content.decode()
    program = Client(headers={"authorization": f"Bearer {token}"})
    assert program.get("/api/me").json()["id"] == user.pk
    entry = Entry.objects.get(table_name="api_token", operation="insert")
    assert entry.user_id == user.pk and token not in str(entry.new) and ApiToken.digest_of(token) not in str(entry.new)
    made = user.tokens.get()
    days = settings.SECURITY["token_days"]
    assert made.expires_at.date() == (timezone.now() + dt.timedelta(days=days)).date()
    user.tokens.update(expires_at=timezone.now() - dt.timedelta(hours=1))
    assert program.get("/api/me").status_code == 401 and "已过期" in client.get("/account/").content.decode()


def test_account_pages_need_a_login(db: None):
    for address in ("/account/", "/account/password/", "/account/second-factor/", "/audit/", "/audit/audit.csv"):
        assert Client().get(address)["Location"].startswith("/login/")


def test_secrets_of_accounts_stay_out_of_the_log(user: User):
    device, codes = enrolled(user)
    user.set_password(GOOD)
    user.save()
    text = str(list(Entry.objects.values_list("old", "new")))
    for secret in (device.key, codes[0], RecoveryCode.digest_of(codes[0]), FormerPassword.objects.get().password):
        assert secret not in text

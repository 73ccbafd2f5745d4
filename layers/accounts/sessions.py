"""When a session ends, and what has to be done first in a new one.

All of it stands in the session, which is loaded for the user anyway: a request costs no statement more, but one a minute that
notes that somebody is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from layers.accounts.models import password_expired
from layers.accounts.second_factor import has_second_factor, must_have_second_factor
from layers.orgs.models import User

BEGAN, SEEN, MUST, ENDED = "session_began", "session_seen", "session_must", "session_ended"
UNATTENDED = "X-Unattended"
"""Header of what a page asks by itself: that is no sign of anybody there."""
PASSWORD, SECOND_FACTOR = "password", "second_factor"
PAGES = {PASSWORD: "password-change", SECOND_FACTOR: "second-factor-enrol"}
FREE = ("logout", "set_language", "javascript-catalog", "healthz", "login")
"""Addresses that stay open while something has to be done first."""
FAULTS = {
    PASSWORD: (
        "password_expired",
        "密码已到期, 请先在“修改密码”页设置新密码。",
        "Your password has expired: set a new one on the password page first.",
    ),
    SECOND_FACTOR: (
        "second_factor_missing",
        "您的角色须启用动态验证码, 请先在“账户与安全”页启用。",
        "Your role needs a second factor: set it up on the account page first.",
    ),
}


def begin(request: HttpRequest, user: User, **_signal: Any) -> None:
    """What a new session knows: when it began, and what has to be done first."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())
    request.session.pop(ENDED, None)
    must = [PASSWORD] if password_expired(user) else []
    if must_have_second_factor(user) and not has_second_factor(user):
        must.append(SECOND_FACTOR)
    request.session[MUST] = must


def done(request: HttpRequest, what: str) -> None:
    """One thing that had to be done first is done."""
    request.session[MUST] = [other for other in request.session.get(MUST, []) if other != what]


def over(session: SessionBase, now: float) -> Literal["idle", "absolute"] | None:
    """Why the session has ended, or None."""
    security = settings.SECURITY
    if now - session.get(SEEN, now) > security["idle_minutes"] * 60:
        return "idle"
    if now - session.get(BEGAN, now) > security["absolute_hours"] * 3600:
        return "absolute"
    return None


class SessionRules:
    """Middleware: ends sessions that are over, and sends those that must do something first to where they do it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Not `session.get`: without the cookie there is nothing to load.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = time.time()
            why = over(request.session, now)
            if why is not None:
                _end(request, why)
            else:
                step = max(1, min(60, settings.SECURITY["idle_minutes"] * 6))
                if now - request.session.get(SEEN, 0) >= step and UNATTENDED not in request.headers:
                    request.session[SEEN] = int(now)
                must = request.session.get(MUST)
                if must and not _free(request, must[0]):
                    return _first(request, must[0])
        return self.get_response(request)


def _end(request: HttpRequest, why: str) -> None:
    """Sign out. The sign-in page, wherever it is shown next, says why: so the session keeps its key, and that alone. A page asks for
    several things at once, and the answer to the second would take away the cookie of a session that the first has replaced."""
    user_logged_out.send(sender=User, request=request, user=request.user)
    request.session.clear()
    request.session[ENDED] = why
    request.user = AnonymousUser()


def _free(request: HttpRequest, must: str) -> bool:
    return request.path in {reverse(name) for name in (*FREE, PAGES[must])} or request.path.startswith(
        f"/{settings.STATIC_URL.strip('/')}/"
    )


def _first(request: HttpRequest, must: str) -> HttpResponse:
    if request.path.startswith(("/api/", "/tiles/")):
        code, zh, en = FAULTS[must]
        return JsonResponse(
            {"code": code, "message": {"zh": zh, "en": en}, "where": None, "details": {}},
            status=403,
            json_dumps_params={"ensure_ascii": False},
        )
    here = request.get_full_path() if request.method == "GET" else "/"
    return redirect(f"{reverse(PAGES[must])}?{urlencode({'next': here})}")

"""Signing in and out, as entries of the log."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from layers.audit.events import record
from layers.audit.models import Entry
from layers.orgs.models import User


def start() -> None:
    """Called once, when the application is loaded."""
    user_logged_in.connect(_logged_in)
    user_logged_out.connect(_logged_out)
    user_login_failed.connect(_failed)
    user_locked_out.connect(_locked)


def _logged_in(user: User, request: HttpRequest | None, **_signal: Any) -> None:
    record(Entry.Kind.LOGIN, user=user, request=request)


def _logged_out(user: User | None, request: HttpRequest | None, **_signal: Any) -> None:
    if user is not None:
        record(Entry.Kind.LOGOUT, user=user, request=request)


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any) -> None:
    _without_user(Entry.Kind.LOGIN_FAILED, str(credentials.get("username") or ""), request)


def _locked(username: str | None, request: HttpRequest | None = None, **_signal: Any) -> None:
    _without_user(Entry.Kind.LOCKED, username or "", request)


def _without_user(kind: Entry.Kind, username: str, request: HttpRequest | None) -> None:
    """Nobody acts: the name is what was typed; the entry belongs to the institution of the account of that name, if there is one."""
    account = User.objects.filter(username=username).first()
    record(
        kind,
        username=username,
        institution=account and account.institution_id,
        table="account" if account else "",
        ids=[account.pk] if account else (),
        request=request,
    )

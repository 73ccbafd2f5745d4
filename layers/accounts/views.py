"""Signing in, and what people set for themselves: password, second factor, tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from layers.accounts import second_factor
from layers.accounts.models import RecoveryCode, password_expired, password_expires_at, password_set_at
from layers.accounts.sessions import ENDED, PASSWORD, SECOND_FACTOR, done
from layers.audit.events import record
from layers.audit.models import Entry
from layers.orgs.models import ApiToken, User

PENDING = "sign_in_pending"
PATIENCE = 300
"""Seconds between the password and the code."""


def from_the_account_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Does by POST only; whoever had to sign in on the way comes by GET, and is led back to where the forms stand."""

    @wraps(view)
    def post_only(request: HttpRequest, **place: Any) -> HttpResponse:
        return view(request, **place) if request.method == "POST" else redirect("account")

    return post_only


class Code(forms.Form):
    """The code of the second factor."""

    code = forms.CharField(
        label=gettext_lazy("验证码"),
        max_length=20,
        widget=forms.TextInput({"inputmode": "text", "autocomplete": "one-time-code", "autofocus": True}),
    )


class Password(forms.Form):
    """The user's password, asked for again before something is weakened."""

    password = forms.CharField(
        label=gettext_lazy("当前密码"), widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


class NewToken(Password):
    """What a new token is for; with the password, as it stands for the user from then on."""

    name = forms.CharField(label=gettext_lazy("用途"), max_length=80)
    field_order = ("name", "password")


class SignIn(LoginView):
    """User name and password; who has a second factor is asked for it before there is a session."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "ended": self.request.session.pop(ENDED, None),
            "security": settings.SECURITY,
        }

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not second_factor.has_second_factor(user):
            return super().form_valid(form)
        self.request.session[PENDING] = {"user": user.pk, "backend": user.backend, "at": time.time()}
        return redirect(f"{reverse('second-factor')}?{urlencode({'next': self.get_success_url()})}")


@never_cache
@sensitive_post_parameters()
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """The second step of signing in."""
    pending = request.session.get(PENDING)
    if pending is None or time.time() - pending["at"] > PATIENCE:
        request.session.pop(PENDING, None)
        return redirect("login")
    user = get_object_or_404(User, pk=pending["user"], is_active=True)
    form = Code(request.POST or None)
    if request.method == "POST" and form.is_valid():
        too_soon = bool(second_factor.seconds_to_wait(user))
        if second_factor.verify(user, form.cleaned_data["code"]):
            del request.session[PENDING]
            login(request, user, backend=pending["backend"])
            return redirect(_next(request))
        record(
            Entry.Kind.LOGIN_FAILED,
            username=user.username,
            institution=user.institution_id,
            table="account",
            ids=[user.pk],
            reason="TOTP",
            request=request,
        )
        form.add_error("code", _refused(user, _("验证码不对或已用过。"), too_soon=too_soon))
    return render(request, "accounts/second_factor.html", {"form": form, "next": _next(request)})


@method_decorator([login_required, never_cache], "dispatch")
class ChangePassword(PasswordChangeView):
    """A new password; other sessions of the user end, this one goes on."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("account")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "expired": password_expired(self.request.user),
            # Those that the profile does not have say nothing.
            "rules": [rule for rule in password_validators_help_texts() if rule],
            "security": settings.SECURITY,
            "next": _next(self.request, "account"),
        }

    def form_valid(self, form: Any) -> HttpResponse:
        super().form_valid(form)
        done(self.request, PASSWORD)
        messages.success(self.request, _("密码已修改; 您在其他设备上的登录已结束。"))
        return redirect(_next(self.request, "account"))


@login_required
@never_cache
def account_page(request: HttpRequest) -> HttpResponse:
    """The account: password, second factor, tokens."""
    return _account(request)


def _account(request: HttpRequest, *, form: Password | None = None, status: int = 200, token: str = "") -> HttpResponse:
    user = request.user
    context = {
        "password_set_at": password_set_at(user),
        "password_expires_at": password_expires_at(user),
        "security": settings.SECURITY,
        "has_second_factor": second_factor.has_second_factor(user),
        "must_have_second_factor": second_factor.must_have_second_factor(user),
        "codes_left": user.recovery_codes.count(),
        "form": form or Password(),
        "tokens": user.tokens.order_by("-created_at"),
        "token": token,
    }
    return render(request, "accounts/account.html", context, status=status)


@login_required
@never_cache
def enrol_page(request: HttpRequest) -> HttpResponse:
    """Turning the second factor on: scan, type a code, keep the recovery codes."""
    user = request.user
    if second_factor.has_second_factor(user):
        return redirect("account")
    form = Code(request.POST or None)
    if request.method == "POST" and form.is_valid():
        too_soon = bool(second_factor.seconds_to_wait(user))
        codes = second_factor.confirm(user, form.cleaned_data["code"])
        if codes is not None:
            done(request, SECOND_FACTOR)
            return render(request, "accounts/codes.html", {"codes": codes, "next": _next(request, "account")})
        form.add_error("code", _refused(user, _("验证码不对。请核对手机的时间。"), too_soon=too_soon))
    device = second_factor.enrolling(user)
    context = {
        "form": form,
        "qr": second_factor.qr_code(device),
        "key": second_factor.key_of(device),
        "next": _next(request, "account"),
        "required": second_factor.must_have_second_factor(user),
    }
    return render(request, "accounts/enrol.html", context)


@from_the_account_page
@login_required
@never_cache
@sensitive_post_parameters()
def turn_off(request: HttpRequest) -> HttpResponse:
    """Turning the second factor off, with the password; not for a role that must have it."""
    form = _with_password(request)
    if second_factor.must_have_second_factor(request.user):
        form.add_error(None, _("您的角色须使用动态验证码, 不能停用。"))
    if not form.is_valid():
        return _account(request, form=form, status=400)
    second_factor.turn_off(request.user)
    messages.success(request, _("动态验证码已停用。"))
    return redirect("account")


@from_the_account_page
@login_required
@never_cache
@sensitive_post_parameters()
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes, with the password; the former ones end."""
    form = _with_password(request)
    if not second_factor.has_second_factor(request.user):
        form.add_error(None, _("请先启用动态验证码。"))
    if not form.is_valid():
        return _account(request, form=form, status=400)
    return render(
        request, "accounts/codes.html", {"codes": RecoveryCode.issue(request.user), "next": reverse("account")}
    )


@from_the_account_page
@login_required
@never_cache
@sensitive_post_parameters()
def new_token(request: HttpRequest) -> HttpResponse:
    """A token of the user's own, with the password; it is shown once."""
    form = _with_password(request, NewToken)
    if request.user.tokens.filter(name=form.data.get("name", "").strip()).exists():
        form.add_error("name", _("已有同名的令牌; 请换一个用途, 或先撤销原来的。"))
    if not form.is_valid():
        return _account(request, form=form, status=400)
    token = ApiToken.issue(request.user, form.cleaned_data["name"], settings.SECURITY["token_days"])
    return _account(request, token=token)


@from_the_account_page
@login_required
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one of the user's own tokens."""
    get_object_or_404(ApiToken, pk=token_id, user=request.user).delete()
    messages.success(request, _("令牌已撤销; 使用它的程序不能再访问。"))
    return redirect("account")


def _with_password(request: HttpRequest, kind: type[Password] = Password) -> Password:
    form = kind(request.POST)
    if form.is_valid() and not request.user.check_password(form.cleaned_data["password"]):
        form.add_error("password", _("密码不对。"))
    return form


def _refused(user: User, wrong: str, *, too_soon: bool) -> str:
    """Why a code did not do, and how long to wait: one that comes too soon after a wrong one is not looked at."""
    said = _("刚才的验证码不对, 这一个来得太快, 没有核对。") if too_soon else wrong
    seconds = max(second_factor.seconds_to_wait(user), 1)
    wait = ngettext("请等 %(seconds)d 秒再输入。", "请等 %(seconds)d 秒再输入。", seconds)
    return f"{said} {wait % {'seconds': seconds}}"


def _next(request: HttpRequest, otherwise: str = "map") -> str:
    """Where to go afterwards: a page of this site only."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if safe else reverse(otherwise)

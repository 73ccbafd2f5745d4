"""The JSON API: one NinjaAPI, one error shape, session cookie or bearer token."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.renderers import JSONRenderer
from ninja.security import HttpBearer, SessionAuth

from gis.errors import JingtianError
from layers.editing.api import router as editing
from layers.exchange.api import router as exchange
from layers.findings.api import router as findings
from layers.imports.api import router as imports
from layers.ledger.api import router as ledger
from layers.notices.api import router as notices
from layers.orgs.models import ApiToken, User
from layers.oversight.api import router as oversight
from layers.partition.api import router as partition
from layers.people.api import router as people
from layers.presence.api import router as presence
from layers.reports.api import router as reports
from layers.review.api import router as review
from layers.rules.api import router as rules
from layers.rules.values_api import router as values
from layers.siting.api import router as siting
from layers.streets.api import router as streets
from mapserver.api.export import router as exports
from mapserver.api.grids import router as grids
from mapserver.api.invalid import in_words
from mapserver.api.layers import router as layers
from mapserver.api.locate import router as locate
from mapserver.api.me import router as me
from mapserver.api.plans import router as plans
from mapserver.api.registers import router as registers
from mapserver.api.unmask import router as unmasking

STATUS = {
    "outside_every_grid": 404,
    "not_found": 404,
    "not_allowed": 403,
    "coverage_broken": 409,
    "too_many_points": 413,
    "too_large": 413,
    "busy": 409,
    "not_now": 409,
    "edit_conflict": 409,
    "cannot_undo": 409,
    "not_a_draft": 409,
    "grid_locked": 403,
    "no_such_grid": 404,
    "code_taken": 409,
    "wrong_step": 409,
    "not_on_duty": 409,
    "rules_broken": 409,
    "plans_clash": 409,
    "nothing_in_force": 404,
    "already_in_charge": 409,
    "ratio_broken": 409,
    "term_not_over": 409,
    "no_such_level": 404,
    "no_plan_in_force": 404,
    "too_much_unmasked": 429,
}
"""HTTP status by the code of the error; 400 for the others."""


elsewhere = Router()


@elsewhere.api_operation(["GET", "POST", "PUT", "PATCH", "DELETE"], "/{path:rest}", include_in_schema=False)
def no_such_address(request: HttpRequest, rest: str) -> None:
    """Any other address below /api/; mounted last."""
    raise Http404


class Bearer(HttpBearer):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        user = ApiToken.user_of(token)
        if user is not None:
            request.user = user
        return user


class PlainJSON(JSONRenderer):
    """JSON with Chinese as it is, not escaped."""

    json_dumps_params = {"ensure_ascii": False}


api = NinjaAPI(
    title="井田 Jingtian",
    version="1",
    description=str(_("网格化金融服务地理信息接口; 坐标均为 CGCS2000 经纬度")),
    renderer=PlainJSON(),
    auth=[Bearer(), SessionAuth(csrf=True)],
    urls_namespace="api",
)
api.add_router("/locate", locate)  # first: the one that is asked for most, from every phone
api.add_router("", me)
api.add_router("/plans", plans)
api.add_router("/grids", grids)
api.add_router("/grids", registers)
api.add_router("/layers", exports)  # before /layers/{layer}/{id}
api.add_router("/layers", layers)
api.add_router("/exchange", exchange)
api.add_router("/imports", imports)
api.add_router("/people", unmasking)
for router in (
    editing,
    findings,
    ledger,
    notices,
    oversight,
    partition,
    people,
    presence,
    reports,
    review,
    rules,
    siting,
    streets,
    values,
):
    api.add_router("", router)
api.add_router("", elsewhere)


def answer(
    request: HttpRequest, status: int, code: str, zh: str, en: str, where: Any = None, **details: Any
) -> HttpResponse:
    """The one shape of errors."""
    body = {"code": code, "message": {"zh": zh, "en": en}, "where": where, "details": details}
    return api.create_response(request, body, status=status)


@api.exception_handler(JingtianError)
def on_fault(request: HttpRequest, error: JingtianError) -> HttpResponse:
    return answer(request, STATUS.get(error.code, 400), error.code, error.zh, error.en, error.where, **error.details)


@api.exception_handler(ValidationError)
def on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return answer(request, 422, "invalid_request", *in_words(error.errors), errors=error.errors)


@api.exception_handler(AuthenticationError)
def on_anonymous(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return answer(request, 401, "not_signed_in", "请先登录, 或提供 API 令牌。", "Sign in first, or give an API token.")


@api.exception_handler(HttpError)
def on_refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What django-ninja refuses by itself: a body that is not JSON; a POST with a session cookie and no CSRF token."""
    if error.status_code == 400:
        return answer(
            request, 400, "invalid_body", "请求内容不是有效的 JSON。", "The body of the request is not valid JSON."
        )
    return answer(
        request,
        error.status_code,
        "refused",
        "请求被拒绝: 缺少 CSRF 令牌; 请刷新页面后重试, 或改用 API 令牌。",
        f"Refused ({error}): reload the page and try again, or use an API token.",
    )


@api.exception_handler(RequestDataTooBig)
def on_too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20
    return answer(
        request,
        413,
        "request_too_big",
        f"请求内容超过 {most} MB; 请分批发送。",
        f"The request is larger than {most} MB: send it in parts.",
    )


@api.exception_handler(PermissionDenied)
def on_denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return answer(request, 403, "not_allowed", "您没有权限进行此操作。", "You are not allowed to do this.")


@api.exception_handler(Http404)
def on_missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return answer(request, 404, "not_found", "没有找到, 或您无权查看。", "Not found, or not yours to see.")


@api.exception_handler(UnicodeEncodeError)
def on_half_a_character(request: HttpRequest, error: UnicodeEncodeError) -> HttpResponse:
    """JSON can spell one half of a pair of UTF-16; there is no such character."""
    return not_text(request)


def not_text(request: HttpRequest) -> HttpResponse:
    return answer(
        request,
        400,
        "not_text",
        "请求中有不是文字的字符 (空字符或半个字符); 请去掉后重试。",
        "The request has what is no text in it (a null character, or half of one): remove it and try again.",
    )


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """An address that exists, asked with a method that it does not have."""
    refusal = answer(
        request,
        405,
        "method_not_allowed",
        f"这个地址不接受 {request.method} 请求, 可用的有 {allowed}; 接口说明见 /api/docs。",
        f"This address does not take {request.method}, only {allowed}. /api/docs describes the interface.",
    )
    refusal["Allow"] = allowed
    return refusal

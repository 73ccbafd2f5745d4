"""Vector tiles of grids and points, clipped and quantised: for looking at, never for editing."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from layers.features.registry import LAYERS
from layers.grids.models import Plan
from layers.orgs.models import ApiToken
from mapserver.sqlfile import Subquery, run

DEEPEST = 22


def tile(request: HttpRequest, layer: str, z: int, x: int, y: int) -> HttpResponse:
    """One Mapbox vector tile in Web Mercator; `layer` is a point layer, or `grids` with ?plan= and ?level=."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    user = ApiToken.user_of(token) if scheme == "Bearer" else request.user
    if user is None or not user.is_authenticated:
        return JsonResponse(
            {
                "code": "not_signed_in",
                "message": {"zh": "请先登录。", "en": "Sign in first."},
                "where": None,
                "details": {},
            },
            status=401,
        )
    if z > DEEPEST or not (x < 2**z and y < 2**z):
        raise Http404(_("没有这个瓦片"))
    if layer == "grids":
        plan = get_object_or_404(Plan.objects.visible_to(user), pk=_integer(request, "plan"))
        data = run("grid_tile", {}, z=z, x=x, y=y, plan=plan.pk, level=_integer(request, "level"))
    elif layer in LAYERS:
        points = LAYERS[layer].model
        data = run(
            "point_tile",
            {"table": points, "points": Subquery.of(points.objects.visible_to(user).values("pk"))},
            z=z,
            x=x,
            y=y,
            layer=layer,
        )
    else:
        raise Http404(_("没有这个图层"))
    response = HttpResponse(bytes(data), content_type="application/vnd.mapbox-vector-tile")
    response["Cache-Control"] = "private, max-age=60"
    return response


def _integer(request: HttpRequest, name: str) -> int:
    value = request.GET.get(name, "")
    if not value.isdecimal() or len(value) > 18:
        raise Http404(_("参数 %(name)s 应为整数") % {"name": name})
    return int(value)

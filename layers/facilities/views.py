"""积分兑换点公示 (DD05): where a bank's points can be exchanged, who pays, and where the accounts are posted. Anybody may read it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from layers.facilities.models import Outlet
from layers.orgs.models import Institution

KEPT_S = 300


@require_safe
def exchange_points(request: HttpRequest, code: str) -> HttpResponse:
    """The exchange points of a bank whose accounts are public: those that say so themselves. 404 where there are none."""
    bank = Institution.objects.filter(code=code, depth=1).first()
    if bank is None:
        raise Http404
    known = Outlet.objects.filter(institution__path__startswith=bank.path, kind="exchange", is_active=True)
    points = known.filter(attributes__ledger_public=True).select_related("institution")
    rows = list(points.order_by("institution__path", "code"))
    if not rows:
        raise Http404
    context = {
        "bank": bank,
        "points": rows,
        "today": timezone.localdate(),
        "synthetic": any(one.synthetic for one in rows),
    }
    answer = render(request, "facilities/exchange_points.html", context)
    answer["Cache-Control"] = f"public, max-age={KEPT_S}"
    return answer

"""公示: one grid for anybody who has the address. No login, no cookie, nothing else to be found from here."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from layers.grids.models import Grid
from layers.staff.sheets import drawing, open_sheet, people_of, qr_svg
from layers.staff.views.pages import photo_response
from layers.staff.vocabulary import label

KEPT_S = 300
"""So long may a proxy answer by itself: however often a sign is scanned, the site is asked once in five minutes."""


def _grid(token: str) -> Grid:
    found = open_sheet(token)
    if found is None:
        raise Http404
    return found[1]


def _public(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = f"public, max-age={KEPT_S}"
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@require_GET
def sheet_page(request: HttpRequest, token: str) -> HttpResponse:
    """The sheet: map, name, photo, work phone and duties of those in charge today; fits an A4 page."""
    grid = _grid(token)
    people = [
        {
            "id": one.pk,
            "name": one.staff.name,
            "role": label("role", one.role, one.staff.institution),
            "phone": one.staff.work_phone,
            "duty": one.staff.duty_text,
            "duties": [label("duty", duty, one.staff.institution) for duty in one.staff.duties],
            "photo": bool(one.staff.photo),
            "stands_in": one.kind == "backup",
            "synthetic": one.staff.synthetic,
        }
        for one in people_of(grid)
    ]
    context = {
        "grid": grid,
        "bank": grid.plan.institution,
        "people": people,
        "map": drawing(grid),
        "token": token,
        "today": timezone.localdate(),
        "synthetic": grid.plan.synthetic or any(one["synthetic"] for one in people),
    }
    return _public(render(request, "staff/sheet.html", context))


@require_GET
def sheet_qr(request: HttpRequest, token: str) -> HttpResponse:
    """The QR code that opens the sheet."""
    _grid(token)
    address = request.build_absolute_uri(reverse("sheet", args=[token]))
    return _public(HttpResponse(qr_svg(address), content_type="image/svg+xml"))


@require_GET
def sheet_photo(request: HttpRequest, token: str, assignment_id: int) -> FileResponse:
    """The photograph of somebody who is on the sheet today."""
    one = next((each for each in people_of(_grid(token)) if each.pk == assignment_id), None)
    if one is None:
        raise Http404
    return _public(photo_response(one.staff))

"""Maps on paper."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Query, Router

from layers.features.registry import LAYERS
from layers.reports.sheet import map_sheet, picture
from layers.reports.thematic import sheet_of
from layers.rules.values_api import Asked

router = Router(tags=["reports"])


@router.get("/measures/{name}/map")
def measure_map(
    request: HttpRequest,
    name: str,
    asked: Query[Asked],
    format: Literal["pdf", "png"] = "pdf",
    layers: str = Query("", max_length=200),
) -> Any:
    """The map of a measure as one A4 page, with legend, scale bar, north arrow, method and source; or as a picture.

    `layers=outlets,machines` draws their points on it.
    """
    values = asked.values(request, name)
    shown = [layer for layer in layers.split(",") if layer in LAYERS and not LAYERS[layer].is_personal]
    document = map_sheet(sheet_of(values, request.user, shown))  # type: ignore[arg-type]
    body, kind = (document, "application/pdf") if format == "pdf" else (picture(document), "image/png")
    answer = HttpResponse(body, content_type=kind)
    file = f"{values.measure.name}-{values.plan.name}-{values.plan.level_name(values.level)}-{values.at}.{format}"
    answer["Content-Disposition"] = content_disposition_header(True, file)
    answer["Cache-Control"] = "private, no-store"
    return answer

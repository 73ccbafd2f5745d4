"""Any filtered view of a layer as a file; and what the population platform is told of the services that households have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema

from gis.datum import parse_datum
from layers.audit.events import record_read
from layers.audit.masking import NotMasked, unmask_many
from layers.exchange.export import Export
from layers.exchange.services import by_grid, by_household
from layers.features.registry import Layer, kinds_of, layer_named
from layers.tables import csv_response, xlsx_response
from mapserver.api.layers import Filters, filtered

router = Router(tags=["layers"])


class Wanted(Filters):
    """What to export, and how: the filters of the layer itself; `datum` is also that of the file, unless `output_datum` says another."""

    format: Literal["geojson", "csv", "xlsx", "gpkg", "shp"] = "csv"
    output_datum: str | None = Field(None, description="of the coordinates in the file")


class Reason(Schema):
    """Why the details are needed in full."""

    reason: str = Field(max_length=500)


class Services(Filters):
    """Which households, and whether a row is a household or a grid."""

    format: Literal["csv", "xlsx"] = "csv"
    by: Literal["household", "grid"] = "household"


@router.get("/customers/services")
def services(request: HttpRequest, asked: Annotated[Services, Query()]) -> HttpResponseBase:
    """金融服务信息 for the population platform (ZG12): codes, grids, profiled or not, services; neither names nor telephones."""
    layer = layer_named("customers")
    found = filtered(request, layer, asked).order_by("grid_code", "code")
    header, rows, ids = by_grid(found) if asked.by == "grid" else by_household(found)
    record_read(
        request.user, layer.model, ids, fields=["attributes"], purpose=f"services by {asked.by}", request=request
    )
    name = f"services-by-{asked.by}.{asked.format}"
    return csv_response(name, header, rows) if asked.format == "csv" else xlsx_response(name, header, rows, sheet=name)


@router.get("/{layer}/export")
def export(request: HttpRequest, layer: str, asked: Annotated[Wanted, Query()]) -> HttpResponseBase:
    """The features that the same filters show on the map, as a file. Of people, names and telephones are masked; the look is logged."""
    shown = layer_named(layer)
    leaving = _leaving(request, shown, asked)
    if shown.is_personal:
        record_read(
            request.user, shown.model, leaving.ids, fields=leaving.personal_fields,
            purpose=f"export {asked.format}", request=request,
        )  # fmt: skip
    return leaving.answer(asked.format)


@router.post("/{layer}/export")
def export_in_full(
    request: HttpRequest, layer: str, asked: Annotated[Wanted, Query()], why: Reason
) -> HttpResponseBase:
    """People's names and telephones in full, for a reason: for managers and administrators, logged row by row, and limited in number.

    Filters and format as of the masked export, in the query.
    """
    shown = layer_named(layer)
    if not shown.is_personal or shown.is_kept_elsewhere:
        raise NotMasked(
            "这个图层没有隐去的信息, 直接导出即可。", "Nothing is masked in this layer: export it as it is."
        )
    leaving = _leaving(request, shown, asked, in_full=True)
    unmask_many(request.user, shown.model, leaving.owners, leaving.personal_fields, reason=why.reason, request=request)
    answer = leaving.answer(asked.format)
    answer["Cache-Control"] = "no-store"
    return answer


def _leaving(request: HttpRequest, layer: Layer, asked: Wanted, *, in_full: bool = False) -> Export:
    datum = parse_datum(asked.output_datum or asked.datum)
    found: Any = filtered(request, layer, asked)
    if asked.near is None and asked.along is None:
        found = found.order_by("code", "pk")
    return Export(layer, kinds_of(request.user, layer.id)[layer.id], request.user, found, datum, in_full=in_full)

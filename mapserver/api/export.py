"""Any filtered view of a layer as a file; and what the population platform is told of the services that households have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router

from gis.datum import parse_datum
from layers.audit.events import record_read
from layers.exchange.export import Export
from layers.exchange.services import by_grid, by_household
from layers.features.registry import kinds_of, layer_named
from layers.tables import csv_response, xlsx_response
from mapserver.api.asking import Filters, filtered

router = Router(tags=["layers"])


class Wanted(Filters):
    """What to export, and how: the filters of the layer itself; `datum` is also that of the file, unless `output_datum` says another."""

    format: Literal["geojson", "csv", "xlsx", "gpkg", "shp"] = "csv"
    output_datum: str | None = Field(None, description="of the coordinates in the file")


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
    datum = parse_datum(asked.output_datum or asked.datum)
    found: Any = filtered(request, shown, asked)
    if asked.near is None and asked.along is None:
        found = found.order_by("code", "pk")
    leaving = Export(shown, kinds_of(request.user, layer)[layer], request.user, found, datum)
    if shown.is_personal:
        record_read(
            request.user, shown.model, leaving.ids, fields=leaving.personal_fields,
            purpose=f"export {asked.format}", request=request,
        )  # fmt: skip
    return leaving.answer(asked.format)

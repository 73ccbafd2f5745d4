"""Features of a layer as files that other programs, and our own import, read: in any datum, codes as text, people masked."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db.models import F
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from gis.datum import Datum
from gis.lattice import FloatArray
from layers.audit.masking import mask_phone
from layers.exchange.faults import ImportRefused, TooManyToExport
from layers.exchange.targets import SHAPEFILE_NAME, own_fields
from layers.features.attributes import name_of
from layers.features.models import Feature, FeatureQuerySet, Kind
from layers.features.registry import Layer
from layers.imports.export import crs_of, mover, urn, write_vector
from layers.orgs.models import Institution, User
from layers.tables import csv_response, xlsx_response

MOST = 200_000
SHAPEFILE_TEXT = 254
"""Bytes of a text in a .dbf."""
GEOJSON, GPKG, ZIP = "application/geo+json; charset=utf-8", "application/geopackage+sqlite3", "application/zip"
NUMBERS = {"number", "integer"}


class TextTooLongForShapefile(ImportRefused):
    """A text that a .dbf would cut off; details: `feature`, its code."""

    code = "text_too_long"


class MixedForShapefile(ImportRefused):
    """Points and lines, which one Shapefile cannot hold."""

    code = "mixed_shapes"


class Export:
    """Features as rows. Names and telephones are as the user is shown them everywhere else, or in full.

    Who makes one `in_full` logs it with `layers.audit.masking.unmask_many` before it leaves.
    """

    def __init__(
        self,
        layer: Layer,
        kinds: Sequence[Kind],
        user: User,
        found: FeatureQuerySet[Any],
        datum: Datum,
        *,
        in_full: bool = False,
    ) -> None:
        self.layer, self.datum, self.in_full = layer, datum, in_full
        name = F("name") if in_full else layer.shown_name(user)
        self.features: list[Feature] = list(found.annotate(shown_name=name).select_related("institution")[: MOST + 1])
        if len(self.features) > MOST:
            raise TooManyToExport(
                f"一次最多导出 {MOST:,} 个；请缩小筛选范围，例如按网格或类型分开导出。",
                f"At most {MOST:,} features are exported at once: narrow the filter, by grid or by kind.",
            )
        used = {feature.kind for feature in self.features}
        self.labels = {kind.key: kind.label for kind in kinds}
        self.attributes: dict[str, dict[str, Any]] = {}
        for kind in kinds:
            for schema in kind.attributes if kind.key in used else ():
                self.attributes.setdefault(schema["key"], schema)
        self.own = own_fields(layer)
        move = mover(datum)
        self.xy: FloatArray = move(np.array([feature.place.coords for feature in self.features]).reshape(-1, 2))
        shapes = shapely.from_wkb([bytes(feature.geom.wkb) for feature in self.features])
        self.shapes = list(shapely.transform(shapes, move)) if self.features else []

    @property
    def ids(self) -> list[int]:
        """The rows that leave the site."""
        return [feature.pk for feature in self.features]

    @property
    def owners(self) -> dict[int, Institution]:
        """Whose each row is."""
        return {feature.pk: feature.institution for feature in self.features}

    @property
    def personal_fields(self) -> list[str]:
        """What of people leaves the site with them."""
        return ["name", *(field.name for field in self.own), *(f"attributes.{key}" for key in self.attributes)]

    def answer(self, format: str) -> HttpResponseBase:
        """The download, as "geojson", "csv", "xlsx", "gpkg" or "shp" (zipped)."""
        name = self.layer.id
        if format == "csv":
            return csv_response(f"{name}.csv", self._headings(), self._table())
        if format == "xlsx":
            return xlsx_response(f"{name}.xlsx", self._headings(), self._table(), sheet=self.layer.name)
        if format == "geojson":
            answer = HttpResponse(json.dumps(self._geojson(), ensure_ascii=False), content_type=GEOJSON)
            answer["Content-Disposition"] = f'attachment; filename="{name}.geojson"'
        else:
            answer = self._vector(format)
        answer["Cache-Control"] = "private, no-store"
        return answer

    def _headings(self) -> list[str]:
        places = [_("东坐标"), _("北坐标")] if self.datum.name.startswith("EPSG:") else [_("经度"), _("纬度")]
        names: list[str] = []
        for key, schema in self.attributes.items():
            name = name_of(schema)
            names.append(key if name in names else name)
        own = [str(field.verbose_name) for field in self.own]
        return [_("编码"), _("名称"), _("类型"), _("机构编码"), _("机构名称"), *places, _("网格编码"), *own, *names,
                _("演示数据"), _("数据来源")]  # fmt: skip

    def _table(self) -> Iterator[list[Any]]:
        yes, no = _("是"), _("否")
        for feature, (x, y) in zip(self.features, self.xy.tolist(), strict=True):
            values = [_flat(feature.attributes.get(key)) for key in self.attributes]
            yield [
                feature.code,
                feature.shown_name,  # type: ignore[attr-defined]
                self.labels.get(feature.kind, feature.kind),
                feature.institution.code,
                feature.institution.name,
                x,
                y,
                feature.grid_code or "",
                *self._own(feature),
                *((yes if value else no) if isinstance(value, bool) else value for value in values),
                yes if feature.synthetic else no,
                feature.source,
            ]

    def _properties(self, feature: Feature) -> dict[str, Any]:
        return {
            "code": feature.code,
            "name": feature.shown_name,  # type: ignore[attr-defined]
            "kind": feature.kind,
            "institution": feature.institution.code,
            "grid_code": feature.grid_code,
            **dict(zip((field.name for field in self.own), self._own(feature), strict=True)),
            **{key: _flat(feature.attributes.get(key)) for key in self.attributes},
            "synthetic": feature.synthetic,
            "source": feature.source,
        }

    def _own(self, feature: Feature) -> list[str]:
        """The layer's own fields: the telephones of people, masked; the duties of posts."""
        values = [getattr(feature, field.name) or "" for field in self.own]
        return values if self.in_full or not self.layer.is_personal else [mask_phone(value) for value in values]

    def _geojson(self) -> dict[str, Any]:
        collection: dict[str, Any] = {"type": "FeatureCollection"}
        if (crs := crs_of(self.datum)) is not None:
            collection["crs"] = {"type": "name", "properties": {"name": urn(crs)}}
        collection["features"] = [
            {
                "type": "Feature",
                "properties": self._properties(feature),
                "geometry": shapely.geometry.mapping(shape),
            }
            for feature, shape in zip(self.features, self.shapes, strict=True)
        ]
        return collection

    def _vector(self, format: str) -> HttpResponseBase:
        rows = [self._properties(feature) for feature in self.features]
        names = list(self._properties(self.features[0])) if self.features else ["code", "name", "kind"]
        columns = {name: self._column(name, [row[name] for row in rows]) for name in names}
        types = {shape.geom_type for shape in self.shapes} or {"Point"}
        if format == "shp" and len(types) > 1:
            raise MixedForShapefile(
                "一个 Shapefile 只能存一种图形, 而这里有点也有线。请按类型分开导出, 或改用 GeoPackage、GeoJSON。",
                "A Shapefile holds one kind of shape, and these are points and lines: export them by kind, or choose GeoPackage or GeoJSON.",
            )
        geometry_type = types.pop() if len(types) == 1 else "Unknown"
        with tempfile.TemporaryDirectory(prefix="jingtian-") as folder:
            path = Path(folder) / f"{self.layer.id}.{'zip' if format == 'shp' else 'gpkg'}"
            if format == "shp":
                self._check_texts(columns)
                columns = {short: columns[name] for name, short in short_names(names).items()}
            driver = "ESRI Shapefile" if format == "shp" else "GPKG"
            write_vector(
                path, driver, columns, self.shapes, self.datum, geometry_type=geometry_type, layer=self.layer.id
            )  # type: ignore[arg-type]
            file = path.open("rb")  # stays open when the folder is removed
        return FileResponse(file, as_attachment=True, filename=path.name, content_type=ZIP if format == "shp" else GPKG)

    def _column(self, name: str, values: list[Any]) -> Any:
        """Numbers as numbers, null where there is none; everything else as text."""
        if self.attributes.get(name, {}).get("type") in NUMBERS:
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        texts = [str(value).lower() if isinstance(value, bool) else value for value in values]
        return np.array([None if text is None else str(text) for text in texts], dtype=object)

    def _check_texts(self, columns: dict[str, Any]) -> None:
        for name, column in columns.items():
            for feature, text in zip(self.features, column, strict=True):
                if isinstance(text, str) and len(text.encode()) > SHAPEFILE_TEXT:
                    raise TextTooLongForShapefile(
                        f"{feature.code} 的“{name}”超过 Shapefile 的 {SHAPEFILE_TEXT} 字节，会被截断。请改用 GeoPackage 或 GeoJSON。",
                        f"“{name}” of {feature.code} has more than the {SHAPEFILE_TEXT} bytes of a Shapefile and would be cut off. "
                        "Choose GeoPackage or GeoJSON.",
                        feature=feature.code,
                    )


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Names for a Shapefile: their first ten characters; where these are taken, eight and a number."""
    short: dict[str, str] = {}
    for name in names:
        wanted, number = name[:SHAPEFILE_NAME], 0
        while wanted in short.values():
            number += 1
            wanted = f"{name[: SHAPEFILE_NAME - 2]}_{number}"
        short[name] = wanted
    return short


def _flat(value: Any) -> Any:
    return "、".join(map(str, value)) if isinstance(value, list) else value

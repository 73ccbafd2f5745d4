"""Grids of a plan as files for other programs."""

from __future__ import annotations

import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import shapely
from shapely.geometry.base import BaseGeometry

from gis.datum import BD09, CGCS2000, GCJ02, WGS84, Datum, from_cgcs2000
from gis.lattice import FloatArray
from gis.topology import build_topology, to_topojson
from layers.grids.coverage import shape_of
from layers.grids.models import Grid
from layers.imports.faults import ImportRefused

FIELDS = ("code", "name", "level", "level_name", "kind", "parent", "bank_code")
EPSG = {CGCS2000: "EPSG:4490", WGS84: "EPSG:4326"}


class NoCrsForTopology(ImportRefused):
    """TopoJSON shares borders on the lattice: in another datum they would not be the stored ones."""

    code = "topology_is_cgcs2000"


def write_grids(grids: Sequence[Grid], level_names: Sequence[str], path: Path, format: str, datum: Datum) -> None:
    """Write grids to a file; codes are text, coordinates the stored ones (or, in another datum, to 1e-9 degree or 1 mm).

    `format` is "geojson", "gpkg", "shp" (a .zip name gives a zipped Shapefile) or "topojson".
    """
    rows = [_properties(grid, level_names) for grid in grids]
    shapes = [shape_of(grid) for grid in grids]
    if format == "topojson":
        if datum not in EPSG:
            raise NoCrsForTopology(
                "TopoJSON 只能以 CGCS2000 导出。请去掉 --datum，或改用 geojson、gpkg。",
                "TopoJSON is written in CGCS2000 only. Leave out --datum, or choose geojson or gpkg.",
            )
        path.write_text(_text(_topology(rows, shapes)), encoding="utf-8")
        return
    moved = [shapely.transform(shape, mover(datum)) for shape in shapes]
    if format == "geojson":
        path.write_text(_text(_collection(rows, moved, datum)), encoding="utf-8")
    elif format == "gpkg":
        path.unlink(missing_ok=True)
        write_vector(path, "GPKG", _columns(rows), moved, datum, geometry_type="MultiPolygon", layer="grids")
    else:
        write_vector(path, "ESRI Shapefile", _columns(rows), moved, datum, geometry_type="Polygon", layer="grids")


def _properties(grid: Grid, level_names: Sequence[str]) -> dict[str, Any]:
    return {
        "code": grid.code,
        "name": grid.name,
        "level": grid.level,
        "level_name": level_names[grid.level],
        "kind": grid.kind,
        "parent": grid.parent.code if grid.parent else None,
        "bank_code": grid.bank_code,
    }


def mover(datum: Datum) -> Callable[[FloatArray], FloatArray]:
    """What brings stored coordinates into a datum, rounded to less than the lattice: 1e-9 degree, or 1 mm."""
    decimals = 3 if datum.name.startswith("EPSG:") else 9
    return (lambda xy: xy) if datum in EPSG else lambda xy: np.round(from_cgcs2000(xy, datum), decimals)


def _collection(rows: Sequence[dict[str, Any]], shapes: Sequence[BaseGeometry], datum: Datum) -> dict[str, Any]:
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if (crs := crs_of(datum)) is not None:
        collection["crs"] = {"type": "name", "properties": {"name": urn(crs)}}
    features = zip(rows, shapes, strict=True)
    collection["features"] = [
        {"type": "Feature", "properties": row, "geometry": shapely.geometry.mapping(shape)} for row, shape in features
    ]
    return collection


def _topology(rows: Sequence[dict[str, Any]], shapes: Sequence[BaseGeometry]) -> dict[str, Any]:
    levels = sorted({row["level"] for row in rows})
    of_level = [[index for index, row in enumerate(rows) if row["level"] == level] for level in levels]
    topology = build_topology([[shapes[index] for index in indices] for indices in of_level])
    names = [f"level{level}" for level in levels]
    return to_topojson(topology, [[rows[index] for index in indices] for indices in of_level], names)


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        field: np.array([row[field] for row in rows], dtype=np.int32 if field == "level" else object)
        for field in FIELDS
    }


def write_vector(
    path: Path,
    driver: Literal["GPKG", "ESRI Shapefile"],
    columns: Mapping[str, npt.NDArray[Any]],
    shapes: Sequence[BaseGeometry],
    datum: Datum,
    *,
    geometry_type: str,
    layer: str,
) -> None:
    """Write a GeoPackage, or a Shapefile in UTF-8 (zipped where the name ends in .zip), from shapes that are in the datum."""
    if path.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory(prefix="jingtian-") as folder:
            part = Path(folder) / f"{path.stem}.shp"
            write_vector(part, driver, columns, shapes, datum, geometry_type=geometry_type, layer=layer)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(part.parent.iterdir()):
                    archive.write(file, file.name)
        return
    with warnings.catch_warnings():
        # GCJ-02 and BD-09 have no code to be written.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapes),
            list(columns.values()),
            list(columns),
            geometry_type=geometry_type,
            crs=crs_of(datum),
            driver=driver,
            **({"encoding": "UTF-8"} if driver == "ESRI Shapefile" else {"layer": layer}),
        )


def crs_of(datum: Datum) -> str | None:
    """The EPSG code; GCJ-02 and BD-09 have none."""
    return EPSG.get(datum) or (None if datum in (GCJ02, BD09) else datum.name)


def urn(crs: str) -> str:
    """The code as GeoJSON's old `crs` member has it."""
    return f"urn:ogc:def:crs:{crs.replace(':', '::')}"


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

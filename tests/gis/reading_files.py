"""Files to read, good and bad, and what is in them."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from shapely.geometry import MultiPolygon, box, mapping
from shapely.geometry.base import BaseGeometry

from gis.reading import FeatureSet

DATA = Path(__file__).parents[3] / "shared" / "data"
MEBI = 1024 * 1024

SQUARE = box(112.9, 30.4, 112.91, 30.41)
WITH_HOLE = shapely.difference(box(112.91, 30.4, 112.92, 30.41), box(112.913, 30.403, 112.917, 30.407))
TWO = MultiPolygon([box(112.93, 30.4, 112.94, 30.41), box(112.95, 30.4, 112.96, 30.41)])
SHAPES = [SQUARE, WITH_HOLE, TWO]
NAMES = ["城南社区第一网格", "园林办事处", "潜江"]


def geojson(geometries: list[Any], **members: Any) -> dict[str, Any]:
    shapes = [mapping(g) if isinstance(g, BaseGeometry) else g for g in geometries]
    features = [{"type": "Feature", "properties": {"n": i}, "geometry": shape} for i, shape in enumerate(shapes)]
    return {"type": "FeatureCollection", "features": features, **members}


def write_ogr(path: Path, geometries: list[BaseGeometry], names: list[str], **options: Any) -> Path:
    options = {"crs": "EPSG:4490", "geometry_type": "MultiPolygon", **options}
    if path.suffix == ".shp":
        options["geometry_type"] = options["geometry_type"].replace("MultiPolygon", "Polygon")
    codes = np.array([429005001001 + i for i in range(len(names))])
    pyogrio.raw.write(
        path,
        np.array(shapely.to_wkb(geometries), dtype=object),
        [np.array(names, dtype=object), codes],
        ["名称", "code"],
        promote_to_multi=False,
        **options,
    )
    return path


def zipped(folder: Path, stem: str = "grids", *, leave_out: tuple[str, ...] = (), inside: str = "") -> Path:
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.glob(f"{stem}.*")):
            if part.suffix != ".zip" and part.suffix not in leave_out:
                archive.write(part, inside + part.name)
    return path


def assert_same(found: FeatureSet, expected: list[BaseGeometry] = SHAPES) -> None:
    assert found.n == len(found.geometries) == len(expected)
    for a, b in zip(found.geometries, expected, strict=True):
        assert shapely.normalize(a).equals_exact(shapely.normalize(b), 0)

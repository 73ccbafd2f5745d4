"""manage.py import_streets: street lines of a file into an institution."""

from __future__ import annotations

from layers.streets.commands import ImportMapped
from layers.streets.loading import load_streets
from layers.streets.reading import read_streets


class Command(ImportMapped):
    help = (
        "导入街道线（GeoJSON、GeoPackage、Shapefile、OpenStreetMap .osm.pbf），供沿街道绘制界线。"
        " / Import street lines (GeoJSON, GeoPackage, Shapefile, OpenStreetMap .osm.pbf), for borders to follow."
    )
    columns = {"name": "名称列", "kind": "类型列"}
    things = ("街道线", "street lines")
    read = staticmethod(read_streets)
    load = staticmethod(load_streets)

"""manage.py import_buildings: buildings of a file into an institution."""

from __future__ import annotations

from layers.streets.commands import ImportMapped
from layers.streets.loading import load_buildings
from layers.streets.reading import read_buildings


class Command(ImportMapped):
    help = (
        "导入建筑及其户数（GeoJSON、GeoPackage、Shapefile、OpenStreetMap .osm.pbf），点或轮廓均可。"
        " / Import buildings with their households (GeoJSON, GeoPackage, Shapefile, OpenStreetMap .osm.pbf): points or outlines."
    )
    columns = {"code": "编码列", "name": "名称列", "households": "户数列", "floors": "层数列"}
    things = ("建筑", "buildings")
    read = staticmethod(read_buildings)
    load = staticmethod(load_buildings)

"""Why a file is refused, one class a reason; each says what to do about it."""

from __future__ import annotations

from gis.errors import JingtianError


class FileRefused(JingtianError):
    """A file of grids that cannot be read; nothing of it was used."""

    code = "file_refused"


class NoSuchFile(FileRefused):
    """The path is not a plain file on this computer."""

    code = "no_such_file"


class UnknownFormat(FileRefused):
    """Neither GeoJSON, TopoJSON, GeoPackage, nor a Shapefile."""

    code = "unknown_format"


class NotAShapefile(FileRefused):
    """A zip without a Shapefile in it, or parts that do not belong together."""

    code = "not_a_shapefile"


class MissingPart(FileRefused):
    """A Shapefile without its .shx or .dbf."""

    code = "missing_part"


class BrokenFile(FileRefused):
    """Truncated, or not what its beginning promises."""

    code = "broken_file"


class TooLarge(FileRefused):
    """More bytes, features, vertices or text than the limits allow."""

    code = "too_large"


class ZipBomb(TooLarge):
    """A zip that unpacks to far more than it should."""

    code = "zip_bomb"


class UnsafeZip(FileRefused):
    """A zip with a path out of its folder, a link, or a password."""

    code = "unsafe_zip"


class TooDeep(FileRefused):
    """Objects or arrays nested in each other hundreds of times."""

    code = "too_deep"


class MixedEncodings(FileRefused):
    """Some text is UTF-8 and some is GB18030."""

    code = "mixed_encodings"


class UndecodableText(FileRefused):
    """Text that is not in the encoding stated, or in none that is tried."""

    code = "undecodable_text"


class ChooseLayer(FileRefused):
    """More than one layer of polygons, or none of the name given; `details["layers"]` names them."""

    code = "choose_layer"


class NotATable(FileRefused):
    """Neither a table nor a file of points."""

    code = "not_a_table"


class UnsafeXml(FileRefused):
    """A workbook whose XML declares entities."""

    code = "unsafe_xml"


class WrongGeometryType(FileRefused):
    """Something other than a Polygon or MultiPolygon."""

    code = "wrong_geometry_type"


class EmptyGeometry(FileRefused):
    """A feature without a geometry."""

    code = "empty_geometry"


class CollapsedRing(FileRefused):
    """A ring that is not closed or encloses no area."""

    code = "collapsed_ring"


class ImpossibleCoordinates(FileRefused):
    """NaN, infinity, or a number no coordinate can have."""

    code = "impossible_coordinates"


class TookTooLong(FileRefused):
    """Reading was stopped at the time limit."""

    code = "took_too_long"


class NeedsTooMuchMemory(FileRefused):
    """Reading was stopped at the memory limit."""

    code = "needs_too_much_memory"


class ReaderCrashed(FileRefused):
    """The reading process died of the file."""

    code = "reader_crashed"

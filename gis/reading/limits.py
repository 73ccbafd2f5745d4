"""What a file may ask of this computer."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Limits of one reading; the defaults suit an upload of a county's grids.

    Attributes
    ----------
    file_bytes, unzipped_bytes
        Size of the file as given, and of the parts used once unzipped.
    zip_members, zip_ratio
        Entries in a zip, and how many times larger than its packed size a member may become.
    features, vertices, vertices_per_polygon
        Counts, over the whole file and in one polygon with its holes.
    columns
        Columns of a table.
    text_length
        Characters in one attribute.
    seconds
        Wall-clock and processor time of the reading process.
    memory_bytes
        Address space of the reading process; about 300 MiB of it is the libraries themselves.
    """

    file_bytes: int = 128 * MEBI
    unzipped_bytes: int = 512 * MEBI
    zip_members: int = 200
    zip_ratio: int = 300
    features: int = 200_000
    vertices: int = 2_000_000
    vertices_per_polygon: int = 250_000
    columns: int = 200
    text_length: int = 4_000
    seconds: int = 60
    memory_bytes: int = 1536 * MEBI

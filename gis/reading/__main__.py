"""The reading process: limits itself, reads one file, hands the contents over as plain arrays and JSON.

Internal: started by `gis.reading.read_features` or `read_sheet` with a request as JSON on standard input, in a folder of its own.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gis.progress import Progress, part, teller
from gis.reading.contents import Contents
from gis.reading.gdal_files import AREAS, areas, read_geopackage, read_shapefile, read_zip
from gis.reading.json_files import read_json
from gis.reading.limits import MEBI, Limits
from gis.reading.refusals import FileRefused, NeedsTooMuchMemory, TooDeep, UnknownFormat
from gis.reading.tables import Sheet


def main() -> None:
    request = json.load(sys.stdin)
    limits = Limits(**request["limits"])
    folder = Path.cwd()
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.seconds),
        (resource.RLIMIT_FSIZE, max(limits.file_bytes, limits.unzipped_bytes) + MEBI),
        (resource.RLIMIT_CORE, 0),
    ):
        # Between the two, the kernel asks (and the status says why) before it kills.
        resource.setrlimit(kind, (value, value + (kind == resource.RLIMIT_CPU)))
    try:
        arguments = (Path(request["path"]), limits, request["encoding"], request["layer"], folder)
        if request.get("rows"):
            # Only here: reading grids needs neither openpyxl nor its memory.
            from gis.reading.points import read_places

            _hand_over_sheet(read_places(*arguments, lines=request["lines"]), folder)
        else:
            tell = teller(folder)
            contents = _read(*arguments, part(tell, 0, 0.8))
            contents.check(limits)
            tell(0.9)
            _hand_over(contents, folder)
    except FileRefused as refusal:
        _refuse(refusal, folder)
    except RecursionError:
        _refuse(
            TooDeep("文件中的内容嵌套过深。请重新导出。", "The file is nested too deeply. Export it again."), folder
        )
    except MemoryError:
        del request
        _refuse(out_of_memory(), folder)


def out_of_memory() -> NeedsTooMuchMemory:
    return NeedsTooMuchMemory(
        "读取这个文件需要的内存超过上限。请分成几个文件，或简化后再导入。",
        "Reading the file needs more memory than is allowed. Divide it into several files, or simplify it first.",
    )


def _read(
    path: Path, limits: Limits, encoding: str | None, layer: str | None, folder: Path, progress: Progress
) -> Contents:
    """Read by what the file begins with, not by what it is called."""
    with path.open("rb") as file:
        head = file.read(1024)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return areas(read_zip(path, limits, encoding, layer, folder))
    if head.startswith(b"SQLite format 3\0"):
        return areas(read_geopackage(path, limits, layer, folder, AREAS))
    if head.startswith(b"\x00\x00\x27\x0a"):
        return areas(read_shapefile(path, limits, encoding, folder))
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return read_json(path, limits, encoding, layer, progress)
    raise UnknownFormat(
        "认不出这个文件的格式。请提供 GeoJSON、TopoJSON、GeoPackage，或 zip 压缩的 Shapefile。",
        "The format of this file is unknown. Provide GeoJSON, TopoJSON, GeoPackage, or a zipped Shapefile.",
    )


def _hand_over(contents: Contents, folder: Path) -> None:
    np.savez(
        folder / "geometry.npz",
        xy=contents.xy,
        rings=contents.rings,
        polygons=contents.polygons,
        features=contents.features,
    )
    _write(folder, {"attributes": contents.attributes, "crs": contents.crs, "notes": contents.notes})


def _hand_over_sheet(sheet: Sheet, folder: Path) -> None:
    if sheet.xy is not None:
        np.savez(folder / "geometry.npz", xy=sheet.xy)
    _write(folder, sheet.as_json())


def _refuse(refusal: FileRefused, folder: Path) -> None:
    _write(
        folder,
        {"refusal": type(refusal).__name__, "zh": refusal.zh, "en": refusal.en, "details": refusal.details},
    )


def _write(folder: Path, report: dict[str, Any]) -> None:
    with (folder / "report.json").open("w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=True)


if __name__ == "__main__":
    main()

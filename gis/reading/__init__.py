"""Reading grids, and rows at places, from files that nobody vouches for.

A separate process with limits on memory, time and output parses the file, and hands over arrays of numbers and JSON.
Whatever the file does to a parser, it does there. Geometry comes as it is: datum, lattice and coverage are later steps.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gis.progress import Progress, silent, told
from gis.reading import refusals
from gis.reading.limits import Limits
from gis.reading.refusals import FileRefused, NoSuchFile, ReaderCrashed, TookTooLong, TooLarge
from gis.reading.tables import Sheet

__all__ = ["FeatureSet", "FileRefused", "Limits", "Sheet", "read_features", "read_sheet"]

Value = str | int | float | None

PROJECT = Path(__file__).parents[2]
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class FeatureSet:
    """What a file holds.

    Attributes
    ----------
    geometries : (n,) array of Polygon and MultiPolygon
        2-D, finite, every ring closed and with area, in the file's coordinates; not checked for validity.
    attributes
        One dict a feature: text, numbers, None; nested values as JSON text.
    crs
        "EPSG:4490" or the like where the file says so, else None.
    notes
        What was done on the way in, as {"zh": …, "en": …}.
    """

    geometries: npt.NDArray[np.object_]
    attributes: list[dict[str, Value]]
    crs: str | None
    notes: list[dict[str, str]]

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.attributes)


def read_features(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    progress: Progress = silent,
) -> FeatureSet:
    """Read the polygons of a GeoJSON, TopoJSON, GeoPackage, zipped Shapefile, or .shp beside its parts.

    Parameters
    ----------
    path
        A plain file on this computer.
    encoding
        Of the text of a Shapefile or JSON file, instead of what its .cpg says or what it turns out to be
        (UTF-8 strictly, else GB18030).
    layer
        Layer of a GeoPackage, object of a TopoJSON, or name of the Shapefile in a zip, where there are several.

    Raises
    ------
    FileRefused
        One of its subclasses in `gis.reading.refusals`; nothing was read.
    """
    with (
        _read(path, limits, encoding, layer, rows=False, progress=progress) as (report, folder),
        np.load(folder / "geometry.npz", allow_pickle=False) as arrays,
    ):
        geometries = _geometries(**{key: arrays[key] for key in ("xy", "rings", "polygons", "features")})
    return FeatureSet(geometries, report["attributes"], report["crs"], report["notes"])


def read_sheet(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    lines: bool = False,
    progress: Progress = silent,
) -> Sheet:
    """Read the rows of a CSV or XLSX, or of the points of a GeoJSON, GeoPackage, zipped Shapefile, or .shp beside its parts.

    Parameters and refusals as of `read_features`; `layer` may also name a sheet of a workbook; with `lines`, lines are read, too.
    A row without a position, or with another geometry, is handed over as it is: which rows are good is not decided here.
    """
    with _read(path, limits, encoding, layer, rows=True, lines=lines, progress=progress) as (report, folder):
        file = folder / "geometry.npz"
        if not file.exists():
            return Sheet(**report)
        with np.load(file, allow_pickle=False) as arrays:
            return Sheet(**report, xy=arrays["xy"])


@contextmanager
def _read(
    path: str | os.PathLike[str],
    limits: Limits | None,
    encoding: str | None,
    layer: str | None,
    *,
    rows: bool,
    lines: bool = False,
    progress: Progress,
) -> Iterator[tuple[dict[str, Any], Path]]:
    """What the reading process reports, and the folder in which it left its arrays."""
    limits = limits or Limits()
    file = Path(path).absolute()
    if not file.is_file():
        raise NoSuchFile(
            f"找不到文件 {path}。请核对路径；只能读取本机上的普通文件。",
            f"There is no file {path}. Check the path; only plain files on this computer can be read.",
        )
    if file.stat().st_size > limits.file_bytes:
        raise TooLarge(
            f"文件有 {file.stat().st_size:,} 字节，上限是 {limits.file_bytes:,}。请分成几个文件，或简化后再导入。",
            f"The file has {file.stat().st_size:,} bytes; the limit is {limits.file_bytes:,}. "
            "Divide it into several files, or simplify it first.",
        )
    with tempfile.TemporaryDirectory(prefix="jingtian-") as name:
        folder = Path(name)
        request: dict[str, Any] = {"path": str(file), "limits": asdict(limits), "encoding": encoding, "layer": layer}
        request |= {"rows": rows, "lines": lines}
        _run(request, limits, folder, progress)
        report = json.loads((folder / "report.json").read_bytes())
        if "refusal" in report:
            raise _refusal(report)
        yield report, folder


def _run(request: dict[str, Any], limits: Limits, folder: Path, progress: Progress = silent) -> None:
    """Start the reading process and wait; it leaves report.json or is found to have died."""
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    with (folder / "request.json").open("rb") as stdin, (folder / "stderr").open("wb") as stderr:
        reader = subprocess.Popen(
            [sys.executable, "-P", "-m", "gis.reading"],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=folder,
            env=_environment(folder),
        )
    deadline = time.monotonic() + limits.seconds
    try:
        while reader.poll() is None:
            if time.monotonic() > deadline:
                raise _too_long(limits)
            progress(told(folder) or 0)
            with suppress(subprocess.TimeoutExpired):
                reader.wait(POLL_SECONDS)
    finally:
        reader.kill()
        status = reader.wait()
    if status == -signal.SIGXCPU:
        raise _too_long(limits)
    if status != 0 or not (folder / "report.json").exists():
        raise ReaderCrashed(
            "读取程序因这个文件而中断：文件可能已损坏，或需要过多内存。请重新导出，或分成几个文件。",
            "Reading broke off: the file may be damaged, or need too much memory. Export it again, or divide it.",
            status=status,
            output=(folder / "stderr").read_bytes()[-2000:].decode("utf-8", "replace"),
        )


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of our own environment (it has secrets), one thread, and a GDAL that reads local files only."""
    return {
        "PYTHONPATH": str(PROJECT),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "GDAL_NUM_THREADS": "1",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "CPL_VSIL_CURL_ALLOWED_FILENAME": str(folder),
        "GDAL_DRIVER_PATH": "disable",
        "PROJ_NETWORK": "OFF",
    }


def _geometries(**offsets: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Polygons where a feature has one part, MultiPolygons where it has more."""
    xy, rings, polygons, features = (offsets[key] for key in ("xy", "rings", "polygons", "features"))
    parts = shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (rings, polygons))
    single = np.diff(features) == 1
    result = np.empty(len(single), dtype=object)
    result[single] = parts[features[:-1][single]]
    for i in np.flatnonzero(~single):
        result[i] = shapely.MultiPolygon(parts[features[i] : features[i + 1]].tolist())
    return result


def _refusal(report: dict[str, Any]) -> FileRefused:
    kind: type[FileRefused] = getattr(refusals, report["refusal"])
    return kind(report["zh"], report["en"], **report["details"])


def _too_long(limits: Limits) -> TookTooLong:
    return TookTooLong(
        f"读取用了超过 {limits.seconds} 秒，已停止。请分成几个文件，或简化后再导入。",
        f"Reading took more than {limits.seconds} seconds and was stopped. Divide the file, or simplify it first.",
    )

"""Import of points over the web: upload, say what the columns are, look at the rows, load."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Field, Form, Router, Schema, Status

from gis.datum import parse_datum
from gis.reading.limits import Limits
from layers.exchange import jobs, pipeline
from layers.exchange.models import PointImport
from layers.exchange.rows import Reading
from layers.exchange.targets import targets_of
from layers.features.registry import LAYERS, layers_of_imports
from layers.imports import processes
from layers.imports.api import MAX_FILE_BYTES, NothingUploaded, UploadTooLarge
from layers.orgs.models import Institution, User

router = Router(tags=["exchange"])

SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".geojson", ".json", ".gpkg", ".zip")
MOST_COLUMNS = Limits().columns


class UploadForm(Schema):
    """What the file is of."""

    layer: str = Field("", max_length=40)
    datum: str = Field("", max_length=20)
    institution: int | None = None
    sheet: str = Field("", max_length=120)
    encoding: str = Field("", max_length=20)


class ReadingForm(Schema):
    """How the file is to be read; see `layers.exchange.rows.Reading`."""

    columns: dict[str, str] = Field(max_length=MOST_COLUMNS)
    kinds: dict[str, str] = Field({}, max_length=pipeline.MOST_WORDS)
    kind: str = Field("", max_length=40)
    make_codes: bool = False
    datum: str = Field("", max_length=20)


class LoadForm(Schema):
    skip_rejected: bool = False
    update: bool = True
    missing: Literal["report", "deactivate"] = "report"


@router.post("/", response={201: dict})
def create(request: HttpRequest, form: Form[UploadForm]) -> Status[dict[str, Any]]:
    """Upload one file (multipart field `file`) and begin to read it."""
    user = planner(request)
    file = request.FILES.get("file")
    if file is None:
        raise NothingUploaded("请选择要导入的文件。", "Choose the file to import.")
    name = (file.name or "")[:120]
    if (file.size or 0) > MAX_FILE_BYTES:
        raise UploadTooLarge(
            f"{name} 超过 {MAX_FILE_BYTES >> 20} MB。请分成几个文件。",
            f"{name} has more than {MAX_FILE_BYTES >> 20} MB. Divide it.",
        )
    layer = layers_of_imports().get(form.layer)
    if layer is None:
        raise Http404
    if not form.datum:
        raise NothingUploaded(
            "请选择坐标系：系统不会猜测。", "Choose the datum of the coordinates: it is never guessed."
        )
    parse_datum(form.datum)
    visible = Institution.objects.visible_to(user)
    institution = get_object_or_404(visible, pk=form.institution or user.institution_id)
    processes.remove_expired(PointImport)
    job = PointImport(institution=institution, user=user, layer=layer.id)
    job.folder.mkdir(parents=True)
    suffix = PurePath(name).suffix.lower()
    own = f"input{suffix if suffix in SUFFIXES else ''}"
    try:
        with (job.folder / own).open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        options = {"file": [own, name], "datum": form.datum, "sheet": form.sheet, "encoding": form.encoding}
        processes.start(job, PointImport.Task.READ, options=options)
    except Exception:
        job.remove_files()
        raise
    return Status(201, _json(job))


@router.get("/{job_id}")
def show(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """How far the import has come, and what was found."""
    job = _job(request, job_id)
    processes.notice_death(job)
    return _json(job)


@router.get("/{job_id}/columns")
def columns(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """The columns of the file with sample rows, what they may hold, what is proposed, and the words of the column of kinds."""
    job = _job(request, job_id)
    if not (job.folder / jobs.SHEET).is_file():
        raise processes.not_now()
    sheet = jobs.open_sheet(job)
    layer = LAYERS[job.layer]
    kinds = Reading.of(layer=layer, institution=job.institution, datum="cgcs2000", columns={}).vocabulary()
    stated = job.options.get("reading") or job.result["proposal"]
    return {
        "columns": sheet.columns,
        "samples": [row[: len(sheet.columns)] for row in sheet.rows[: jobs.SAMPLES]],
        "lines": sheet.lines[: jobs.SAMPLES],
        "targets": [{"id": target.key, "name": target.label} for target in targets_of(layer, kinds)],
        "kinds": [{"id": kind.key, "name": kind.label} for kind in kinds],
        "words": {
            column: pipeline.words_of(sheet, column, kinds) for column in _columns_of_kinds(sheet.columns, stated)
        },
        "reading": {
            "columns": stated["columns"],
            "kinds": stated["kinds"],
            "kind": stated.get("kind", ""),
            "make_codes": stated.get("make_codes", False),
            "datum": stated.get("datum") or job.options["datum"],
        },
    }


def _columns_of_kinds(names: list[str], stated: dict[str, Any]) -> list[str]:
    chosen = stated["columns"].get("kind")
    return [chosen] if chosen in names else []


@router.get("/{job_id}/words")
def words(request: HttpRequest, job_id: int, column: str) -> list[dict[str, Any]]:
    """The words in a column, the most frequent first, each with the kind that it is taken for."""
    job = _job(request, job_id)
    if not (job.folder / jobs.SHEET).is_file():
        raise processes.not_now()
    kinds = Reading.of(layer=LAYERS[job.layer], institution=job.institution, datum="cgcs2000", columns={}).vocabulary()
    return pipeline.words_of(jobs.open_sheet(job), column, kinds)


@router.post("/{job_id}/check")
def check(request: HttpRequest, job_id: int, form: ReadingForm) -> dict[str, Any]:
    """Begin to look at every row, read as stated; may be done again."""
    job = _job(request, job_id)
    if form.datum:
        parse_datum(form.datum)
    processes.start(job, PointImport.Task.CHECK, options={**job.options, "reading": form.dict()})
    return _json(job)


@router.get("/{job_id}/found")
def found(request: HttpRequest, job_id: int) -> FileResponse:
    """Rejected rows with why, points outside every grid, and what would change: {rejected, outside, difference}."""
    return _file(request, job_id, jobs.FOUND)


@router.get("/{job_id}/points")
def points(request: HttpRequest, job_id: int) -> FileResponse:
    """The good rows as GeoJSON."""
    return _file(request, job_id, jobs.POINTS)


@router.get("/{job_id}/rejected.csv")
def rejected(request: HttpRequest, job_id: int) -> HttpResponseBase:
    """All rejected rows as a table, to be put right where they come from."""
    file = _job(request, job_id).folder / jobs.REJECTED
    if not file.is_file():
        raise processes.not_now()
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=jobs.REJECTED, content_type="text/csv; charset=utf-8"
    )


@router.post("/{job_id}/load")
def load(request: HttpRequest, job_id: int, form: LoadForm) -> dict[str, Any]:
    """Begin to load the good rows; with rejected ones only if they are to be left out."""
    job = _job(request, job_id)
    if job.status != PointImport.Status.CHECKED:
        raise processes.not_now()
    processes.start(job, PointImport.Task.LOAD, options={**job.options, "load": form.dict()})
    return _json(job)


@router.post("/{job_id}/cancel")
def cancel(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """Stop the import and remove its files."""
    job = _job(request, job_id)
    processes.cancel(job)
    return _json(job)


def planner(request: HttpRequest) -> User:
    """The user, who must be one that may change points: planner or administrator."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or not user.can_plan_for(user.institution):
        raise PermissionDenied
    return user


def _job(request: HttpRequest, pk: int) -> PointImport:
    own = PointImport.objects.visible_to(planner(request))
    return get_object_or_404(own.select_related("institution", "user"), pk=pk)


def _file(request: HttpRequest, pk: int, name: str) -> FileResponse:
    file = _job(request, pk).folder / name
    if not file.is_file():
        raise processes.not_now()
    return FileResponse(file.open("rb"), content_type="application/json")


def _json(job: PointImport) -> dict[str, Any]:
    return {
        "id": job.pk,
        "status": job.status,
        "status_label": job.get_status_display(),
        "task": job.task,
        "task_label": job.get_task_display(),
        "progress": round(job.progress, 3),
        "message": {"zh": job.message_zh, "en": job.message_en} if job.message_zh else None,
        "layer": {"id": job.layer, "name": LAYERS[job.layer].name},
        "institution": {"id": job.institution_id, "name": job.institution.name},
        "file": job.options.get("file", ["", ""])[1],
        "created_at": job.created_at,
        "result": job.result,
    }

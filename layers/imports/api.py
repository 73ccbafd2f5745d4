"""Import of grids over the web: upload, look, repair, load."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Form, Router, Schema, Status

from gis.datum import parse_datum
from gis.reading.limits import Limits
from layers.grids.models import Plan
from layers.imports import jobs, processes
from layers.imports.faults import ImportRefused, TooManyFiles
from layers.imports.models import Import
from layers.imports.tree import DEFAULT_GAP_WIDTH_M, MAX_LEVELS
from layers.imports.uploads import MAX_UPLOAD_BYTES
from layers.orgs.models import Institution, User

router = Router(tags=["imports"])

MAX_FILE_BYTES = Limits().file_bytes
SUFFIXES = (".geojson", ".json", ".topojson", ".gpkg", ".zip")


class UploadTooLarge(ImportRefused):
    """The files announce more bytes than an upload may have."""

    code = "too_large"


class NothingUploaded(ImportRefused):
    """No file, or no datum."""

    code = "nothing_uploaded"


class ImportForm(Schema):
    """How the uploaded files are to be read; see `layers.imports.tree.Options`."""

    datum: str = Field("", max_length=20)
    institution: int | None = None
    parents: Literal["", "prefix", "column", "files"] = ""
    area_code: str = Field("", max_length=17)
    area_name: str = Field("", max_length=120)
    level_names: str = Field("", max_length=200)
    code_field: str = Field("", max_length=120)
    name_field: str = Field("", max_length=120)
    parent_field: str = Field("", max_length=120)
    kind_field: str = Field("", max_length=120)
    encoding: str = Field("", max_length=20)
    gap_width_m: float = Field(DEFAULT_GAP_WIDTH_M, ge=0, le=1000)


class RepairForm(Schema):
    gap_width_m: float = Field(DEFAULT_GAP_WIDTH_M, ge=0, le=1000)
    nest: Literal["union", "cut"] = "union"


class LoadForm(Schema):
    name: str = Field(min_length=1, max_length=120)
    policy: Plan.Policy = Plan.Policy.PARTITION


@router.post("/", response={201: dict})
def create(request: HttpRequest, form: Form[ImportForm]) -> Status[dict[str, Any]]:
    """Upload one to five files (multipart field `files`, from the top level down) and begin to read them."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_UPLOAD_BYTES:
        raise UploadTooLarge(
            f"上传的文件超过 {MAX_UPLOAD_BYTES >> 20} MB。请分开导入，或简化后再上传。",
            f"The upload has more than {MAX_UPLOAD_BYTES >> 20} MB. Import in parts, or simplify the files first.",
        )
    user = _planner(request)
    institution = _institution(user, form.institution)
    files = request.FILES.getlist("files")
    _check_files(files)
    if not form.datum:
        raise NothingUploaded(
            "请选择坐标系：系统不会猜测。", "Choose the datum of the coordinates: it is never guessed."
        )
    parse_datum(form.datum)
    processes.remove_expired(Import)
    job = Import(institution=institution, user=user)
    job.folder.mkdir(parents=True)
    try:
        processes.start(job, Import.Task.READ, options=_options(form, _store(job, files)))
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


@router.get("/{job_id}/preview")
def preview(request: HttpRequest, job_id: int) -> FileResponse:
    """The grids and the defects as GeoJSON: {level_names, grids, defects}."""
    job = _job(request, job_id)
    file = job.folder / jobs.PREVIEW
    if not file.is_file():
        raise processes.not_now()
    return FileResponse(file.open("rb"), content_type="application/json")


@router.post("/{job_id}/repair")
def repair(request: HttpRequest, job_id: int, form: RepairForm) -> dict[str, Any]:
    """Begin to repair; may be done again with other settings."""
    job = _job(request, job_id)
    if job.status not in (Import.Status.DIRTY, Import.Status.EXACT) or not job.result.get("summary"):
        raise processes.not_now()
    processes.start(job, Import.Task.REPAIR, options={**job.options, "repair": form.dict()})
    return _json(job)


@router.post("/{job_id}/load")
def load(request: HttpRequest, job_id: int, form: LoadForm) -> dict[str, Any]:
    """Begin to load the exact grids as a draft plan."""
    job = _job(request, job_id)
    if job.status != Import.Status.EXACT:
        raise processes.not_now()
    processes.start(job, Import.Task.LOAD, options={**job.options, "plan": form.dict()})
    return _json(job)


@router.post("/{job_id}/cancel")
def cancel(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """Stop the import and remove its files."""
    job = _job(request, job_id)
    processes.cancel(job)
    return _json(job)


def _planner(request: HttpRequest) -> User:
    """The user, who must be one that makes plans."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or not user.can_plan_for(user.institution):
        raise PermissionDenied
    return user


def _institution(user: User, pk: int | None) -> Institution:
    return get_object_or_404(Institution.objects.visible_to(user), pk=pk or user.institution_id)


def _job(request: HttpRequest, pk: int) -> Import:
    jobs_of_user = Import.objects.visible_to(_planner(request))
    return get_object_or_404(jobs_of_user.select_related("institution", "user"), pk=pk)


def _check_files(files: list[UploadedFile]) -> None:
    if not files:
        raise NothingUploaded("请选择要导入的文件。", "Choose the files to import.")
    if len(files) > MAX_LEVELS:
        raise TooManyFiles(
            f"一次最多 {MAX_LEVELS} 个文件（每级一个），收到 {len(files)} 个。请合并同一级的文件。",
            f"At most {MAX_LEVELS} files, one a level; {len(files)} were given. Merge the files of one level.",
        )
    for file in files:
        if (file.size or 0) > MAX_FILE_BYTES:
            name = (file.name or "")[:80]
            raise UploadTooLarge(
                f"{name} 超过 {MAX_FILE_BYTES >> 20} MB。请分成几个文件，或简化后再上传。",
                f"{name} has more than {MAX_FILE_BYTES >> 20} MB. Divide it, or simplify it first.",
            )


def _store(job: Import, files: list[UploadedFile]) -> list[tuple[str, str]]:
    """Write the files under names of our own; returns (our name, the user's name) of each."""
    stored = []
    for number, file in enumerate(files):
        name = (file.name or "")[:120]
        suffix = PurePath(name).suffix.lower()
        own = f"input-{number}{suffix if suffix in SUFFIXES else ''}"
        with (job.folder / own).open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
        stored.append((own, name))
    return stored


def _options(form: ImportForm, stored: list[tuple[str, str]]) -> dict[str, Any]:
    columns = {
        "code_field": form.code_field,
        "name_field": form.name_field,
        "parent_field": form.parent_field,
        "kind_field": form.kind_field,
        "encoding": form.encoding,
    }
    given = {key: value for key, value in columns.items() if value}
    # The first of several files is the top level: it has no parents.
    first = {key: value for key, value in given.items() if key != "parent_field" or len(stored) == 1}
    names = form.level_names.replace("，", ",").replace("、", ",").split(",")
    return {
        "files": stored,
        "columns": [first, *[given] * (len(stored) - 1)],
        "tree": {
            "datum": form.datum,
            "parents": form.parents or None,
            "area_code": form.area_code.strip() or None,
            "area_name": form.area_name.strip() or None,
            "level_names": [name.strip() for name in names if name.strip()],
            "gap_width_m": form.gap_width_m,
        },
    }


def _json(job: Import) -> dict[str, Any]:
    return {
        "id": job.pk,
        "status": job.status,
        "status_label": job.get_status_display(),
        "task": job.task,
        "task_label": job.get_task_display(),
        "progress": round(job.progress, 3),
        "message": {"zh": job.message_zh, "en": job.message_en} if job.message_zh else None,
        "institution": {"id": job.institution_id, "name": job.institution.name},
        "files": [name for _own, name in job.options.get("files", [])],
        "datum": job.options.get("tree", {}).get("datum"),
        "created_at": job.created_at,
        "result": job.result,
        "plan_id": job.plan_id,
    }

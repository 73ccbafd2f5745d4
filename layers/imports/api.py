"""Import of grids over the web: upload, look, repair, load."""

from __future__ import annotations

from typing import Any, Literal

from django.http import FileResponse, HttpRequest
from ninja import Field, Form, Router, Schema, Status

from layers.grids.models import Plan
from layers.imports import jobs, processes
from layers.imports.models import Import
from layers.imports.pipeline import check_number
from layers.imports.requests import (
    Stored,
    UploadTooLarge,
    begin,
    check_upload,
    facts_of,
    file_of,
    institution_of,
    job_of,
    planner,
)
from layers.imports.tree import DEFAULT_GAP_WIDTH_M
from layers.imports.uploads import MAX_UPLOAD_BYTES

router = Router(tags=["imports"])


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
    user = planner(request)
    institution = institution_of(user, form.institution)
    files = request.FILES.getlist("files")
    check_number(files)
    check_upload(files, form.datum)
    job = Import(institution=institution, user=user)
    begin(job, files, lambda stored: _options(form, stored))
    return Status(201, _json(job))


@router.get("/{job_id}")
def show(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """How far the import has come, and what was found."""
    job = job_of(Import, request, job_id)
    processes.notice_death(job)
    return _json(job)


@router.get("/{job_id}/preview")
def preview(request: HttpRequest, job_id: int) -> FileResponse:
    """The grids and the defects, as `layers.imports.preview.preview` draws them."""
    return file_of(job_of(Import, request, job_id), jobs.PREVIEW)


@router.post("/{job_id}/repair")
def repair(request: HttpRequest, job_id: int, form: RepairForm) -> dict[str, Any]:
    """Begin to repair; may be done again with other settings."""
    job = job_of(Import, request, job_id)
    if job.status not in (Import.Status.DIRTY, Import.Status.EXACT) or not job.result.get("summary"):
        raise processes.not_now()
    processes.start(job, Import.Task.REPAIR, options={**job.options, "repair": form.dict()})
    return _json(job)


@router.post("/{job_id}/load")
def load(request: HttpRequest, job_id: int, form: LoadForm) -> dict[str, Any]:
    """Begin to load the exact grids as a draft plan."""
    job = job_of(Import, request, job_id)
    if job.status != Import.Status.EXACT:
        raise processes.not_now()
    processes.start(job, Import.Task.LOAD, options={**job.options, "plan": form.dict()})
    return _json(job)


@router.post("/{job_id}/cancel")
def cancel(request: HttpRequest, job_id: int) -> dict[str, Any]:
    """Stop the import and remove its files."""
    job = job_of(Import, request, job_id)
    processes.cancel(job)
    return _json(job)


def _options(form: ImportForm, stored: Stored) -> dict[str, Any]:
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
        **facts_of(job),
        "files": [name for _own, name in job.options.get("files", [])],
        "datum": job.options.get("tree", {}).get("datum"),
        "plan_id": job.plan_id,
    }

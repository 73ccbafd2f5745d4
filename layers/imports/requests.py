"""What the APIs and pages of uploaded files have in common: who may, what is taken, and what is told of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404

from gis.datum import parse_datum
from gis.reading.limits import Limits
from layers.imports import processes
from layers.imports.faults import ImportRefused
from layers.imports.models import AnyJob, Job
from layers.orgs.models import Institution, User

MAX_FILE_BYTES = Limits().file_bytes
SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".geojson", ".json", ".topojson", ".gpkg", ".zip")
NAME_LENGTH = 120


class UploadTooLarge(ImportRefused):
    """The files have more bytes than an upload may have."""

    code = "too_large"


class NothingUploaded(ImportRefused):
    """No file, or no datum."""

    code = "nothing_uploaded"


def planner(request: HttpRequest) -> User:
    """The user, who must be one that may change plans and points: planner or administrator."""
    user = request.user
    if not isinstance(user, User) or user.institution is None or not user.can_plan_for(user.institution):
        raise PermissionDenied
    return user


def institution_of(user: User, pk: int | None) -> Institution:
    """The institution that was chosen; the user's own where none was."""
    return get_object_or_404(Institution.objects.visible_to(user), pk=pk or user.institution_id)


def check_upload(files: Sequence[UploadedFile], datum: str) -> None:
    """Refuse an upload of nothing, of too much, or without a datum."""
    if not files:
        raise NothingUploaded("请选择要导入的文件。", "Choose the files to import.")
    for file in files:
        if (file.size or 0) > MAX_FILE_BYTES:
            name = (file.name or "")[:80]
            raise UploadTooLarge(
                f"{name} 超过 {MAX_FILE_BYTES >> 20} MB。请分成几个文件，或简化后再上传。",
                f"{name} has more than {MAX_FILE_BYTES >> 20} MB. Divide it, or simplify it first.",
            )
    if not datum:
        raise NothingUploaded(
            "请选择坐标系：系统不会猜测。", "Choose the datum of the coordinates: it is never guessed."
        )
    parse_datum(datum)


Stored = list[tuple[str, str]]
"""Our name and the user's name of each file."""


def begin(job: Job, files: Sequence[UploadedFile], options: Callable[[Stored], dict[str, Any]]) -> None:
    """Keep the files of a new job under names of our own, and begin to read them as the options say."""
    processes.remove_expired(type(job))
    job.folder.mkdir(parents=True)
    try:
        stored = []
        for number, file in enumerate(files):
            name = (file.name or "")[:NAME_LENGTH]
            suffix = PurePath(name).suffix.lower()
            own = f"input-{number}{suffix if suffix in SUFFIXES else ''}"
            with (job.folder / own).open("wb") as target:
                for chunk in file.chunks():
                    target.write(chunk)
            stored.append((own, name))
        processes.start(job, "read", options=options(stored))
    except Exception:
        job.remove_files()
        raise


def job_of(model: type[AnyJob], request: HttpRequest, pk: int) -> AnyJob:
    """A job that the user may see."""
    visible = model.objects.visible_to(planner(request))
    found: AnyJob = get_object_or_404(visible.select_related("institution", "user"), pk=pk)
    return found


def file_of(job: Job, name: str) -> FileResponse:
    """JSON that the work has left."""
    file = job.folder / name
    if not file.is_file():
        raise processes.not_now()
    return FileResponse(file.open("rb"), content_type="application/json")


def facts_of(job: Job) -> dict[str, Any]:
    """How far the job has come, and what was found; `progress` is None before the process has begun."""
    return {
        "id": job.pk,
        "status": job.status,
        "status_label": job.get_status_display(),  # type: ignore[attr-defined]
        "task": job.task,
        "task_label": job.get_task_display(),  # type: ignore[attr-defined]
        "progress": job.progress,
        "message": {"zh": job.message_zh, "en": job.message_en} if job.message_zh else None,
        "institution": {"id": job.institution_id, "name": job.institution.name},
        "created_at": job.created_at,
        "result": job.result,
    }

"""Uploads that are too large are refused by what they announce, before anything of them is read."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from gis.reading.limits import MEBI

MAX_UPLOAD_BYTES = 256 * MEBI


class LimitedUpload(FileUploadHandler):
    """The first of settings.FILE_UPLOAD_HANDLERS: leaves a request that is too large unread, as if it were empty.

    The CSRF check reads the form before any view: a view alone would be too late.
    """

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: bytes, encoding: str | None = None
    ) -> tuple[QueryDict, MultiValueDict[str, Any]] | None:
        if content_length > MAX_UPLOAD_BYTES:
            return QueryDict(), MultiValueDict()
        return None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

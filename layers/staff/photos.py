"""Photographs: whatever comes in is read as a picture and written anew, small and without the data that cameras add."""

from __future__ import annotations

import io

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps, UnidentifiedImageError

from layers.staff.faults import BadPhoto
from layers.staff.models import Staff

MOST_BYTES = 5 * 2**20
MOST_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
SIZE = (360, 480)


def store(staff: Staff, upload: UploadedFile) -> None:
    """Take a photograph over for somebody, in place of the one before.

    Raises
    ------
    BadPhoto
    """
    if (upload.size or 0) > MOST_BYTES:
        raise BadPhoto("照片超过 5 MB; 请缩小后再上传。", "The photo is larger than 5 MB: make it smaller first.")
    content = reencoded(upload.read())
    old = staff.photo.name
    staff.photo.save("photo.jpg", ContentFile(content), save=False)
    staff.save(update_fields=["photo"])
    if old:
        staff.photo.storage.delete(old)


def reencoded(content: bytes) -> bytes:
    """The picture as a JPEG of at most SIZE, upright, cropped to the middle.

    Raises
    ------
    BadPhoto
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadPhoto(
                    "照片的像素太多; 请缩小后再上传。", "The photo has too many pixels: make it smaller first."
                )
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            small = ImageOps.fit(upright, SIZE)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadPhoto(
            "这个文件不是可以读取的照片; 请上传 JPEG、PNG 或 WebP。",
            "This file is not a photo that can be read: upload JPEG, PNG or WebP.",
        ) from error
    made = io.BytesIO()
    small.save(made, "JPEG", quality=82, optimize=True)
    return made.getvalue()

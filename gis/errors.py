"""The one error family of the project: a fault has a code, two languages, and, where it has one, a place."""

from __future__ import annotations

from typing import Any


class JingtianError(Exception):
    """A fault that a person can act on.

    Subclasses are named after the fault and set `code`; the message says what happened, where, and what to do.

    Parameters
    ----------
    zh, en
        The same sentence in Chinese and in English.
    where
        GeoJSON geometry or FeatureCollection (lon/lat, CGCS2000) of the place concerned, or None.
    details
        Further machine-readable facts, JSON-serialisable.
    """

    code = "error"

    def __init__(self, zh: str, en: str, *, where: dict[str, Any] | None = None, **details: Any) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh = zh
        self.en = en
        self.where = where
        self.details = details

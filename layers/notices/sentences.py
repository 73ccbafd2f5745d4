"""What notices say: each app that tells something adds its sentences here when it is ready."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

SENTENCES: dict[str, str | Promise] = {}
"""Kind of notice → sentence with the facts as %(name)s."""


def add_sentences(sentences: Mapping[str, str | Promise]) -> None:
    """Make kinds of notices known."""
    SENTENCES.update(sentences)

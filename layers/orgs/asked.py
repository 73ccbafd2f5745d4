"""What an address or a form names."""

from __future__ import annotations

from django.http import Http404

MOST_DIGITS = 18
"""Of a number that the database can hold."""


def number_asked(text: str) -> int:
    """An id, or another whole number.

    Raises
    ------
    Http404
        The text is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Http404
    return int(text)

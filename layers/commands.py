"""What the commands of manage.py have in common: how they tell of their steps, and how they end on bad input."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError, OutputWrapper

from gis.errors import JingtianError
from gis.progress import Progress

BAD_INPUT = 2
"""The exit status of a command whose input cannot be used."""
CLEAR_REST = "\x1b[K"


@contextmanager
def bad_input() -> Iterator[None]:
    """End a command in one sentence where its files or arguments cannot be used."""
    try:
        yield
    except JingtianError as error:
        raise CommandError(str(error), returncode=BAD_INPUT) from error
    except PermissionDenied:
        raise CommandError(
            "该用户无权为此机构做这件事 / this user may not do this for this institution", returncode=BAD_INPUT
        ) from None
    except OSError as error:
        raise CommandError(f"无法写入：{error} / cannot write: {error}", returncode=BAD_INPUT) from error


class Steps:
    """Writes a line a step; a terminal sees the line change, a file gets it once."""

    def __init__(self, stream: OutputWrapper) -> None:
        self.stream = stream
        self.began = time.monotonic()

    def say(self, zh: str, en: str) -> None:
        """A line with the seconds since the command began."""
        self.stream.write(self._line(zh, en))
        self.stream.flush()

    @contextmanager
    def step(self, zh: str, en: str) -> Iterator[Progress]:
        """A step that tells its progress; nothing else may be written to a terminal meanwhile."""
        if not self.stream.isatty():
            self.say(zh, en)
            yield lambda _: None
            return
        shown = -1

        def progress(fraction: float) -> None:
            nonlocal shown
            if (percent := int(100 * fraction)) > shown:
                shown = percent
                self.stream.write(f"\r{self._line(zh, en)}  {percent} %{CLEAR_REST}", ending="")
                self.stream.flush()

        progress(0)
        try:
            yield progress
        finally:
            self.stream.write("")

    def _line(self, zh: str, en: str) -> str:
        return f"[{time.monotonic() - self.began:5.1f} s] {zh} / {en}"

"""How far an import has come is told while it works: to other processes, to a terminal, never in the file of a log."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from gis.progress import forget, part, teller, told
from layers.commands import Steps
from layers.imports import jobs
from layers.imports.models import Import
from layers.imports.pipeline import Options, Source, check, load, read_tree, repaired
from layers.orgs.models import Institution, User
from tests.imports.files import collection, records, with_gap, write


def rising(told: list[float]) -> bool:
    return told == sorted(told) and len(set(told)) > 2 and told[0] >= 0 and told[-1] == pytest.approx(1)


def test_every_part_of_an_import_tells_how_far_it_is(bank: Institution, tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", collection(with_gap(records(3))))
    reading, checking, repairing, loading = [], [], [], []  # type: ignore[var-annotated]
    tree = read_tree([Source(path)], Options("cgcs2000"), progress=reading.append)
    assert check(tree, progress=checking.append)
    tree, _ = repaired(tree, 5, "union", repairing.append)
    load(tree, institution=bank, plan_name="试点", progress=loading.append)
    assert rising(reading) and rising(checking) and rising(repairing) and rising(loading)


def test_another_process_sees_it_and_it_never_falls(tmp_path: Path) -> None:
    assert told(tmp_path) is None
    tell = teller(tmp_path)
    tell(0.1)
    assert told(tmp_path) == 0.1
    part(tell, 0.5, 1)(0.5)
    tell(0.2)
    assert told(tmp_path) == 0.75
    forget(tmp_path)
    assert told(tmp_path) is None


def test_the_progress_of_a_load_is_seen_before_it_is_committed(
    planner: User, bank: Institution, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    job = Import.objects.create(institution=bank, user=planner, task="load", options={"files": [], "plan": {"name": "试点", "policy": "partition"}})  # fmt: skip
    job.folder.mkdir(parents=True)
    assert job.progress is None
    path = write(tmp_path / "a.geojson", collection(records(3)))
    jobs.save_tree(read_tree([Source(path)], Options("cgcs2000")), job.folder / jobs.GIVEN)
    seen = []

    def watched(*arguments: Any, **options: Any) -> Any:
        plan = load(*arguments, **options)
        seen.append(Import.objects.get(pk=job.pk).progress)
        return plan

    monkeypatch.setattr(jobs, "load", watched)
    jobs.TASKS[Import.Task.LOAD](job)
    assert seen == [0.9]
    assert Import.objects.get(pk=job.pk).progress == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_the_line_change_and_a_file_gets_it_once() -> None:
    shown = {}
    for name, stream in (("terminal", Terminal()), ("file", io.StringIO())):
        steps = Steps(OutputWrapper(stream))
        with steps.step("读取", "reading") as progress:
            for n in range(1000):
                progress(n / 1000)
        steps.say("完成", "done")
        shown[name] = stream.getvalue()
    assert shown["file"].splitlines() == ["[  0.0 s] 读取 / reading", "[  0.0 s] 完成 / done"]
    lines = shown["terminal"].split("\r")
    assert len(lines) == 101 and "reading  99 %" in lines[-1]
    assert lines[-1].splitlines()[-1] == "[  0.0 s] 完成 / done"

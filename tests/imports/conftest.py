"""A bank with a planner, and imports whose work is done at once instead of in a child process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from layers.exchange import jobs as exchange
from layers.exchange.models import PointImport
from layers.imports import jobs as imports
from layers.imports import processes
from layers.imports.models import Import, Job
from layers.orgs.models import Institution, User
from tests.factories import InstitutionFactory, UserFactory


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(code="B", name="试验农商行")


@pytest.fixture
def planner(bank: Institution) -> User:
    return UserFactory(username="import-planner", institution=bank)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    """The work of an import is done before the request is answered."""
    settings.MEDIA_ROOT = tmp_path / "media"

    def work(job: Job) -> None:
        tasks: Any = {Import: imports.TASKS, PointImport: exchange.TASKS}
        model = type(job)
        processes.work(model.objects.select_related("institution", "user__institution").get(pk=job.pk), tasks[model])

    monkeypatch.setattr(processes, "spawn", work)


@pytest.fixture
def child_database(monkeypatch: pytest.MonkeyPatch, settings: Any) -> dict[str, str]:
    """The environment in which child processes work on the database of the tests, as the role of the site: it starts them."""
    facts = connection.settings_dict
    user = f"{quote(settings.DATABASE_SITE_ROLE)}@"
    host = quote(facts["HOST"], safe="") + (f":{facts['PORT']}" if facts["PORT"] else "")
    monkeypatch.setenv("DATABASE_URL", f"postgis://{user}{host}/{facts['NAME']}")
    return dict(os.environ)

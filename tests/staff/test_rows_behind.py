"""Numbers of people lead to the people, or the vacant grids, that they count, at every level."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import bearer
from tests.staff.town import Town, build, today


@pytest.fixture
def deep(db: None) -> Town:
    """Four villages of four grids: a and b serve in the first, c leads it."""
    town = build(levels=3)
    town.serve("a", "001001")
    town.serve("a", "001002")
    town.serve("b", "001003", kind="backup")
    town.serve("c", "001", role="chief")
    return town


def ask(
    town: Town, name: str, code: str, level: int, user: str = "boss", **more: str
) -> tuple[dict[str, Any], list[Any]]:
    """A row of a measure, and the lines behind it."""
    client = bearer(town.users[user])
    answer = client.get(f"/api/measures/{name}", {"level": level} | more).json()
    [row] = [row for row in answer["rows"] if row["code"] == town.plan.area_code + code]
    return row, client.get(row["rows"][0]).json()["lines"]


def test_people_are_counted_and_listed_with_the_grids_below(deep: Town) -> None:
    row, lines = ask(deep, "workers", "001", 1)
    assert row["value"] == 1 == len(lines)
    assert lines[0]["name"] == "员工a" and lines[0]["text"].count("网格员") == 2
    row, lines = ask(deep, "people", "001", 1)
    assert row["value"] == 3 and [line["name"] for line in lines] == ["员工a", "员工b", "员工c"]
    # A leader is counted where she leads, and nobody below is.
    row, lines = ask(deep, "chiefs", "001", 1)
    assert row["value"] == 1 and [line["name"] for line in lines] == ["员工c"]
    row, lines = ask(deep, "chiefs", "001001", 2)
    assert row["value"] == 0 and lines == []


def test_a_vacancy_leads_to_the_vacant_grids(deep: Town) -> None:
    for name, value in (("vacancies", 2), ("vacancy_rate", 50)):
        row, lines = ask(deep, name, "001", 1)
        assert row["value"] == value
        assert [line["code"][-6:] for line in lines] == ["001003", "001004"]
        assert lines[0]["grid"] == deep.grid("001003").pk
    row, lines = ask(deep, "vacancies", "001001", 2)
    assert row["value"] == 0 and lines == []


def test_the_rows_are_those_of_the_day(deep: Town) -> None:
    deep.people["b"].assignments.update(valid_to=today(-1))
    before = today(-2).isoformat()
    row, lines = ask(deep, "backup_workers", "001", 1, at=before)
    assert row["value"] == 1 == len(lines)
    row, lines = ask(deep, "backup_workers", "001", 1)
    assert row["value"] == 0 and lines == []


def test_a_branch_sees_who_is_counted_in_grids_of_others(deep: Town) -> None:
    """Names of those in charge are no secret within a bank; nobody else reads them."""
    _row, lines = ask(deep, "people", "001", 1, user="chief")
    assert len(lines) == 3
    address = f"/api/grids/{deep.grid('001').pk}/lines/people"
    assert bearer(deep.users["regulator"]).get(address).status_code == 403
    assert bearer(deep.users["stranger"]).get(address).status_code == 404

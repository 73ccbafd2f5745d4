"""谁管我, 我管谁: up and down both hierarchies."""

from __future__ import annotations

import pytest

from layers.staff.hierarchy import Node, who_is_over, who_is_under
from tests.factories import StaffFactory
from tests.staff.town import Town, build, today


def names(nodes: list[Node]) -> list[str]:
    return [node.staff.name for node in nodes]


def tree(node: Node) -> dict:
    return {"name": node.staff.name, "below": [tree(one) for one in node.below]}


@pytest.fixture
def deep(db: None) -> Town:
    """A county with townships and villages: a chief for the first township, one for the county, workers below."""
    town = build(levels=3)
    for name, kind, institution in (
        ("县长", "grid_chief", town.head),
        ("镇长", "grid_chief", town.branch),
        ("行长", "grid_manager", town.head),
        ("支行长", "grid_manager", town.branch),
    ):
        town.people[name] = StaffFactory(institution=institution, name=name, kind=kind)
    town.serve("县长", "", role="chief")
    town.serve("镇长", "001", role="chief")
    town.serve("支行长", "001", role="manager")
    town.serve("a", "001001")
    town.serve("b", "001002")
    town.serve("c", "002001")
    return town


@pytest.mark.domain("JG01", "ZG06", "YL06")
def test_who_is_over_me_by_grid_and_in_the_bank(deep: Town) -> None:
    found = who_is_over(deep.people["a"])
    assert [names(chain) for chain in found["administrative"]] == [["员工a", "镇长", "支行长", "县长"]]
    assert names(found["service"]) == ["支行长", "行长"]
    # Nobody leads the second township, so the county does.
    assert [names(chain) for chain in who_is_over(deep.people["c"])["administrative"]] == [["员工c", "县长"]]


@pytest.mark.domain("JG01", "ZG06", "YL06")
def test_whom_i_lead_by_grid_and_in_the_bank(deep: Town) -> None:
    found = who_is_under(deep.people["县长"])
    top = found["administrative"][0]
    assert tree(top) == {
        "name": "县长",
        "below": [
            {"name": "镇长", "below": [{"name": "员工a", "below": []}, {"name": "员工b", "below": []}]},
            {"name": "支行长", "below": []},
            {"name": "员工c", "below": []},
        ],
    }
    assert top.count == 5
    assert [tree(node)["name"] for node in who_is_under(deep.people["支行长"])["service"].below] == [
        "员工a", "员工b", "员工c", "镇长",
    ]  # fmt: skip
    assert who_is_under(deep.people["a"])["administrative"] == []


def test_a_supervisor_goes_before_the_head_and_rings_come_to_an_end(deep: Town) -> None:
    a, b = deep.people["a"], deep.people["b"]
    a.supervisor = b
    a.save()
    assert names(who_is_over(a)["service"])[:2] == ["员工b", "支行长"]
    assert names(who_is_under(b)["service"].below) == ["员工a"]
    b.supervisor = a
    b.save()
    assert len(who_is_over(a)["service"]) < 9 and who_is_under(a)["service"].count == 1


def test_the_tree_of_a_day_gone_by(deep: Town) -> None:
    deep.people["镇长"].assignments.update(valid_to=today(-10))
    then, now = (who_is_over(deep.people["a"], day)["administrative"][0] for day in (today(-11), today()))
    assert "镇长" in names(then) and "镇长" not in names(now)

"""谁管我, 我管谁: up and down both hierarchies."""

from __future__ import annotations

import pytest
from django.test import Client

from layers.people.hierarchy import Node, who_is_over, who_is_under
from layers.people.views import pages
from layers.staff.models import Staff
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


@pytest.mark.domain("YL07")
def test_responsibility_runs_through_account_manager_and_heads_without_a_gap(deep: Town) -> None:
    """责任跟进无缝: from the part-time worker of a grid to the account manager, the head of the sub-branch, and the bank's."""
    seller = StaffFactory(institution=deep.branch, name="客户经理", kind="account_manager")
    a = deep.people["a"]
    a.supervisor = seller
    a.save()
    assert names(who_is_over(a)["service"]) == ["客户经理", "支行长", "行长"]
    top = who_is_under(deep.people["行长"])["service"]
    assert names(top.below) == ["县长", "支行长"]
    below = {node.staff.name: names(node.below) for node in who_is_under(deep.people["支行长"])["service"].below}
    assert below["客户经理"] == ["员工a"] and "员工a" not in below
    # Without a head of its own the sub-branch is led from above.
    Staff.objects.filter(name="支行长").update(left_on=today())
    assert "客户经理" in names(who_is_under(deep.people["行长"])["service"].below)


def test_a_tree_says_as_what_each_stands_in_it(deep: Town) -> None:
    """A township's chief, account manager and grid manager stand side by side: only the role tells them apart."""
    deep.people["替"] = StaffFactory(institution=deep.branch, name="替")
    deep.serve("替", "001001", kind="backup")
    chain = who_is_over(deep.people["a"])["administrative"][0]
    assert [node.role for node in chain] == ["网格员", "网格长", "网格管理员", "网格长"]
    tree = who_is_under(deep.people["县长"])["administrative"][0].flat()
    roles = {node.staff.name: node.to_json()["role"] for node in tree}
    assert (roles["镇长"], roles["支行长"], roles["员工c"]) == ("网格长", "网格管理员", "网格员")
    assert roles["替"] == "网格员 (B岗)"
    assert {node.role for node in who_is_under(deep.people["行长"])["service"].flat()} >= {"网格管理员", "网格长"}


def test_the_page_gives_roles_and_on_demand_all_levels(deep: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WHOLE_TREE", 2)
    client, person = Client(), deep.people["行长"]
    client.force_login(deep.users["boss"])
    for number in range(4):
        above = deep.people["a"] if number == 0 else person
        person = StaffFactory(institution=deep.branch, name=f"第{number}级", supervisor=above)
    cut = client.get(f"/people/{deep.people['行长'].pk}/").content.decode()
    assert '<span class="role">网格管理员</span>' in cut and "第3级" not in cut
    assert "这里只列出前两级" in cut and 'id="print-all"' in cut and "打印全部下属 (10 人)" in cut
    whole = client.get(f"/people/{deep.people['行长'].pk}/?tree=all").content.decode()
    assert "第3级" in whole and "共 10 人, 全部列出" in whole and 'id="print-all"' not in whole

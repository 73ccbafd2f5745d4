"""manage.py demo: what it loads, that it loads it once, and what it says."""

from __future__ import annotations

import io
import stat
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from layers.demo import areas
from layers.demo.bank import PASSWORD
from layers.facilities.models import Machine, Outlet
from layers.grids.coverage import audit, guard_faults
from layers.grids.models import Grid, GridCount, Plan
from layers.orgs.models import ApiToken, Institution, User
from layers.people.lists import counts
from layers.rules.evaluate import evaluate
from layers.rules.models import Rule
from layers.staff.models import Assignment, Post, Staff

pytestmark = pytest.mark.django_db


def demo(**options: object) -> str:
    out = io.StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def test_the_county_covers_exactly(demo_site: None):
    assert audit() == guard_faults() == []
    plan = Plan.objects.get(institution__code="QJ", name="2026 年网格划分")
    counts = [Grid.objects.filter(plan=plan, level=level).count() for level in range(4)]
    assert counts[:3] == [1, 24, 466] and 1000 <= counts[3] <= 1500
    assert plan.is_in_force(plan.valid_from) and plan.synthetic
    draft = Plan.objects.get(institution__code="QJ", name="2027 年调整")
    assert draft.status == "draft" and draft.grids.count() == plan.grids.count() - 1


def test_one_worker_a_grid_and_one_vacancy(demo_site: None):
    leaves = Grid.objects.filter(plan__name="2026 年网格划分", level=3)
    assert leaves.filter(assignments__isnull=True).count() == 1
    mains = Assignment.objects.on().filter(grid__in=leaves, role="worker", kind="main")
    assert mains.count() == leaves.count() - 1
    # One holds two grids, and the worker of one of them has none.
    assert mains.values("staff").distinct().count() == leaves.count() - 2
    assert GridCount.objects.filter(grid__in=leaves, value__gt=0).count() == leaves.count()


def test_what_is_not_as_it_should_be_is_a_telling_few(demo_site: None):
    """The cases that the demo is to show are not drowned: each list is a small part of what it looks at, and none is empty."""
    found = {one["id"]: one["count"] for one in counts(User.objects.get(username="manager"))}
    one_each = ("vacant", "double", "idle", "posts", "absent", "unfiled")
    assert {key: found[key] for key in one_each} == dict.fromkeys(one_each, 1)
    grids = Grid.objects.filter(plan__name="2026 年网格划分", level=3).count()
    for key in ("unpaired", "items", "fours", "outside"):
        assert 0 < found[key] < grids / 20, (key, found[key])


def test_the_year_before_had_villages_and_other_people(demo_site: None):
    """What `at=` is for: who was responsible on a day before the plan in force."""
    client = Client()
    client.force_login(User.objects.get(username="planner"))
    then, now = (
        client.get("/api/locate", {"lon": 112.9, "lat": 30.42, "at": day}).json()
        for day in ("2025-06-01", "2026-06-01")
    )
    assert (then["plan"]["name"], now["plan"]["name"]) == ("2025 年网格划分", "2026 年网格划分")
    assert [step["code"] for step in then["chain"]] == [step["code"] for step in now["chain"]][:3]
    [former], [present] = ([one for one in day["responsible"] if one["kind"] == "main"] for day in (then, now))
    assert former["name"] != present["name"] and former["synthetic"] and then["plan"]["synthetic"]


def test_some_grids_but_not_most_break_the_sizes_that_the_bank_has_taken_over(demo_site: None):
    plan = Plan.objects.in_force().get(institution__code="QJ")
    rules = Rule.objects.filter(institution=plan.institution, measure="households")
    assert {(rule.preset, rule.kind, rule.severity) for rule in rules} == {
        ("la01.1", "rural", "warn"),
        ("la01.2", "rural", "warn"),
        ("oc06.1", "urban", "warn"),
    }
    broken = Counter(fault.rule.pk for fault in evaluate(plan))
    for rule in rules:
        judged = plan.grids.filter(level=3 - rule.level, kind=rule.kind).count()
        assert 0.1 < broken[rule.pk] / judged < 0.5, rule


def test_everything_made_up_is_marked(demo_site: None):
    for model in (Institution, User, Staff, Post, Outlet, Machine, GridCount, Plan):
        assert model.objects.exists() and not model.objects.filter(synthetic=False).exists()


@pytest.mark.parametrize("username", ["planner", "manager", "admin", "auditor", "worker", "planner2", "regulator"])
def test_the_logins_work(demo_site: None, username: str):
    client = Client()
    answer = client.post("/login/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302 and answer["Location"] == "/"
    assert client.get("/").status_code == 200


def test_the_second_time_nothing_is_loaded_and_the_token_stays(demo_site: None, tmp_path: Path):
    env = tmp_path / "env"
    env.write_text("PORT=8000\nAPI_TOKEN=stale\n")
    grids = Grid.objects.count()
    text = demo(env_file=env)
    assert Grid.objects.count() == grids
    assert PASSWORD in text and "planner" in text and "网格规划员" in text
    first = env.read_text()
    assert first.startswith("PORT=8000\nAPI_TOKEN=") and "stale" not in first
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    demo(env_file=env)
    assert env.read_text() == first
    assert ApiToken.user_of(first.split("API_TOKEN=")[1].strip()) == User.objects.get(username="admin")


def test_an_area_whose_data_are_absent_is_refused_with_a_way_on(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(areas, "XIHU_FOLDER", tmp_path)
    with pytest.raises(CommandError, match="AREA=qianjiang") as caught:
        demo(area="xihu", env_file=tmp_path / "env")
    assert caught.value.returncode == 2
    assert not Institution.objects.filter(code="XH").exists() and not (tmp_path / "env").exists()

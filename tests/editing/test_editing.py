"""Edits of a draft through the API: what a planner does, what two planners do at once, and what is refused."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from layers.editing.codes import named
from layers.editing.models import Edit
from layers.grids.coverage import audit
from layers.grids.models import Grid, GridCount, Plan
from layers.orgs.models import User
from layers.review.versions import copy
from layers.rules.models import MeasureSettings, Rule
from tests.api.world import assert_fault, bearer
from tests.factories import CORNER, SIDE, UserFactory, grid, published, square_plan

S = SIDE // 4
"""Side of a leaf."""


def at(*points: tuple[float, float]) -> list[list[float]]:
    """Points in sides of a leaf from the corner, in degrees."""
    return [[(CORNER[0] + round(x * S)) / 1e7, (CORNER[1] + round(y * S)) / 1e7] for x, y in points]


class Desk:
    """A planner at her draft."""

    def __init__(self, plan: Plan, user: User | None = None) -> None:
        self.plan = plan
        self.user = user or UserFactory(institution=plan.institution)
        self.client: Client = bearer(self.user)
        self.revision = plan.revision

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/plans/{self.plan.pk}/{path}", body, content_type="application/json")

    def do(self, op: str, *, base: int | None = None, dry_run: bool = False, **args: Any) -> Any:
        """An operation that is done; the answer."""
        answer = self.try_to(op, base=base, dry_run=dry_run, **args)
        assert answer.status_code == 200, answer.json()
        self.revision = answer.json()["revision"]
        return answer.json()

    def try_to(self, op: str, *, base: int | None = None, dry_run: bool = False, **args: Any) -> Any:
        return self.post(
            "edits", op=op, args=args, base_revision=self.revision if base is None else base, dry_run=dry_run
        )

    def grid(self, code: str) -> Grid:
        return grid(self.plan, code)


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk(square_plan(2, levels=3))


def contents(plan: Plan) -> list[tuple]:
    return sorted(
        Grid.objects.filter(plan=plan).values_list(
            "pk", "parent", "level", "code", "bank_code", "name", "kind", "locked", "border_sum"
        )
    )


BORDER = at((2, 0), (2, 1))
"""The border between leaves 001002 and 002001, and between villages 001 and 002."""


@pytest.mark.domain("ZG02")
def test_a_border_of_two_villages_moves_on_every_level_at_once(desk: Desk) -> None:
    answer = desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])
    assert {each["code"][6:] for each in answer["changed"]} == {"001", "002", "001002", "002001"}
    assert answer["revision"] == 2 and answer["edit"]["label"] == "调整界线 002 与 001"
    assert not audit(desk.plan)
    moved = answer["measures"][str(desk.grid("001002").pk)]
    assert moved["after"]["area_km2"]["value"] > moved["before"]["area_km2"]["value"]
    assert set(answer["measures"]) == {str(desk.grid(code).pk) for code in ("001", "002", "001002", "002001")}


@pytest.mark.domain("ZG02")
def test_a_line_of_borders_is_redrawn_past_the_places_where_others_end(desk: Desk) -> None:
    """The whole border of two villages, on which the borders of their grids end, in one stroke; undone and done again."""
    before = contents(desk.plan)
    stretch = {"old": at((2, 0), (2, 1), (2, 2)), "new": at((2, 0), (2.4, 0.5), (2.4, 1.5), (2, 2))}
    refused = desk.try_to("redraw", old=stretch["old"], new=at((2, 0), (5, 1), (2, 2)))
    assert_fault(refused, 400, "line_crosses_border")
    assert refused.json()["where"]["features"]
    tried = desk.do("redraw", **stretch, dry_run=True)
    codes = ("001", "002", "001002", "001004", "002001", "002003")
    assert set(tried["measures"]) == {str(desk.grid(code).pk) for code in codes} and contents(desk.plan) == before
    answer = desk.do("redraw", **stretch)
    assert answer["edit"]["label"].startswith("重画界线 ") and not audit(desk.plan)
    assert answer["measures"] == tried["measures"]
    after = contents(desk.plan)
    desk.post("undo", base_revision=2)
    assert contents(desk.plan) == before
    desk.post("redo", base_revision=3)
    assert contents(desk.plan) == after


def test_rules_of_the_levels_above_are_judged_as_well(desk: Desk) -> None:
    """A split below leaves the village as it is; a border between villages changes what the village has."""
    Rule.objects.create(institution=desk.plan.institution, name="村面积", measure="area_km2", level=1, low=100)
    answer = desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}], dry_run=True)
    assert {fault["grid_id"] for fault in answer["broken"]} == {desk.grid("001").pk, desk.grid("002").pk}
    answer = desk.do("split", grid=desk.grid("001").pk, lines=[at((-0.1, 0.5), (2.2, 0.5))])
    assert str(desk.grid("001").pk) in answer["measures"]


def test_a_dry_run_measures_and_changes_nothing(desk: Desk) -> None:
    before = contents(desk.plan)
    answer = desk.do("split", grid=desk.grid("001001").pk, lines=[at((-0.1, 0.4), (1.1, 0.6))], dry_run=True)
    assert answer["edit"] is None and answer["revision"] == 1 and len(answer["changed"]) > 2
    assert contents(desk.plan) == before and not Edit.objects.exists()


def test_split_numbers_on_and_never_reuses_a_code(desk: Desk) -> None:
    desk.do("split", grid=desk.grid("001001").pk, lines=[at((-0.1, 0.4), (1.1, 0.4))])
    assert desk.grid("001005").name == "村 001005" or desk.grid("001005").name.endswith("005")
    assert not audit(desk.plan)
    desk.do("merge", grids=[desk.grid("001001").pk, desk.grid("001005").pk])
    desk.do("split", grid=desk.grid("001001").pk, lines=[at((-0.1, 0.4), (1.1, 0.4))])
    assert not Grid.objects.filter(plan=desk.plan, code="429005001005").exists() and desk.grid("001006")


def test_split_of_a_village_takes_its_grids_along(desk: Desk) -> None:
    desk.do("split", grid=desk.grid("001").pk, lines=[at((0.5, -0.1), (0.5, 2.1))])
    assert not audit(desk.plan)
    new = desk.grid("005")
    assert new.level == 1 and new.children.count() == 2
    assert {child.code[:9] for child in new.children.all()} == {"429005005"}


def test_merge_transfer_reparent(desk: Desk) -> None:
    desk.do("merge", grids=[desk.grid("001002").pk, desk.grid("001001").pk], name="合并格")
    assert desk.grid("001002").name == "合并格"
    desk.do("transfer", ring=at((1.8, 0.2), (2.4, 0.2), (2.4, 0.7), (1.8, 0.7)), to=desk.grid("001002").pk)
    desk.do("reparent", grid=desk.grid("002003").pk, parent=desk.grid("001").pk)
    assert not audit(desk.plan)
    assert Grid.objects.get(plan=desk.plan, code="429005002003").parent.code == "429005001"


def test_facts_and_levels(desk: Desk) -> None:
    leaf = desk.grid("001001")
    before = contents(desk.plan)
    desk.do("rename", grid=leaf.pk, name="  <b>城南</b> ")
    desk.do("recode", grid=leaf.pk, bank_code="B-7")
    desk.do("classify", grids=[leaf.pk], kind="urban")
    desk.do("add_level", grids=[leaf.pk])
    answer = desk.do("levels", names=["县", "镇", "村", "格"])
    assert answer["level_names"] == ["县", "镇", "村", "格"]
    changed = desk.grid("001001")
    assert (changed.name, changed.bank_code, changed.kind) == ("<b>城南</b>", "B-7", "urban")
    assert changed.children.get().code == "429005001001001"[:12] + "001"
    assert_fault(desk.try_to("recode", grid=leaf.pk, code="429005001002"), 400, "bad_arguments")
    desk.do("remove_level", grid=leaf.pk)
    for _ in range(6):
        assert desk.post("undo").status_code == 200
    assert contents(desk.plan) == before
    desk.plan.refresh_from_db()
    assert desk.plan.level_names == ["县", "镇", "村"]


def test_a_leaf_is_divided_into_a_new_level_which_gets_a_name(desk: Desk) -> None:
    leaf = desk.grid("001001")
    halves = [[at((x, 0), (x + 0.5, 0), (x + 0.5, 1), (x, 1), (x, 0))] for x in (0, 0.5)]
    answer = desk.do("divide", grid=leaf.pk, parts=[{"name": "", "polygons": [half]} for half in halves])
    assert answer["level_names"] == ["县", "镇", "村", "子网格"]
    assert [child.code for child in leaf.children.order_by("code")] == ["429005001001001", "429005001001002"]
    assert not audit(desk.plan)


def test_undo_and_redo_bring_back_exactly_what_was_there(desk: Desk) -> None:
    leaf = desk.grid("001001")
    GridCount.objects.create(grid=desk.grid("001002"), measure="households", value=120, as_of="2026-06-30")
    states = [contents(desk.plan)]
    desk.do("merge", grids=[leaf.pk, desk.grid("001002").pk])
    states.append(contents(desk.plan))
    desk.do("split", grid=leaf.pk, lines=[at((0.5, -1), (0.5, 2))])
    states.append(contents(desk.plan))
    for expected, label in ((states[1], "拆分 001"), (states[0], "合并 001 与 002")):
        answer = desk.post("undo").json()
        assert contents(desk.plan) == expected and answer["edit"]["label"] == f"撤销: {label}"
        assert answer["redo"] == label
    assert GridCount.objects.get().value == 120
    for expected in states[1:]:
        desk.post("redo")
        assert contents(desk.plan) == expected
    assert_fault(desk.post("redo"), 409, "cannot_undo")
    assert [step["undone"] for step in desk.client.get(f"/api/plans/{desk.plan.pk}/edits").json()][-2:] == [
        False,
        False,
    ]


def test_undo_after_a_neighbour_changed_is_refused_and_says_whose(desk: Desk) -> None:
    first = desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])
    desk.do("reshape", paths=[{"old": at((2, 0), (2.3, 0.5)), "new": at((2, 0), (2.2, 0.2), (2.3, 0.5))}])
    before = contents(desk.plan)
    body = assert_fault(desk.post("undo", edit=first["edit"]["id"]), 409, "cannot_undo")
    assert body["where"]["features"] and contents(desk.plan) == before


def test_two_planners_on_disjoint_grids_merge_by_themselves(desk: Desk) -> None:
    other = Desk(desk.plan)
    desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])
    answer = other.do("split", grid=desk.grid("003001").pk, lines=[at((0.5, 1.5), (0.5, 3.5))], base=1)
    assert answer["revision"] == 3
    news = other.client.get(f"/api/plans/{desk.plan.pk}/edits?since=1").json()
    assert [step["mine"] for step in news["edits"]] == [False, True]
    assert {"429005001", "429005002"} <= {each["code"] for each in news["changed"]}


def test_two_planners_on_one_grid_conflict_and_both_are_shown(desk: Desk) -> None:
    other = Desk(desk.plan)
    desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])
    before = contents(desk.plan)
    for attempt in (
        {"op": "reshape", "paths": [{"old": BORDER, "new": at((2, 0), (1.8, 0.5), (2, 1))}]},
        {"op": "split", "grid": desk.grid("002001").pk, "lines": [at((2.5, -1), (2.5, 2))]},
    ):
        body = assert_fault(other.try_to(**attempt, base=1), 409, "edit_conflict")
        assert body["details"]["edits"][0]["label"].startswith("调整界线") and body["where"]["features"]
    assert contents(desk.plan) == before


def test_a_draft_says_the_households_that_are_measured_and_how(desk: Desk) -> None:
    below = published(square_plan(2, levels=3, institution=desk.plan.institution))
    for leaf in below.grids.filter(level=2):
        GridCount.objects.create(grid=leaf, measure="households", value=100, as_of="2026-06-30")
    draft = Desk(copy(below, desk.user, "草稿"), desk.user)
    address = f"/api/grids/{draft.grid('001002').pk}"
    assert draft.client.get(address).json()["households"] == {"value": 100, "as_of": "2026-06-30", "synthetic": False}
    draft.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.4, 0.5), (2, 1))}])
    shown = draft.client.get(address).json()["households"]
    assert shown == {"value": 120, "estimated": True, "method": "户数按面积分摊", "synthetic": False}
    # In the plan in force it is what was counted.
    assert draft.client.get(f"/api/grids/{grid(below, '001002').pk}").json()["households"]["value"] == 100


def test_borders_of_other_plans_in_force_are_to_be_followed_where_they_differ(desk: Desk) -> None:
    below = published(square_plan(2, levels=3, institution=desk.plan.institution))
    published(square_plan(2, levels=3))
    square_plan(2, levels=3, institution=desk.plan.institution)
    address = f"/api/plans/{desk.plan.pk}/borders-beside?bbox=112,29,114,31"
    assert desk.client.get(address).json()["features"] == []
    desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])
    features = desk.client.get(address).json()["features"]
    # The two leaves as they are in the plan in force: not those of another bank, nor those of another draft.
    assert {feature["id"] for feature in features} == {grid(below, code).pk for code in ("001002", "002001")}
    assert {feature["geometry"]["type"] for feature in features} <= {"LineString", "MultiLineString"}
    assert at((2, 1))[0] in features[0]["geometry"]["coordinates"]
    assert not desk.client.get(address.replace("112,29,114,31", "100,29,101,31")).json()["features"]


def test_a_locked_grid_is_left_alone(desk: Desk) -> None:
    answer = desk.do("lock", grids=[desk.grid("002001").pk], locked=True)
    assert answer["edit"]["label"] == "锁定 001"
    body = assert_fault(
        desk.try_to("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}]), 403, "grid_locked"
    )
    assert body["details"]["grids"]
    answer = desk.do("lock", grids=[desk.grid("002001").pk], locked=False)
    assert answer["edit"]["label"] == "解除锁定 001"
    desk.do("reshape", paths=[{"old": BORDER, "new": at((2, 0), (2.3, 0.5), (2, 1))}])


@pytest.mark.parametrize(
    ("op", "args", "status", "code"),
    [
        ("explode", {}, 400, "bad_arguments"),
        ("reshape", {"paths": []}, 400, "bad_arguments"),
        ("reshape", {"paths": [{"old": [[0, 0], [1, 1]], "new": [[0, 0], ["x", 1]]}]}, 400, "bad_arguments"),
        ("reshape", {"paths": [{"old": at((7, 7), (8, 8)), "new": at((7, 7), (9, 8))}]}, 400, "path_not_a_border"),
        ("reshape", {"paths": [{"old": BORDER, "new": at((2, 0), (3.5, 0.5), (2, 1))}]}, 400, "line_crosses_border"),
        ("split", {"grid": 0, "lines": [at((0, 0), (1, 1))]}, 404, "no_such_grid"),
        ("rename", {"grid": 0, "name": "x"}, 404, "no_such_grid"),
        ("rename", {"grid": 0, "name": "\0"}, 400, "bad_arguments"),
        ("divide", {"grid": 0, "parts": [{"polygons": ["nonsense"]}]}, 404, "no_such_grid"),
        ("levels", {"names": ["一"]}, 400, "bad_arguments"),
        ("levels", {"names": ["县", "镇"]}, 400, "bad_arguments"),
        ("levels", {"names": ["县", "镇", " "]}, 400, "bad_arguments"),
        ("levels", {"names": ["县", "镇", "网\0"]}, 400, "bad_arguments"),
        ("levels", {"names": ["县", "镇", "网" * 99]}, 400, "bad_arguments"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(desk: Desk, op: str, args: dict, status: int, code: str) -> None:
    before = contents(desk.plan)
    assert_fault(desk.try_to(op, **args), status, code)
    assert contents(desk.plan) == before and not Edit.objects.exists()


def test_the_service_area_is_split_below_only(desk: Desk) -> None:
    root = Grid.objects.get(plan=desk.plan, parent=None)
    body = assert_fault(desk.try_to("split", grid=root.pk, lines=[at((-1, 1.5), (5, 1.5))]), 400, "wrong_level")
    assert "服务区域" in body["message"]["zh"]


def test_an_attempt_sent_twice_is_carried_out_once(desk: Desk) -> None:
    """The server was killed after it had written, before it answered: the browser sends the same again."""
    body = {
        "op": "split",
        "args": {"grid": desk.grid("001001").pk, "lines": [at((-0.1, 0.5), (1.1, 0.5))]},
        "base_revision": desk.revision,
        "attempt": str(uuid.uuid4()),
    }
    first, again = desk.post("edits", **body), desk.post("edits", **body)
    assert first.status_code == again.status_code == 200
    assert first.json()["edit"]["id"] == again.json()["edit"]["id"]
    assert again.json()["revision"] == 2
    assert {grid["id"] for grid in first.json()["changed"]} == {grid["id"] for grid in again.json()["changed"]}
    assert Edit.objects.count() == 1 and not audit(desk.plan)
    dry = desk.post("edits", **body | {"attempt": str(uuid.uuid4()), "dry_run": True, "base_revision": 2})
    assert dry.status_code in {200, 400} and Edit.objects.count() == 1


def test_how_small_a_piece_may_be_is_a_setting_of_the_institution(desk: Desk) -> None:
    corner = at((-0.01, 0.11), (0.11, -0.01))
    MeasureSettings.objects.create(institution=desk.plan.institution, least_piece_m2=1_000_000)
    assert_fault(desk.try_to("split", grid=desk.grid("001001").pk, lines=[corner]), 400, "sliver")
    MeasureSettings.objects.update(least_piece_m2=1)
    desk.do("split", grid=desk.grid("001001").pk, lines=[corner])


def test_nothing_else_than_a_draft_is_edited(desk: Desk) -> None:
    published(desk.plan)
    assert_fault(desk.try_to("rename", grid=desk.grid("001").pk, name="x"), 409, "not_a_draft")


def test_rights(desk: Desk) -> None:
    stranger, worker = UserFactory(), UserFactory(institution=desk.plan.institution, role=User.Role.WORKER)
    for user, status in ((stranger, 404), (worker, 403)):
        other = Desk(desk.plan, user)
        assert other.try_to("rename", grid=desk.grid("001").pk, name="x").status_code == status
        assert other.post("undo").status_code == status
        assert other.client.get(f"/api/plans/{desk.plan.pk}/edits").status_code == status


def test_history_shows_before_and_after(desk: Desk) -> None:
    answer = desk.do("split", grid=desk.grid("001001").pk, lines=[at((-0.1, 0.4), (1.1, 0.4))])
    one = desk.client.get(f"/api/plans/{desk.plan.pk}/edits/{answer['edit']['id']}").json()
    assert one["before"]["features"] and one["after"]["features"] and one["bbox"]


def test_psql_cannot_rewrite_the_log(desk: Desk) -> None:
    desk.do("rename", grid=desk.grid("001").pk, name="甲")
    for statement in ("UPDATE edit SET subject = 'x'", "DELETE FROM edit", "TRUNCATE edit"):
        with pytest.raises(Exception, match=r"only grows|cannot be truncated"), connection.cursor() as cursor:
            cursor.execute("SAVEPOINT s")
            try:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute(statement)
            finally:
                cursor.execute("ROLLBACK TO SAVEPOINT s")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM grid WHERE plan_id = %s AND false", [desk.plan.pk])
    assert Edit.objects.count() == 1


def test_two_at_the_same_moment_go_one_after_the_other(committed_db: None) -> None:
    plan = square_plan(2, levels=3)
    desks = [Desk(plan), Desk(plan)]
    codes = ["001001", "004004"]
    barrier = threading.Barrier(2)
    answers: list[Any] = []

    def work(desk: Desk, code: str) -> None:
        try:
            x, y = (0, 0) if code == "001001" else (3, 3)
            barrier.wait()
            answers.append(
                desk.try_to("split", grid=grid(plan, code).pk, lines=[at((x - 0.1, y + 0.4), (x + 1.1, y + 0.4))])
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(desks, codes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.json()["revision"] for answer in answers) == [2, 3]
    assert not audit(plan)


def test_a_client_killed_in_mid_edit_leaves_nothing(committed_db: None, raw: Any) -> None:
    plan = square_plan(2, levels=3)
    client: psycopg2.extensions.connection = raw()
    before = contents(plan)
    with client.cursor() as cursor:
        cursor.execute("UPDATE grid SET geom = ST_SnapToGrid(geom, 0.0005) WHERE plan_id = %s AND level = 2", [plan.pk])
    client.close()
    assert contents(plan) == before
    Desk(plan).do("rename", grid=grid(plan, "001").pk, name="甲")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("城南 003", "429005001003", "429005001007", "城南 007"),
        ("村 003003", "429005003003", "429005003005", "村 003005"),
        ("第 3", "429005001003", "429005001012", "第 12"),
        ("园区", "429005001003", "429005001007", "园区 007"),
    ],
)
def test_a_new_grid_is_named_after_the_one_it_comes_from(name: str, old: str, new: str, expected: str) -> None:
    assert named(name, old, new) == expected

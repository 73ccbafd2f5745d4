"""Rules and measures over HTTP: what is broken and where, who may set rules, whom they bind, what is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from layers.grids.models import Grid, GridCount, Plan
from layers.orgs.models import Institution, User
from layers.rules.evaluate import evaluate, sentences
from layers.rules.measures import Measured
from layers.rules.models import Rule
from layers.rules.presets import presets
from layers.streets.models import Building
from tests.api.world import assert_fault, bearer
from tests.factories import (
    SIDE,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    PlanFactory,
    UserFactory,
    grid,
    square_plan,
)
from tests.rules.places import at, diagonal_plan

pytestmark = pytest.mark.django_db
QUARTER = SIDE // 4


@pytest.fixture
def bank() -> Institution:
    return InstitutionFactory(name="潜江农商行")


@pytest.fixture
def branch(bank: Institution) -> Institution:
    return InstitutionFactory(name="城南支行", parent=bank, kind="branch")


@pytest.fixture
def admin(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="administrator"))


@pytest.fixture
def planner(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="planner"))


@pytest.fixture
def plan(bank: Institution) -> Plan:
    """A service area, four grids, sixteen sub-grids."""
    return square_plan(2, levels=3, institution=bank)


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(f"/api/{path}", body or {}, content_type="application/json")


def take(admin: Client, preset: str) -> list[dict[str, Any]]:
    answer = send(admin, "post", f"rules/presets/{preset}")
    assert answer.status_code == 201, answer.content
    return answer.json()


def broken(client: Client, plan: Plan, *grids: Grid) -> list[dict[str, Any]]:
    query = f"?grids={','.join(str(one.pk) for one in grids)}" if grids else ""
    body = client.get(f"/api/plans/{plan.pk}/broken{query}").json()
    assert body["blocks"] + body["warns"] == len(body["broken"])
    return body["broken"]


def settle(plan: Plan, **households: int) -> None:
    """Households in the leaves: one building in the middle of each."""
    for code, number in households.items():
        spot = grid(plan, code.strip("_")).geom.point_on_surface
        Building.objects.create(institution=plan.institution, households=number, geom=spot)


def rule(bank: Institution, **fields: Any) -> Rule:
    return Rule.objects.create(institution=bank, **{"name": "规则", "measure": "households", "high": 10.0} | fields)


LEAVES = tuple(f"_00{i}00{j}" for i in range(1, 5) for j in range(1, 5))


@pytest.mark.domain("LA01")
def test_la01_grids_of_300_to_500_and_sub_grids_of_100_to_150(admin: Client, planner: Client, plan: Plan):
    take(admin, "la01")
    settle(plan, **dict.fromkeys(LEAVES, 110))
    assert broken(planner, plan) == []
    settle(plan, _003002=41)
    (found,) = broken(planner, plan)
    assert found["code"] == "429005003002" and found["domain"] == "LA01" and found["severity"] == "warn"
    assert (found["value"], found["low"], found["high"], found["level"]) == (151, 100, 150, 2)
    assert found["message_zh"] == "村 003002: 户数 151 户, 高于 100–150 户的要求(小网格 100–150 户)"
    assert found["message_en"] == "村 003002: 151 households; required: 100–150 (Sub-grid of 100–150 households)"
    lon, lat = found["label"]
    west, south, east, north = grid(plan, "003002").geom.extent
    assert west < lon < east and south < lat < north
    settle(plan, _003001=20)
    assert [one["code"] for one in broken(planner, plan)] == ["429005003", "429005003002"]
    assert broken(planner, plan)[0]["message_zh"].endswith("高于 300–500 户的要求(大网格 300–500 户)")


@pytest.mark.domain("MY01")
def test_my01_about_300_households_in_one_piece(admin: Client, planner: Client, bank: Institution):
    take(admin, "my01")
    plan = diagonal_plan(bank)
    Building.objects.create(institution=bank, households=300, geom=at(QUARTER, QUARTER))
    Building.objects.create(institution=bank, households=200, geom=at(3 * QUARTER, QUARTER))
    found = {(one["code"], one["measure"]): one["message_zh"] for one in broken(planner, plan)}
    assert set(found) == {("429005001", "pieces"), ("429005002", "pieces"), ("429005002", "households")}
    assert "分成互不相连的 2 块" in found["429005001", "pieces"]
    assert "低于 240–360 户" in found["429005002", "households"]


@pytest.mark.domain("OC06")
def test_oc06_200_to_300_households(admin: Client, planner: Client, plan: Plan):
    take(admin, "oc06")
    settle(plan, **dict.fromkeys(LEAVES, 200) | {"_001001": 199, "_001002": 301, "_001003": 300})
    assert {one["code"] for one in broken(planner, plan)} == {"429005001001", "429005001002"}


@pytest.mark.domain("HG01")
def test_hg01_sections_of_equal_workload_two_to_an_area(admin: Client, planner: Client, plan: Plan):
    take(admin, "hg01")
    settle(plan, **dict.fromkeys(LEAVES, 374) | {"_001001": 340, "_002001": 500})
    found = broken(planner, plan)
    unequal = {one["code"]: one for one in found if one["form"] == "balance"}
    # 002: mean 405.5, so 500 is 23 % above and 374 8 % below; 001: mean 365.5, 340 is 7 % below.
    assert set(unequal) == {"429005002001"}
    assert unequal["429005002001"]["value"] == pytest.approx(23.3, abs=0.1)
    assert "比同级平均多 23%" in unequal["429005002001"]["message_zh"]
    assert {one["code"] for one in found if one["measure"] == "children"} == {f"42900500{i}" for i in range(1, 5)}


@pytest.mark.domain("LA12")
def test_la12_near_and_balanced(admin: Client, planner: Client, plan: Plan):
    take(admin, "la12")
    settle(plan, **dict.fromkeys(LEAVES, 100) | {"_001001": 130})
    outlet = OutletFactory(institution=plan.institution, geom=at(QUARTER, QUARTER))
    found = broken(planner, plan)
    assert [(one["code"], one["measure"]) for one in found] == [("429005001001", "households")]
    outlet.geom.x -= 0.06
    outlet.save()
    assert {one["measure"] for one in broken(planner, plan)} == {"households", "outlet_distance_km"}


@pytest.mark.domain("ZG05")
def test_zg05_service_radius_of_outlets_by_class(admin: Client, planner: Client, bank: Institution):
    take(admin, "zg05")
    plan = square_plan(2, institution=bank)
    Grid.objects.filter(plan=plan, code="429005001").update(kind="urban")
    body = planner.get(f"/api/plans/{plan.pk}/broken").json()
    assert body["broken"] == [] and body["unmeasured"] == 4  # no outlet is no data, not far away
    OutletFactory(institution=bank, geom=at(-130_000, QUARTER))
    (found,) = broken(planner, plan)
    assert found["code"] == "429005001" and "公里" in found["message_zh"] and "至多 1 公里" in found["message_zh"]
    OutletFactory(institution=bank, geom=at(QUARTER, QUARTER))
    assert broken(planner, plan) == []


@pytest.mark.domain("YL04")
def test_yl04_a_cash_point_in_every_village_grid(admin: Client, planner: Client, plan: Plan):
    take(admin, "yl04")
    for x, y in ((QUARTER, QUARTER), (3 * QUARTER, QUARTER), (QUARTER, 3 * QUARTER)):
        MachineFactory(institution=plan.institution, geom=at(x + 10, y + 10))
    (found,) = broken(planner, plan)
    assert found["code"] == "429005004" and "要求至少 1 个" in found["message_zh"]
    assert "at least 1" in found["message_en"]


def test_compactness_and_contiguity(admin: Client, planner: Client, bank: Institution):
    take(admin, "shape")
    plan = diagonal_plan(bank)
    found = broken(planner, plan)
    assert [(one["code"], one["severity"]) for one in found] == [("429005001", "block"), ("429005002", "block")]
    rule(bank, measure="compactness", low=0.9, high=None)
    assert {one["measure"] for one in broken(planner, plan)} == {"pieces", "compactness"}


def test_only_the_grids_asked_for_and_for_balance_their_siblings(bank: Institution, plan: Plan):
    rule(bank, low=50, high=None)
    settle(plan, **dict.fromkeys(LEAVES, 10) | {"_001001": 40})
    asked = grid(plan, "001001")
    assert [one.grid.code for one in evaluate(plan, [asked.pk])] == ["429005001001"]
    balance = rule(bank, form="balance", high=20)
    found = evaluate(plan, [asked.pk])
    assert {one.grid.code for one in found if one.rule.pk == balance.pk} == {f"42900500100{j}" for j in range(1, 5)}
    assert {one.grid.code for one in found if one.rule.pk != balance.pk} == {"429005001001"}
    assert evaluate(plan, []) == []


def test_an_estimate_says_so(bank: Institution, planner: Client):
    plan = square_plan(2, institution=bank, revision=4)
    GridCount.objects.create(grid=grid(plan, "001"), measure="households", value=87, as_of=dt.date(2026, 6, 30))
    rule(bank, low=100, high=None)
    (found,) = broken(planner, plan)
    assert found["estimated"] and "约 87 户" in found["message_zh"] and "about 87" in found["message_en"]


def test_a_plan_with_fewer_levels_has_the_rules_of_those_it_has(admin: Client, bank: Institution):
    take(admin, "la01")
    plan = square_plan(2, institution=bank)
    Building.objects.create(institution=bank, households=400, geom=at(QUARTER, QUARTER))
    # The service area is the level above the smallest here, and has 400 households.
    assert {one.grid.code for one in evaluate(plan)} == {f"42900500{i}" for i in range(1, 5)}


def test_whose_rules_bind(bank: Institution, branch: Institution):
    above = rule(bank, name="总行提醒")
    block = rule(bank, name="总行禁止", severity="block", measure="pieces")
    other = rule(bank, name="另一级", level=1)
    assert Rule.objects.binding(branch) == [above, block, other]
    own = rule(branch, name="支行提醒", high=20)
    rule(branch, name="支行放宽", measure="pieces", high=9, severity="warn", active=False)
    assert Rule.objects.binding(branch) == [block, other, own]
    assert Rule.objects.binding(bank) == [above, block, other]
    assert rule(InstitutionFactory()) not in Rule.objects.binding(branch)


def test_measures_over_http(planner: Client, plan: Plan):
    listed = {one["id"]: one for one in planner.get("/api/measures").json()}
    assert listed["households"]["name"] == "户数" and listed["households"]["unit"] == "户"
    cells = [grid(plan, "001"), grid(plan, "002")]
    query = ",".join(str(cell.pk) for cell in cells)
    body = planner.get(f"/api/plans/{plan.pk}/measures?grids={query},x,999999").json()
    assert set(body) == {str(cell.pk) for cell in cells}
    assert set(body[str(cells[0].pk)]) == {
        key for key, one in listed.items() if one["of"] == "grid" and one["is_quick"]
    }
    assert set(body[str(cells[0].pk)]["area_km2"]) == {"value", "estimated", "source"}
    assert len(planner.get(f"/api/plans/{plan.pk}/measures?level=2&names=children").json()) == 16
    assert_fault(planner.get(f"/api/plans/{plan.pk}/measures?names=beauty"), 400, "no_such_measure")
    english = planner.get("/api/measures", headers={"accept-language": "en"}).json()
    assert english[0]["name"] == "Households"


def test_plans_of_others_are_not_measured(plan: Plan):
    stranger = bearer(UserFactory(role="administrator"))
    for address in ("measures", "broken"):
        assert_fault(stranger.get(f"/api/plans/{plan.pk}/{address}"), 404, "not_found")
    draft = PlanFactory()
    regulator = bearer(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    assert_fault(regulator.get(f"/api/plans/{draft.pk}/broken"), 404, "not_found")


NEW = {"name": "网格至少 3 户", "measure": "households", "low": 3}


def test_an_administrator_makes_changes_and_deletes_a_rule(admin: Client, planner: Client, bank: Institution):
    made = send(admin, "post", "rules", NEW)
    assert made.status_code == 201
    key = made.json()["id"]
    changed = send(admin, "put", f"rules/{key}", NEW | {"low": 5, "severity": "block", "kind": "urban"})
    assert changed.json()["low"] == 5 and changed.json()["severity_label"] == "禁止"
    seen = planner.get("/api/rules").json()
    assert (
        [one["id"] for one in seen["rules"]] == [key] and not seen["can_edit"] and seen["institution"]["id"] == bank.pk
    )
    assert send(admin, "delete", f"rules/{key}").status_code == 204
    assert not Rule.objects.exists()


@pytest.mark.parametrize("role", [role for role in User.Role if role != User.Role.ADMINISTRATOR])
def test_others_read_and_do_not_write(role: str, bank: Institution):
    mine = rule(bank)
    client = bearer(UserFactory(institution=bank, role=role))
    for method, path, body in (
        ("post", "rules", NEW),
        ("put", f"rules/{mine.pk}", NEW),
        ("delete", f"rules/{mine.pk}", None),
        ("post", "rules/presets/la01", {}),
        ("put", "rules/settings", {}),
    ):
        assert_fault(send(client, method, path, body), 403, "not_allowed")
    assert client.get("/api/rules").status_code == 200
    assert list(Rule.objects.all()) == [mine]


def test_a_branch_sees_the_head_offices_rules_and_cannot_change_them(bank: Institution, branch: Institution):
    above = rule(bank)
    client = bearer(UserFactory(institution=branch, role="administrator"))
    own = send(client, "post", "rules", NEW).json()
    assert own["institution"]["id"] == branch.pk
    listed = {one["id"]: one for one in client.get("/api/rules").json()["rules"]}
    assert listed[above.pk]["inherited"] and not listed[above.pk]["can_edit"] and not listed[above.pk]["binding"]
    assert listed[own["id"]]["can_edit"] and listed[own["id"]]["binding"]
    assert_fault(send(client, "delete", f"rules/{above.pk}"), 403, "not_allowed")
    assert_fault(send(client, "post", "rules", NEW | {"institution": bank.pk}), 403, "not_allowed")


def test_rules_of_another_bank_do_not_exist(admin: Client):
    other = rule(InstitutionFactory())
    assert_fault(send(admin, "put", f"rules/{other.pk}", NEW), 404, "not_found")
    assert_fault(send(admin, "delete", f"rules/{other.pk}"), 404, "not_found")
    assert_fault(admin.get(f"/api/rules?institution={other.institution_id}"), 404, "not_found")
    assert_fault(send(admin, "post", "rules", NEW | {"institution": other.institution_id}), 404, "not_found")


def test_the_head_office_sets_rules_of_a_branch(admin: Client, branch: Institution):
    made = send(admin, "post", "rules", NEW | {"institution": branch.pk}).json()
    assert made["institution"]["id"] == branch.pk
    assert [one["id"] for one in admin.get(f"/api/rules?institution={branch.pk}").json()["rules"]] == [made["id"]]


@pytest.mark.parametrize(
    "fault",
    [
        {"low": None},
        {"low": 5, "high": 4},
        {"measure": "beauty"},
        {"name": "a\0b"},
        {"form": "balance"},
        {"form": "balance", "low": None, "high": 0},
    ],
)
def test_a_rule_that_says_nothing_is_refused(admin: Client, fault: dict[str, Any]):
    assert_fault(send(admin, "post", "rules", NEW | fault), 400, "bad_rule")


def test_what_is_no_rule_at_all_is_refused(admin: Client):
    assert_fault(send(admin, "post", "rules", NEW | {"severity": "fatal"}), 422, "invalid_request")
    assert_fault(send(admin, "post", "rules", NEW | {"level": 9}), 422, "invalid_request")
    assert_fault(send(admin, "post", "rules/presets/none"), 404, "not_found")
    assert_fault(send(admin, "put", "rules/settings", {"household_weight": 0}), 400, "bad_rule")


def test_every_preset_can_be_taken_over_and_taking_it_twice_changes_nothing(admin: Client):
    listed = admin.get("/api/rules/presets").json()
    assert {one["key"] for one in listed} == set(presets())
    for preset in listed:
        assert preset["source"] and preset["source_en"] and preset["title"] == preset["name"]
        first = take(admin, preset["key"])
        assert len(first) == len(preset["rules"])
        send(admin, "put", f"rules/{first[0]['id']}", {key: first[0][key] for key in RULE_FIELDS} | {"name": "改过"})
        again = take(admin, preset["key"])
        assert [one["id"] for one in again] == [one["id"] for one in first]
        assert again[0]["name"] == "改过"


RULE_FIELDS = ("name", "name_en", "measure", "form", "level", "kind", "low", "high", "severity", "active")


def test_workload_settings_are_inherited_until_set(admin: Client, bank: Institution, branch: Institution):
    assert admin.get("/api/rules").json()["settings"]["set_by"] is None
    send(admin, "put", "rules/settings", {"household_weight": 1, "km2_weight": 4})
    client = bearer(UserFactory(institution=branch, role="administrator"))
    assert client.get("/api/rules").json()["settings"] == {
        "household_weight": 1,
        "cash_point_weight": 0,
        "km2_weight": 4,
        "least_piece_m2": 1,
        "households_from": "automatic",
        "distance_by": "air",
        "street_access_m": 1000,
        "own": False,
        "set_by": "潜江农商行",
    }
    assert admin.get("/api/rules").json()["settings"]["own"]


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        (
            "grids_per_person",
            2,
            "张三 (0012): 负责的网格 2 个, 要求至多 1 个(一人一格)",
            "grids in charge 2; required: at most 1",
        ),
        (
            "subordinates",
            9,
            "张三 (0012): 直接下属 9 人, 要求至多 1 人(一人一格)",
            "direct reports 9; required: at most 1",
        ),
        ("duties_per_person", 2, "张三 (0012): 职责 2 项, 要求至多 1 项(一人一格)", "2 duties; required: at most 1"),
        ("workers", 2, "张三 (0012): 网格员 2 人, 要求至多 1 人(一人一格)", "grid worker 2; required: at most 1"),
        ("pieces", 2, "张三 (0012): 分成互不相连的 2 块, 要求至多 1 块(一人一格)", "2 pieces; required: at most 1"),
        (
            "area_km2",
            2,
            "张三 (0012): 面积 2 平方公里, 要求至多 1 平方公里(一人一格)",
            "area 2 km²; required: at most 1 km²",
        ),
    ],
)
def test_what_is_said_of_a_broken_rule_reads_well(name: str, value: float, zh: str, en: str) -> None:
    rule = Rule(measure=name, high=1, name="一人一格", name_en="One grid each")
    said = sentences(rule, "张三 (0012)", Measured(value), value)
    assert said == (zh, f"张三 (0012): {en} (One grid each)")

"""A measure of all grids of a level: over HTTP, in classes, as a table, and only to whom it may be shown."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from layers.grids.models import GridCount, Plan
from layers.orgs.models import Institution
from layers.rules.classes import MOST, BadClasses, class_of, classify, limits_in
from tests.api.world import assert_fault, bearer
from tests.factories import (
    SIDE,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    UserFactory,
    grid,
    published,
    square_plan,
)
from tests.rules.places import at

QUARTER = SIDE // 4
NUMBERS = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=60)


@given(values=NUMBERS, how=st.sampled_from(["quantile", "equal"]), around_zero=st.booleans())
def test_each_value_is_in_one_class(values: list[float], how: str, around_zero: bool):
    classes = classify(values, how, around_zero=around_zero)
    assert 1 <= len(classes) <= MOST
    assert sum(one.count for one in classes) == len(values)
    for number, one in enumerate(classes):
        assert one.count == sum(class_of(value, classes) == number for value in values)
        assert how == "equal" or around_zero or one.count > 0


def test_zero_has_a_class_of_its_own():
    classes = classify([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert (classes[0].label, classes[0].count) == ("0", 1)


def test_given_limits_are_kept():
    assert [one.label for one in classify([1, 5, 10, 50], "manual", [5, 20])] == ["1–4", "5–19", "20–50"]
    for bad in ("", "a", "3,2", "1,2,3,4,5", "nan"):
        with pytest.raises(BadClasses):
            limits_in(bad)


def test_classes_as_written_share_no_edge():
    values = [1.111, 1.5, 2.1, 2.157, 2.163, 2.5, 2.74, 2.9, 3.001, 4]
    for how, limits in (("quantile", ()), ("equal", ()), ("manual", (2.16, 3))):
        classes = classify(values, how, limits, decimals=2)
        edges = [edge for one in classes for edge in one.label.split("–")]
        assert edges == list(dict.fromkeys(edges)) and all(len(edge.partition(".")[2]) == 2 for edge in edges)
        places = [class_of(value, classes, decimals=2) for value in values]
        assert [places.count(number) for number in range(len(classes))] == [one.count for one in classes]
    assert [one.label for one in classify([1, 2.16, 4], "manual", [2.16, 3], decimals=2)] == [
        "1.00–2.15",
        "2.16–2.99",
        "3.00–4.00",
    ]


def test_measures_are_offered_by_what_they_count(manager: Client, plan: Plan):
    groups = {one["id"]: one["group"] for one in manager.get("/api/measures").json()}
    assert {groups[key] for key in groups if key.startswith(("contact_rate_", "customers_farm"))} == {"客户"}
    assert (groups["cash_points_per_1000"], groups["station_completeness"]) == ("机具", "网点")
    assert (groups["register_house"], groups["vacancies"], groups["area_km2"]) == (
        "五类登记",
        "人员",
        "户数、形状与距离",
    )


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(name="潜江农商行")


@pytest.fixture
def manager(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="manager"))


@pytest.fixture
def plan(bank: Institution) -> Plan:
    plan = published(square_plan(2, levels=3, institution=bank))
    for code, households in (("001001", 100), ("001002", 400), ("002001", 0)):
        GridCount.objects.create(
            grid=grid(plan, code), measure="households", value=households, as_of=dt.date(2026, 6, 30)
        )
    MachineFactory(institution=bank, name="城南助农点", geom=at(QUARTER, QUARTER))
    return plan


def test_values_of_a_level_in_the_plan_in_force(manager: Client, plan: Plan):
    answer = manager.get("/api/measures/cash_points?level=1").json()
    assert answer["plan"]["id"] == plan.pk and answer["level_name"] == "镇"
    assert answer["measure"]["unit"] == "个" and answer["measure"]["domain"] == ["YL04"]
    values = {row["code"]: row["value"] for row in answer["rows"]}
    assert values == {"429005001": 1, "429005002": 0, "429005003": 0, "429005004": 0}
    assert [one["label"] for one in answer["classes"]] == ["0", "1"]
    assert any(note.startswith("方法") for note in answer["notes"])


def test_no_data_is_neither_zero_nor_in_a_class(manager: Client, plan: Plan):
    answer = manager.get("/api/measures/households?level=2").json()
    rows = {row["code"]: row for row in answer["rows"]}
    assert rows["429005002001"]["value"] == 0 and rows["429005002001"]["class"] == 0
    assert rows["429005004001"]["value"] is None and rows["429005004001"]["class"] is None
    assert answer["without_data"] == 13
    # Why there is none stands with their number, not among the sources of the others.
    assert "13 个网格没有数据; 没有数据不是零 (没有户数数据)" in answer["notes"]
    assert "数据: 网格登记户数" in answer["notes"]


def test_a_rate_says_what_it_is_divided_by(manager: Client, plan: Plan):
    answer = manager.get("/api/measures/cash_points_per_1000?level=1").json()
    assert answer["rows"][0]["value"] == 2
    assert any(note.startswith("分母") for note in answer["notes"])


def test_the_rows_behind_a_number_add_up_to_it(manager: Client, plan: Plan):
    row = manager.get("/api/measures/cash_points_per_1000?level=1").json()["rows"][0]
    points, households = (manager.get(address).json() for address in row["rows"])
    assert [one["properties"]["name"] for one in points["features"]] == ["城南助农点"]
    assert sum(one["value"] or 0 for one in households["rows"]) == 500
    assert len(households["rows"]) == 4


def test_the_plan_is_that_of_the_day(manager: Client, bank: Institution, plan: Plan):
    assert_fault(manager.get("/api/measures/outlets?at=2020-01-01"), 404, "no_plan_in_force")
    assert manager.get("/api/measures/outlets?at=2026-02-01").json()["plan"]["id"] == plan.pk
    draft = square_plan(3, institution=bank)
    answer = manager.get(f"/api/measures/workers?plan={draft.pk}").json()
    assert {row["value"] for row in answer["rows"]} == {None}  # nobody serves a draft: no data, not all vacant
    assert manager.get(f"/api/measures/area_km2?plan={draft.pk}&level=1").json()["without_data"] == 0


def test_what_cannot_be_answered_is_refused(manager: Client, plan: Plan):
    assert_fault(manager.get("/api/measures/beauty"), 400, "no_such_measure")
    assert_fault(manager.get("/api/measures/grids_per_person/map"), 400, "not_of_grids")
    assert_fault(manager.get("/api/measures/outlets?level=4"), 404, "no_such_level")
    assert_fault(manager.get("/api/measures/outlets?classes=manual&limits=x"), 400, "bad_classes")
    assert manager.get("/api/measures/outlets?plan=999999").status_code == 404


def test_the_table_as_csv_and_xlsx(manager: Client, plan: Plan):
    answer = manager.get("/api/measures/households?level=2&format=csv")
    lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert lines[0][4] == "户数 (户)" and len(lines) == 17
    assert (lines[1][0], lines[1][4]) == ("429005001001", "100")
    assert lines[-1][4] == ""
    book = load_workbook(
        io.BytesIO(b"".join(manager.get("/api/measures/households?level=2&format=xlsx").streaming_content))
    )
    cells = list(book.active.iter_rows(values_only=True))
    assert cells[1][0] == "429005001001" and cells[1][4] == 100 and cells[-1][4] is None


def test_a_regulator_sees_no_measure_of_people(plan: Plan):
    regulator = bearer(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    names = {one["id"] for one in regulator.get("/api/measures").json()}
    assert "outlets" in names and not names & {
        "workers",
        "vacancies",
        "customers",
        "registration_rate",
        "grids_per_person",
    }
    for name in ("vacancies", "customers"):
        assert regulator.get(f"/api/measures/{name}?plan={plan.pk}").status_code == 403
        assert regulator.get(f"/api/plans/{plan.pk}/measures?names={name}").status_code == 403
    assert "customers" not in next(iter(regulator.get(f"/api/plans/{plan.pk}/measures?level=0").json().values()))
    assert regulator.get(f"/api/measures/outlets?plan={plan.pk}").status_code == 200


def test_another_bank_sees_no_values(plan: Plan):
    stranger = bearer(UserFactory(role="administrator"))
    assert stranger.get(f"/api/measures/outlets?plan={plan.pk}").status_code == 404
    assert_fault(stranger.get("/api/measures/outlets"), 404, "no_plan_in_force")


def test_english(bank: Institution, plan: Plan, manager: Client):
    answer = manager.get("/api/measures/cash_points_per_1000?level=1", headers={"Accept-Language": "en"}).json()
    assert answer["measure"]["name"] == "Cash points per 1,000 households"
    assert answer["notes"][0].startswith("Method: Cash points in the grid")


def test_as_many_queries_for_many_grids_as_for_few(
    manager: Client, bank: Institution, plan: Plan, django_assert_max_num_queries
):
    OutletFactory(institution=bank, geom=at(QUARTER, QUARTER))
    for level in (0, 2):
        with django_assert_max_num_queries(14):
            manager.get(f"/api/measures/cash_points_per_1000?level={level}")

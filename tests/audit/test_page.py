"""The page of the log: who may read it, what each finds, and its export."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils.translation import override

from layers.audit.acting import acting_as
from layers.audit.events import record_read
from layers.audit.models import Entry
from layers.audit.names import column_names, table_names
from layers.orgs.models import User
from tests.api.world import World, build
from tests.audit.conftest import Entries
from tests.evil import EVIL, storable
from tests.factories import PASSWORD, StaffFactory, UserFactory


@pytest.fixture
def world(db: None) -> World:
    return build()


def page(user: User, query: str = "", status: int = 200) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/audit/?{query}")
    assert answer.status_code == status
    return answer.content.decode()


def table(user: User, query: str = "") -> list[dict[str, str]]:
    client = Client()
    client.force_login(user)
    text = b"".join(client.get(f"/audit/audit.csv?{query}").streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_who_may_read_it(world: World):
    allowed = {name for name, user in world.users.items() if user.reads_audit}
    assert allowed == {"甲总 administrator", "甲总 auditor", "乙总 administrator", "nowhere"}
    for name, user in world.users.items():
        page(user, status=200 if name in allowed else 403)
        client = Client()
        client.force_login(user)
        assert client.get("/audit/audit.csv").status_code == (200 if name in allowed else 403)
        assert (b'href="/audit/"' in client.get("/account/").content) is (name in allowed)


def test_everybody_reads_what_was_done_in_the_own_subtree(world: World):
    text = "".join(str(row) for row in table(world.users["甲总 auditor"]))
    assert "甲一员工" in text and "甲总员工" in text and "乙" not in text
    text = "".join(str(row) for row in table(world.users["乙总 administrator"]))
    assert "乙一员工" in text and "甲" not in text
    branch = UserFactory(institution=world.institutions["甲一"], role="auditor")
    text = "".join(str(row) for row in table(branch))
    assert "甲一员工" in text and "甲总员工" not in text and "甲二员工" not in text
    assert "员工" not in "".join(str(row) for row in table(world.users["nowhere"]))


def test_a_former_users_acts_stay_with_the_bank(world: World):
    user = world.users["甲一 planner"]
    person = StaffFactory(institution=world.institutions["甲一"])
    with acting_as(user):
        person.name = "改名甲"
        person.save()
    user.institution = world.institutions["乙一"]
    user.save()
    assert "改名甲" not in page(world.users["乙总 administrator"])
    assert "改名甲" in page(world.users["甲总 auditor"])


def test_columns_and_renewed_secrets_are_named_in_the_language_of_the_page(world: World):
    planner = world.users["甲一 planner"]
    with acting_as(planner):
        planner.password = "md5$renewed"
        planner.save()
    text = page(world.users["甲总 auditor"], "table=account")
    assert "<dt>密码</dt>" in text and "*** (已更换)" in text and "(new)" not in text


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_all_tables_and_columns_have_names_in_the_language_of_the_page(language: str):
    with override(language):
        names = [str(name) for table, name in table_names().items() for name in [name, *column_names(table).values()]]
    chinese = [name for name in names if re.search(r"[\u4e00-\u9fff]", name)]
    assert chinese == (names if language == "zh-hans" else [])


def test_what_pages_write_of_reads_is_said_in_words(world: World):
    person = StaffFactory(institution=world.institutions["甲一"])
    record_read(world.users["甲总 manager"], person, fields=["work_phone", "geom"], purpose="person")
    auditor = world.users["甲总 auditor"]
    assert "人员页" in page(auditor) and "工作电话" in page(auditor)
    seen = page(auditor)
    assert "没有条件" in seen and "全部字段" in seen and ">*<" not in seen


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-hans", ("门牌号", "线上渠道", "早于记录: 6954", "类别: 读取", "数据表: 类型", "逐户", "共 2,435 行")),
        ("en", ("Door number", "Online channels", "Before entry: 6954", "by household", "2,435 rows")),
    ],
)
def test_attributes_searches_and_many_rows_are_said_in_words(world: World, language: str, words: tuple[str, ...]):
    planner = world.users["甲总 manager"]
    customer = apps.get_model("ledger", "Customer")
    fields = ["attributes.door", "attributes.channels"]
    record_read(planner, customer, range(1, 2436), fields=fields, purpose="services by household")
    client = Client(headers={"accept-language": language})
    client.force_login(world.users["甲总 auditor"])
    client.get("/audit/?before=6954&kind=read&table=feature_kind")
    text = client.get("/audit/").content.decode()
    assert [word for word in words if word not in text] == []
    assert "attributes." not in text and "before=6954" not in text


def test_the_export_has_words_and_technical_names(world: World):
    fields = ["attributes.door", "name"]
    customer = apps.get_model("ledger", "Customer")
    record_read(world.users["甲总 manager"], customer, [1], fields=fields, purpose="customer")
    (row,) = table(world.users["甲总 auditor"], "kind=read&table=customer")
    assert (row["数据表"], row["数据表代号"]) == ("客户", "customer")
    assert (row["字段"].split("、")[0], row["字段代号"]) == ("门牌号", "attributes.door name")
    assert (row["事由"], row["事由原文"]) == ("客户卡片", "customer")


def test_searching(world: World):
    auditor, planner = world.users["甲总 auditor"], world.users["甲一 planner"]
    person = StaffFactory(institution=world.institutions["甲一"])
    with acting_as(planner):
        person.name = "改名甲"
        person.save()
    record_read(planner, person, fields=["work_phone"], purpose="电话核实")
    for query in (
        f"user={planner.username}",
        "table=staff&kind=write",
        f"subject={person.pk}&table=staff",
        "since=2020-01-01&until=2999-01-01",
    ):
        assert "改名甲" in page(auditor, query), query
    for query in (
        "user=nobody",
        "kind=login",
        "table=outlet",
        "subject=999999",
        "until=2020-01-01",
        "since=2999-01-01",
    ):
        assert "改名甲" not in page(auditor, query), query
    assert "电话核实" in page(auditor, "kind=read&table=staff")
    assert "没有符合条件的记录" in page(auditor, "user=nobody-at-all")


@pytest.mark.parametrize(
    "query", ["since=x", "since=2026-02-01&until=2026-01-01", "kind=x", "table=x", "before=x", "before=-1", "since=%00"]
)
def test_a_search_that_makes_no_sense_is_told_so(world: World, query: str):
    text = page(world.users["甲总 auditor"], query, status=400)
    assert "field-error" in text or "before" in query


def test_pages_go_back_in_time_without_gaps(world: World, entries: Entries):
    auditor = world.users["甲总 auditor"]
    for number in range(120):
        record_read(auditor, User, [number], fields=["x"], purpose=f"读取{number:03}。")
    seen: list[str] = []
    query: str | None = "kind=read&table=account"
    while query:
        text = page(auditor, query)
        seen += [f"{number:03}" for number in range(119, -1, -1) if f"读取{number:03}。" in text]
        query = (
            text.split('" rel="next"')[0].rsplit('href="?', 1)[1].replace("&amp;", "&")
            if 'rel="next"' in text
            else None
        )
    assert seen == [f"{number:03}" for number in range(119, -1, -1)]


def test_reading_the_log_is_an_entry(world: World, entries: Entries):
    auditor = world.users["甲总 auditor"]
    page(auditor, "user=planner")
    table(auditor)
    found = entries(kind="read", table_name="audit")
    assert [(entry.user_id, entry.reason) for entry in found] == [(auditor.pk, "user=planner"), (auditor.pk, "CSV *")]


def test_signing_in_failing_and_out_are_entries(world: World, entries: Entries, settings: Any):
    settings.AXES_ENABLED = True
    user = world.users["甲总 manager"]
    client = Client()
    for word in ("wrong", PASSWORD):
        client.post("/login/", {"username": user.username, "password": word})
    client.post("/logout/")
    for _ in range(5):
        client.post("/login/", {"username": user.username, "password": "wrong"})
    client.post("/login/", {"username": "<b>nobody</b>", "password": "wrong"})
    kinds = [entry.kind for entry in entries(institution_id=user.institution_id, kind__in=Entry.Kind.values)]
    kinds = [kind for kind in kinds if kind != "write"]
    assert (
        kinds[:3] == ["login_failed", "login", "logout"]
        and kinds.count("locked") == 1
        and kinds.count("login_failed") == 6
    )
    assert {entry.address for entry in entries(kind="login")} == {"127.0.0.1"}
    assert "wrong" not in str([vars(entry) for entry in entries()])
    unknown = Entry.objects.filter(username__contains="nobody").get()
    assert unknown.institution_id is None
    assert "nobody" not in page(world.users["甲总 auditor"])
    assert "&lt;b&gt;nobody" in page(world.users["nowhere"], "kind=login_failed")


@pytest.mark.parametrize("text", [text for text in EVIL if "\x00" not in text])
def test_evil_names_are_text_on_the_page_and_in_the_export(world: World, text: str):
    StaffFactory(institution=world.institutions["甲一"], name=text[:80])
    shown = page(world.users["甲总 auditor"], "table=staff")
    for mark in ("<img src=x", "<script>window", "<svg onload", "<b>"):
        assert mark not in shown
    for row in table(world.users["甲总 auditor"], "table=staff"):
        assert not any(cell.lstrip()[:1] in set("=+-@＝") for cell in row.values() if cell)
    assert any(storable(text[:80]) in row["新值"] for row in table(world.users["甲总 auditor"], "table=staff"))


def test_telephones_are_masked_in_the_log(world: World):
    StaffFactory(institution=world.institutions["甲一"], work_phone="13812345678")
    for text in (
        page(world.users["甲总 auditor"], "table=staff"),
        str(table(world.users["甲总 auditor"], "table=staff")),
    ):
        assert "138****5678" in text and "13812345678" not in text


def test_a_page_asks_the_database_a_fixed_number_of_times(world: World, django_assert_max_num_queries: Any):
    client = Client()
    client.force_login(world.users["甲总 auditor"])
    client.get("/audit/")
    with django_assert_max_num_queries(7):  # one of them: notices that wait
        client.get("/audit/")

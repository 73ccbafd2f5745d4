"""Agreements of stations and regulations, registered and read on the page (QJ03)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from layers.documents.models import Document
from layers.orgs.models import Institution
from tests.factories import InstitutionFactory, OutletFactory, UserFactory

PARTS = {"partner": "演示村委会", "purpose": "便民", "content": "取款", "duties": "分工", "incentives": "奖惩"}


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(name="甲行")


def signed_in(institution: Institution, role: str) -> Client:
    client = Client()
    client.force_login(UserFactory(institution=institution, role=role))
    return client


def form(institution: Institution, **more: object) -> dict[str, object]:
    return {
        "institution": institution.pk,
        "kind": "regulation",
        "number": "2026-1",
        "title": "考核办法",
        "signed_on": "2026-03-01",
    } | more


@pytest.mark.domain("QJ03")
def test_the_agreement_of_a_station_and_seven_regulations(bank: Institution) -> None:
    station = OutletFactory(institution=bank, kind="station", name="城南工作站")
    manager = signed_in(bank, "manager")
    agreement = form(bank, kind="agreement", title="合作协议", station=station.pk, **PARTS)
    assert manager.post("/documents/new/", agreement).status_code == 302
    for number in range(7):
        assert (
            manager.post("/documents/new/", form(bank, number=f"Z{number}", title=f"制度 {number}")).status_code == 302
        )
    page = manager.get("/documents/").content.decode()
    assert "城南工作站" in page and "演示村委会" in page and page.count(">制度 ") == 7
    kept = Document.objects.get(kind="agreement")
    assert (kept.station, kept.incentives) == (station, "奖惩")
    rows = b"".join(manager.get("/documents/?kind=regulation&format=csv")).decode()
    assert rows.count("Z") == 7


def test_a_choice_that_is_not_made_is_called_so(bank: Institution) -> None:
    page = signed_in(bank, "manager").get("/documents/new/").content.decode()
    assert '<option value="" selected>未选择</option>' in page and "---" not in page


def test_an_agreement_without_its_parts_says_what_is_missing(bank: Institution) -> None:
    answer = signed_in(bank, "manager").post("/documents/new/", form(bank, kind="agreement", partner="村委会"))
    assert answer.status_code == 400 and answer.content.decode().count("这一类文件须填写这一项。") == 4
    assert not Document.objects.exists()
    with pytest.raises(IntegrityError, match="document_agreement_has_its_parts"), transaction.atomic():
        Document.objects.create(
            institution=bank, kind="agreement", number="1", title="x", signed_on=dt.date(2026, 1, 1)
        )


def test_an_end_before_the_beginning_is_refused(bank: Institution) -> None:
    answer = signed_in(bank, "manager").post("/documents/new/", form(bank, valid_until="2026-02-01"))
    assert answer.status_code == 400 and "有效期不能早于签订日期" in answer.content.decode()


def test_who_sees_and_keeps_them(bank: Institution) -> None:
    branch, other = InstitutionFactory(parent=bank, kind="branch"), InstitutionFactory()
    for number, (owner, kind) in enumerate(((bank, "regulation"), (bank, "agreement"), (branch, "regulation"))):
        parts = PARTS if kind == "agreement" else {}
        Document.objects.create(
            institution=owner, kind=kind, number=str(number), title=f"文件{number}", signed_on="2026-01-01", **parts
        )
    seen = {
        name: [n for n in range(3) if f"文件{n}" in signed_in(who, "manager").get("/documents/").content.decode()]
        for name, who in (("head", bank), ("branch", branch), ("other", other))
    }
    assert seen == {"head": [0, 1, 2], "branch": [0, 2], "other": []}
    head_office = Document.objects.get(number="0")
    assert signed_in(branch, "manager").get(f"/documents/{head_office.pk}/").status_code == 404
    for role in ("worker", "auditor"):
        assert signed_in(bank, role).get(f"/documents/{head_office.pk}/").status_code == 403


def test_a_long_register_comes_in_pages_that_the_address_names(bank: Institution) -> None:
    for number in range(60):
        Document.objects.create(
            institution=bank,
            kind="regulation",
            number=f"{number:03}",
            title=f"制度 {number:03}",
            signed_on=dt.date(2026, 1, 1),
        )
    manager = signed_in(bank, "manager")
    first, second = (manager.get(f"/documents/?kind=regulation&page={page}").content.decode() for page in ("", "2"))
    assert first.count(">制度 ") == 50 and "共 60 份" in first and "?kind=regulation&amp;page=2" in first
    assert second.count(">制度 ") == 10 and "第 51 至 60 份" in second and 'class="table cards"' in second
    assert manager.get("/documents/?page=x").status_code == 404
    assert b"".join(manager.get("/documents/?kind=regulation&format=csv")).decode().count("制度 0") == 60

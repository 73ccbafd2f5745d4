"""The card of a customer on the map: masked, with the full details for a reason that is logged; and the list as files."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from layers.audit.models import Entry
from layers.facilities.models import Outlet
from layers.ledger.models import Care, Customer
from layers.orgs.models import User
from tests.browser.conftest import PHONE, Open

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("english", [False, True])
def test_a_manager_reads_a_telephone_in_full_for_a_reason(open_map: Open, complaints: list[str], english: bool) -> None:
    asked = Customer.objects.filter(kind="farm_household", institution__path__startswith=bank()).exclude(phone="")[0]
    page = open_map(
        f"?find=customers%3Fkind%3Dfarm_household%26q%3D{asked.code}",
        user="manager",
        viewport=PHONE,
        locale="en" if english else "zh-CN",
    )
    page.locator(".found-row").first.click()
    card = page.locator("#panel-body")
    expect(card).to_contain_text("*")
    expect(card).not_to_contain_text(asked.name)
    expect(card).not_to_contain_text(asked.phone)
    card.locator(".unmask summary").click()
    expect(card.locator(".unmask")).to_contain_text("audit log" if english else "审计记录")
    # Too short a reason is refused, and said so.
    card.locator("input[name=reason]").fill("看")
    card.locator(".unmask button").click()
    expect(card.locator(".unmask [role=alert]")).to_contain_text("characters" if english else "事由")
    complaints.clear()
    before = Entry.objects.filter(kind=Entry.Kind.UNMASK).count()
    card.locator("input[name=reason]").fill("电话核实住址")
    card.locator(".unmask button").click()
    expect(card.locator(".unmasked")).to_contain_text(asked.phone)
    expect(card.locator(".unmasked")).to_contain_text(asked.name)
    expect(card.locator(".unmasked")).to_contain_text("audit log" if english else "已记入审计记录")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    written = Entry.objects.filter(kind=Entry.Kind.UNMASK).order_by("pk")
    assert written.count() == before + 1


def test_a_manager_exports_people_in_full_for_a_reason(open_map: Open) -> None:
    asked = Customer.objects.filter(kind="farm_household", institution__path__startswith=bank()).exclude(phone="")[0]
    page = open_map(f"?find=customers%3Fq%3D{asked.code}", user="manager")
    page.locator(".exports > summary").click()
    page.locator(".exports .unmask summary").click()
    form = page.locator(".exports .unmask-form")
    form.locator("input[name=reason]").fill("移交农户回访名单")
    with page.expect_download() as started:
        form.locator("button").click()
    text = started.value.path().read_text("utf-8-sig")
    assert asked.name in text and asked.phone in text
    entry = Entry.objects.filter(kind=Entry.Kind.UNMASK).latest("pk")
    assert (entry.reason, entry.keys) == ("移交农户回访名单", [str(asked.pk)])


@pytest.mark.domain("OB02")
def test_the_card_tells_who_helps_with_a_customer_and_who_needs_care(open_map: Open) -> None:
    shared = Customer.objects.filter(institution__path__startswith=bank(), served_by__isnull=False)[0]
    page = open_map(f"?find=customers%3Fq%3D{shared.code}", user="manager")
    page.locator(".found-row").first.click()
    card = page.locator("#panel-body")
    expect(card).to_contain_text(f"{shared.served_by.name} 占 {shared.served_share:.0%}")
    cared = Care.objects.filter(customer__institution__path__startswith=bank(), until__isnull=True).first()
    assert cared is not None
    page.goto(f"/?find=customers%3Fq%3D{cared.customer.code}")
    page.locator(".found-row").first.click()
    expect(card.locator(".cares")).to_contain_text(str(cared.since))


def test_the_list_leaves_as_files_with_its_filters(open_map: Open) -> None:
    begins = Outlet.objects.filter(kind="station").earliest("code").code[:2]
    page = open_map(f"?find=outlets%3Fkind%3Dstation%26q%3D{begins}")
    page.locator(".exports summary").click()
    links = page.locator(".exports a")
    assert links.all_inner_texts() == ["CSV", "XLSX", "GeoJSON", "GeoPackage", "Shapefile"]
    for link in links.all():
        address = urlsplit(link.get_attribute("href"))
        assert address.path == "/api/layers/outlets/export"
        assert parse_qs(str(address.query)).items() >= {"kind": ["station"], "q": [begins]}.items()
        with page.expect_download() as started:
            link.click()
        assert started.value.path().stat().st_size > 0
    page.locator(".exports").get_by_label("坐标系").select_option("gcj02")
    for link in links.all():
        assert "output_datum=gcj02" in str(link.get_attribute("href"))


def bank() -> str:
    institution = User.objects.get(username="manager").institution
    assert institution is not None
    return institution.path

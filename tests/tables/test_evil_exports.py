"""Every table that leaves the site, of a bank whose every text is evil: no cell of a CSV or XLSX is a formula."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from layers.exchange.models import PointImport
from layers.people.lists import LISTS
from layers.rules.measures import OF_GRIDS
from tests.evil_world import Bank, evil_bank

RUN = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""What a spreadsheet may take for a formula, in a cell that is text."""
LAYERS = ("outlets", "machines", "places", "customers", "posts", "staff")


@pytest.fixture
def bank(db: None, settings: Any, tmp_path: Path) -> Bank:
    settings.MEDIA_ROOT = tmp_path / "media"
    return evil_bank()


def download(bank: Bank, address: str, user: str = "administrator", **body: Any) -> bytes:
    """The file; an XLSX with English heads, a CSV with Chinese ones."""
    client = Client(headers={"accept-language": "en"} if "xlsx" in address else {})
    client.force_login(bank.users[user])
    answer = client.post(address, body, content_type="application/json") if body else client.get(address)
    content = b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == 200, (address, content[:500])
    assert answer["Content-Disposition"].startswith("attachment")
    return content


def cells_of_csv(content: bytes) -> list[str]:
    """The cells that are text: numbers are not quoted."""
    lines = io.StringIO(content.decode("utf-8-sig"), newline="")
    return [cell for row in csv.reader(lines, quoting=csv.QUOTE_NONNUMERIC) for cell in row if isinstance(cell, str)]


def cells_of_xlsx(content: bytes) -> list[str]:
    found = []
    for row in load_workbook(io.BytesIO(content)).active.iter_rows():
        for cell in row:
            assert cell.data_type not in {"f", "e"}, cell.value
            if cell.data_type == "s":
                assert cell.number_format == "@"
                found.append(cell.value)
    return found


def harmless(bank: Bank, address: str, user: str = "administrator", *, evil: bool = True, **body: Any) -> None:
    """No cell is a formula; and there was something that could have been one, or the table tells nothing."""
    content = download(bank, address, user, **body)
    if "xlsx" in address:
        cells = cells_of_xlsx(content)
    else:
        cells = cells_of_csv(content)
        assert [cell for cell in cells if RUN.match(cell)] == []
    assert not evil or any("hacked" in cell or "HYPERLINK" in cell or "1+1" in cell for cell in cells), address


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_layers_people_findings_measures_and_the_regulators_table(bank: Bank, format: str) -> None:
    for layer in LAYERS:
        harmless(bank, f"/api/layers/{layer}/export?format={format}")
    for by in ("household", "grid"):
        harmless(bank, f"/api/layers/customers/services?by={by}&format={format}", evil=False)
    harmless(bank, f"/api/people?format={format}")
    for key in LISTS:
        harmless(bank, f"/api/people/lists/{key}?format={format}", evil=key in {"vacant", "double"})
    client = Client()
    client.force_login(bank.users["administrator"])
    lists = client.get(f"/api/findings?plan={bank.plan.pk}").json()["lists"]
    assert any(one["count"] for one in lists)
    for one in lists:
        harmless(bank, f"/api/findings/{one['id']}?plan={bank.plan.pk}&format={format}", evil=bool(one["count"]))
    for one in client.get("/api/measures").json():
        if one["of"] in OF_GRIDS:
            harmless(bank, f"/api/measures/{one['id']}?plan={bank.plan.pk}&level=2&format={format}")
    harmless(bank, f"/registers/?plan={bank.plan.pk}&level=2&format={format}")
    area = bank.plan.area_code
    harmless(bank, f"/api/oversight/table?area={area}&format={format}", "regulator")


def test_what_comes_as_csv_only(bank: Bank) -> None:
    harmless(bank, "/audit/audit.csv")
    harmless(bank, "/people/subsidies/?format=csv")
    job = PointImport.objects.get()
    harmless(bank, f"/api/exchange/{job.pk}/rejected.csv", "planner")
    root = bank.plan.grids.get(level=0).pk
    for candidates in ("villages", "outlets:own", "places:own"):
        wish = {"grid": root, "layer": "machines", "kind": "atm", "candidates": candidates}
        harmless(bank, "/api/siting/csv", "planner", **wish)
    for layer in LAYERS:
        harmless(bank, f"/api/layers/{layer}?format=csv")


@pytest.mark.parametrize("format", ["pdf", "png"])
def test_a_map_on_paper_is_drawn_of_evil_names(bank: Bank, format: str) -> None:
    address = f"/api/measures/households/map?plan={bank.plan.pk}&level=2&layers=outlets,machines&format={format}"
    for level in (1, 2):
        content = download(bank, address.replace("level=2", f"level={level}"))
        assert content[:5] in {b"%PDF-", b"\x89PNG\r"}


@pytest.mark.parametrize("format", ["geojson", "gpkg"])
def test_layers_leave_as_files_of_places(bank: Bank, format: str) -> None:
    for layer in LAYERS:
        assert download(bank, f"/api/layers/{layer}/export?format={format}")

"""The vocabulary: administrators read it, those of the head office add their bank's own kinds; what is in use stays."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client

from layers.facilities.models import Place
from layers.features.models import Kind
from layers.grids.models import SRID
from layers.orgs.models import Institution
from tests.factories import InstitutionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Institution:
    return InstitutionFactory()


def signed_in(institution: Institution | None, role: str = "administrator") -> Client:
    client = Client()
    client.force_login(UserFactory(institution=institution, role=role), "django.contrib.auth.backends.ModelBackend")
    return client


def form(*attributes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given = {
        "layer": "places", "key": "charging", "name": "充电站", "name_en": "Charging station", "icon": "fuel",
        "colour": "#123456", "position": 50, "is_active": "on",
        "attributes-TOTAL_FORMS": len(attributes) + 1, "attributes-INITIAL_FORMS": 0,
    }  # fmt: skip
    for i, attribute in enumerate(attributes):
        given |= {f"attributes-{i}-{name}": value for name, value in attribute.items()}
    return given | changes


def add(client: Client, *attributes: dict[str, Any], **changes: Any) -> Any:
    return client.post("/kinds/new/", form(*attributes, **changes))


PILES = {"key": "piles", "name": "充电桩", "type": "integer", "unit": "个"}
STATE = {"key": "state", "name": "状态", "type": "choice", "choices": "在用、停用"}


def test_the_head_office_adds_a_kind_that_its_features_can_have(bank: Institution):
    client = signed_in(bank)
    assert add(client, PILES, STATE).status_code == 302
    kind = Kind.objects.get(key="charging")
    assert kind.institution == bank and kind.icon == "fuel"
    assert kind.attributes == [PILES, STATE | {"choices": ["在用", "停用"]}]
    planner = signed_in(bank, "planner")
    made = planner.post(
        "/api/layers/places",
        {
            "code": "1",
            "name": "一号",
            "kind": "charging",
            "lon": 113,
            "lat": 30,
            "attributes": {"piles": "1,200", "state": "在用"},
        },
        content_type="application/json",
    )
    assert made.status_code == 201 and made.json()["properties"]["attributes"] == {"piles": 1200, "state": "在用"}
    assert "充电站" in client.get("/kinds/").content.decode()
    assert "充电站" not in signed_in(InstitutionFactory()).get("/kinds/").content.decode()


@pytest.mark.parametrize(
    ("attributes", "changes", "said"),
    [
        ((), {"key": "school"}, "已有此代号"),
        ((), {"key": "A b"}, "小写字母"),
        ((), {"icon": "<svg>"}, "icon"),
        ((), {"colour": "red"}, "#rrggbb"),
        ((PILES, PILES), {}, "代号相同"),
        ((STATE | {"choices": ""},), {}, "列出选项"),
        ((PILES | {"scored": "on"},), {}, "完备度"),
    ],
)
def test_a_kind_that_is_not_right_is_refused_at_its_field(bank: Institution, attributes: Any, changes: Any, said: str):
    answer = add(signed_in(bank), *attributes, **changes)
    assert answer.status_code == 400 and said in answer.content.decode()
    assert "有效“字段”" not in answer.content.decode()  # Django's own word for a key
    assert not Kind.objects.exclude(institution=None).exists()


def test_a_kind_in_use_is_switched_off_and_not_deleted(bank: Institution):
    client = signed_in(bank)
    add(client, PILES)
    kind = Kind.objects.get(key="charging")
    Place.objects.create(
        institution=bank, code="1", name="1", kind="charging", geom=Point(113, 30, srid=SRID), attributes={"piles": 3}
    )
    address = f"/kinds/{kind.pk}/"
    assert client.post(address, form(PILES) | {"delete": "1"}).status_code == 409
    # An attribute that is used stays as it is.
    assert client.post(address, form(PILES | {"type": "text"}, **{"attributes-INITIAL_FORMS": 1})).status_code == 409
    off = form(PILES | {"name": "桩"}, **{"attributes-INITIAL_FORMS": 1})
    del off["is_active"]
    assert client.post(address, off).status_code == 302
    kind.refresh_from_db()
    assert not kind.is_active and kind.attributes[0]["name"] == "桩"
    Place.objects.all().delete()
    assert client.post(address, form(PILES) | {"delete": "1"}).status_code == 302
    assert not Kind.objects.filter(pk=kind.pk).exists()


def test_who_may_read_and_change(bank: Institution):
    add(signed_in(bank))
    own = Kind.objects.get(key="charging")
    common = Kind.objects.get(layer="places", key="school")
    branch = InstitutionFactory(parent=bank, kind="branch")
    for institution, role, reads, changes in (
        (bank, "administrator", 200, 200),
        (branch, "administrator", 200, 403),
        (bank, "planner", 403, 403),
        (bank, "manager", 403, 403),
        (bank, "worker", 403, 403),
        (bank, "auditor", 403, 403),
        (InstitutionFactory(), "administrator", 200, 404),
        (InstitutionFactory(kind="regulator"), "regulator", 403, 403),
    ):
        client = signed_in(institution, role)
        assert client.get("/kinds/").status_code == reads, role
        assert client.get(f"/kinds/{own.pk}/").status_code == changes, role
        assert client.post(f"/kinds/{own.pk}/", form() | {"delete": "1"}).status_code == {200: 302}.get(
            changes, changes
        )
        if changes == 200:
            # Deleted just now; make it again.
            add(client)
            own = Kind.objects.get(key="charging")
        assert client.post(f"/kinds/{common.pk}/", form()).status_code in {403, 404}
    assert Kind.objects.filter(pk=own.pk).exists()
    assert Client().get("/kinds/").status_code == 302


def test_names_are_text(bank: Institution):
    client = signed_in(bank)
    add(client, name="<img src=x onerror=alert(1)>", name_en="")
    page = client.get("/kinds/").content.decode()
    assert "<img src=x" not in page and "&lt;img src=x" in page

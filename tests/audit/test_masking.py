"""Who sees personal details in full: one rule; unmasking is an entry with a reason."""

from __future__ import annotations

import pytest

from gis.errors import JingtianError
from layers.audit.masking import (
    MayNotUnmask,
    NotMasked,
    ReasonMissing,
    Sight,
    mask_id,
    mask_phone,
    sight,
    unmask,
)
from layers.staff.models import Staff
from tests.api.world import World, assert_fault, build
from tests.audit.conftest import Entries


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (mask_phone, "13812345678", "138****5678"),
        (mask_phone, "0728-1234567", "0728-****567"),
        (mask_phone, "8612345", "****345"),
        (mask_phone, "110", "***"),
        (mask_phone, "", ""),
        (mask_id, "42900519800101123X", "429005********123X"),
        (mask_id, "G1234567", "G******7"),
        (mask_id, "12", "**"),
    ],
)
def test_masks(mask: object, text: str, shown: str):
    assert mask(text) == shown


def test_who_sees_what(world: World):
    branch = world.institutions["甲一"]
    seen = {name: (sight(user, branch), sight(user, branch, work=True)) for name, user in world.users.items()}
    on_request, masked, hidden, clear = Sight.ON_REQUEST, Sight.MASKED, Sight.HIDDEN, Sight.CLEAR
    assert seen == {
        "甲总 administrator": (on_request, clear),
        "甲总 planner": (masked, clear),
        "甲总 manager": (on_request, clear),
        "甲总 worker": (on_request, clear),
        "甲总 auditor": (masked, clear),
        "甲一 planner": (masked, clear),
        "甲二 worker": (hidden, on_request),
        "乙总 administrator": (hidden, hidden),
        "监管 regulator": (hidden, hidden),
        "nowhere": (hidden, hidden),
    }


def test_unmasking_is_logged_with_its_reason(world: World, entries: Entries):
    user, person = world.users["甲总 manager"], Staff.objects.get(name="甲一员工")
    whole = {"allowed": ["work_phone"], "institution": person.institution}
    assert unmask(user, person, ["work_phone"], reason=" 电话核实 ", **whole) == {"work_phone": person.work_phone}
    [entry] = entries(kind="unmask")
    assert (entry.table_name, entry.keys, entry.fields, entry.reason) == (
        "staff",
        [str(person.pk)],
        ["work_phone"],
        "电话核实",
    )
    assert (entry.user_id, entry.institution_id) == (user.pk, person.institution_id)
    refused: list[tuple[type[JingtianError], dict[str, object]]] = [
        (ReasonMissing, {"fields": ["work_phone"], "reason": "  x  "}),
        (NotMasked, {"fields": [], "reason": "电话核实"}),
        (NotMasked, {"fields": ["user"], "reason": "电话核实"}),
    ]
    for fault, given in refused:
        with pytest.raises(fault):
            unmask(user, person, **given, **whole)
    with pytest.raises(MayNotUnmask):
        unmask(world.users["甲总 planner"], person, ["work_phone"], reason="电话核实", **whole)
    assert len(entries(kind="unmask")) == 1


def test_the_telephone_of_a_colleague_elsewhere_in_the_bank(world: World, entries: Entries):
    """Hidden outside the own subtree; given for a reason; another bank and the regulator find nobody."""
    person = Staff.objects.get(name="甲一员工")
    address, body = f"/api/people/{person.pk}/unmask", {"fields": ["work_phone"], "reason": "协调跨界走访"}
    answer = world.client("甲二 worker").post(address, body, content_type="application/json")
    assert answer.json() == {"id": person.pk, "values": {"work_phone": person.work_phone}}
    assert "no-store" in answer["Cache-Control"]
    [entry] = entries(kind="unmask")
    assert (entry.user_id, entry.reason, entry.address) == (world.users["甲二 worker"].pk, "协调跨界走访", "127.0.0.1")
    for name in ("乙总 administrator", "监管 regulator", "nowhere"):
        assert_fault(world.client(name).post(address, body, content_type="application/json"), 404, "not_found")
    for change, status, code in (
        ({"reason": ""}, 400, "reason_missing"),
        ({"fields": ["number"]}, 400, "not_masked"),
        ({"fields": "x"}, 422, "invalid_request"),
    ):
        answer = world.client("甲二 worker").post(address, body | change, content_type="application/json")
        assert_fault(answer, status, code)
    assert len(entries(kind="unmask")) == 1

"""Who sees what: every user asks every address for everything that exists, and reads exactly what is theirs."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client

from layers.facilities.models import Machine, Outlet
from layers.features.registry import LAYERS
from layers.ledger.models import Customer
from layers.people.lists import LISTS
from layers.rules.lines import KINDS
from layers.staff.models import Staff
from tests.api.world import CUSTOMER_PHONE, INSIDE, LEAF, PHONES, World, bearer, spot
from tests.factories import OutletFactory, UserFactory, retired

HERE = f"lon={INSIDE[0]}&lat={INSIDE[1]}"
EVERYWHERE = "/tiles/{layer}/0/0/0.mvt"

READ_BY_PLANNERS = ("/edits", "/edits?since=0", "/share", "/borders-beside?bbox=112,29,114,31")
LINES = [f"lines/{name}" for name in KINDS]
READ_BY_ALL = ("/measures?level=2", "/broken", "/decisions", "/comments", "/access")

PUBLISHED, DRAFTS = ("甲发布", "乙发布"), ("甲总草案", "甲一草案", "乙总草案")
PEOPLE = tuple(f"{owner}员工" for owner in PHONES)
FACILITIES = tuple(f"{owner}{what}" for owner in ("甲一", "甲二", "乙一") for what in ("网点", "机具"))
IMPORTS = tuple(f"{owner}导入" for owner in ("甲总", "甲一", "乙总"))
HOUSEHOLDS = ('"value": 301', '"value": 909')
CUSTOMERS = ("甲一客户", "甲二客户", "乙一客户")
WORDS = (*PUBLISHED, *DRAFTS, *PEOPLE, *FACILITIES, *IMPORTS, *HOUSEHOLDS, *PHONES.values(), *CUSTOMERS, CUSTOMER_PHONE)

BANK = {"甲发布", "甲总员工", "甲一员工", "甲二员工", "甲一网点", "甲二网点", "甲一机具", "甲二机具", HOUSEHOLDS[0]}
HEAD = BANK | {"甲总草案", "甲一草案", PHONES["甲总"], PHONES["甲一"], PHONES["甲二"], "甲一客户", "甲二客户"}
SEEN = {
    "甲总 administrator": HEAD | {"甲总导入", "甲一导入"},
    "甲总 planner": HEAD | {"甲总导入", "甲一导入"},
    "甲总 manager": HEAD,
    "甲总 worker": HEAD - set(CUSTOMERS),
    "甲总 auditor": HEAD,
    "甲一 planner": BANK | {"甲一草案", "甲一导入", PHONES["甲一"], "甲一客户"},
    "甲二 worker": BANK | {PHONES["甲二"]},
    "乙总 administrator": {
        *("乙发布", "乙总草案", "乙一员工", PHONES["乙一"], "乙一网点", "乙一机具", "乙总导入", "乙一客户"),
        HOUSEHOLDS[1],
    },
    "监管 regulator": {*PUBLISHED, *FACILITIES, *HOUSEHOLDS},
    "nowhere": set(),
}
"""All that each user may read anywhere, of WORDS."""


def addresses(world: World) -> list[str]:
    """Every address that answers a GET, for every row that exists, whoever's it is."""
    found = ["/api/me", "/api/plans", "/api/layers/", f"/api/locate?{HERE}&accuracy=5000"]
    found += ["/api/measures", "/api/rules", "/api/rules/presets"]
    found += ["/api/notices", "/api/review/settings", "/api/people", "/api/people?format=csv", "/api/people/lists"]
    found += [f"/api/people/lists/{key}" for key in LISTS] + [
        "/api/people/proposals",
        "/api/on-duty",
        "/api/on-duty/mine",
        "/api/people/choices",
        "/api/people/choices?leads=true",
    ]
    found += [f"/api/people/{one}{rest}" for one in _staff() for rest in ("", "/over", "/under")]
    found += [f"/api/grids/{grid}/people" for grid in world.grids()]
    found += [f"/api/{layer}?bbox=112,29,114,31" for layer in ("streets", "buildings")]
    found += ["/api/streets/names?q=路"]
    for plan in world.plans.values():
        found += [f"/api/plans/{plan.pk}{rest}" for rest in ("", "/topology", "/coverage", "/search?q=县", "/grids")]
        found += [f"/api/plans/{plan.pk}{rest}" for rest in READ_BY_PLANNERS + READ_BY_ALL]
        found += [f"/api/measures/{name}?level=2&plan={plan.pk}" for name in ("households", "vacancies", "customers")]
        found += [f"/api/plans/{plan.pk}/compare/{other.pk}" for other in world.plans.values()]
        found += [f"/api/locate?{HERE}&plan={plan.pk}&accuracy=5000"]
        found += [EVERYWHERE.format(layer="grids") + f"?plan={plan.pk}&level={level}" for level in range(3)]
    found += [f"/api/grids/{grid}" for grid in world.grids()]
    found += [f"/api/grids/{grid}/{part}" for grid in world.grids() for part in ("registers", "channels", *LINES)]
    found += ["/api/findings", "/api/findings/people-vacant", "/api/findings/people-double"]
    found += ["/api/cares", "/api/oversight", "/api/oversight/table?area=429005", "/api/layers/posts"]
    found += [f"/api/people{rest}" for rest in ("", "/proposals", "/lists", *(f"/lists/{key}" for key in LISTS))]
    for person in Staff.objects.all():
        found += [f"/api/people/{person.pk}{rest}" for rest in ("", "/over", "/under")]
    found += [f"/api/grids/{grid}/people" for grid in world.grids()]
    found += [f"/api/customers/{customer.pk}" for customer in Customer.objects.all()]
    found += ["/api/layers/customers/services", "/api/layers/search?q=网点", "/api/layers/search?q=0"]
    for layer in ("outlets", "machines", "places", "customers", "posts", "staff"):
        found += [f"/api/layers/{layer}/export?format=geojson"]
        found += [f"/api/layers/{layer}{place}" for place in ("", "?bbox=112,29,114,31", f"?near={_place()}")]
        found += [
            f"/api/layers/{layer}{rest}"
            for rest in (f"?near={_place()}&nearest=9", "?with=grid", "?q=网点", "?outside=1")
        ]
        found += [f"/api/layers/{layer}/{pk}" for pk in LAYERS[layer].model.objects.values_list("pk", flat=True)]
        found += [f"/tiles/{layer}/14/13334/6759.mvt"]
        found += [f"/api/layers/{layer}?grid={grid}" for grid in world.grids()]
        found += [EVERYWHERE.format(layer=layer)]
    return found + [f"/api/imports/{job.pk}" for job in world.imports.values()]


def _staff() -> list[int]:
    return list(Staff.objects.order_by("pk").values_list("pk", flat=True))


def posts(client: Client, world: World) -> list[bytes]:
    """What locating many points answers, in both formats, in the plans in force and in each plan."""
    csv = f"lon,lat\n{INSIDE[0]},{INSIDE[1]}\n"
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": INSIDE}}
    geojson = json.dumps({"type": "FeatureCollection", "features": [point]})
    return [
        client.post(f"/api/locate{query}", body, content_type=kind).content
        for query in ("", *(f"?plan={plan.pk}" for plan in world.plans.values()))
        for body, kind in ((csv, "text/csv"), (geojson, "application/geo+json"))
    ]


def _place() -> str:
    return f"{INSIDE[0]},{INSIDE[1]}&radius=5000"


@pytest.mark.parametrize("name", SEEN)
def test_every_user_reads_exactly_what_is_theirs(world: World, name: str):
    client = world.client(name)
    answers = [client.get(address) for address in addresses(world)]
    assert {answer.status_code for answer in answers} <= {200, 403, 404}
    text = b"\n".join([*(answer.getvalue() for answer in answers), *posts(client, world)]).decode(errors="replace")
    assert {word for word in WORDS if word in text} == SEEN[name]


@pytest.mark.parametrize("name", SEEN)
def test_what_is_not_theirs_is_not_found(world: World, name: str):
    """As if it did not exist: the answer does not even say that it is somebody else's."""
    client = world.client(name)
    for plan_name, plan in world.plans.items():
        expected = 200 if plan_name in SEEN[name] else 404
        grid = plan.grids.get(level=0).pk
        for address in (
            *(f"/api/plans/{plan.pk}{rest}" for rest in ("", "/topology", "/coverage", "/search?q=0", "/grids")),
            *(f"/api/grids/{grid}", f"/api/layers/outlets?grid={grid}", f"/api/locate?{HERE}&plan={plan.pk}"),
            EVERYWHERE.format(layer="grids") + f"?plan={plan.pk}&level=0",
        ):
            assert client.get(address).status_code == expected, (plan_name, address)


@pytest.mark.parametrize(
    "name, outlets",
    [("甲总 manager", 2), ("甲一 planner", 2), ("乙总 administrator", 1), ("监管 regulator", 3), ("nowhere", 0)],
)
def test_counts_hold_only_what_is_seen(world: World, name: str, outlets: int):
    """A number is a leak, too."""
    client = world.client(name)
    counts = {layer["id"]: layer["count"] for layer in client.get("/api/layers/").json()}
    own = sum(word in SEEN[name] for word in CUSTOMERS)
    assert counts == {"outlets": outlets, "machines": outlets, "places": 0, "posts": 0, "staff": 0, "customers": own}
    for layer in ("outlets", "machines"):
        found = client.get(f"/api/layers/{layer}?limit=1").json()
        assert (found["numberMatched"], found["numberReturned"]) == (outlets, min(outlets, 1))
    for plan_name in PUBLISHED:
        if plan_name in SEEN[name]:
            leaf = client.get(f"/api/grids/{world.plans[plan_name].grids.get(code=LEAF).pk}").json()
            # A grid holds what is the bank's own, whoever looks.
            held = min(outlets, 2 if plan_name == "甲发布" else 1)
            expected = {"outlets": held, "machines": held} | ({"customers": own} if own else {})
            assert {layer["layer"]: layer["count"] for layer in leaf["features"]} == expected


def test_a_regulator_sees_no_people(world: World):
    client = world.client("监管 regulator")
    leaf = client.get(f"/api/grids/{world.plans['甲发布'].grids.get(code=LEAF).pk}").json()
    assert (leaf["people_visible"], leaf["responsible"], leaf["vacant"]) == (False, [], None)
    found = client.get(f"/api/locate?{HERE}&accuracy=5000").json()
    assert (found["people_visible"], found["responsible"], found["mine"]) == (False, [], False)
    assert not any(candidate["responsible"] for candidate in found["candidates"])


def test_a_regulator_role_inside_a_bank_opens_nothing_more(world: World):
    client = bearer(UserFactory(institution=world.institutions["甲总"], role="regulator"))
    text = b"".join(client.get(address).getvalue() for address in addresses(world)).decode(errors="replace")
    assert {word for word in WORDS if word in text} == SEEN["监管 regulator"]


def test_phones_are_shown_inside_the_own_subtree_only(world: World):
    leaf = world.plans["甲发布"].grids.get(code=LEAF).pk
    for name, own in (
        ("甲总 auditor", {"甲总", "甲一", "甲二"}),
        ("甲一 planner", {"甲一"}),
        ("甲二 worker", {"甲二"}),
    ):
        for address in (f"/api/grids/{leaf}", f"/api/locate?{HERE}"):
            people = world.client(name).get(address).json()["responsible"]
            expected = {f"{who}员工": PHONES[who] if who in own else None for who in ("甲总", "甲一", "甲二")}
            assert {person["name"]: person["work_phone"] for person in people} == expected


def test_can_edit_is_for_planners_of_the_subtree_and_drafts(world: World):
    editable = {
        name: {plan["name"][:-2] for plan in world.client(name).get("/api/plans").json() if plan["can_edit"]}
        for name in SEEN
    }
    assert editable == {
        **{name: set() for name in SEEN},
        "甲总 administrator": {"甲总草案", "甲一草案"},
        "甲总 planner": {"甲总草案", "甲一草案"},
        "甲一 planner": {"甲一草案"},
        "乙总 administrator": {"乙总草案"},
    }


def test_the_nearest_outlet_is_the_banks_own(world: World):
    """The other bank's stands nearer, and a sister branch's counts."""
    OutletFactory(institution=world.institutions["乙一"], name="乙一新网点", geom=spot(16_000, 16_000))
    nearest = world.client("甲二 worker").get(f"/api/locate?{HERE}").json()["nearest"]["outlets"]
    assert {outlet["name"] for outlet in nearest} == {"甲一网点", "甲二网点"}
    assert [outlet["distance_m"] for outlet in nearest] == sorted(outlet["distance_m"] for outlet in nearest)


def test_retired_plans_stay_readable_drafts_of_others_never(world: World):
    """The history is open to those below and to the regulator; what was never published is not."""
    retired(world.plans["甲发布"], dt.date(2026, 9, 1))
    for name in ("甲一 planner", "监管 regulator"):
        client = world.client(name)
        assert client.get(f"/api/plans/{world.plans['甲发布'].pk}").json()["status"] == "retired"
        assert client.get(f"/api/plans/{world.plans['甲总草案'].pk}").status_code == 404


def test_moving_a_user_moves_what_is_seen(world: World):
    """Nothing of a former post is remembered, by session, token or cache."""
    user = world.users["甲一 planner"]
    client = bearer(user)
    assert client.get(f"/api/locate?{HERE}").json()["plan"]["name"] == "甲发布方案"
    user.institution = world.institutions["乙一"]
    user.save()
    found = client.get(f"/api/locate?{HERE}").json()
    assert found["plan"]["name"] == "乙发布方案"
    assert [person["name"] for person in found["responsible"]] == ["乙一员工"]
    assert Outlet.objects.visible_to(user).get().name == "乙一网点"
    assert Machine.objects.visible_to(user).get().name == "乙一机具"

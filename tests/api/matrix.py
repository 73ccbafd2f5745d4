"""Who may use which address: the whole API and every page, by role.

A new operation or page fails `test_matrix` until it has a line here. A line says whom an address lets in: for what belongs to the
user's own bank, and for what belongs to another. Letters: A administrator, P planner, M manager, W field worker, U auditor (all of a
head office), R regulator, - nobody signed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from layers.orgs.models import User

ROLES = {
    "A": User.Role.ADMINISTRATOR,
    "P": User.Role.PLANNER,
    "M": User.Role.MANAGER,
    "W": User.Role.WORKER,
    "U": User.Role.AUDITOR,
    "R": User.Role.REGULATOR,
}
BANK = "APMWU"
ALL = "APMWUR"
PUBLIC = "APMWUR-"


@dataclass(frozen=True)
class Line:
    """One way to ask an address.

    `operation` is the method and the address as declared; `ask` the same with the objects of a bank in braces (test_matrix.things_of).
    `own` and `other` are let in for what belongs to their bank, and to another one.
    """

    operation: str
    ask: str
    own: str
    other: str = ""
    body: dict[str, Any] | None = field(default=None, hash=False)
    form: bool = False


def read(address: str, ask: str, own: str, other: str = "") -> Line:
    return Line(f"GET {address}", ask, own, other)


def _of_plan(rest: str, query: str = "") -> list[Line]:
    """What every visible plan shows: a published one to the bank and to regulators, a draft to the bank alone."""
    address = f"/api/plans/{{plan_id}}{rest}"
    return [
        read(address, f"/api/plans/{{plan}}{rest}{query}", ALL, "R"),
        read(address, f"/api/plans/{{draft}}{rest}{query}", BANK),
    ]


OUTLET = {"code": "x", "name": "x", "kind": "staffed", "lon": 113, "lat": 30}
RULE = {"name": "x", "measure": "households", "low": 1}
DRAFT = "/api/plans/{draft}"
A_PLAN = "/api/plans/{plan_id}"

API = [
    read("/api/me", "/api/me", ALL, ALL),
    read("/api/plans", "/api/plans", ALL, ALL),
    Line("POST /api/plans", "/api/plans", "AP", body={"name": "x", "root": "{plan}"}),
    *_of_plan(""),
    *_of_plan("/topology"),
    *_of_plan("/coverage"),
    *_of_plan("/search", "?q=x"),
    *_of_plan("/grids"),
    *_of_plan("/measures", "?level=0"),
    *_of_plan("/broken"),
    read("/api/grids/{grid_id}", "/api/grids/{grid}", ALL, "R"),
    read("/api/grids/{grid_id}", "/api/grids/{draft_grid}", BANK),
    read("/api/grids/{grid_id}/registers", "/api/grids/{grid}/registers", ALL, "R"),
    read("/api/grids/{grid_id}/registers", "/api/grids/{draft_grid}/registers", BANK),
    read("/api/grids/{grid_id}/lines/{name}", "/api/grids/{grid}/lines/pieces", ALL, "R"),
    read("/api/grids/{grid_id}/lines/{name}", "/api/grids/{grid}/lines/homes", BANK),
    read("/api/grids/{grid_id}/lines/{name}", "/api/grids/{draft_grid}/lines/far_homes", BANK),
    read("/api/grids/{grid_id}/channels", "/api/grids/{grid}/channels", ALL, "R"),
    read("/api/grids/{grid_id}/channels", "/api/grids/{draft_grid}/channels", BANK),
    read("/api/locate", "/api/locate?lon={lon}&lat={lat}&plan={plan}", ALL, "R"),
    read("/api/locate", "/api/locate?lon={lon}&lat={lat}&plan={draft}", BANK),
    Line("POST /api/locate", "/api/locate", ALL, ALL, body={"type": "FeatureCollection", "features": []}),
    read("/api/layers/", "/api/layers/", ALL, ALL),
    read("/api/layers/search", "/api/layers/search?q=x", ALL, ALL),
    read("/api/layers/{layer}", "/api/layers/outlets?grid={grid}", ALL, "R"),
    read("/api/layers/{layer}", "/api/layers/machines?grid={draft_grid}", BANK),
    Line(
        "POST /api/people/{person_id}/unmask",
        "/api/people/{person}/unmask",
        BANK,
        body={"fields": ["work_phone"], "reason": "电话核实"},
    ),
    # editing a draft
    Line(f"POST {A_PLAN}/edits", f"{DRAFT}/edits", "AP", body={"op": "rename", "args": {}, "base_revision": 0}),
    read(f"{A_PLAN}/edits", f"{DRAFT}/edits", "AP"),
    read(f"{A_PLAN}/edits/{{edit_id}}", f"{DRAFT}/edits/{{edit}}", "AP"),
    read(f"{A_PLAN}/borders-beside", f"{DRAFT}/borders-beside?bbox=112,29,114,31", "AP"),
    Line(f"POST {A_PLAN}/undo", f"{DRAFT}/undo", "AP", body={}),
    Line(f"POST {A_PLAN}/redo", f"{DRAFT}/redo", "AP", body={}),
    Line(f"POST {A_PLAN}/partition", f"{DRAFT}/partition", "AP", body={"grid": "{draft_leaf}", "count": 2}),
    Line(f"POST {A_PLAN}/rebalance", f"{DRAFT}/rebalance", "AP", body={"grids": ["{draft_leaf}"]}),
    # steps of a plan; others than its planner decide
    Line(f"POST {A_PLAN}/copy", "/api/plans/{plan}/copy", "AP", body={"name": "x"}),
    read(f"{A_PLAN}/access", f"{DRAFT}/access", "A"),
    Line(f"PUT {A_PLAN}/access", f"{DRAFT}/access", "A", body={"private": False}),
    Line(f"POST {A_PLAN}/submit", f"{DRAFT}/submit", "AP", body={}),
    Line(f"POST {A_PLAN}/approve", "/api/plans/{submitted}/approve", "AM", body={}),
    Line(f"POST {A_PLAN}/return", "/api/plans/{submitted}/return", "AM", body={}),
    Line(f"POST {A_PLAN}/publish", "/api/plans/{approved}/publish", "APM", body={"valid_from": "2027-01-01"}),
    Line(
        f"PUT {A_PLAN}/coverage-rule",
        f"{DRAFT}/coverage-rule",
        "AP",
        body={"policy": "partition", "overlap_limit": 0.05},
    ),
    Line(f"POST {A_PLAN}/rebase", f"{DRAFT}/rebase", "AP", body={}),
    read(f"{A_PLAN}/decisions", f"{DRAFT}/decisions", BANK),
    read("/api/plans/{a}/compare/{b}", "/api/plans/{plan}/compare/{plan}", ALL, "R"),
    read("/api/plans/{a}/compare/{b}", "/api/plans/{plan}/compare/{draft}", BANK),
    read(f"{A_PLAN}/comments", f"{DRAFT}/comments", "APM"),
    Line(f"POST {A_PLAN}/comments", f"{DRAFT}/comments", "APM", body={"text": "x"}),
    Line(f"POST {A_PLAN}/comments/{{comment_id}}/resolve", f"{DRAFT}/comments/{{comment}}/resolve", "APM", body={}),
    read(f"{A_PLAN}/share", f"{DRAFT}/share", "AP"),
    Line(f"POST {A_PLAN}/share", f"{DRAFT}/share", "AP", body={}),
    Line(f"DELETE {A_PLAN}/share/{{link_id}}", f"{DRAFT}/share/{{link}}", "AP", body={}),
    read("/api/notices", "/api/notices", ALL, ALL),
    Line("POST /api/notices/read", "/api/notices/read", ALL, ALL, body={}),
    read("/api/review/settings", "/api/review/settings", ALL, ALL),
    Line("PUT /api/review/settings", "/api/review/settings", "A", "A", body={}),
    # rules
    read("/api/measures", "/api/measures", ALL, ALL),
    read("/api/measures/{name}", "/api/measures/area_km2?level=1&plan={plan}", ALL, "R"),
    read("/api/measures/{name}/map", "/api/measures/area_km2/map?level=1&plan={plan}", ALL, "R"),
    read("/api/findings", "/api/findings", BANK, BANK),
    read("/api/findings/{key}", "/api/findings/people-vacant", BANK, BANK),
    read("/api/rules/presets", "/api/rules/presets", ALL, ALL),
    read("/api/rules", "/api/rules?institution={institution}", ALL, "R"),
    Line("POST /api/rules", "/api/rules", "A", body=RULE | {"institution": "{institution}"}),
    Line("PUT /api/rules/settings", "/api/rules/settings", "A", body={"institution": "{institution}"}),
    Line("POST /api/rules/presets/{key}", "/api/rules/presets/{preset}", "A", body={"institution": "{institution}"}),
    Line("PUT /api/rules/{rule_id}", "/api/rules/{rule}", "A", body=RULE),
    Line("DELETE /api/rules/{rule_id}", "/api/rules/{rule}", "A", body={}),
    # streets of the bank
    read("/api/streets", "/api/streets?bbox=112,29,114,31", ALL, ALL),
    read("/api/streets/names", "/api/streets/names?q=路", ALL, ALL),
    read("/api/buildings", "/api/buildings?bbox=112,29,114,31", ALL, ALL),
    Line("POST /api/streets/trace", "/api/streets/trace", ALL, ALL, body={"points": [[113, 30], [113.001, 30]]}),
    Line("POST /api/streets/align", "/api/streets/align", ALL, ALL, body={"path": [[113, 30], [113.001, 30]]}),
    read("/api/layers/{layer}/{feature_id}", "/api/layers/outlets/{outlet}", ALL, "R"),
    Line("POST /api/layers/{layer}", "/api/layers/outlets", "AP", body=OUTLET | {"institution": "{institution}"}),
    Line("PUT /api/layers/{layer}/{feature_id}", "/api/layers/outlets/{outlet}", "AP", body={"name": "x"}),
    Line("DELETE /api/layers/{layer}/{feature_id}", "/api/layers/outlets/{outlet}", "AP", body={}),
    read("/api/layers/{layer}/export", "/api/layers/outlets/export", ALL, ALL),
    Line("POST /api/layers/{layer}/export", "/api/layers/customers/export", "AM", "AM", body={"reason": "电话核实"}),
    read("/api/layers/customers/services", "/api/layers/customers/services", ALL, ALL),
    # import of points: one's own only
    Line(
        "POST /api/exchange/",
        "/api/exchange/",
        "AP",
        "AP",
        body={"institution": "{institution}", "layer": "outlets"},
        form=True,
    ),
    read("/api/exchange/{job_id}", "/api/exchange/{exchange}", "P"),
    read("/api/exchange/{job_id}/columns", "/api/exchange/{exchange}/columns", "P"),
    read("/api/exchange/{job_id}/words", "/api/exchange/{exchange}/words?column=x", "P"),
    Line("POST /api/exchange/{job_id}/check", "/api/exchange/{exchange}/check", "P", body={"columns": {}}),
    read("/api/exchange/{job_id}/found", "/api/exchange/{exchange}/found", "P"),
    read("/api/exchange/{job_id}/points", "/api/exchange/{exchange}/points", "P"),
    read("/api/exchange/{job_id}/rejected.csv", "/api/exchange/{exchange}/rejected.csv", "P"),
    Line("POST /api/exchange/{job_id}/load", "/api/exchange/{exchange}/load", "P", body={}),
    Line("POST /api/exchange/{job_id}/cancel", "/api/exchange/{exchange}/cancel", "P", body={}),
    # customers, siting, oversight
    read("/api/customers/{customer_id}", "/api/customers/{customer}", "APMU"),
    Line(
        "POST /api/customers/{customer_id}/unmask",
        "/api/customers/{customer}/unmask",
        "AM",
        body={"fields": ["phone"], "reason": "电话核实"},
    ),
    read("/api/cares", "/api/cares", ALL, ALL),
    Line("POST /api/siting", "/api/siting", "APMU", body={"grid": "{grid}", "k": 1}),
    Line("POST /api/siting/csv", "/api/siting/csv", "APMU", body={"grid": "{grid}", "k": 1}),
    read("/api/oversight", "/api/oversight", "R", "R"),
    read("/api/oversight/table", "/api/oversight/table?area=429005", "R", "R"),
    Line(
        "PUT /api/oversight/settings",
        "/api/oversight/settings",
        "R",
        "R",
        body={"depth_limit": 2, "blank_limit": 0, "outlets_limit": 5},
    ),
    # people and what they are in charge of
    read("/api/people", "/api/people", ALL, ALL),
    read("/api/people/lists", "/api/people/lists", ALL, ALL),
    read("/api/people/lists/{key}", "/api/people/lists/vacant", ALL, ALL),
    read("/api/people/proposals", "/api/people/proposals", ALL, ALL),
    read("/api/people/choices", "/api/people/choices", "APM", "APM"),
    read("/api/people/{staff_id}", "/api/people/{person}", "APMU"),
    read("/api/people/{staff_id}/over", "/api/people/{person}/over", "APMU"),
    read("/api/people/{staff_id}/under", "/api/people/{person}/under", "APMU"),
    read("/api/grids/{grid_id}/people", "/api/grids/{grid}/people", BANK),
    Line("POST /api/grids/{grid_id}/assignments", "/api/grids/{grid}/assignments", "APM", body={"staff": "{person}"}),
    Line("POST /api/posts/{post_id}/assignments", "/api/posts/{post}/assignments", "APM", body={"staff": "{person}"}),
    Line(
        "POST /api/assignments/{assignment_id}/hand-over",
        "/api/assignments/{assignment}/hand-over",
        "APM",
        body={"staff": "{colleague}", "day": "2027-01-01"},
    ),
    Line(
        "POST /api/assignments/{assignment_id}/end",
        "/api/assignments/{assignment}/end",
        "APM",
        body={"day": "2027-01-01"},
    ),
    Line("POST /api/assignments/{assignment_id}/approve", "/api/assignments/{proposal}/approve", "APM", body={}),
    Line("POST /api/assignments/{assignment_id}/refuse", "/api/assignments/{proposal}/refuse", "APM", body={}),
    read("/api/on-duty", "/api/on-duty", ALL, ALL),
    read("/api/on-duty/mine", "/api/on-duty/mine", ALL, ALL),
    Line("PUT /api/on-duty", "/api/on-duty", ALL, ALL, body={"lon": 113, "lat": 30}),
    Line("DELETE /api/on-duty", "/api/on-duty", ALL, ALL),
    # imports
    Line(
        "POST /api/imports/",
        "/api/imports/",
        "AP",
        body={"institution": "{institution}", "datum": "cgcs2000"},
        form=True,
    ),
    read("/api/imports/{job_id}", "/api/imports/{import}", "AP"),
    read("/api/imports/{job_id}/preview", "/api/imports/{import}/preview", "AP"),
    Line("POST /api/imports/{job_id}/repair", "/api/imports/{import}/repair", "AP", body={}),
    Line("POST /api/imports/{job_id}/load", "/api/imports/{import}/load", "AP", body={"name": "x"}),
    Line("POST /api/imports/{job_id}/cancel", "/api/imports/{import}/cancel", "AP", body={}),
]

PAGES = [
    read("/", "/", ALL, ALL),
    read("/import/", "/import/", "AP", "AP"),
    read("/rules/", "/rules/", BANK, BANK),
    read("/kinds/", "/kinds/", "A", "A"),
    read("/kinds/new/", "/kinds/new/", "A", "A"),
    read("/kinds/<int:kind_id>/", "/kinds/{kind}/", "A"),
    read("/exchange/", "/exchange/", "AP", "AP"),
    read("/findings/", "/findings/", BANK, BANK),
    read("/registers/", "/registers/", "APMU", "APMU"),
    read("/registers/", "/registers/?grid={grid}", "APMU"),
    read("/documents/", "/documents/", BANK, BANK),
    read("/documents/new/", "/documents/new/", "APM", "APM"),
    read("/documents/<int:document_id>/", "/documents/{document}/", "APM"),
    read("/siting/", "/siting/", "APMU", "APMU"),
    read("/oversight/", "/oversight/", "R", "R"),
    read("/people/", "/people/", BANK, BANK),
    read("/people/new/", "/people/new/", "APM", "APM"),
    read("/people/proposals/", "/people/proposals/", BANK, BANK),
    read("/people/roster/", "/people/roster/", "APMU", "APMU"),
    read("/people/subsidies/", "/people/subsidies/", "APMU", "APMU"),
    read("/people/outlets/<int:outlet_id>/", "/people/outlets/{outlet}/", "APMU"),
    read("/people/posts/new/", "/people/posts/new/", "APM", "APM"),
    read("/people/posts/<int:post_id>/edit/", "/people/posts/{post}/edit/", "APM"),
    read("/people/settings/", "/people/settings/", "A", "A"),
    read("/people/<int:staff_id>/", "/people/{person}/", "APMU"),
    read("/people/<int:staff_id>/edit/", "/people/{person}/edit/", "APM"),
    read("/people/<int:staff_id>/photo.jpg", "/people/{person}/photo.jpg", "APMU"),
    read("/people/grids/<int:grid_id>/", "/people/grids/{grid}/", BANK),
    read("/people/posts/<int:post_id>/", "/people/posts/{post}/", "APMU"),
    read("/public/exchange-points/<str:code>/", "/public/exchange-points/{bank_code}/", PUBLIC, PUBLIC),
    read("/public/<slug:token>/", "/public/{sheet}/", PUBLIC, PUBLIC),
    read("/public/<slug:token>/qr.svg", "/public/{sheet}/qr.svg", PUBLIC, PUBLIC),
    read(
        "/public/<slug:token>/photo/<int:assignment_id>.jpg", "/public/{sheet}/photo/{assignment}.jpg", PUBLIC, PUBLIC
    ),
    read("/plans/", "/plans/", ALL, ALL),
    read("/plans/<int:plan_id>/review/", "/plans/{draft}/review/", BANK),
    read("/shared/<str:token>/", "/shared/{token}/", PUBLIC, PUBLIC),
    read("/audit/", "/audit/", "AU", "AU"),
    read("/audit/audit.csv", "/audit/audit.csv", "AU", "AU"),
    read("/notices/", "/notices/", ALL, ALL),
    read("/account/", "/account/", ALL, ALL),
    read("/account/password/", "/account/password/", ALL, ALL),
    read("/account/second-factor/", "/account/second-factor/", ALL, ALL),
    Line(
        "POST /account/second-factor/off/", "/account/second-factor/off/", ALL, ALL, body={"password": "x"}, form=True
    ),
    Line(
        "POST /account/second-factor/codes/",
        "/account/second-factor/codes/",
        ALL,
        ALL,
        body={"password": "x"},
        form=True,
    ),
    Line("POST /account/tokens/", "/account/tokens/", ALL, ALL, body={"name": "x", "password": "x"}, form=True),
    # own tokens only: those of a colleague are not found, either
    Line(
        "POST /account/tokens/<int:token_id>/revoke/",
        "/account/tokens/{token_of_another}/revoke/",
        "",
        body={},
        form=True,
    ),
    read("/tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", "/tiles/grids/0/0/0.mvt?plan={plan}&level=1", ALL, "R"),
    read("/tiles/<slug:layer>/<int:z>/<int:x>/<int:y>.mvt", "/tiles/grids/0/0/0.mvt?plan={draft}&level=1", BANK),
    read("/tiles/<path:rest>", "/tiles/nothing", "", ""),
    read("/healthz", "/healthz", PUBLIC, PUBLIC),
    read("/login/", "/login/", PUBLIC, PUBLIC),
    read("/login/code/", "/login/code/", PUBLIC, PUBLIC),
    Line("POST /logout/", "/logout/", PUBLIC, PUBLIC, body={}, form=True),
    Line("POST /i18n/setlang/", "/i18n/setlang/", PUBLIC, PUBLIC, body={"language": "en"}, form=True),
    read("/jsi18n/", "/jsi18n/", PUBLIC, PUBLIC),
    read("/api/docs", "/api/docs", PUBLIC, PUBLIC),
    read("/api/openapi.json", "/api/openapi.json", PUBLIC, PUBLIC),
    read("/api/", "/api/nothing", "", ""),
]

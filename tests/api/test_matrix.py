"""Every address as every role of two banks: whom it lets in, and what can be read there.

What exists is found by itself, in the URLs and in the operations of the API: an address that nobody has decided about fails.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from PIL import Image

from layers.documents.models import Document
from layers.editing import service
from layers.editing.models import Edit
from layers.exchange.models import PointImport
from layers.facilities.models import Outlet
from layers.features.models import Kind
from layers.grids.models import Plan
from layers.ledger.models import Customer
from layers.orgs.models import ApiToken, User
from layers.people.sheets import sheet_of
from layers.review.models import Comment, ShareLink
from layers.rules.models import Rule
from layers.rules.presets import presets
from layers.staff.models import Assignment, Post, Staff, StaffSettings
from layers.staff.photos import store
from mapserver.api import api
from tests.api.matrix import API, PAGES, ROLES, Line
from tests.api.test_scopes import addresses
from tests.api.world import INSIDE, World, named_plan
from tests.factories import AssignmentFactory, OutletFactory, StaffFactory, UserFactory

REFUSED = {401, 403, 404}
SignIn = Callable[[User | None], Client]


def operations() -> set[str]:
    """Every operation of the API, as declared, without converters."""
    return {
        re.sub(r"{\w+:", "{", f"{method} /api{prefix}{path}")
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if path != "/{path:rest}"
    }


def routes(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    """Every address of the site, as declared."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern)


def without_method(lines: list[Line]) -> set[str]:
    return {line.operation.split(" ", 1)[1] for line in lines}


def test_every_operation_of_the_api_has_its_line():
    """Missing: add a line to tests/api/matrix.py that says who is let in. Left over: the operation is gone."""
    assert {line.operation for line in API} == operations()


def test_every_page_has_its_line():
    declared = {address for address in routes(get_resolver().url_patterns) if not address.startswith("/api/")}
    assert {address for address in without_method(PAGES) if not address.startswith("/api/")} == declared


def test_every_address_that_answers_a_get_is_read_for_leaks(world: World):
    """Missing: add the address to `addresses` of test_scopes, so that it is read as everybody, for everything that exists."""
    asked = {re.sub(r"<\w+:|<", "<", resolve(address.split("?")[0]).route) for address in addresses(world)}
    known = {
        re.sub(r"{(\w+)}", r"<\1>", line.operation[5:].lstrip("/")) for line in API if line.operation.startswith("GET ")
    }
    not_asked = {"api/plans/<plan_id>/edits/<edit_id>", "api/imports/<job_id>/preview"}
    not_asked |= {"api/measures/<name>/map"}
    not_asked |= {
        f"api/exchange/<job_id>{file}" for file in ("", "/columns", "/words", "/found", "/points", "/rejected.csv")
    }
    """A step is shown by the history, too; a preview is a file of the import, and so is all that an import of points shows.
    A printed map draws what the values of the measure tell."""
    assert known - asked == not_asked


def things_of(world: World, bank: str) -> dict[str, Any]:
    """Objects of a bank, for the braces of the lines."""
    plan, draft = world.plans[f"{bank}发布"], world.plans[f"{bank}总草案"]
    planner = world.users[f"{bank}总 planner"]
    steps = {}
    for status in (Plan.Status.SUBMITTED, Plan.Status.APPROVED):
        steps[status] = named_plan(f"{bank}{status}", world.institutions[f"{bank}总"], levels=2)
        for step in list(Plan.Status)[1 : 2 + (status == Plan.Status.APPROVED)]:
            steps[status].status = step
            steps[status].save()
    edit = {"grid": draft.grids.get(level=0).pk, "name": f"{bank}新名"}
    service.commit(draft.pk, planner, "rename", edit, draft.revision)
    link, token = ShareLink.issue(draft, planner, 5)
    colleague = UserFactory(institution=world.institutions[f"{bank}总"])
    ApiToken.issue(colleague, "x")
    return {
        "plan": plan.pk,
        "draft": draft.pk,
        **{str(status): step.pk for status, step in steps.items()},
        "grid": plan.grids.get(level=0).pk,
        "draft_leaf": draft.grids.filter(level=1).first().pk,
        "draft_grid": draft.grids.get(level=0).pk,
        "lon": INSIDE[0],
        "lat": INSIDE[1],
        "person": Staff.objects.get(name=f"{bank}一员工").pk,
        "edit": Edit.objects.get(plan=draft).pk,
        "comment": Comment.objects.create(plan=draft, author=planner, text="看看").pk,
        "link": link.pk,
        "token": token,
        "institution": world.institutions[f"{bank}总"].pk,
        "preset": next(iter(presets())),
        "rule": Rule.objects.create(
            institution=world.institutions[f"{bank}总"], name="x", measure="households", low=1, severity="warn"
        ).pk,
        "import": world.imports[f"{bank}总"].pk,
        **_people_of(world, bank, plan),
        "outlet": Outlet.objects.get(name=f"{bank}一网点").pk,
        "kind": Kind.objects.create(
            institution=world.institutions[f"{bank}总"], layer="outlets", key="own", name=f"{bank}自有"
        ).pk,
        "document": Document.objects.create(
            institution=world.institutions[f"{bank}总"],
            kind="regulation",
            number="1",
            title="x",
            signed_on="2026-01-01",
        ).pk,
        "exchange": PointImport.objects.create(
            institution=world.institutions[f"{bank}总"],
            user=planner,
            layer="outlets",
            status=PointImport.Status.CANCELLED,
        ).pk,
        "bank_code": _public_exchange_point(world, bank),
        "customer": Customer.objects.get(name=f"{bank}一客户").pk,
        "token_of_another": colleague.tokens.get().pk,
    }


def _public_exchange_point(world: World, bank: str) -> str:
    """The code of a bank that shows an exchange point to everybody."""
    head = world.institutions[f"{bank}总"]
    OutletFactory(institution=head, name=f"{bank}兑换点", kind="exchange", attributes={"ledger_public": True})
    return head.code


def _people_of(world: World, bank: str, plan: Plan) -> dict[str, Any]:
    """A person with a photograph, one more, what they are in charge of or proposed for, a post, and an open sheet."""
    head = world.institutions[f"{bank}总"]
    person = Staff.objects.get(name=f"{bank}一员工")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    store(person, SimpleUploadedFile("x.png", picture.getvalue()))
    serving = Assignment.objects.get(staff=person)
    colleague = StaffFactory(institution=world.institutions[f"{bank}一"], name=f"{bank}一同事")
    proposal = AssignmentFactory(
        staff=colleague, grid=plan.grids.filter(level=2).last(), status=Assignment.Status.PROPOSED
    )
    post = Post.objects.create(
        institution=head, kind="estate", code="P1", name=f"{bank}点位", geom=Point(*INSIDE, srid=4490)
    )
    StaffSettings.objects.update_or_create(institution=head, defaults={"public_sheets": True})
    return {
        "assignment": serving.pk,
        "colleague": colleague.pk,
        "proposal": proposal.pk,
        "post": post.pk,
        "sheet": sheet_of(serving.grid).token,
    }


@pytest.fixture
def everybody(world: World) -> World:
    """The world with every role at both head offices."""
    for bank in "甲乙":
        for role in User.Role:
            name = f"{bank}总 {role}"
            if name not in world.users:
                world.users[name] = UserFactory(institution=world.institutions[f"{bank}总"], role=role)
    return world


def filled(value: Any, things: dict[str, Any]) -> Any:
    """The value with the braces replaced."""
    if isinstance(value, dict):
        return {key: filled(each, things) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, things) for each in value]
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return things[value[1:-1]]
    return value


def answer_to(client: Client, line: Line, things: dict[str, Any]) -> int:
    """The status of the answer; whatever was written is taken back."""
    method, address = line.operation.split(" ", 1)[0], line.ask.format_map(things)
    body = filled(line.body, things)
    mark = transaction.savepoint()
    try:
        if body is None:
            return int(client.generic(method, address).status_code)
        if line.form:
            return int(client.post(address, body).status_code)
        return int(client.generic(method, address, json.dumps(body), content_type="application/json").status_code)
    finally:
        transaction.savepoint_rollback(mark)


@pytest.fixture
def signed_in() -> SignIn:
    """A new client in the one session of its user: a session for each of thousands of requests would make each the slower to find,
    since nothing goes for good before the transaction of the test ends."""
    sessions: dict[int, str] = {}

    def client_of(user: User | None) -> Client:
        client = Client(raise_request_exception=False)
        if user is not None:
            if user.pk not in sessions:
                client.force_login(user)
                sessions[user.pk] = client.cookies[settings.SESSION_COOKIE_NAME].value
            client.cookies[settings.SESSION_COOKIE_NAME] = sessions[user.pk]
        return client

    return client_of


@pytest.mark.parametrize("lines", [API, PAGES], ids=["api", "pages"])
def test_whom_each_address_lets_in(everybody: World, signed_in: SignIn, lines: list[Line]):
    things = {bank: things_of(everybody, bank) for bank in "甲乙"}
    wrong = []
    for line in lines:
        for bank, other in (("甲", "乙"), ("乙", "甲")):
            for letter, role in [*ROLES.items(), ("-", None)]:
                user = everybody.users[f"{bank}总 {role}"] if role else None
                for whose, allowed in ((bank, line.own), (other, line.other)):
                    status = answer_to(signed_in(user), line, things[whose])
                    if user is None and letter not in allowed:
                        right = status in {401, 302, 404}
                    else:
                        right = (
                            (status not in REFUSED) is (letter in allowed) and status < 500 and status not in {405, 422}
                        )
                    if not right:
                        wrong.append(f"{line.operation} ({line.ask}): {status} for {letter} of {bank} about {whose}")
    assert wrong == []


def test_the_regulator_of_no_bank_is_let_in_like_one_of_another_bank(everybody: World, signed_in: SignIn):
    things = things_of(everybody, "甲")
    user = everybody.users["监管 regulator"]
    wrong = []
    for line in API:
        status = answer_to(signed_in(user), line, things)
        if (status not in REFUSED) is not ("R" in line.other):
            wrong.append(f"{line.operation} ({line.ask}): {status}")
    assert wrong == []


def test_pages_show_nothing_of_another_bank(everybody: World, signed_in: SignIn):
    """The audit log and the account, which are pages without an API, read as everybody of the other bank."""
    things = things_of(everybody, "乙")
    for role in User.Role:
        client = signed_in(everybody.users[f"乙总 {role}"])
        for line in PAGES:
            if line.operation.startswith("GET ") and not line.operation.startswith("GET /api/"):
                answer = client.get(line.ask.format_map(things))
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
                for mark in ("甲", "0728-0000001"):
                    if role != User.Role.REGULATOR:
                        assert mark not in content.decode(errors="replace"), (role, line.ask)

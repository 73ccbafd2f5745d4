"""A draft is its author's until she names others, opens it, or submits it: who finds it, and who can change it."""

from __future__ import annotations

import pytest
from django.test import Client

from layers.grids.models import Plan
from layers.orgs.models import User
from layers.review import access, workflow
from layers.review.versions import copy
from tests.api.world import INSIDE, assert_fault
from tests.factories import InstitutionFactory, UserFactory, published, square_plan
from tests.review.test_review_steps import bearer

WHO = {
    "author": ("branch", "planner"),
    "colleague": ("branch", "planner"),
    "head": ("branch", "manager"),
    "administrator": ("branch", "administrator"),
    "worker": ("branch", "worker"),
    "reviewer above": ("bank", "manager"),
    "planner above": ("bank", "planner"),
    "auditor above": ("bank", "auditor"),
    "planner below": ("office", "planner"),
    "other bank": ("other", "administrator"),
}
EDITORS = {"author", "administrator"}
ALONE = {"author", "head", "administrator"}
ALL = set(WHO) - {"other bank", "planner below"}


@pytest.fixture
def people(db: None) -> dict[str, User]:
    places = {"bank": InstitutionFactory(), "other": InstitutionFactory()}
    places["branch"] = InstitutionFactory(parent=places["bank"], kind="branch")
    places["office"] = InstitutionFactory(parent=places["branch"], kind="sub_branch")
    return {name: UserFactory(institution=places[place], role=role) for name, (place, role) in WHO.items()}


@pytest.fixture
def draft(people: dict[str, User]) -> Plan:
    plan = published(square_plan(2, institution=people["author"].institution))
    return copy(plan, people["author"], "草稿")


def seen_by(people: dict[str, User], plan: Plan) -> set[str]:
    """Who finds the draft: in the list, by its address, by its grids, and as a place to look at."""
    root = plan.grids.get(level=0).pk
    found = set()
    for name, user in people.items():
        client = bearer(user)
        addresses = [f"plans/{plan.pk}{rest}" for rest in ("", "/topology", "/broken")]
        addresses += [f"grids/{root}", f"locate?lon={INSIDE[0]}&lat={INSIDE[1]}&plan={plan.pk}"]
        answers = {client.get(f"/api/{address}").status_code for address in addresses}
        answers.add(client.get(f"/tiles/grids/0/0/0.mvt?plan={plan.pk}&level=0").status_code)
        listed = plan.pk in {each["id"] for each in client.get("/api/plans").json()}
        assert answers == ({200} if listed else {404}), (name, answers)
        if listed:
            found.add(name)
    return found


def edited_by(people: dict[str, User], plan: Plan) -> set[str]:
    root = plan.grids.get(level=0).pk
    body = {"op": "rename", "args": {"grid": root, "name": "x"}, "base_revision": 1, "dry_run": True}
    answers = {
        name: bearer(user).post(f"/api/plans/{plan.pk}/edits", body, content_type="application/json").status_code
        for name, user in people.items()
    }
    assert set(answers.values()) <= {200, 403, 404}, answers
    return {name for name, status in answers.items() if status == 200}


def opened(client: Client, plan: Plan, **body: object) -> object:
    return client.put(f"/api/plans/{plan.pk}/access", body, content_type="application/json")


def test_a_draft_is_its_authors_and_known_to_the_heads_of_her_institution(people: dict[str, User], draft: Plan) -> None:
    assert seen_by(people, draft) == ALONE
    assert edited_by(people, draft) == EDITORS


def test_the_author_names_colleagues_who_then_work_at_it_too(people: dict[str, User], draft: Plan) -> None:
    author = bearer(people["author"])
    known = author.get(f"/api/plans/{draft.pk}/access").json()
    assert known["private"] and {each["id"] for each in known["colleagues"]} == {
        people["colleague"].pk,
        people["administrator"].pk,
    }
    assert opened(author, draft, private=True, editors=[people["colleague"].pk]).status_code == 200
    assert seen_by(people, draft) == ALONE | {"colleague"}
    assert edited_by(people, draft) == EDITORS | {"colleague"}
    # She works at it; whom else it is shown to is not hers to say.
    assert opened(bearer(people["colleague"]), draft, private=False).status_code == 403
    for name in ("worker", "planner above", "other bank"):
        assert_fault(opened(author, draft, private=True, editors=[people[name].pk]), 400, "bad_arguments")
    opened(author, draft, private=True, editors=[])
    assert seen_by(people, draft) == ALONE


def test_it_can_be_opened_and_is_open_once_submitted_also_when_it_is_returned(
    people: dict[str, User], draft: Plan
) -> None:
    access.open_draft(draft.pk, people["author"], private=False, editors=[])
    assert seen_by(people, draft) == ALL
    assert edited_by(people, draft) == EDITORS | {"colleague", "planner above"}
    access.open_draft(draft.pk, people["administrator"], private=True, editors=[])
    assert seen_by(people, draft) == ALONE
    workflow.submit(draft.pk, people["author"])
    assert seen_by(people, draft) == ALL
    workflow.give_back(draft.pk, people["reviewer above"], "请再看")
    assert seen_by(people, draft) == ALL


def test_what_came_by_sql_belongs_to_the_institution(people: dict[str, User]) -> None:
    assert seen_by(people, square_plan(2, institution=people["author"].institution)) == ALL

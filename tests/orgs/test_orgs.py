"""Institutions as a tree, what a user may see and change, and tokens that stand for users."""

from __future__ import annotations

import pytest
from django.db import IntegrityError

from layers.grids.models import Plan
from layers.orgs.models import ApiToken, Institution, User
from tests.factories import InstitutionFactory, PlanFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Institution:
    return InstitutionFactory()


@pytest.mark.domain("ZG06")
def test_head_office_branch_and_sub_branch_are_three_levels_of_service(bank: Institution):
    branch = InstitutionFactory(parent=bank, kind=Institution.Kind.BRANCH)
    sub_branch = InstitutionFactory(parent=branch, kind=Institution.Kind.SUB_BRANCH)
    sibling = InstitutionFactory(parent=bank, kind=Institution.Kind.BRANCH)
    InstitutionFactory()
    assert list(Institution.objects.within(bank)) == [bank, branch, sub_branch, sibling]
    assert list(Institution.objects.within(branch)) == [branch, sub_branch]
    assert list(Institution.objects.above(sub_branch)) == [bank, branch]
    assert sub_branch.head_office_path == bank.path


def test_a_tree_of_many_children_stays_in_order(bank: Institution):
    children = [InstitutionFactory(parent=bank) for _ in range(40)]
    assert list(Institution.objects.within(bank)) == [bank, *children]


@pytest.mark.parametrize("role", User.Role.values)
def test_only_planners_and_administrators_plan_and_only_for_their_own(bank: Institution, role: str):
    branch, other = InstitutionFactory(parent=bank), InstitutionFactory()
    user = UserFactory(institution=branch, role=role)
    may = role in ("planner", "administrator")
    assert user.can_plan_for(branch) is may
    assert not user.can_plan_for(bank) and not user.can_plan_for(other)


def test_a_user_without_an_institution_sees_nothing():
    user = User.objects.create_superuser("root", password="x")
    assert user.own_path == "-"
    PlanFactory()
    for model in (Plan, Institution):
        assert not model.objects.visible_to(user).exists()


def test_everybody_else_belongs_to_an_institution():
    with pytest.raises(IntegrityError, match="account_belongs_to_an_institution"):
        User.objects.create_user("nobody", password="x")


def test_a_token_stands_for_its_user_until_another_is_issued_or_the_user_leaves():
    user = UserFactory()
    token = ApiToken.issue(user, "script")
    assert ApiToken.user_of(token) == user
    assert token not in ApiToken.objects.get().digest
    assert ApiToken.user_of("") is ApiToken.user_of(token + "x") is ApiToken.user_of("\0潜江") is None
    renewed = ApiToken.issue(user, "script")
    assert ApiToken.user_of(token) is None and ApiToken.user_of(renewed) == user
    User.objects.update(is_active=False)
    assert ApiToken.user_of(renewed) is None

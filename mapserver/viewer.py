"""Whom a statement is composed for."""

from __future__ import annotations

from typing import NamedTuple

from layers.orgs.models import Institution, User


class Viewer(NamedTuple):
    """What decides which rows somebody may see: a role, a place in the tree of institutions, and for personal data who it is.

    People with the same are shown the same, so a statement composed for one of them serves them all.
    """

    role: str
    path: str | None
    pk: int | None = None

    @classmethod
    def of(cls, user: User, *, herself: bool = False) -> Viewer:
        """`herself`: for rules that look at the user's own duties."""
        return cls(user.role, user.institution and user.institution.path, user.pk if herself else None)

    @property
    def user(self) -> User:
        """A user with these, for the QuerySets; not to be saved."""
        institution = None if self.path is None else Institution(path=self.path)
        return User(pk=self.pk, role=self.role, institution=institution)

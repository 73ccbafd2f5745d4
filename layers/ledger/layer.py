"""The layer of customers: how their names are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Expression, F, Value, When
from django.db.models.functions import Concat, Greatest, Left, Length, Repeat

from layers.features.registry import Layer
from layers.ledger.models import PERSONS
from layers.orgs.models import User


@dataclass(frozen=True)
class CustomerLayer(Layer):
    """A person's name is shown in full to the field worker who serves the grid; to others its first character, until asked for."""

    def shown_name(self, user: User) -> Expression | F:
        if user.role == User.Role.WORKER:
            return F("name")
        masked = Concat(Left("name", 1), Repeat(Value("*"), Greatest(Length("name") - 1, Value(1))))
        return Case(When(kind__in=sorted(PERSONS), then=masked), default=F("name"))

    def more_of(self, user: User, pk: int) -> dict[str, Any]:
        return {"details": f"/api/customers/{pk}"}

    def names_can_be_searched(self, user: User) -> bool:
        """Otherwise a search would spell a masked name out, letter by letter."""
        return user.role == User.Role.WORKER

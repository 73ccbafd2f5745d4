"""Settings that go down the tree of institutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import models

from layers.orgs.models import Institution, paths_to


class InheritedSettings(models.Model):
    """Settings of an `institution`, which those below follow until they have their own."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.institution)

    @classmethod
    def of(cls, institution: Institution) -> Self:
        """Those that hold for an institution: its own, else those of the nearest above, else the first values, not saved."""
        return cls.of_path(institution.path)

    @classmethod
    def of_path(cls, path: str) -> Self:
        """The same, by the institution's place in the tree."""
        return cls.of_paths([path])[path]

    @classmethod
    def of_paths(cls, paths: Iterable[str]) -> dict[str, Self]:
        """The same of several, by their paths, in one statement."""
        above = {path: paths_to(path)[::-1] for path in paths}
        holding = cls.objects.filter(institution__path__in={step for steps in above.values() for step in steps})
        own = {one.institution.path: one for one in holding.select_related("institution")}
        return {path: next((own[step] for step in steps if step in own), cls()) for path, steps in above.items()}

    @classmethod
    def to_change(cls, institution: Institution) -> Self:
        """The institution's own; where it has none, a copy of what holds for it, not saved yet."""
        found = cls.of(institution)
        if found.institution_id == institution.pk:
            return found
        names = (field.name for field in cls._meta.concrete_fields if field.name not in {"id", "institution"})
        return cls(institution=institution, **{name: getattr(found, name) for name in names})

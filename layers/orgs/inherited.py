"""Settings that go down the tree of institutions."""

from __future__ import annotations

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
        holding = cls.objects.filter(institution__path__in=paths_to(path))
        return holding.order_by("-institution__path").first() or cls()

    @classmethod
    def to_change(cls, institution: Institution) -> Self:
        """The institution's own; where it has none, a copy of what holds for it, not saved yet."""
        found = cls.of(institution)
        if found.institution_id == institution.pk:
            return found
        names = (field.name for field in cls._meta.concrete_fields if field.name not in {"id", "institution"})
        return cls(institution=institution, **{name: getattr(found, name) for name in names})

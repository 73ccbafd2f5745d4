"""Which layers there are: each is a table of features, registered by the app that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Expression, F
from django.http import Http404

from layers.features.models import Feature, FeatureQuerySet, Kind, State
from layers.features.today import keep_up_with_today
from layers.orgs.models import Institution, User

LAYERS: dict[str, Layer] = {}


@dataclass(frozen=True)
class Layer:
    """图层: a table of features, and the vocabulary of its kinds.

    Attributes
    ----------
    is_personal
        Its features are people or their homes: outside the own subtree nothing is shown, not even a count.
    is_seen_by_duty
        Who sees what depends on a user's own duties, too, not on role and institution alone.
    is_kept_elsewhere
        Other pages add and change its features: here they are read only, and no file is imported into it.
    """

    id: str
    model: type[Feature]
    is_personal: bool = False
    is_seen_by_duty: bool = False
    is_kept_elsewhere: bool = False

    @property
    def name(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def has_lines(self) -> bool:
        """Whether its features may be lines."""
        return bool(self.model.objects.all().has_lines())

    def visible_to(self, user: User, state: State = "active") -> FeatureQuerySet[Any]:
        """The features that the user may see, with the grids of today; those that are there no more only if asked for."""
        keep_up_with_today()
        found: FeatureQuerySet[Any] = self.model.objects.visible_to(user)
        return found.in_state(state)

    def shows_all_to(self, user: User) -> bool:
        """Whether nothing of the user's bank is kept from her: what she cannot see is not nothing, and no count of zero."""
        if not self.is_personal:
            return True
        at_head = user.institution is not None and user.institution.is_root()
        return at_head and user.role not in (User.Role.REGULATOR, User.Role.WORKER)

    def shown_name(self, user: User) -> Expression | F:
        """The name as the user is shown it, wherever it is shown: of personal layers, masked."""
        return F("name")

    def may_change(self, user: User, institution: Institution) -> bool:
        """Whether the user may add features of an institution, and change them."""
        return user.can_plan_for(institution)

    def more_of(self, user: User, pk: int) -> dict[str, Any]:
        """What else is told of one feature, beside what all layers tell."""
        return {}

    def without_place(self, user: User) -> dict[str, Any] | None:
        """How many the user may see that stand nowhere and so are not counted, and the page that lists them; None where there is no such thing."""
        return None

    def names_can_be_searched(self, user: User) -> bool:
        """Whether a search may look into names: not into those that are masked."""
        return True


def register(layer: Layer) -> None:
    """Add a layer; called when its app is ready."""
    LAYERS[layer.id] = layer


def layers_of_imports() -> dict[str, Layer]:
    """The layers into which files are imported, by id."""
    return {name: layer for name, layer in LAYERS.items() if not layer.is_kept_elsewhere}


def layer_named(name: str) -> Layer:
    """A layer by its id; 404 where there is none."""
    if name not in LAYERS:
        raise Http404
    return LAYERS[name]


def kinds_of(user: User, *layers: str) -> dict[str, list[Kind]]:
    """The kinds that a user can read of, by layer, in order; of the layers named, or of all."""
    found: dict[str, list[Kind]] = {layer: [] for layer in layers or LAYERS}
    for kind in Kind.objects.for_user(user).filter(layer__in=list(found)):
        found[kind.layer].append(kind)
    return found

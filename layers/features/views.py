"""The pages of the vocabulary: common kinds to read, the bank's own to add, change, switch off and delete."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache

from gis.errors import JingtianError
from layers.features.forms import AttributesForms, KindForm, initial_of
from layers.features.models import Kind
from layers.features.registry import LAYERS
from layers.features.signs import SIGNS
from layers.features.vocabulary import can_change_kinds, delete_kind, features_of, own_kinds, save_kind
from layers.orgs.models import User


@login_required
@never_cache
def kinds_page(request: HttpRequest) -> HttpResponse:
    """All kinds that the administrator's bank uses, by layer."""
    user = _administrator(request)
    known = list(Kind.objects.known_to(user.institution).order_by("layer", "position", "key"))
    layers = [(layer, [kind for kind in known if kind.layer == layer.id]) for layer in LAYERS.values()]
    return render(request, "features/kinds.html", {"layers": layers, "can_change": can_change_kinds(user)})


@login_required
@never_cache
def kind_page(request: HttpRequest, kind_id: int | None = None) -> HttpResponse:
    """A kind of the bank's own, new or not."""
    user = _administrator(request)
    if not can_change_kinds(user):
        raise PermissionDenied
    kind = Kind(institution=user.institution) if kind_id is None else get_object_or_404(own_kinds(user), pk=kind_id)
    data = request.POST if request.method == "POST" else None
    fault = None
    form = KindForm(data, instance=kind, initial={} if kind.pk else {"layer": request.GET.get("layer")})
    attributes = AttributesForms(data, initial=initial_of(kind), prefix="attributes")
    if data is not None:
        try:
            if "delete" in data and kind.pk:
                delete_kind(user, kind)
                return redirect("kinds")
            # Both, so that all faults are shown at once.
            if all([form.is_valid(), attributes.is_valid()]):
                changed = form.save(commit=False)
                changed.attributes = [each.schema() for each in attributes.kept()]
                save_kind(user, changed)
                return redirect("kinds")
        except JingtianError as error:
            fault = error.en if get_language() == "en" else error.zh
    context = {
        "kind": kind,
        "form": form,
        "attributes": attributes,
        "signs": SIGNS,
        "fault": fault,
        "in_use": features_of(kind).count() if kind.pk else 0,
    }
    return render(request, "features/kind.html", context, status=200 if data is None else 409 if fault else 400)


def _administrator(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or user.institution is None or user.role != User.Role.ADMINISTRATOR:
        raise PermissionDenied
    return user

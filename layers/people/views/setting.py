"""How an institution arranges its people, and the terms that it adds."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from layers.audit.models import UnmaskSettings
from layers.facilities.models import OutletStandard
from layers.orgs.models import Institution, User
from layers.people.forms import SettingsForm, StandardForm, TermForm, UnmaskForm
from layers.people.views.pages import for_banks
from layers.staff.models import StaffSettings, Term


@for_banks
def settings_page(request: HttpRequest) -> HttpResponseBase:
    """Settings and terms of an institution of the administrator's subtree (`?institution=`; her own if none is given)."""
    user = request.user
    if user.role != User.Role.ADMINISTRATOR:
        raise PermissionDenied
    chosen = request.GET.get("institution", "")
    own = Institution.objects.within(user.institution)
    owner = get_object_or_404(own, pk=chosen) if chosen.isdigit() and len(chosen) < 19 else user.institution
    do = request.POST.get("do", "") if request.method == "POST" else ""

    def given(name: str) -> QueryDict | None:
        return request.POST if do == name else None

    settings = StaffSettings.to_change(owner)
    forms = {
        "settings": SettingsForm(owner, given("settings"), instance=settings),
        "standard": StandardForm(given("standard"), instance=OutletStandard.to_change(owner), prefix="standard"),
        "unmask": UnmaskForm(given("unmask"), instance=UnmaskSettings.to_change(owner), prefix="unmask"),
        "term": TermForm(given("term"), instance=Term(institution=owner), prefix="term"),
    }
    if do in forms and forms[do].is_valid():
        forms[do].save()
        messages.success(request, _("词条已增加。") if do == "term" else _("已保存。"))
        return redirect(request.get_full_path())
    context = {
        **forms,
        "owner": owner,
        "institutions": own,
        "inherited": settings.pk is None,
        "terms": Term.objects.of(owner).select_related("institution"),
    }
    return render(request, "people/settings.html", context)

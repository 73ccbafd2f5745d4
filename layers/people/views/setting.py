"""How an institution arranges its people, and the terms that it adds."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from layers.facilities.models import OutletStandard
from layers.orgs.models import Institution, User
from layers.people.forms import SettingsForm, StandardForm, TermForm
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
    settings = StaffSettings.to_change(owner)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    form = SettingsForm(owner, request.POST if do == "settings" else None, instance=settings)
    term = TermForm(request.POST if do == "term" else None, instance=Term(institution=owner), prefix="term")
    if do == "settings" and form.is_valid():
        form.save()
        messages.success(request, _("已保存。"))
        return redirect(request.get_full_path())
    if do == "term" and term.is_valid():
        term.save()
        messages.success(request, _("词条已增加。"))
        return redirect(request.get_full_path())
    standard = StandardForm(
        request.POST if do == "standard" else None, instance=OutletStandard.to_change(owner), prefix="standard"
    )
    if do == "standard" and standard.is_valid():
        standard.save()
        messages.success(request, _("已保存。"))
        return redirect(request.get_full_path())
    context = {
        "standard": standard,
        "owner": owner,
        "institutions": own,
        "inherited": settings.pk is None,
        "form": form,
        "term": term,
        "terms": Term.objects.of(owner).select_related("institution"),
    }
    return render(request, "people/settings.html", context)

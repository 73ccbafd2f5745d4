"""Pages of how people work: who sits at the desk, what subsidies are due, and what an outlet reports."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from layers.orgs.asked import number_asked
from layers.orgs.models import Institution
from layers.people import outlets, roster, subsidies
from layers.people.forms import AssessmentForm, OutletMonthForm, RosterForm
from layers.people.views.pages import attempt, for_banks
from layers.staff import rights
from layers.staff.models import Absence, DeskDay, Staff
from layers.staff.models.people import VIEWERS
from layers.staff.vocabulary import label
from layers.tables import csv_response

WEEK = 7


@for_banks
def roster_page(request: HttpRequest) -> HttpResponseBase:
    """Who sits at the desk in a week (`?institution=&day=`), who is in the grids, and the form that plans a time by turns."""
    user = request.user
    if user.role not in VIEWERS:
        raise PermissionDenied
    own = Institution.objects.within(user.institution)
    institution = _chosen(request, own, user.institution)
    monday = _monday(request)
    can_arrange = rights.may_arrange(user, institution)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    form = RosterForm(institution, request.POST if do == "fill" else None, initial={"first_day": monday})
    if do == "fill":

        def fill() -> None:
            values = dict(form.cleaned_data)
            roster.fill(user, institution, values.pop("first_day"), values.pop("last_day"), **values)

        if attempt(request, form, fill, _("已排好; 缺勤的人不排。")):
            return redirect(request.get_full_path())
    elif do:
        staff = get_object_or_404(Staff.objects.visible_to(user).select_related("institution"), pk=number_asked(do))
        roster.switch(user, staff, _date(request.POST.get("day", "")))
        return redirect(request.get_full_path())
    days = roster.working_days(monday, monday + dt.timedelta(days=WEEK - 1))
    context = {
        "institution": institution,
        "institutions": own,
        "days": days,
        "rows": _roster(institution, days),
        "form": form if can_arrange else None,
        "can_arrange": can_arrange,
        "monday": monday,
        "before": monday - dt.timedelta(days=WEEK),
        "after": monday + dt.timedelta(days=WEEK),
        "today": timezone.localdate(),
    }
    return render(request, "people/roster.html", context)


def _roster(institution: Institution, days: list[dt.date]) -> list[dict[str, Any]]:
    """Those who have sat at the desk, or do that week; each with what they do on each day."""
    people = Staff.objects.employed().filter(institution=institution, desk_days__isnull=False).distinct()
    sits = set(DeskDay.objects.filter(staff__in=people, day__in=days).values_list("staff", "day"))
    away = list(Absence.objects.filter(staff__in=people, first_day__lte=days[-1], last_day__gte=days[0]))
    return [
        {
            "person": one,
            "kind": label("staff", one.kind, institution),
            "days": [
                {
                    "day": day,
                    "desk": (one.pk, day) in sits,
                    "away": any(each.staff_id == one.pk and each.first_day <= day <= each.last_day for each in away),
                }
                for day in days
            ],
        }
        for one in people.order_by("number")
    ]


@for_banks
def subsidies_page(request: HttpRequest) -> HttpResponseBase:
    """What is due for a month (`?month=2026-11&institution=`), by institution and post, and the form for somebody's assessment (`&staff=`).

    As CSV with `?format=csv`.
    """
    user = request.user
    if user.role not in VIEWERS:
        raise PermissionDenied
    month = _month(request.GET.get("month", ""))
    institution = _chosen(request, Institution.objects.within(user.institution), user.institution)
    found = subsidies.due(user, month, institution)
    if request.GET.get("format") == "csv":
        heads = [
            _("月份"),
            _("机构"),
            _("工号"),
            _("姓名"),
            _("角色"),
            _("网格或点位"),
            _("天数"),
            _("标准"),
            _("考核结果 (%)"),
            _("考核说明"),
            _("金额"),
        ]
        return csv_response(f"subsidies-{month:%Y-%m}.csv", heads, ([f"{month:%Y-%m}", *_cells(one)] for one in found))
    base = f"?{urlencode({'month': f'{month:%Y-%m}', 'institution': institution.pk})}"
    form, person = None, None
    if chosen := request.GET.get("staff"):
        kept = next((one.assessed for one in found if one.assignment.staff_id == number_asked(chosen)), None)
        if kept is None:
            raise Http404
        person = kept.staff
        if not rights.may_arrange(user, person.institution):
            raise PermissionDenied
        form = AssessmentForm(request.POST or None, instance=kept)
        if request.method == "POST" and attempt(
            request, form, lambda: subsidies.assess(user, person, month, **form.cleaned_data), _("考核已登记。")
        ):
            return redirect(f"{request.path}{base}")
    units = subsidies.by_unit(found)
    context = {
        "month": month,
        "length": calendar.monthrange(month.year, month.month)[1],
        "rows": [(one, label("role", one.assignment.role, one.assignment.staff.institution)) for one in found[:500]],
        "units": units,
        "total": round(sum(amount for _one, _n, amount in units), 2),
        "count": len(found),
        "institution": institution,
        "base": base,
        "form": form,
        "person": person,
        "can_arrange": rights.may_arrange(user, institution),
    }
    return render(request, "people/subsidies.html", context)


def _cells(one: subsidies.Due) -> list[Any]:
    each = one.assignment
    staff = each.staff
    role = label("role", each.role, staff.institution)
    result = one.assessed
    served = [staff.institution.name, staff.number, staff.name, role, each.unit.name, one.days, one.rate]
    return [*served, result.percent, result.note, one.amount]


@for_banks
def outlet_page(request: HttpRequest, outlet_id: int) -> HttpResponseBase:
    """What an outlet has reported from month to month, what it is short of, and the form for a month."""
    user = request.user
    outlet = get_object_or_404(outlets.outlets_of(user), pk=outlet_id)
    can_report = rights.may_arrange(user, outlet.institution)
    form = OutletMonthForm(request.POST or None) if can_report else None
    if request.method == "POST" and form is not None:

        def keep() -> None:
            values = dict(form.cleaned_data)
            outlets.report(user, outlet, values.pop("month"), **values)

        if attempt(request, form, keep, _("已保存。")):
            return redirect(request.path)
    elif request.method == "POST":
        raise PermissionDenied
    short = [text for one, text in outlets.short_of(user, timezone.localdate()) if one == outlet]
    context = {"outlet": outlet, "months": outlet.months.all()[:36], "short": short, "form": form}
    return render(request, "people/outlet.html", context)


def _chosen(request: HttpRequest, own: Any, otherwise: Institution) -> Institution:
    chosen = request.GET.get("institution", "")
    return get_object_or_404(own, pk=number_asked(chosen)) if chosen else otherwise


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Http404 from None


def _monday(request: HttpRequest) -> dt.date:
    text = request.GET.get("day", "")
    day = _date(text) if text else timezone.localdate()
    if not 1900 < day.year < 9000:
        raise Http404
    return day - dt.timedelta(days=day.weekday())


def _month(text: str) -> dt.date:
    if not text:
        return timezone.localdate().replace(day=1)
    found = _date(f"{text}-01")
    if not 1900 < found.year < 9000:
        raise Http404
    return found

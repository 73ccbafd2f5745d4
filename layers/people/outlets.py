"""Outlets short of a standard: their staff as registered, what they report for a month, training over the year (SM06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from layers.facilities.models import Outlet, OutletMonth, OutletStandard
from layers.orgs.models import User
from layers.staff.models.people import VIEWERS
from layers.staff.rights import may_arrange

COUNTED = ("tellers", "lobby_managers", "marketers", "non_cash_tellers")
REPORTED = ("satisfaction", "referral", "on_duty", "trained")


def outlets_of(user: User) -> QuerySet[Outlet]:
    """Staffed outlets of the user's subtree, for those who see its people."""
    if user.institution is None or user.is_regulator or user.role not in VIEWERS:
        return Outlet.objects.none()
    found = Outlet.objects.filter(kind="staffed", is_active=True, institution__path__startswith=user.institution.path)
    return found.select_related("institution").order_by("institution__path", "code")


def short_of(user: User, day: dt.date) -> Iterator[tuple[Outlet | None, str]]:
    """Each staffed outlet that is short of something, and of what: staff now, figures of the last month that it has reported.

    What nobody has registered is not judged. An entry without an outlet is about training in the user's whole subtree this year.
    """
    outlets = list(outlets_of(user))
    months = OutletMonth.objects.filter(outlet__in=outlets, month__lte=day)
    last = {one.outlet_id: one for one in months.order_by("month")}
    standards = OutletStandard.of_paths({user.own_path, *(outlet.institution.path for outlet in outlets)})
    for outlet in outlets:
        standard = standards[outlet.institution.path]
        short = [*_staff(outlet, standard), *_reported(last.get(outlet.pk), standard)]
        if short:
            yield outlet, "; ".join(short)
    if outlets:
        trained = months.filter(month__year=day.year, trained__isnull=False).aggregate(n=Sum("trained"))["n"]
        needed = standards[user.own_path].trained
        if trained is not None and trained < needed:
            yield (
                None,
                _("%(year)s 年轮训 %(n)s 人次, 应 ≥ %(least)s")
                % {
                    "year": day.year,
                    "n": trained,
                    "least": needed,
                },
            )


def _staff(outlet: Outlet, standard: OutletStandard) -> Iterator[str]:
    given = {name: outlet.attributes.get(name) for name in COUNTED}
    if all(value is None for value in given.values()):
        return
    have = {name: value or 0 for name, value in given.items()}
    lobby = standard.hall_managers + (standard.more_at_fine if outlet.attributes.get("fine") else 0)
    if have["lobby_managers"] < lobby:
        yield _("大堂经理 %(n)s 名, 应 ≥ %(least)s") % {"n": have["lobby_managers"], "least": lobby}
    if have["non_cash_tellers"] < standard.non_cash_tellers:
        yield _("非现金柜员 %(n)s 名, 应 ≥ %(least)s") % {
            "n": have["non_cash_tellers"],
            "least": standard.non_cash_tellers,
        }
    total = sum(have.values())
    share = 100 * (have["marketers"] + have["lobby_managers"]) / total if total else 0
    if total and share < standard.marketing:
        yield _("营销占比 %(n)s%%, 应 ≥ %(least)s%%") % {"n": f"{share:.0f}", "least": f"{standard.marketing:g}"}


def _reported(month: OutletMonth | None, standard: OutletStandard) -> Iterator[str]:
    if month is None:
        return
    values = {"month": f"{month.month:%Y-%m}"}
    if month.satisfaction is not None and month.satisfaction < standard.satisfaction:
        yield _said(_("%(month)s 满意度 %(n)s%%, 应 ≥ %(least)s%%"), values, month.satisfaction, standard.satisfaction)
    # «导入 > 30 %»: the limit itself does not reach it.
    if month.referral is not None and month.referral <= standard.referral:
        yield _said(_("%(month)s 导入率 %(n)s%%, 应 > %(least)s%%"), values, month.referral, standard.referral)
    if month.on_duty is not None and month.on_duty < standard.on_duty:
        yield _said(_("%(month)s 在岗率 %(n)s%%, 应 ≥ %(least)s%%"), values, month.on_duty, standard.on_duty)


def _said(sentence: str, values: dict[str, str], n: float, least: float) -> str:
    return sentence % (values | {"n": f"{n:g}", "least": f"{least:g}"})


def report(user: User, outlet: Outlet, month: dt.date, **values: float | None) -> OutletMonth:
    """Keep what an outlet reports for a month, in place of what it has reported for it before.

    Raises
    ------
    PermissionDenied
    """
    if not may_arrange(user, outlet.institution):
        raise PermissionDenied
    with transaction.atomic():
        return OutletMonth.objects.update_or_create(outlet=outlet, month=month.replace(day=1), defaults=values)[0]

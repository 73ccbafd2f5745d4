"""How the demo's people work: minutes of a meeting, desk days, what outlets report, and customers that two institutions share."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from layers.documents.models import Document
from layers.facilities.models import Outlet, OutletMonth
from layers.ledger.models import Customer
from layers.orgs.models import Institution
from layers.people.roster import working_days
from layers.staff.models import DeskDay, Staff

AT_THE_DESK = 6
"""People who take turns at the desk of the first sub-branch; two sit each day."""
DAYS = 27
EACH, HELPED = 7, 0.3
"""Every seventh firm is another sub-branch's by three tenths."""
STAFFED = {"tellers": 3, "lobby_managers": 1, "marketers": 3, "non_cash_tellers": 1}


def begin_work(bank: Institution, branches: dict[str, Institution]) -> None:
    """All of it; the second and the third outlet are short of a standard, and so is the training of the year."""
    today = timezone.localdate()
    meeting = "政府与金融网格员对接: 共享网点、产品、理财和安全知识; 每季度联席一次。"
    Document.objects.create(
        institution=bank, kind=Document.Kind.MEETING, number="演示纪要〔2026〕1 号", title="社会网格与金融网格联席会议 (演示)",
        partner="综治中心 (演示)", content=meeting, signed_on=today - dt.timedelta(days=20), synthetic=True,
    )  # fmt: skip
    first, *others = branches.values()
    monday = today - dt.timedelta(days=today.weekday())
    people = list(Staff.objects.employed().filter(institution=first, kind="part_time").order_by("number"))
    people = people[:AT_THE_DESK]
    turns = [
        (people[(2 * n + beside) % len(people)], day)
        for n, day in enumerate(working_days(monday, monday + dt.timedelta(days=DAYS)))
        for beside in range(2)
    ]
    DeskDay.objects.bulk_create(DeskDay(staff=one, day=day) for one, day in turns)
    _report(bank, today)
    firms = Customer.objects.filter(institution=first, kind__in=("small_firm", "merchant")).order_by("code")
    shared = list(firms)[::EACH]
    for one in shared:
        one.served_by, one.served_share = others[0], HELPED
    Customer.objects.bulk_update(shared, ["served_by", "served_share"])


def _report(bank: Institution, today: dt.date) -> None:
    outlets = list(Outlet.objects.filter(institution__path__startswith=bank.path, kind="staffed").order_by("code"))[:24]
    for n, outlet in enumerate(outlets):
        outlet.attributes = outlet.attributes | STAFFED | ({"non_cash_tellers": 0} if n == 1 else {})
    Outlet.objects.bulk_update(outlets, ["attributes"])
    last = (today.replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    OutletMonth.objects.bulk_create(
        OutletMonth(
            outlet=outlet, month=last, satisfaction=82 if n == 2 else 88 + n % 9, referral=31 + n % 12, on_duty=100,
            trained=10 + n % 5, synthetic=True,
        )
        for n, outlet in enumerate(outlets)
    )  # fmt: skip

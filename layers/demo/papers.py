"""The demo bank's regulations, and the agreements of its stations with the villages that give them room (QJ03); all made up."""

from __future__ import annotations

import datetime as dt

from layers.documents.models import Document
from layers.facilities.models import Outlet
from layers.orgs.models import Institution

REGULATIONS = (
    "网格划分与管理办法",
    "网格员管理办法",
    "工作站管理办法",
    "信息采集与建档办法",
    "信息共享与保密办法",
    "考核与激励办法",
    "信息统计与报告制度",
)
UNSIGNED = 12
"""Every twelfth station has no agreement yet, so that the register has something to say."""
ISSUED = dt.date(2025, 11, 3)
SIGNED = dt.date(2026, 1, 5)
TERM, SHORT_TERM, ENDED = dt.timedelta(days=1095), dt.timedelta(days=250), 40
"""Agreements run three years, but every fortieth less than one: those are to be renewed."""


def sign_papers(bank: Institution) -> None:
    """Register seven regulations of the bank, and an agreement for all stations but every twelfth."""
    stations = Outlet.objects.filter(institution__in=Institution.objects.within(bank), kind="station").order_by("code")
    regulations = [
        Document(
            institution=bank, kind=Document.Kind.REGULATION, number=f"演示〔2025〕{number} 号", title=title,
            content="演示文本", signed_on=ISSUED, synthetic=True,
        )
        for number, title in enumerate(REGULATIONS, 1)
    ]  # fmt: skip
    agreements = [
        Document(
            institution_id=station.institution_id, kind=Document.Kind.AGREEMENT, number=f"演示协议 {station.code}",
            title=f"{station.name}合作协议", station=station, partner=station.attributes["keeper"],
            purpose="就近办理小额取款、缴费和信息采集。", content="提供场地; 安放机具、公示栏和宣传品。",
            duties="银行负责培训、维护和对账; 合作方负责值守和保管。", incentives="按季评比, 按业务量计发补助; 违规即停用。",
            signed_on=SIGNED, valid_until=SIGNED + (TERM if place % ENDED else SHORT_TERM), synthetic=True,
        )
        for place, station in enumerate(stations, 1)
        if place % UNSIGNED
    ]  # fmt: skip
    Document.objects.bulk_create([*regulations, *agreements])

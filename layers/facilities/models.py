"""Outlets, machines, and the objects in grids: compounds, markets, schools …; and how outlets do from month to month."""

from __future__ import annotations

from typing import Any

from django.contrib.gis.db import models
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from layers.features.models import Feature
from layers.orgs.inherited import InheritedSettings
from layers.orgs.models import Institution


class Outlet(Feature):
    """网点: staffed, 自助银行 self-service, 普惠金融工作站 (station), 积分兑换点."""

    class Meta:
        db_table = "outlet"
        verbose_name = _("网点")
        verbose_name_plural = _("网点")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="outlet_code_is_unique"),)


class Machine(Feature):
    """机具: ATM, CRS, POS, self-service terminal, transfer phone, or a 助农取款点 (cash point)."""

    class Meta:
        db_table = "machine"
        verbose_name = _("机具")
        verbose_name_plural = _("机具")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="machine_code_is_unique"),)


class Place(Feature):
    """场所: an object that lies in a grid: 小区, 院落, 市场, 商铺, 学校, 医院, 车站, 机关, 企业 … (HY12)."""

    class Meta:
        db_table = "place"
        verbose_name = _("场所")
        verbose_name_plural = _("场所")
        constraints = (models.UniqueConstraint(fields=("institution", "code"), name="place_code_is_unique"),)


def percent(name: Any, **more: Any) -> models.FloatField:
    """A share between 0 and 100."""
    return models.FloatField(name, validators=[MinValueValidator(0), MaxValueValidator(100)], **more)


class OutletMonth(models.Model):
    """网点月报: what an outlet reports for a month: satisfaction, referrals, attendance, training (SM06). Empty: not reported."""

    outlet = models.ForeignKey(Outlet, models.CASCADE, related_name="months", verbose_name=_("网点"))
    month = models.DateField(_("月份"), help_text=_("该月第一天"))
    satisfaction = percent(_("满意度 (%)"), null=True, blank=True)
    referral = percent(_("导入率 (%)"), null=True, blank=True, help_text=_("由网点导入线上渠道的业务占比"))
    on_duty = percent(_("在岗率 (%)"), null=True, blank=True)
    trained = models.PositiveIntegerField(_("轮训 (人次)"), null=True, blank=True)
    synthetic = models.BooleanField(_("演示数据"), default=False)

    class Meta:
        db_table = "outlet_month"
        ordering = ("-month",)
        verbose_name = _("网点月报")
        verbose_name_plural = _("网点月报")
        constraints = (
            models.UniqueConstraint(fields=("outlet", "month"), name="outlet_month_is_one"),
            models.CheckConstraint(condition=Q(month__day=1), name="outlet_month_begins_on_the_first"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 0, f"{name}__lte": 100}),
                    name=f"outlet_month_{name}_is_a_percentage",
                )
                for name in ("satisfaction", "referral", "on_duty")
            ),
        )

    def __str__(self) -> str:
        return f"{self.outlet_id} {self.month:%Y-%m}"


class OutletStandard(InheritedSettings):
    """网点标准: what an outlet has to reach (SM06); branches follow unless they have their own."""

    institution = models.OneToOneField(
        Institution, models.CASCADE, related_name="outlet_standard", verbose_name=_("机构")
    )
    marketing = percent(_("营销人员占比至少 (%)"), default=50)
    hall_managers = models.PositiveSmallIntegerField(_("大堂经理至少 (名)"), default=1)
    non_cash_tellers = models.PositiveSmallIntegerField(_("非现金柜员至少 (名)"), default=1)
    more_at_fine = models.PositiveSmallIntegerField(_("精品网点大堂经理另加 (名)"), default=1)
    on_duty = percent(_("在岗率至少 (%)"), default=100)
    satisfaction = percent(_("满意度至少 (%)"), default=85)
    referral = percent(_("导入率高于 (%)"), default=30)
    trained = models.PositiveIntegerField(_("全年轮训至少 (人次)"), default=500, help_text=_("本机构及下级网点合计"))

    class Meta:
        db_table = "outlet_standard"
        verbose_name = _("网点标准")
        verbose_name_plural = _("网点标准")

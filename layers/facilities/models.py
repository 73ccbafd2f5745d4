"""Outlets, machines, and the objects in grids: compounds, markets, schools …"""

from __future__ import annotations

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from layers.features.models import Feature


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

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "layers.reports"
    label = "reports"
    verbose_name = _("地图与报表")

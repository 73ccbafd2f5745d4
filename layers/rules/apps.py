from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RulesConfig(AppConfig):
    name = "layers.rules"
    verbose_name = _("指标与规则")

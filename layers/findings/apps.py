from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FindingsConfig(AppConfig):
    name = "layers.findings"
    label = "findings"
    verbose_name = _("检查清单")

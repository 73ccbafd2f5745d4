from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitingConfig(AppConfig):
    name = "layers.siting"
    label = "siting"
    verbose_name = _("选址")

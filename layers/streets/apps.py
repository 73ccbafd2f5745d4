from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StreetsConfig(AppConfig):
    name = "layers.streets"
    verbose_name = _("街道与建筑")

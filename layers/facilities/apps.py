from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FacilitiesConfig(AppConfig):
    name = "layers.facilities"
    label = "facilities"
    verbose_name = _("网点与机具")

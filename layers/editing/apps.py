from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EditingConfig(AppConfig):
    name = "layers.editing"
    verbose_name = _("界线编辑")

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartitionConfig(AppConfig):
    name = "layers.partition"
    verbose_name = _("自动划分")

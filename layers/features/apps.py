from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FeaturesConfig(AppConfig):
    name = "layers.features"
    label = "features"
    verbose_name = _("图层")

    def ready(self) -> None:
        from layers.audit.names import PARTS
        from layers.features.kinds import attribute_names, load_common_kinds

        PARTS["attributes"] = attribute_names
        post_migrate.connect(load_common_kinds, sender=self)

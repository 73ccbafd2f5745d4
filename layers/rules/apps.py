from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RulesConfig(AppConfig):
    name = "layers.rules"
    verbose_name = _("指标与规则")

    def ready(self) -> None:
        """Make the measures of features, of siblings and of ways to outlets known."""
        from layers.rules import counts, reach, registers, shapes  # noqa: F401

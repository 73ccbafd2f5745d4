from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "layers.staff"
    label = "staff"
    verbose_name = _("人员")

    def ready(self) -> None:
        """Make the measures of people known."""
        from layers.staff import measures, vacancies  # noqa: F401

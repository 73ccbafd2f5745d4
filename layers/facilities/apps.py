from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FacilitiesConfig(AppConfig):
    name = "layers.facilities"
    label = "facilities"
    verbose_name = _("网点与机具")

    def ready(self) -> None:
        from layers.facilities.models import Machine, Outlet, Place
        from layers.features.registry import Layer, register

        register(Layer("outlets", Outlet))
        register(Layer("machines", Machine))
        register(Layer("places", Place))

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "layers.staff"
    label = "staff"
    verbose_name = _("人员")

    def ready(self) -> None:
        from layers.features.registry import register
        from layers.staff.layer import PostLayer, StaffLayer
        from layers.staff.models import Post, StaffPlace

        register(StaffLayer("staff", StaffPlace, is_personal=True, is_kept_elsewhere=True))
        register(PostLayer("posts", Post))

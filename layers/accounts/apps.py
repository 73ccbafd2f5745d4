from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "layers.accounts"
    label = "accounts"
    verbose_name = _("账户与安全")

    def ready(self) -> None:
        from layers.accounts import sessions

        user_logged_in.connect(sessions.begin)

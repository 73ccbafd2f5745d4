from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "layers.audit"
    label = "audit"
    verbose_name = _("审计")

    def ready(self) -> None:
        from layers.audit import acting, logins, tables

        connection_created.connect(acting.watch)
        # After every migrate, so that a new table is logged without anybody remembering it.
        post_migrate.connect(tables.after_migrate, sender=self)
        logins.start()

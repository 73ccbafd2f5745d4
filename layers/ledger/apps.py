from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "layers.ledger"
    label = "ledger"
    verbose_name = _("客户台账")

    def ready(self) -> None:
        from layers.features.registry import register
        from layers.ledger.layer import CustomerLayer
        from layers.ledger.models import Customer

        register(CustomerLayer("customers", Customer, is_personal=True, is_seen_by_duty=True))

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "enrollment_errors.ledger"
    label = "enrollment_ledger"
    verbose_name = _("Enrollment ledger")
    default_auto_field = "django.db.models.BigAutoField"

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "enrollment_errors.ledger"
    label = "enrollment_ledger"
    verbose_name = "Enrollment ledger"
    default_auto_field = "django.db.models.BigAutoField"

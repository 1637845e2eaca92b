from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SettlingConfig(AppConfig):
    name = "enrollment_errors.settling"
    label = "enrollment_settling"
    verbose_name = _("Enrollment settling")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ..journal import use_journal
        from .kept import DatabaseJournal

        use_journal(DatabaseJournal())

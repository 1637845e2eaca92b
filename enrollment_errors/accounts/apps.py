from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "enrollment_errors.accounts"
    label = "enrollment_accounts"
    verbose_name = _("Transit processor accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .provider import connect

        connect()

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "enrollment_errors.accounts"
    label = "enrollment_accounts"
    verbose_name = "Transit processor accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .provider import connect

        connect()

from django.apps import AppConfig
from django.core.checks import register


class EnrollmentErrorsConfig(AppConfig):
    name = "enrollment_errors"
    verbose_name = "Enrollment errors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .checks import check_deployment, check_installation
        from .reporting import alerts, django_log, sentry
        from .transport.privacy import silence_libraries

        silence_libraries()
        sentry.connect()
        alerts.connect()
        django_log.connect()
        register(check_installation)
        register(check_deployment, deploy=True)

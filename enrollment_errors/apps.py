from django.apps import AppConfig


class EnrollmentErrorsConfig(AppConfig):
    name = "enrollment_errors"
    verbose_name = "Enrollment errors"
    default_auto_field = "django.db.models.BigAutoField"

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    name = "enrollment_errors.incidents"
    label = "enrollment_incidents"
    verbose_name = "Enrollment incidents"
    default_auto_field = "django.db.models.BigAutoField"

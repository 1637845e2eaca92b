from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IncidentsConfig(AppConfig):
    name = "enrollment_errors.incidents"
    label = "enrollment_incidents"
    verbose_name = _("Enrollment incidents")
    default_auto_field = "django.db.models.BigAutoField"

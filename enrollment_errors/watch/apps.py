from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WatchConfig(AppConfig):
    name = "enrollment_errors.watch"
    label = "enrollment_watch"
    verbose_name = _("Enrollment watch")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from ..availability import register
        from . import known
        from .models import Switch
        from .source import WatchSource

        register(WatchSource())
        for signal in (post_save, post_delete):
            signal.connect(known.forget, sender=Switch, dispatch_uid="enrollment_errors.watch.known")

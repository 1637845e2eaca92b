"""Delete data past its retention time in each of our apps that keeps any. Run it by cron, once a night."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

from ...reporting.sentry import checked_in


class Command(BaseCommand):
    help = "Deletes data that is older than the …_KEPT_DAYS settings allow, in each installed app of enrollment_errors."

    def handle(self, *args: Any, **options: Any) -> None:
        """An app that keeps data has a module ``retention``, whose ``prune(now)`` says what it has deleted."""
        with checked_in("enrollment-prune", minutes=24 * 60):
            self._prune()

    def _prune(self) -> None:
        now = timezone.now()
        for app in apps.get_app_configs():
            if app.name.startswith("enrollment_errors.") and module_has_submodule(app.module, "retention"):
                self.stdout.write(import_module(f"{app.name}.retention").prune(now))

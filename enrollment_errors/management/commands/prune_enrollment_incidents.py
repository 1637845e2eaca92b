"""Delete incidents that are older than the site keeps them, and put old counts together. For cron, once a night."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ... import conf
from ...incidents.retention import condense, delete_older_than


class Command(BaseCommand):
    help = "Deletes incidents older than INCIDENTS_KEPT_DAYS, and puts old counts of outcomes together."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="days to keep, in place of INCIDENTS_KEPT_DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        days = conf.get_settings().INCIDENTS_KEPT_DAYS if options["days"] is None else options["days"]
        if days < 1:
            raise CommandError("--days must be at least 1.")
        now = timezone.now()
        incidents, counts = delete_older_than(now - timedelta(days=days))
        fewer = condense(now)
        self.stdout.write(
            f"Deleted {incidents} incidents and {counts} counts older than {days} days; put {fewer} counts together."
        )

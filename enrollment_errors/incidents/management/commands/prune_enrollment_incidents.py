"""Delete incidents and counts that are older than the site keeps them. For cron, once a night."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from .... import conf
from ....journal import get_journal
from ...retention import MINUTES_KEPT, delete_minutes, delete_older_than, forget_endings


class Command(BaseCommand):
    help = "Deletes incidents and counts of outcomes that are older than INCIDENTS_KEPT_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, help="days to keep, in place of INCIDENTS_KEPT_DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        days = conf.get_settings().INCIDENTS_KEPT_DAYS if options["days"] is None else options["days"]
        if days < 1:
            raise CommandError("--days must be at least 1.")
        now = timezone.now()
        incidents, by_day = delete_older_than(now - timedelta(days=days))
        by_minute = delete_minutes(now)
        forget_endings()
        settled = get_journal().prune(now - timedelta(days=days))
        self.stdout.write(
            f"Deleted {incidents} incidents and {by_day} counts by the day older than {days} days, "
            f"and {by_minute} counts by the minute older than {MINUTES_KEPT.days} days."
            + (f" Deleted {settled} settled links that ended before." if settled else "")
        )

"""Find out what became of links whose answers were lost. Run it by cron, every few minutes, or as its own process."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailed
from django.db import close_old_connections

from ....reporting.sentry import checked_in
from ...models import SentLink, State
from ...sweep import due, sweep
from ...swept import WAITING


class Command(BaseCommand):
    help = (
        "Asks the processor about enrollments whose answer was lost, finishes those that riders were promised, and "
        "reports how each of them ended. The exit status is 1 if one could not be settled in time, or if the database "
        "failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="show what is due, without asking or changing anything"
        )
        parser.add_argument("--watch", action="store_true", help="keep running until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--interval",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="the time between two rounds of --watch (default: 60)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["interval"] <= 0:
            raise CommandError("--interval must be above 0.")
        if options["watch"]:
            self._watch(options["interval"], dry_run=options["dry_run"])
        elif self._round(dry_run=options["dry_run"])[State.EXPIRED]:
            raise CommandError(
                "Not every enrollment could be settled in time. Look for the code link_never_settled "
                "in the incidents or the log."
            )

    def _watch(self, interval: float, *, dry_run: bool) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.is_set():
            try:
                self._round(dry_run=dry_run)
            except CommandError as error:
                self.stderr.write(str(error))
            close_old_connections()
            stopped.wait(interval)

    def _round(self, *, dry_run: bool) -> Counter[str]:
        try:
            return self._shown_only() if dry_run else self._settled()
        except DatabaseFailed as error:
            # Only the type: the text may hold addresses and values.
            raise CommandError(
                f"The database failed ({type(error).__name__}). The next run goes on where this one stopped."
            ) from None

    def _shown_only(self) -> Counter[str]:
        found = list(due())
        for row in found:
            self.stdout.write(f"{row.reference}  {row.account}  sent {row.opened_at:%Y-%m-%d %H:%M:%S %Z}")
        self.stdout.write(f"Due: {len(found)}. Nothing was asked or changed.")
        return Counter()

    def _settled(self) -> Counter[str]:
        with checked_in("enrollment-settling", minutes=60):
            ends = sweep(on_row=self._tell if self.stdout.isatty() else lambda row, end: None)
        self.stdout.write(
            f"Settled: {ends[State.LINKED]} linked, {ends[State.NOT_LINKED]} not linked, "
            f"{ends[State.EXPIRED]} not known. To be asked again: {ends[WAITING]}."
            + (f" Not finished in time: {late}." if (late := ends[State.NOT_FINISHED]) else "")
        )
        return ends

    def _tell(self, row: SentLink, end: str) -> None:
        self.stdout.write(f"{row.reference}  {row.account}  {end.replace('_', ' ')}")

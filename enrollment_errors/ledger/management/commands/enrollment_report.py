"""Counts enrollments by month or day, agency and flow, for reports to a funder."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ....spreadsheet import csv_lines
from ...sums import HEAD, Period, cells, sums, total


class Command(BaseCommand):
    help = "Counts the enrollments of the ledger by month or day, agency and flow."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--by",
            choices=[period.value for period in Period],
            default="month",
            help="the period to count by (default: month)",
        )
        parser.add_argument("--from", dest="since", metavar="DATE", type=_day, help="the first day, such as 2026-07-01")
        parser.add_argument("--to", dest="until", metavar="DATE", type=_day, help="the last day, which is included")
        parser.add_argument("--agency", default="", metavar="SLUG", help="only this agency, by its slug")
        parser.add_argument("--csv", action="store_true", help="print CSV, such as for a spreadsheet")

    def handle(self, *args: Any, **options: Any) -> None:
        period, since, until = Period(options["by"]), options["since"], options["until"]
        if since and until and since > until:
            raise CommandError("--from must not be later than --to.")
        found = sums(period, since=since, until=until, agency=options["agency"])
        if options["csv"]:
            for line in csv_lines((period.value, *HEAD), map(cells, found), for_a_file=False):
                self.stdout.write(line, ending="")
            return
        if not found:
            matching = " that match" if since or until or options["agency"] else ""
            self.stdout.write(f"The ledger has no enrollments{matching}.")
            return
        for line in _table([(period.value, *HEAD), *map(cells, found), ("total", "", "", *total(found))]):
            self.stdout.write(line)


def _day(text: str) -> date:
    """Raises ``ValueError``, which the parser turns into a sentence."""
    return date.fromisoformat(text)


_day.__name__ = "date"  # for the parser's sentence


def _table(rows: list[tuple[Any, ...]]) -> list[str]:
    """Aligns texts to the left and numbers to the right."""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            str(cell).rjust(width) if column > 2 else str(cell).ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

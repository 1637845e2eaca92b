"""Finds out, without a rider, whether riders can enroll, and tells operators what has changed."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailed
from django.db import close_old_connections

from ....account_directory import account_names
from ....clock import SYSTEM_CLOCK
from ...models import Watched
from ...watching import watch

logger = logging.getLogger("enrollment_errors")


class Command(BaseCommand):
    help = (
        "Examines every account as enrollment_doctor does, without enrolling anyone, and alerts operators to changes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            metavar="NAME",
            help="examine only this account; you can repeat it",
        )
        parser.add_argument(
            "--every", type=float, metavar="SECONDS", help="keep running, with this time between two runs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_misspelled(options["account"])
        if options["every"] is None:
            try:
                self._look(options["account"])
            except DatabaseFailed as error:
                # Only the type: the text may hold addresses and values.
                raise CommandError(
                    f"The database failed ({type(error).__name__}), so the accounts could not be examined. Check it, "
                    "and whether you have run manage.py migrate."
                ) from None
            return
        if options["every"] <= 0:
            raise CommandError("--every must be above 0.")
        with suppress(KeyboardInterrupt):
            while True:
                self._look_whatever_happens(options["account"])
                SYSTEM_CLOCK.sleep(options["every"])

    def _look_whatever_happens(self, accounts: list[str]) -> None:
        try:
            close_old_connections()
            self._look(accounts)
        except Exception as error:  # noqa: BLE001  a database that is down for a while must not end the watch
            logger.error("The watch failed (%s). It tries again at its next run.", type(error).__name__)  # noqa: TRY400  no traceback in a log

    def _look(self, accounts: list[str]) -> None:
        rows = [_row(found) for found in watch(accounts)]
        for row in rows or ["There are no accounts to examine."]:
            self.stdout.write(row)
        self.stdout.flush()


def _refuse_misspelled(accounts: list[str]) -> None:
    """Otherwise operators would be alerted to an account that does not exist."""
    try:
        names = account_names()
    except Exception:  # noqa: BLE001  a database that is down: the watch says so itself, or tries again
        return
    if wrong := sorted(set(accounts) - set(names)):
        raise CommandError(f'There is no account "{wrong[0]}". There are: {", ".join(sorted(names))}.')


def _row(found: Watched) -> str:
    mark = "FAIL" if found.is_failure else "WARN" if found.diagnosis else "ok"
    what = ": ".join(filter(None, (found.diagnosis, found.detail)))
    return f"{mark:<5} {found!s:<40} {what}".rstrip()

"""What it costs to record an enrollment's link before it is sent, and to release the record afterwards."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import django
from django.conf import settings

from tests import settings as site
from tests.servers import PostgresServer, postgresql_programs

from .tables import print_table

TIMES = 500
TARGET = 1.0
"""Maximum milliseconds that a rider may wait for the record."""


def main() -> None:
    programs = postgresql_programs()
    if programs is None:
        print("Nothing is measured of the journal: PostgreSQL's initdb is missing.")
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = PostgresServer(programs, Path(folder))
        server.start()
        try:
            _measure(server.settings)
        finally:
            server.stop()


def _measure(database: Mapping[str, Any]) -> None:
    everything = {name: getattr(site, name) for name in dir(site) if name.isupper()}
    settings.configure(**{**everything, "DATABASES": {"default": dict(database)}, "LOGGING_CONFIG": None})
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    opened, let_go = _times()
    with _durable(connection):
        durable, _ = _times()
    connection.close()
    print_table(
        f"The journal of links, on PostgreSQL over loopback, {TIMES} times each",
        ("step", "median", "best", "target"),
        [
            ("written before the link is sent", *_row(opened), f"{TARGET} ms"),
            ("the same, with each commit on the disk", *_row(durable), ""),
            ("let go with its count, by a thread", *_row(let_go), ""),
        ],
        note="Wall time. The first is all that a rider waits for. How long a commit takes with fsync is the disk's.",
    )


def _times() -> tuple[list[float], list[float]]:
    from django.db import transaction

    from enrollment_errors.journal import get_journal
    from enrollment_errors.processors.types import FundingSource
    from enrollment_errors.results import PendingLink
    from tests.reporting.reports import new_report

    journal = get_journal()
    opened, let_go = [], []
    for number in range(TIMES):
        link = PendingLink(
            account="littlepay",
            group_id="group-seniors",
            funding_source=FundingSource(id=f"card-{number}"),
            expires_at=None,
            sent_at=time.time(),
        )
        report = new_report(reference=f"R{number}")
        started = time.perf_counter()
        entry = journal.open(link, report)
        opened.append(time.perf_counter() - started)

        def count(reference: str = report.reference, kept_as: str = entry.kept_as) -> None:
            with transaction.atomic():
                assert journal.counted(reference, kept_as)

        let_go.append(_timed(count))
    return opened, let_go


def _timed(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def _row(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times) * 1000:.2f} ms", f"{min(times) * 1000:.2f} ms"


@contextmanager
def _durable(connection: Any) -> Iterator[None]:
    """By default, the tests' server does not wait for its disk. This makes it wait."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET fsync = on")
        cursor.execute("SELECT pg_reload_conf()")
    yield

"""The journal in the database: one row, written before a link is sent and removed when its end is known.

A success is removed in the transaction that counts it, a moment later and outside the rider's request: if a process is
killed in between, the row stays, and the sweep counts it. If the site keeps no incidents, the row is removed in the
transaction that enters it into the ledger. If the site has neither, it is removed at once.

While the database fails, riders still enroll, without the row; operators are told once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from ..clock import SYSTEM_CLOCK
from ..finishing import JournalDown, Promise
from ..journal import Entry, Journal
from ..processes import PerProcess
from ..reporting.report import Report
from ..results import PendingLink
from .models import SentLink, State
from .promises import canceled, promise_of, promised
from .rows import is_counted_later, is_entered_later, request_is_over, rows, told
from .sealing import link_digest, rider_digest, sealed, unsealed
from .transactions import committed, database

logger = logging.getLogger("enrollment_errors")

T = TypeVar("T")


class DatabaseJournal(Journal):
    def open(self, link: PendingLink, report: Report) -> Entry:
        row = _unless_it_fails(lambda: _written(link, report))
        return Entry() if row is None else KeptEntry(row)

    def open_links(self, rider: str) -> list[PendingLink]:
        found = rows().filter(rider=rider_digest(rider), state=State.OPEN).values_list("sealed", flat=True)
        known = map(unsealed, _unless_it_fails(lambda: list(found)) or [])
        return [one.link for one in known if one is not None]

    def counted(self, reference: str, kept_as: str) -> bool:
        # Not by the reference alone: a region has several links under one reference.
        kept = rows().filter(reference=reference, link=kept_as, state=State.OPEN).values_list("pk", flat=True).first()
        if kept is None:
            return False
        return kept in told(kept_as)

    def promise(self, name: str) -> Promise | None:
        found = _unless_it_fails(lambda: list(rows().filter(finishing=name)))
        if found is None:
            raise JournalDown
        return promise_of(found[0]) if found else None

    def cancel(self, name: str) -> None:
        if _unless_it_fails(lambda: canceled(name)) is None:
            raise JournalDown


class KeptEntry(Entry):
    """The entry of the request that wrote the row."""

    def __init__(self, row: SentLink) -> None:
        self._row = row
        self.kept_as = row.link

    def told_before(self, report: Report) -> str | None:
        row = self._row
        # This checks a link again, under a new reference, or is another try for a region, under the same one. The sweep
        # may have settled it first.
        if report.reference == row.reference and not report.part:
            return None
        was_told = _unless_it_fails(lambda: self._was_told_before(report.reference))
        if was_told is None:
            self.kept_as = ""  # the row cannot be found under the new reference
        if not was_told:
            return None
        self.drop()
        return row.reference

    def linked(self, report: Report) -> str | None:
        if not is_counted_later() and not is_entered_later():
            _unless_it_fails(lambda: told(self._row.link))
        return None

    def finish_later(self, until: datetime, report: Report) -> str:
        return _unless_it_fails(lambda: promised(self._row, until, report)) or ""

    def drop(self) -> None:
        _unless_it_fails(lambda: committed(lambda: rows().filter(pk=self._row.pk).delete()))

    def _was_told_before(self, reference: str) -> bool:
        """If it was not, the row continues under the new reference."""
        row = self._row

        def was_told() -> bool:
            # All rows, in any state, to wait for a sweep that is reporting one at this moment.
            same = rows().select_for_update().filter(link=row.link).order_by("pk")
            if (row.reference, State.LINKED) in list(same.values_list("reference", "state")):
                return True
            rows().filter(pk=row.pk).update(reference=reference)
            return False

        return committed(was_told)


def _written(link: PendingLink, report: Report) -> SentLink:
    assert report.enrollment is not None
    now = timezone.now()
    row = SentLink(
        reference=report.reference,
        account=_fitting("account", link.account),
        agency=_fitting("agency", report.enrollment.agency.slug),
        flow=_fitting("flow", report.enrollment.flow),
        method=report.enrollment.method.value,
        rider=rider_digest(report.origin.identity.user_id),
        link=link_digest(link, report.origin.identity.user_id),
        sealed=sealed(link, report.enrollment, report.origin),
        opened_at=now,
        next_at=request_is_over(now),
    )
    committed(lambda: row.save(using=database(), force_insert=True))
    return row


def _fitting(name: str, value: str) -> str:
    return value[: getattr(SentLink._meta.get_field(name), "max_length", None)]


RESTS = 10
"""A failing database is left alone for this many times as long as it took to fail: one that hangs must not hang every
rider."""


class _Health:
    is_down = False
    asked_again_at = 0.0


_healths: PerProcess[_Health] = PerProcess()


def _unless_it_fails(ask: Callable[[], T]) -> T | None:
    health = _healths.get("health", _Health)
    started = SYSTEM_CLOCK.monotonic()
    if health.is_down and started < health.asked_again_at:
        return None
    try:
        answer = _asked_twice(ask)
    except Exception as error:  # noqa: BLE001  the journal must not keep a rider from enrolling
        failed = SYSTEM_CLOCK.monotonic()
        health.asked_again_at = failed + RESTS * (failed - started)
        if not health.is_down:
            health.is_down = True
            # Only the type: the text may hold addresses and values.
            logger.error(  # noqa: TRY400  a traceback would show them
                "Links are sent without being written down (%s). If the answer to one is lost, "
                "settle_enrollments does not know about it.",
                type(error).__name__,
            )
        return None
    if health.is_down:
        health.is_down = False
        logger.warning("Links are written down again before they are sent.")
    return answer


def _asked_twice(ask: Callable[[], T]) -> T:
    """After a database restart, an old connection fails, and the next one works."""
    connection = connections[database()]
    try:
        return ask()
    except (DatabaseError, InterfaceError):
        if connection.in_atomic_block or connection.connection is None or connection.is_usable():
            raise
        connection.close()
        return ask()

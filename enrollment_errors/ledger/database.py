"""A success into the ledger, and where the database does not take it at once, later: no row is lost while this process
lives, and what a process that dies had not written is in the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError, ProgrammingError, connections, router, transaction

from ..journal import get_journal
from ..processes import PerProcess
from ..reporting.background import Sender, Undelivered
from .models import Entry

MOST_WAITING = 10_000
"""Entries that wait for the database. Each is about one kilobyte."""

Facts = Mapping[str, Any]
"""All fields of an ``Entry``, by name."""


def store(entries: Sequence[Facts], *, kept_as: str = "") -> None:
    """One that is there already is left as it is. Raises what the database raises.

    ``kept_as`` is what the journal calls the one link that they are about, and lets it go by.

    The transaction is for a caller who has one open: it goes on, whatever becomes of ours.
    """
    alias = router.db_for_write(Entry)
    with transaction.atomic(using=alias):
        Entry.objects.using(alias).bulk_create((Entry(**facts) for facts in entries), ignore_conflicts=True)
        if kept_as:
            for facts in entries:
                get_journal().counted(facts["reference"], kept_as)


class EntrySender(Sender[Facts, Sequence[Facts]]):
    """What the database of one process did not take at once. ``rest`` closes the connection of the thread."""

    what: ClassVar[str] = "Entries of the ledger"
    thread_name: ClassVar[str] = "enrollment-errors-ledger"

    def __init__(self, *, background: bool = True) -> None:
        super().__init__(background=background)
        self._entries: list[Facts] = []

    def add(self, item: Facts) -> bool:
        if len(self._entries) >= MOST_WAITING:
            return False
        self._entries.append(item)
        return True

    def take(self) -> Sequence[Facts]:
        batch, self._entries = self._entries, []
        return batch

    def put_back(self, batch: Sequence[Facts]) -> int:
        self._entries = [*batch, *self._entries]
        return 0

    def waiting(self) -> int:
        return len(self._entries)

    def deliver(self, batch: Sequence[Facts]) -> bool:
        try:
            store(batch)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            # After any other it is the facts themselves that the database refuses, and would refuse again.
            raise Undelivered(batch, type(error).__name__) from error
        return bool(batch)

    def rest(self) -> None:
        connections.close_all()


_senders: PerProcess[EntrySender] = PerProcess()
_held: EntrySender | None = None


def sender() -> EntrySender:
    """This process's own."""
    return _held or _senders.get("sender", EntrySender)


@contextmanager
def on_demand() -> Iterator[EntrySender]:
    """For tests: meanwhile what waits is written by ``flush`` alone, in the caller's thread and transaction."""
    global _held
    before, _held = _held, EntrySender(background=False)
    try:
        yield _held
    finally:
        _held = before

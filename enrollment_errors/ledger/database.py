"""Writes successes to the ledger, later if the database does not accept them at once.

Until then, they wait in this process, up to ``MOST_WAITING`` of them. The log has every row that had to wait, in case
the process dies, the database refuses the row, or there is no room for it.
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
"""Maximum entries that wait for the database. Each takes about one kilobyte."""

Facts = Mapping[str, Any]
"""All fields of an ``Entry``, by name."""


def store(entries: Sequence[Facts], *, kept_as: str = "") -> None:
    """Leaves an entry that already exists unchanged. Raises what the database raises.

    ``kept_as`` is the journal's name for the link, if the entries are about just one; the journal then releases it.

    If the caller has a transaction open, it can continue even if this one fails.
    """
    alias = router.db_for_write(Entry)
    with transaction.atomic(using=alias):
        Entry.objects.using(alias).bulk_create((Entry(**facts) for facts in entries), ignore_conflicts=True)
        if kept_as:
            for facts in entries:
                get_journal().counted(facts["reference"], kept_as)


class EntrySender(Sender[Facts, Sequence[Facts]]):
    """Delivers entries that the database did not accept at once. ``rest`` closes the thread's connection."""

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
            # After any other error, the database refuses the facts themselves, and would again.
            raise Undelivered(batch, type(error).__name__) from error
        return bool(batch)

    def rest(self) -> None:
        connections.close_all()


_senders: PerProcess[EntrySender] = PerProcess()
_held: EntrySender | None = None


def sender() -> EntrySender:
    """The sender of this process."""
    return _held or _senders.get("sender", EntrySender)


@contextmanager
def on_demand() -> Iterator[EntrySender]:
    """For tests: inside the block, only ``flush`` writes what waits, in the caller's thread and transaction."""
    global _held
    before, _held = _held, EntrySender(background=False)
    try:
        yield _held
    finally:
        _held = before

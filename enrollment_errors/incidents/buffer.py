"""Takes the end of an enrollment from a rider's request to the database. The request does not wait for the write, and
its transaction does not include it.

While the database is down, a limited number of incidents wait. Any more are still counted, and the counts go into the
database once it is back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

from django.db import DataError, IntegrityError, connections
from django.db import Error as DatabaseFailed

from ..catalogue import explained
from ..outcomes import Outcome
from ..processes import PerProcess
from ..reporting.background import Sender, Undelivered
from ..reporting.budgets import budgets
from .database import Counts, Facts, add_to, key_of, store

MOST_WAITING = 1_000
"""Maximum incidents that wait for the database, and maximum successes that the journal keeps until then. Each takes
about one kilobyte."""
MOST_WAITING_COUNTS = 10_000


class End(NamedTuple):
    """``kept_as`` is the journal's name for the link, if it keeps the link until its success is counted."""

    facts: Facts
    counted_only: bool = False
    kept_as: str = ""


class Gathered(NamedTuple):
    incidents: list[Facts]
    counts: Counts
    kept: list[tuple[Facts, str]]


class IncidentSender(Sender[End, Gathered]):
    """Delivers the facts of one process. ``rest`` closes the database connection, which belongs to the sender's
    thread."""

    what: ClassVar[str] = "Incidents"
    thread_name: ClassVar[str] = "enrollment-errors-incidents"

    def __init__(self, *, background: bool = True) -> None:
        super().__init__(background=background)
        self._incidents: list[Facts] = []
        self._counts: Counts = {}
        self._kept: list[tuple[Facts, str]] = []

    def add(self, item: End) -> bool:
        """A success is only counted, unless operators must look at it."""
        facts = item.facts
        if item.kept_as:
            if len(self._kept) >= MOST_WAITING:
                return False  # the journal still has it, and a sweep counts it later
            self._kept.append((facts, item.kept_as))
        elif not add_to(self._counts, facts, most=MOST_WAITING_COUNTS):
            return False
        if facts["outcome"] != Outcome.SUCCESS.value or explained(facts["code"]).is_odd:
            if explained(facts["code"]).is_meant:
                return True  # an operator wanted it
            if not item.counted_only and len(self._incidents) < MOST_WAITING:
                self._incidents.append(facts)
            elif not item.kept_as:
                self._counts[key_of(facts)].unlisted += 1
        return True

    def take(self) -> Gathered:
        gathered = Gathered(self._incidents, self._counts, self._kept)
        self._incidents, self._counts, self._kept = [], {}, []
        return gathered

    def put_back(self, batch: Gathered) -> int:
        self._incidents = batch.incidents + self._incidents
        self._kept = batch.kept + self._kept
        for key, newer in self._counts.items():
            older = batch.counts.setdefault(key, newer)
            if older is not newer:
                older.last_at = newer.last_at
                older.count += newer.count
                older.unlisted += newer.unlisted
        self._counts = batch.counts
        return 0

    def waiting(self) -> int:
        return len(self._kept) + sum(count.count for count in self._counts.values())

    def deliver(self, batch: Gathered) -> bool:
        try:
            store(*batch)
        except (DataError, IntegrityError):
            raise  # the database refuses the facts themselves, and would again
        except DatabaseFailed as error:
            raise Undelivered(batch, type(error).__name__) from error
        return bool(batch.counts or batch.kept)

    def rest(self) -> None:
        connections.close_all()


_senders: PerProcess[IncidentSender] = PerProcess()
_held: IncidentSender | None = None


def sender() -> IncidentSender:
    """The sender of this process."""
    return _held or _senders.get("sender", IncidentSender)


@contextmanager
def on_demand() -> Iterator[IncidentSender]:
    """For tests: inside the block, only ``flush`` writes, in the caller's thread and transaction."""
    global _held
    before, _held = _held, IncidentSender(background=False)
    budgets.clear()
    try:
        yield _held
    finally:
        _held = before

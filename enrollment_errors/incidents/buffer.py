"""From a rider's request into the database, without the request waiting for it, and outside of its transaction.

While the database is down, what waits is bounded: an incident too many is still counted, and goes into the database as
a count once there is one.
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
"""Incidents that wait for the database. Each is about one kilobyte."""
MOST_WAITING_COUNTS = 10_000


class End(NamedTuple):
    """``kept_as``: what the journal calls the link of a success that it keeps until it is counted."""

    facts: Facts
    counted_only: bool = False
    kept_as: str = ""


class Gathered(NamedTuple):
    incidents: list[Facts]
    counts: Counts
    kept: list[tuple[Facts, str]]


class IncidentSender(Sender[End, Gathered]):
    """The facts of one process on their way. ``rest`` closes the connection: the thread has one of its own."""

    what: ClassVar[str] = "Incidents"
    thread_name: ClassVar[str] = "enrollment-errors-incidents"

    def __init__(self, *, background: bool = True) -> None:
        super().__init__(background=background)
        self._incidents: list[Facts] = []
        self._counts: Counts = {}
        self._kept: list[tuple[Facts, str]] = []

    def add(self, item: End) -> bool:
        """A success is only counted, unless operators have to look at it."""
        facts = item.facts
        if item.kept_as:
            if len(self._kept) >= MOST_WAITING:
                return False  # the journal still has it, and counts it later
            self._kept.append((facts, item.kept_as))
        elif not add_to(self._counts, facts, most=MOST_WAITING_COUNTS):
            return False
        if facts["outcome"] != Outcome.SUCCESS.value or explained(facts["code"]).is_odd:
            if explained(facts["code"]).is_meant:
                return True  # nobody has to look at it
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
            raise  # it is the facts themselves that the database refuses
        except DatabaseFailed as error:
            raise Undelivered(batch, type(error).__name__) from error
        return bool(batch.counts or batch.kept)

    def rest(self) -> None:
        connections.close_all()


_senders: PerProcess[IncidentSender] = PerProcess()
_held: IncidentSender | None = None


def sender() -> IncidentSender:
    """This process's own."""
    return _held or _senders.get("sender", IncidentSender)


@contextmanager
def on_demand() -> Iterator[IncidentSender]:
    """For tests: meanwhile nothing is written but by ``flush``, in the caller's thread and transaction."""
    global _held
    before, _held = _held, IncidentSender(background=False)
    budgets.clear()
    try:
        yield _held
    finally:
        _held = before

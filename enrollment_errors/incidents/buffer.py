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
from .database import Count, Counts, Facts, store
from .models import DIMENSIONS

MOST_WAITING = 1_000
"""Incidents that wait for the database. Each is about one kilobyte."""
MOST_WAITING_COUNTS = 10_000


class End(NamedTuple):
    facts: Facts
    counted_only: bool = False


class Gathered(NamedTuple):
    incidents: list[Facts]
    counts: Counts


class IncidentSender(Sender[End, Gathered]):
    """The facts of one process on their way. ``rest`` closes the connection: the thread has one of its own."""

    what: ClassVar[str] = "Incidents"
    thread_name: ClassVar[str] = "enrollment-errors-incidents"

    def __init__(self, *, background: bool = True) -> None:
        super().__init__(background=background)
        self._incidents: list[Facts] = []
        self._counts: Counts = {}

    def add(self, item: End) -> bool:
        """A success is only counted, unless operators have to look at it."""
        facts = item.facts
        count = self._count_of(facts)
        if count is None:
            return False
        count.count += 1
        count.last_at = facts["at"]
        if facts["outcome"] != Outcome.SUCCESS.value or explained(facts["code"]).is_odd:
            if explained(facts["code"]).is_meant:
                return True  # nobody has to look at it
            if item.counted_only or len(self._incidents) >= MOST_WAITING:
                count.unlisted += 1
            else:
                self._incidents.append(facts)
        return True

    def take(self) -> Gathered:
        gathered = Gathered(self._incidents, self._counts)
        self._incidents, self._counts = [], {}
        return gathered

    def put_back(self, batch: Gathered) -> int:
        self._incidents = batch.incidents + self._incidents
        for key, newer in self._counts.items():
            older = batch.counts.setdefault(key, newer)
            if older is not newer:
                older.last_at = newer.last_at
                older.count += newer.count
                older.unlisted += newer.unlisted
        self._counts = batch.counts
        return 0

    def waiting(self) -> int:
        return sum(count.count for count in self._counts.values())

    def deliver(self, batch: Gathered) -> bool:
        try:
            store(*batch)
        except (DataError, IntegrityError):
            raise  # it is the facts themselves that the database refuses
        except DatabaseFailed as error:
            raise Undelivered(batch, type(error).__name__) from error
        return bool(batch.counts)

    def rest(self) -> None:
        connections.close_all()

    def _count_of(self, facts: Facts) -> Count | None:
        at = facts["at"]
        key = (at.replace(second=0, microsecond=0), *(facts[name] for name in DIMENSIONS))
        if key not in self._counts and len(self._counts) >= MOST_WAITING_COUNTS:
            return None
        return self._counts.setdefault(key, Count(first_at=at, last_at=at))


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

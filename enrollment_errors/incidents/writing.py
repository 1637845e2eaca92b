"""From a rider's request into the database, without the request waiting for it, and outside of its transaction.

A request only leaves its facts here. A thread of the process, which lives while there is something to write, puts what
has gathered into the database, on a connection of its own that it closes again. While the database is down, what waits
is bounded: an incident too many is still counted, and goes into the database as a count once there is one.
"""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DataError, IntegrityError, connections
from django.db import Error as DatabaseFailed

from ..catalogue import explained
from ..models import DIMENSIONS
from ..outcomes import Outcome
from ..processes import PerProcess
from ..reporting.budgets import budgets
from .storing import Count, Counts, Facts, store

logger = logging.getLogger("enrollment_errors")

THREAD = "enrollment-errors-incidents"
BATCH_SECONDS = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between two tries while the database is down, doubled from ``BATCH_SECONDS`` to this."""
EXIT_SECONDS = 2.0
MAX_WAITING = 1_000
"""Incidents that wait for the database. Each is about one kilobyte."""
MAX_WAITING_COUNTS = 10_000


class Writer:
    """The facts of one process on their way. ``background``: a thread writes them; else only who calls ``flush``."""

    def __init__(self, *, background: bool = True) -> None:
        self._background = background
        self._process_id = os.getpid()
        self._changed = threading.Condition()
        self._incidents: list[Facts] = []
        self._counts: Counts = {}
        self._uncounted = 0
        self._thread_lives = False
        self._leaving = False
        self._is_down = False
        if background:
            atexit.register(self.leave)

    def take(self, facts: Facts, *, counted_only: bool = False) -> None:
        """Returns at once. A success is only counted, unless operators have to look at it."""
        with self._changed:
            count = self._count_of(facts)
            if count is None:
                self._uncounted += 1
                return
            count.count += 1
            count.last_at = facts["at"]
            if facts["outcome"] != Outcome.SUCCESS.value or explained(facts["code"]).is_odd:
                if counted_only or len(self._incidents) >= MAX_WAITING:
                    count.unlisted += 1
                else:
                    self._incidents.append(facts)
            if self._background and not self._thread_lives:
                self._start_thread()

    def flush(self) -> None:
        """Write what waits, in this thread and on its connection.

        Raises what the database raises. What was to be written then waits on, unless it is the facts themselves that
        the database refuses.
        """
        with self._changed:
            incidents, counts = self._incidents, self._counts
            self._incidents, self._counts = [], {}
        try:
            store(incidents, counts)
        except (DataError, IntegrityError):
            raise
        except DatabaseFailed:
            self._put_back(incidents, counts)
            raise

    def leave(self) -> None:
        """At exit: wait for the thread, within bounds, and say so where it does not make it."""
        if self._process_id != os.getpid():
            return  # a child that inherited this writer by a fork, and has its own
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._thread_lives, timeout=EXIT_SECONDS)
            waiting = sum(count.count for count in self._counts.values())
            if self._thread_lives or waiting:
                logger.warning("The database does not answer: at least %d outcomes are lost with the process.", waiting)

    def _count_of(self, facts: Facts) -> Count | None:
        at = facts["at"]
        key = (at.replace(second=0, microsecond=0), *(facts[name] for name in DIMENSIONS))
        if key not in self._counts and len(self._counts) >= MAX_WAITING_COUNTS:
            return None
        return self._counts.setdefault(key, Count(first_at=at, last_at=at))

    def _put_back(self, incidents: list[Facts], counts: Counts) -> None:
        with self._changed:
            self._incidents = incidents + self._incidents
            for key, newer in self._counts.items():
                older = counts.setdefault(key, newer)
                if older is not newer:
                    older.last_at = newer.last_at
                    older.count += newer.count
                    older.unlisted += newer.unlisted
            self._counts = counts

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._write_until_done, name=THREAD, daemon=True)
        # In an empty context: Sentry must not take the thread for a part of the request that happens to start it.
        contextvars.Context().run(thread.start)
        self._thread_lives = True

    def _write_until_done(self) -> None:
        pause = BATCH_SECONDS
        while self._has_work(after=pause):
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001  a thread that ends here would leave everything after it unwritten
                self._failed(error)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._succeeded()
                pause = BATCH_SECONDS
            finally:
                connections.close_all()

    def _has_work(self, *, after: float) -> bool:
        """Waits ``after`` seconds for more to write at once. Where there is nothing, the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._leaving, timeout=after)
            hopeless = self._leaving and self._is_down
            if self._counts and not hopeless:
                return True
            self._thread_lives = False
            self._changed.notify_all()
            return False

    def _failed(self, error: Exception) -> None:
        if not self._is_down:
            self._is_down = True
            # The type alone: the text of a database's error may hold addresses and values.
            logger.error("Incidents cannot be written (%s); what waits is counted.", type(error).__name__)

    def _succeeded(self) -> None:
        if self._is_down:
            self._is_down = False
            with self._changed:
                uncounted, self._uncounted = self._uncounted, 0
            logger.warning("Incidents are written again; %d outcomes were not even counted.", uncounted)


_writers: PerProcess[Writer] = PerProcess()
_held: Writer | None = None


def writer() -> Writer:
    """This process's own."""
    return _held or _writers.get("writer", Writer)


@contextmanager
def on_demand() -> Iterator[Writer]:
    """For tests: meanwhile nothing is written but by ``flush``, in the caller's thread and transaction."""
    global _held
    before, _held = _held, Writer(background=False)
    budgets.clear()
    try:
        yield _held
    finally:
        _held = before

"""Limits how many outcomes a minute are reported one by one. Above that they are only counted, so no one floods the
lists.

Reports from browsers and from the back end have separate budgets, so no browser can keep a processor's failure out of
the list, and each session has a small budget. Each process has its own.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from ..clock import SYSTEM_CLOCK, Clock
from ..outcomes import Outcome, Side
from .report import Report

PER_SESSION = 10


class Budgets:
    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minute_began = clock.monotonic()
        self._spent: Counter[Side | tuple[Side, str]] = Counter()

    def weighed(self, report: Report, *, per_minute: int) -> Report:
        """The report, marked ``counted_only`` if the budget is spent. ``per_minute`` applies to each side.

        A success is never over budget, and a report without an outcome counts only for its session.
        """
        if report.outcome is Outcome.SUCCESS:
            return report
        session = (report.side, report.origin.identity.user_id)
        with self._lock:
            self._begin_minute()
            is_within = self._spent[session] < PER_SESSION and (
                report.outcome is None or self._spent[report.side] < per_minute
            )
            if is_within:
                self._spent[session] += 1
                self._spent[report.side] += report.outcome is not None
        return report if is_within else replace(report, counted_only=True)

    def clear(self) -> None:
        """For tests: as if nothing had been reported in this minute."""
        with self._lock:
            self._spent.clear()
            self._minute_began = self._clock.monotonic()

    def _begin_minute(self) -> None:
        now = self._clock.monotonic()
        if now - self._minute_began >= 60:
            self._minute_began = now
            self._spent.clear()


budgets = Budgets()

"""The rider's patience: one budget of time for all the calls of one request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import DeadlineExceeded
from .clock import SYSTEM_CLOCK, Clock


class Deadline:
    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left; negative once it is over."""
        return self._end - self._clock.monotonic()

    @contextmanager
    def keeping_half_back(self) -> Iterator[None]:
        """Meanwhile half of what is left counts as over: so that after a lost answer there is time to ask about it."""
        end = self._end
        self._end -= max(0.0, self.remaining()) / 2
        try:
            yield
        finally:
            self._end = end

    def check(self) -> None:
        """Raises ``DeadlineExceeded`` where nothing is left: whatever was to be called has not been."""
        if self.remaining() <= 0:
            raise DeadlineExceeded("no time left for the call")

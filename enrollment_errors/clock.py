"""Time, sleep and chance behind one seam, so that a test of timing takes no time; and the rider's patience."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from .exceptions import DeadlineExceeded


class Clock:
    def monotonic(self) -> float:
        """Seconds, for durations."""
        return time.monotonic()

    def time(self) -> float:
        """Epoch seconds, for what other processes and hosts have to understand."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random(self) -> float:
        """From 0 to 1, 1 excluded."""
        return random.random()  # noqa: S311 - spreads retries, protects nothing


SYSTEM_CLOCK = Clock()


class Deadline:
    """One budget of time for all the calls of one request."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left; negative once it is over."""
        return self._end - self._clock.monotonic()

    @contextmanager
    def sharing(self, among: int) -> Iterator[None]:
        """Meanwhile only one of so many equal shares of what is left counts: the others shall have time too."""
        end = self._end
        self._end -= max(0.0, self.remaining()) * (among - 1) / among
        try:
            yield
        finally:
            self._end = end

    def keeping_half_back(self) -> AbstractContextManager[None]:
        """So that after a lost answer there is time to ask about it."""
        return self.sharing(2)

    def check(self) -> None:
        """Raises ``DeadlineExceeded`` where nothing is left: whatever was to be called has not been."""
        if self.remaining() <= 0:
            raise DeadlineExceeded("no time left for the call")

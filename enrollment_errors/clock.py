"""Time, sleep and randomness in one place, so that tests can replace them. Also the time budget of a request."""

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
        """Epoch seconds, for values that other processes and hosts read."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random(self) -> float:
        """From 0 to 1, 1 excluded."""
        return random.random()  # noqa: S311 - spreads retries, protects nothing


SYSTEM_CLOCK = Clock()


class Deadline:
    """One time budget for all calls of one request."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; negative after the deadline."""
        return self._end - self._clock.monotonic()

    @contextmanager
    def sharing(self, among: int) -> Iterator[None]:
        """Inside the block, only one of ``among`` equal shares of the remaining time counts; the rest is for others."""
        end = self._end
        self._end -= max(0.0, self.remaining()) * (among - 1) / among
        try:
            yield
        finally:
            self._end = end

    def keeping_half_back(self) -> AbstractContextManager[None]:
        """Leaves time to ask what happened after a lost answer."""
        return self.sharing(2)

    def check(self) -> None:
        """Raises ``DeadlineExceeded`` if no time is left. The call was not made."""
        if self.remaining() <= 0:
            raise DeadlineExceeded("no time was left for the call")

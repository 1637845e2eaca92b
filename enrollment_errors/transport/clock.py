"""Time, sleep and chance behind one seam, so that a test of timing takes no time."""

from __future__ import annotations

import random
import time


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
        return random.random()  # noqa: S311 - spreads retries, guards nothing


SYSTEM_CLOCK = Clock()

"""A clock that stands still until someone sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from django.core.cache.backends import base, filebased, locmem

from enrollment_errors.clock import Clock


class FakeClock(Clock):
    """``random`` returns ``chance``; ``sleeps`` records every sleep, in seconds."""

    def __init__(self, now: float = 1_800_000_000.0, chance: float = 0.5) -> None:
        self.now = now
        self.chance = chance
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def random(self) -> float:
        return self.chance


@contextmanager
def cache_on(clock: Clock) -> Iterator[None]:
    """Makes Django's memory and file caches expire entries by ``clock``."""
    time = SimpleNamespace(time=clock.time)
    # At the moment when it expires, an entry in a file is still valid, and one in memory is not.
    time_of_files = SimpleNamespace(time=lambda: clock.time() + 0.001)
    with (
        patch.object(base, "time", time),
        patch.object(locmem, "time", time),
        patch.object(filebased, "time", time_of_files),
    ):
        yield

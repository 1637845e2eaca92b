"""A clock that stands still until somebody sleeps."""

from __future__ import annotations

from enrollment_errors.transport.clock import Clock


class FakeClock(Clock):
    """``chance`` is what ``random`` gives; ``sleeps`` is what was slept."""

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

"""Two callers use the circuit breaker at the same moment, in one process or in two."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from enrollment_errors.exceptions import CircuitOpen, ConnectionFailed
from enrollment_errors.transport.circuit import Circuit

from .circuits import heard
from .clocks import FakeClock

FAILURES, OPEN_FOR, LONGEST = 3, 10, 8


@pytest.fixture
def circuit(account: str, clock: FakeClock) -> Circuit:
    return Circuit(account, failures=FAILURES, window=30, open_for=OPEN_FOR, cache="default", clock=clock)


def fail(circuit: Circuit) -> None:
    with pytest.raises(ConnectionFailed), circuit.admit(LONGEST):
        raise ConnectionFailed


def test_failures_at_the_same_moment_are_counted_one_by_one(circuit: Circuit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another failure comes after the first one looks for a free slot and before it takes that with ``add``."""
    add = LocMemCache.add

    def add_late(*args: Any, **kwargs: Any) -> bool:
        monkeypatch.undo()
        fail(circuit)
        return add(*args, **kwargs)

    monkeypatch.setattr(LocMemCache, "add", add_late)
    fail(circuit)
    fail(circuit)
    with pytest.raises(CircuitOpen), circuit.admit(LONGEST):
        pass


@pytest.mark.usefixtures("shared_cache")
def test_a_probe_that_took_longer_than_it_might_and_one_after_it_close_it_once(
    circuit: Circuit, clock: FakeClock, account: str
) -> None:
    with heard(account) as signals:
        for _ in range(FAILURES):
            fail(circuit)
        clock.now += OPEN_FOR
        with circuit.admit(LONGEST):
            clock.now += LONGEST + 1
            with circuit.admit(LONGEST):
                pass
    assert [name for name, _ in signals] == ["opened", "closed"]

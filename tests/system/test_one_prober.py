"""The breaker on Redis, which knows only whole seconds."""

from __future__ import annotations

import pytest

from enrollment_errors.exceptions import CircuitOpen, TimedOut
from enrollment_errors.transport.circuit import Circuit, Phase, read_state
from tests.waiting import wait_until


@pytest.mark.redis
def test_a_probe_with_less_than_a_second_left_is_still_the_only_one(settings, redis_cache):
    settings.CACHES = {"default": redis_cache}
    circuit = Circuit("short-probe", failures=1, window=30, open_for=0.05, cache="default")
    with pytest.raises(TimedOut), circuit.admit(0.5):
        raise TimedOut
    wait_until(
        lambda: read_state("short-probe", "default", open_for=0.05).phase is Phase.HALF_OPEN, "the time of the probe"
    )
    with circuit.admit(0.5), pytest.raises(CircuitOpen), circuit.admit(0.5):
        pass

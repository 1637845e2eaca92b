"""A host's clock is wrong: what it leaves in the cache is valid no longer than the settings allow.

The caches here expire entries by the clock of the host that asks, as file and database caches do.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from django.core.cache import cache

from enrollment_errors.clock import Clock, Deadline
from enrollment_errors.exceptions import CircuitOpen, ConnectionFailed, ProcessorBusy
from enrollment_errors.secret import Secret
from enrollment_errors.shared_cache import CLOCKS_APART, SharedCache, Slots
from enrollment_errors.transport import AccessToken, Response
from enrollment_errors.transport.circuit import Circuit, Phase, read_state
from enrollment_errors.transport.token_cache import TokenCache

from .circuits import heard
from .clocks import FakeClock

pytestmark = pytest.mark.usefixtures("shared_cache")

FAILURES, WINDOW, OPEN_FOR, LONGEST = 3, 60, 10, 8
HOUR = 3600.0


@pytest.fixture
def circuit(account: str, clock: FakeClock) -> Circuit:
    return a_circuit(account, clock)


def a_circuit(account: str, clock: Clock) -> Circuit:
    return Circuit(account, failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)


class Elsewhere:
    """``with elsewhere(3600):`` runs its block as if on a host whose clock is an hour ahead."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def __enter__(self) -> None:
        self.clock.now += self.seconds

    def __exit__(self, *exc_info: object) -> None:
        self.clock.now -= self.seconds


def fail(circuit: Circuit, *parties: str) -> None:
    with pytest.raises(ConnectionFailed), circuit.admit(LONGEST, parties):
        raise ConnectionFailed


def is_refused(circuit: Circuit, *parties: str) -> bool:
    try:
        with circuit.admit(LONGEST, parties):
            return False
    except CircuitOpen:
        return True


class TestACircuit:
    @pytest.mark.parametrize("ahead", [HOUR, -HOUR, 24 * HOUR, CLOCKS_APART, OPEN_FOR + CLOCKS_APART + 1])
    def test_that_another_host_opened_is_open_for_no_longer(
        self, circuit: Circuit, account: str, clock: FakeClock, ahead: float
    ) -> None:
        with Elsewhere(clock, ahead):
            for _ in range(FAILURES):
                fail(circuit)
        seconds = 0
        while is_refused(circuit):
            assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.OPEN
            clock.now += 1
            seconds += 1
        assert seconds <= OPEN_FOR + CLOCKS_APART
        assert not is_refused(circuit)

    def test_whose_probe_failed_elsewhere_is_open_for_no_longer(self, circuit: Circuit, clock: FakeClock) -> None:
        for _ in range(FAILURES):
            fail(circuit)
        clock.now += OPEN_FOR
        with Elsewhere(clock, HOUR):
            fail(circuit)
        clock.now += OPEN_FOR
        assert not is_refused(circuit)

    def test_of_a_host_whose_clock_is_a_little_ahead_is_waited_for(self, circuit: Circuit, clock: FakeClock) -> None:
        with Elsewhere(clock, CLOCKS_APART - 1):
            for _ in range(FAILURES):
                fail(circuit)
        assert is_refused(circuit)
        clock.now += OPEN_FOR
        assert is_refused(circuit)
        clock.now += CLOCKS_APART - 1
        assert not is_refused(circuit)

    def test_is_not_told_to_be_open_since_tomorrow(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        with Elsewhere(clock, HOUR):
            for _ in range(FAILURES):
                fail(circuit)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).since == clock.now
        with heard(account) as signals:
            clock.now += 5
            assert not is_refused(circuit)
        [(name, told)] = signals
        assert (name, told["seconds"]) == ("closed", 0)

    @pytest.mark.parametrize("junk", [["id", float("nan"), None], ["id", 1.0, float("inf")], ["id", 1.0, float("nan")]])
    def test_with_a_time_that_is_none_is_closed(
        self, circuit: Circuit, account: str, clock: FakeClock, junk: list[Any]
    ) -> None:
        cache.set(f"enrollment_errors.circuit.{account}.state", junk)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.CLOSED
        assert not is_refused(circuit)


class TestAClaim:
    def test_to_the_probe_stands_for_no_longer_than_a_call_takes(self, circuit: Circuit, clock: FakeClock) -> None:
        for _ in range(FAILURES):
            fail(circuit)
        clock.now += OPEN_FOR
        died = circuit.admit(LONGEST)
        with Elsewhere(clock, HOUR):
            died.__enter__()
        assert not is_refused(circuit)

    def test_to_opening_it_does_not_keep_it_closed(self, circuit: Circuit, clock: FakeClock, account: str) -> None:
        cache.add(f"enrollment_errors.circuit.{account}.left.", clock.now + HOUR, timeout=HOUR + 10)
        for _ in range(FAILURES):
            fail(circuit)
        assert is_refused(circuit)

    def test_of_a_failure_counts_for_no_longer_than_the_window(self, circuit: Circuit, clock: FakeClock) -> None:
        with Elsewhere(clock, HOUR):
            for _ in range(FAILURES - 1):
                fail(circuit)
        fail(circuit)
        assert not is_refused(circuit)

    def test_of_a_party_keeps_it_from_the_probe_for_no_longer_either(self, circuit: Circuit, clock: FakeClock) -> None:
        with Elsewhere(clock, HOUR):
            fail(circuit, "rider")
        for _ in range(FAILURES):
            fail(circuit)
        clock.now += OPEN_FOR
        assert not is_refused(circuit, "rider")

    def test_that_is_nobodys_gives_way(self, clock: FakeClock) -> None:
        shared = SharedCache("default")
        for junk in ("junk", 1, None, [], float("nan")):
            cache.set("enrollment_errors.a", junk)
            assert shared.claim("a", 60, clock.now)
            assert not shared.claim("a", 60, clock.now)

    def test_to_a_slot_of_another_hour_is_none(self, clock: FakeClock) -> None:
        slots = Slots(SharedCache("default"), "slots", 2, WINDOW)
        with Elsewhere(clock, HOUR):
            assert [slots.take(clock.now).is_ours for _ in range(3)] == [True, True, False]
        assert [slots.take(clock.now).is_ours for _ in range(3)] == [True, True, False]


class TestAToken:
    @pytest.mark.parametrize("ahead", [HOUR, -HOUR, 48 * HOUR])
    def test_that_another_host_kept_is_used_for_a_day_at_most(self, clock: FakeClock, ahead: float) -> None:
        tokens = TokenCache(
            "a", "https://a.test", cache="default", deadline=Deadline(8, clock), clock=clock, place=nullcontext
        )
        fetched = []

        def fetch() -> AccessToken:
            fetched.append(clock.now)
            return AccessToken(Secret("token"), clock.now + HOUR)

        def use() -> None:
            tokens.use(fetch, lambda token: Response(200, b""), credentials=())

        with Elsewhere(clock, ahead):
            use()
        clock.now += 24 * HOUR
        use()
        assert len(fetched) == 2


def test_a_busy_process_on_a_host_that_is_ahead_gives_its_probe_back(circuit: Circuit, clock: FakeClock) -> None:
    for _ in range(FAILURES):
        fail(circuit)
    clock.now += OPEN_FOR
    with Elsewhere(clock, HOUR), pytest.raises(ProcessorBusy), circuit.admit(LONGEST):
        raise ProcessorBusy
    assert not is_refused(circuit)

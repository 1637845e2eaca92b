"""The circuit breaker: when it opens, which caller probes, when it closes, and who hears about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from enrollment_errors.exceptions import (
    CircuitOpen,
    ConnectionFailed,
    DeadlineExceeded,
    NameNotResolved,
    ProcessorBusy,
    ProcessorError,
    StatusError,
    TimedOut,
    TlsFailed,
)
from enrollment_errors.processes import host_lock
from enrollment_errors.secret import Secret
from enrollment_errors.transport.circuit import Circuit, CircuitState, Phase, circuit_opened, read_state

from .circuits import heard
from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import answering

FAILURES, WINDOW, OPEN_FOR, LONGEST = 3, 30, 10, 8


@pytest.fixture
def circuit(account: str, clock: FakeClock) -> Circuit:
    return Circuit(account, failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)


@pytest.fixture
def signals(account: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    with heard(account) as signals:
        yield signals


def succeed(circuit: Circuit) -> None:
    with circuit.admit(LONGEST):
        pass


def fail(circuit: Circuit, error: BaseException | None = None) -> None:
    error = error or ConnectionFailed()
    with pytest.raises(type(error)), circuit.admit(LONGEST):
        raise error


def open_up(circuit: Circuit) -> None:
    for _ in range(FAILURES):
        fail(circuit)


def is_open(circuit: Circuit) -> bool:
    try:
        succeed(circuit)
    except CircuitOpen:
        return True
    return False


def status(code: int) -> StatusError:
    return StatusError(code, Secret(""))


class TestOpening:
    def test_failures_open_it(self, circuit: Circuit) -> None:
        for _ in range(FAILURES):
            assert not is_open(circuit)
            fail(circuit)
        assert is_open(circuit)

    @pytest.mark.parametrize(
        "error",
        [
            ConnectionFailed(),
            NameNotResolved(),
            TlsFailed(),
            TimedOut(may_have_taken_effect=True),
            DeadlineExceeded(may_have_taken_effect=True),
            status(500),
            status(503),
            status(599),
        ],
    )
    def test_a_server_that_does_not_answer_or_is_broken_counts(self, circuit: Circuit, error: ProcessorError) -> None:
        for _ in range(FAILURES):
            fail(circuit, error)
        assert is_open(circuit)

    @pytest.mark.parametrize(
        "error",
        [status(302), status(400), status(401), status(404), status(409), status(429), ProcessorBusy(), KeyError()],
    )
    def test_our_own_mistakes_do_not(self, circuit: Circuit, error: BaseException) -> None:
        for _ in range(2 * FAILURES):
            fail(circuit, error)
        assert not is_open(circuit)

    def test_failures_that_are_long_ago_do_not_count(self, circuit: Circuit, clock: FakeClock) -> None:
        for _ in range(3 * FAILURES):
            fail(circuit)
            clock.now += WINDOW / (FAILURES - 1)
        assert not is_open(circuit)

    def test_successes_in_between_do_not_hide_failures(self, circuit: Circuit) -> None:
        for _ in range(FAILURES):
            fail(circuit)
            if not is_open(circuit):
                succeed(circuit)
        assert is_open(circuit)

    def test_another_account_is_not_concerned(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        other = Circuit("other", failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)
        assert not is_open(other)

    def test_failures_of_two_accounts_are_counted_apart(self, circuit: Circuit, clock: FakeClock) -> None:
        other = Circuit("other", failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)
        for _ in range(FAILURES - 1):
            fail(circuit)
            fail(other)
        assert not is_open(circuit)
        assert not is_open(other)

    def test_two_accounts_may_open_at_the_same_moment(self, circuit: Circuit, clock: FakeClock) -> None:
        other = Circuit("other", failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)
        open_up(circuit)
        open_up(other)
        assert is_open(circuit)
        assert is_open(other)

    def test_every_process_sees_it(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        open_up(circuit)
        assert is_open(
            Circuit(account, failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)
        )


class TestRecovery:
    def test_nobody_calls_before_its_time_is_over(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR - 0.01
        assert is_open(circuit)

    def test_then_one_caller_probes_and_nobody_else(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        with circuit.admit(LONGEST):
            assert is_open(circuit)
            assert is_open(circuit)

    @pytest.mark.parametrize("error", [None, status(404), status(401)])
    def test_a_probe_that_is_answered_closes_it(self, circuit: Circuit, clock: FakeClock, error) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        succeed(circuit) if error is None else fail(circuit, error)
        assert not is_open(circuit)

    def test_one_that_has_just_closed_may_open_again_at_once(self, account: str, clock: FakeClock) -> None:
        circuit = Circuit(account, failures=FAILURES, window=WINDOW, open_for=1, cache="default", clock=clock)
        open_up(circuit)
        clock.now += 1
        succeed(circuit)
        open_up(circuit)
        assert is_open(circuit)

    def test_a_probe_that_fails_opens_it_for_another_while(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        for _ in range(3):
            clock.now += OPEN_FOR
            fail(circuit)
            assert is_open(circuit)

    @pytest.mark.parametrize("error", [ProcessorBusy(), KeyError(), SystemExit()])
    def test_a_probe_that_never_went_out_leaves_it_to_the_next(self, circuit: Circuit, clock: FakeClock, error) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        fail(circuit, error)
        assert not is_open(circuit)

    @pytest.mark.usefixtures("shared_cache")
    def test_a_prober_that_died_is_followed_by_another(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        dead = circuit.admit(LONGEST)
        dead.__enter__()
        clock.now += LONGEST - 0.01
        assert is_open(circuit)
        clock.now += 0.01
        assert not is_open(circuit)

    def test_failures_from_before_it_do_not_count_after_it(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        succeed(circuit)
        for _ in range(FAILURES - 1):
            fail(circuit)
        assert not is_open(circuit)

    def test_a_call_that_began_before_it_and_fails_after_it_does_not_count(
        self, circuit: Circuit, clock: FakeClock
    ) -> None:
        slow = [circuit.admit(LONGEST) for _ in range(FAILURES)]
        for call in slow:
            call.__enter__()
        open_up(circuit)
        clock.now += OPEN_FOR
        succeed(circuit)
        for call in slow:
            error = TimedOut()
            call.__exit__(TimedOut, error, None)
        assert not is_open(circuit)

    def test_a_call_that_began_before_the_opening_does_not_close_it(self, circuit: Circuit) -> None:
        slow = circuit.admit(LONGEST)
        slow.__enter__()
        open_up(circuit)
        slow.__exit__(None, None, None)
        assert is_open(circuit)


class TestProbersOfOneHost:
    """The test holds the lock, as another process does while it probes."""

    def test_without_a_shared_cache_they_take_turns(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        with host_lock(f"probe.{account}"):
            assert is_open(circuit)
        assert not is_open(circuit)

    def test_one_whose_probe_failed_leaves_it_to_the_next(
        self, circuit: Circuit, account: str, clock: FakeClock
    ) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        fail(circuit)
        with host_lock(f"probe.{account}") as is_free:
            assert is_free

    def test_probers_of_two_accounts_do_not_meet(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        with host_lock("probe.other"):
            assert not is_open(circuit)

    def test_a_closed_circuit_asks_nobody(self, circuit: Circuit, account: str) -> None:
        with host_lock(f"probe.{account}"):
            assert not is_open(circuit)

    @pytest.mark.usefixtures("shared_cache")
    def test_a_shared_cache_is_enough(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        with host_lock(f"probe.{account}"):
            assert not is_open(circuit)


class TestSignals:
    def test_opening_and_closing_are_told_once(
        self, circuit: Circuit, clock: FakeClock, account: str, signals: list[Any]
    ) -> None:
        slow = [circuit.admit(LONGEST) for _ in range(5)]
        for call in slow:
            call.__enter__()
        last = ConnectionFailed("the last straw")
        fail(circuit)
        fail(circuit)
        fail(circuit, last)
        for call in slow:
            error = TimedOut()
            call.__exit__(TimedOut, error, None)
        opened_at = clock.now
        for _ in range(2):
            clock.now += OPEN_FOR
            fail(circuit)
        clock.now += OPEN_FOR
        succeed(circuit)
        succeed(circuit)
        assert [name for name, _ in signals] == ["opened", "closed"]
        opened, closed = signals[0][1], signals[1][1]
        assert opened["error"] is last
        assert opened["state"] == CircuitState(phase=Phase.OPEN, since=opened_at, until=opened_at + OPEN_FOR)
        assert closed["state"] == CircuitState(phase=Phase.CLOSED, since=clock.now)
        assert closed["seconds"] == 3 * OPEN_FOR

    def test_a_receiver_that_fails_changes_nothing(self, circuit: Circuit) -> None:
        def receiver(**arguments: Any) -> None:
            raise RuntimeError("the operators' pager is broken")

        circuit_opened.connect(receiver)
        try:
            open_up(circuit)
        finally:
            circuit_opened.disconnect(receiver)
        assert is_open(circuit)


class TestReadState:
    def test_one_that_never_opened_is_closed(self, account: str) -> None:
        assert read_state(account, "default", open_for=OPEN_FOR) == CircuitState(phase=Phase.CLOSED)

    def test_it_tells_since_when_and_until_when(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        opened_at = clock.now
        open_up(circuit)
        state = CircuitState(phase=Phase.OPEN, since=opened_at, until=opened_at + OPEN_FOR)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock) == state
        clock.now += OPEN_FOR
        half_open = CircuitState(phase=Phase.HALF_OPEN, since=opened_at, until=opened_at + OPEN_FOR)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock) == half_open
        fail(circuit)
        reopened = CircuitState(phase=Phase.OPEN, since=opened_at, until=clock.now + OPEN_FOR)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock) == reopened
        clock.now += OPEN_FOR
        succeed(circuit)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock) == CircuitState(
            phase=Phase.CLOSED, since=clock.now
        )

    def test_reading_changes_nothing(self, circuit: Circuit, account: str, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        before = dict(cache._cache)
        read_state(account, "default", open_for=OPEN_FOR, clock=clock)
        assert cache._cache == before

    @pytest.mark.parametrize("junk", ["junk", 7, {}, [], ["id"], ["id", "x", "y"], ["id", 1.0, None, 4]])
    def test_junk_in_the_cache_is_a_closed_circuit(self, circuit: Circuit, account: str, junk: object) -> None:
        cache.set(f"enrollment_errors.circuit.{account}.state", junk)
        assert read_state(account, "default", open_for=OPEN_FOR) == CircuitState(phase=Phase.CLOSED)
        assert not is_open(circuit)

    def test_a_cache_that_is_down_leaves_it_unknown(self, account: str) -> None:
        assert read_state(account, "no such cache", open_for=OPEN_FOR) == CircuitState(phase=Phase.UNKNOWN)


class TestCost:
    def test_a_success_is_one_read(self, circuit: Circuit, operations: list[str]) -> None:
        succeed(circuit)
        assert operations == ["get_many"]

    def test_a_call_that_is_refused_is_one_read(self, circuit: Circuit, operations: list[str]) -> None:
        open_up(circuit)
        del operations[:]
        assert is_open(circuit)
        assert operations == ["get_many"]

    def test_a_failure_is_two_more(self, circuit: Circuit, operations: list[str]) -> None:
        fail(circuit)
        assert operations == ["get_many", "get_many", "add"]


class TestOnTheWire:
    def test_an_open_circuit_spares_the_server(
        self, serve: Serve, connect: Connect, account: str, clock: FakeClock
    ) -> None:
        server = serve(answering(503))
        http = connect(server.url, clock=clock, breaker_failures=5, attempts=3)
        for _ in range(10):
            with pytest.raises((StatusError, CircuitOpen)):
                http.request("GET", "x", idempotent=True)
        assert len(server.requests) == 5
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.OPEN

    def test_it_tells_the_route_that_was_not_called(self, serve: Serve, connect: Connect, clock: FakeClock) -> None:
        server = serve(answering(503))
        http = connect(server.url, clock=clock, breaker_failures=1)
        with pytest.raises(StatusError):
            http.request("POST", "x", idempotent=False)
        with pytest.raises(CircuitOpen) as caught:
            http.request("POST", "x", idempotent=False)
        assert caught.value.route == "POST x"
        assert not caught.value.may_have_taken_effect

"""No rider alone can open a circuit or keep it open: how sessions and cards count."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from enrollment_errors.exceptions import CircuitOpen, ConnectionFailed, ProcessorBusy, StatusError
from enrollment_errors.secret import Secret
from enrollment_errors.transport.circuit import Circuit, Phase, read_state

from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import answering

FAILURES, WINDOW, OPEN_FOR, LONGEST = 3, 60, 10, 8


@pytest.fixture
def circuit(account: str, clock: FakeClock) -> Circuit:
    return Circuit(account, failures=FAILURES, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)


def call(circuit: Circuit, *parties: str, error: Exception | None = None) -> str:
    try:
        with circuit.admit(LONGEST, parties):
            if error is not None:
                raise error
    except CircuitOpen:
        return "refused"
    except (ConnectionFailed, StatusError, ProcessorBusy):
        return "failed"
    return "answered"


def fail(circuit: Circuit, *parties: str) -> str:
    return call(circuit, *parties, error=ConnectionFailed())


def open_up(circuit: Circuit) -> None:
    for number in range(FAILURES):
        assert fail(circuit, f"rider-{number}") == "failed"
    assert fail(circuit, "a late rider") == "refused"


class TestOpening:
    def test_one_session_counts_once_however_often_it_fails(self, circuit: Circuit) -> None:
        assert [fail(circuit, "session") for _ in range(50)] == ["failed"] * 50

    def test_one_card_counts_once_whichever_sessions_bring_it(self, circuit: Circuit) -> None:
        assert [fail(circuit, f"session-{number}", "card") for number in range(50)] == ["failed"] * 50

    def test_one_session_counts_once_whichever_cards_it_brings(self, circuit: Circuit) -> None:
        assert [fail(circuit, "session", f"card-{number}") for number in range(50)] == ["failed"] * 50

    def test_riders_of_their_own_open_it_as_before(self, circuit: Circuit) -> None:
        for number in range(FAILURES):
            assert fail(circuit, f"session-{number}", f"card-{number}") == "failed"
        assert call(circuit, "another session") == "refused"

    def test_each_counts_again_after_the_window(self, circuit: Circuit, clock: FakeClock) -> None:
        fail(circuit, "a")
        clock.now += WINDOW
        for party in ("a", "b", "c"):
            assert fail(circuit, party) == "failed"
        assert call(circuit) == "refused"

    def test_one_that_opened_it_counts_for_nothing_right_after_it_has_closed(
        self, circuit: Circuit, clock: FakeClock
    ) -> None:
        """Otherwise, the same riders could open it again and again."""
        open_up(circuit)
        clock.now += OPEN_FOR
        assert call(circuit, "honest") == "answered"
        assert [fail(circuit, f"rider-{number}") for number in range(FAILURES)] == ["failed"] * FAILURES
        assert call(circuit, "honest") == "answered"

    def test_what_fails_at_the_account_of_another_counts_there_alone(self, circuit: Circuit, clock: FakeClock) -> None:
        other = Circuit("other", failures=1, window=WINDOW, open_for=OPEN_FOR, cache="default", clock=clock)
        fail(circuit, "a")
        fail(other, "a")
        assert call(other, "b") == "refused"

    def test_the_cache_does_not_tell_who_they_are(self, circuit: Circuit) -> None:
        fail(circuit, "a session's own name")
        assert "session" not in str(cache._cache)


class TestProbing:
    def test_one_that_has_just_failed_leaves_the_probe_to_others(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        assert fail(circuit, "rider-0") == "refused"
        assert fail(circuit, "another session", "rider-0") == "refused", "the card has failed"
        assert call(circuit, "honest") == "answered"

    def test_where_nobody_else_comes_it_may_after_all(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += 2 * OPEN_FOR
        assert call(circuit, "rider-0") == "answered"
        assert call(circuit, "rider-1") == "answered"

    def test_its_failure_then_keeps_nobody_else_waiting(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += 2 * OPEN_FOR
        assert fail(circuit, "rider-0") == "failed"
        assert fail(circuit, "rider-0") == fail(circuit, "rider-1") == "refused", "one of them at a time"
        assert call(circuit, "honest") == "answered"

    def test_it_may_again_a_while_after_that(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        for _ in range(3):
            clock.now += 2 * OPEN_FOR
            assert fail(circuit, "rider-0") == "failed"

    @pytest.mark.parametrize("parties", [("rider-0",), ("honest",)])
    def test_a_probe_that_never_went_out_leaves_it_to_the_next(
        self, circuit: Circuit, clock: FakeClock, parties: tuple[str, ...]
    ) -> None:
        open_up(circuit)
        clock.now += 2 * OPEN_FOR
        assert call(circuit, *parties, error=ProcessorBusy()) == "failed"
        assert call(circuit, *parties) == "answered"

    def test_a_prober_that_fails_is_none_for_the_next_probe(self, circuit: Circuit, clock: FakeClock) -> None:
        open_up(circuit)
        clock.now += OPEN_FOR
        assert fail(circuit, "honest") == "failed"
        clock.now += OPEN_FOR
        assert fail(circuit, "honest") == "refused"
        assert call(circuit, "another") == "answered"

    def test_one_client_that_never_stops_does_not_keep_it_open(self, circuit: Circuit, clock: FakeClock) -> None:
        """This happened: 65 of 65 honest riders were refused in 35 s."""
        answers = []
        for second in range(120):
            for _ in range(20):
                fail(circuit, "the same session", f"card-{second % 3}")
                clock.now += 0.02
            answers.append(call(circuit, f"honest-{second}"))
            clock.now += 0.6
        assert answers == ["answered"] * 120

    def test_three_of_them_keep_it_open_for_its_shortest_time_in_each_window(
        self, circuit: Circuit, clock: FakeClock
    ) -> None:
        refused = 0
        for second in range(5 * WINDOW):
            for session in range(FAILURES):
                fail(circuit, f"session-{session}")
            refused += call(circuit, f"honest-{second}") == "refused"
            clock.now += 1
        assert refused <= 5 * OPEN_FOR


class TestCost:
    def test_a_call_for_somebody_through_a_closed_circuit_is_one_read(
        self,
        circuit: Circuit,
        operations: list[str],
    ) -> None:
        call(circuit, "session", "card")
        assert operations == ["get_many"]

    def test_a_call_for_somebody_that_an_open_one_refuses_is_one_read(
        self,
        circuit: Circuit,
        operations: list[str],
    ) -> None:
        open_up(circuit)
        del operations[:]
        assert call(circuit, "session", "card") == "refused"
        assert operations == ["get_many"]


class TestOnTheWire:
    def test_the_tries_of_one_request_count_once(
        self, serve: Serve, connect: Connect, account: str, clock: FakeClock
    ) -> None:
        server = serve(answering(503))
        for number in range(FAILURES):
            assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.CLOSED
            http = connect(server.url, clock=clock, breaker_failures=FAILURES, parties=[f"session-{number}"])
            with pytest.raises(StatusError):
                http.request("GET", "x", idempotent=True)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.OPEN
        assert len(server.requests) == 3 * FAILURES - 2, "the last rider's first try opened it"

    def test_a_party_may_be_known_later(self, serve: Serve, connect: Connect, account: str, clock: FakeClock) -> None:
        server = serve(answering(503))
        for number in range(5):
            http = connect(server.url, clock=clock, breaker_failures=2, parties=[f"session-{number}"])
            http.parties.add("card")
            with pytest.raises(StatusError):
                http.request("GET", "x", idempotent=False)
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.CLOSED


def test_a_status_that_is_our_own_mistake_makes_nobody_a_party_that_failed(circuit: Circuit, clock: FakeClock) -> None:
    open_up(circuit)
    clock.now += OPEN_FOR
    assert call(circuit, "honest", error=StatusError(404, Secret(""))) == "failed"
    assert call(circuit, "honest") == "answered"

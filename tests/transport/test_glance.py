"""What the calls in one rider's request read from the cache at once, and how old that may be."""

from __future__ import annotations

from typing import Any

import pytest

from enrollment_errors.exceptions import CircuitOpen, ConnectionFailed, StatusError
from enrollment_errors.glance import HOLDS_FOR
from enrollment_errors.secret import Secret
from enrollment_errors.transport.circuit import Circuit, Phase, read_state
from enrollment_errors.transport.http import ProcessorHttp
from enrollment_errors.transport.token_cache import AccessToken

from .circuits import heard
from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import Connection, answering

FAILURES, OPEN_FOR = 2, 10.0


class Rider:
    """A rider whose request makes one call after another."""

    def __init__(self, http: ProcessorHttp) -> None:
        self.http = http
        self.used: list[str] = []
        self.fetched = 0

    def calls(self) -> int:
        return self.http.tokens.use(self._fetch, self._call, credentials=["a-client"]).status

    def _fetch(self) -> AccessToken:
        self.fetched += 1
        return AccessToken(Secret(f"token-{self.fetched}"), self.http.clock.time() + 3600)

    def _call(self, token: Secret) -> Any:
        self.used.append(token.reveal())
        return self.http.request("GET", "x", headers={"Authorization": token}, idempotent=False)


def open_up(account: str, clock: FakeClock) -> None:
    """Fails as other riders' calls in another process would."""
    circuit = Circuit(account, failures=FAILURES, window=30, open_for=OPEN_FOR, cache="default", clock=clock)
    for _ in range(FAILURES):
        with pytest.raises(ConnectionFailed), circuit.admit(8):
            raise ConnectionFailed


@pytest.fixture
def connect_rider(connect: Connect, clock: FakeClock) -> Any:
    def make(url: str) -> Rider:
        return Rider(connect(url, clock=clock, breaker_failures=FAILURES, breaker_open=OPEN_FOR))

    return make


def test_two_calls_read_the_circuit_and_the_token_once(
    serve: Serve,
    connect_rider: Any,
    operations: list[str],
) -> None:
    url = serve().url
    connect_rider(url).calls()
    del operations[:]
    rider = connect_rider(url)
    assert [rider.calls(), rider.calls()] == [200, 200]
    assert operations == ["get_many"]
    assert rider.fetched == 0


class TestACircuitThatOthersOpenDuringTheFirstCall:
    def test_lets_the_second_go_on_within_a_second(
        self, serve: Serve, connect_rider: Any, account: str, clock: FakeClock
    ) -> None:
        server = serve()
        rider = connect_rider(server.url)
        rider.calls()
        open_up(account, clock)
        clock.now += HOLDS_FOR - 0.01
        assert rider.calls() == 200
        assert len(server.requests) == 2

    def test_refuses_it_after_that(self, serve: Serve, connect_rider: Any, account: str, clock: FakeClock) -> None:
        server = serve()
        rider = connect_rider(server.url)
        rider.calls()
        open_up(account, clock)
        clock.now += HOLDS_FOR
        with pytest.raises(CircuitOpen):
            rider.calls()
        assert len(server.requests) == 1

    def test_is_not_closed_by_its_success(
        self, serve: Serve, connect_rider: Any, account: str, clock: FakeClock
    ) -> None:
        rider = connect_rider(serve().url)
        rider.calls()
        open_up(account, clock)
        rider.calls()
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock).phase is Phase.OPEN

    def test_is_not_opened_again_by_its_failure(
        self, serve: Serve, connect_rider: Any, account: str, clock: FakeClock
    ) -> None:
        def at_first_well(connection: Connection) -> None:
            connection.read_request()
            connection.reply()
            answering(503)(connection)

        rider = connect_rider(serve(at_first_well).url)
        rider.calls()
        with heard(account) as signals:
            open_up(account, clock)
            before = read_state(account, "default", open_for=OPEN_FOR, clock=clock)
            clock.now += HOLDS_FOR / 2
            with pytest.raises(StatusError):
                rider.calls()
        assert [name for name, _ in signals] == ["opened"]
        assert read_state(account, "default", open_for=OPEN_FOR, clock=clock) == before


def test_after_a_failed_call_the_circuit_is_read_anew(
    serve: Serve, connect_rider: Any, account: str, clock: FakeClock
) -> None:
    server = serve(answering(404))
    rider = connect_rider(server.url)
    with pytest.raises(StatusError):
        rider.calls()
    open_up(account, clock)
    with pytest.raises(CircuitOpen):
        rider.calls()
    assert len(server.requests) == 1


def test_a_probe_that_is_answered_lets_the_next_call_of_its_request_through(
    serve: Serve, connect_rider: Any, account: str, clock: FakeClock
) -> None:
    open_up(account, clock)
    clock.now += OPEN_FOR
    rider = connect_rider(serve().url)
    assert [rider.calls(), rider.calls()] == [200, 200]


def test_a_token_that_is_refused_is_not_used_again(serve: Serve, connect_rider: Any) -> None:
    rider = connect_rider(serve().url)
    rider.calls()
    rider.http = connect_rider(serve(answering(401)).url).http
    with pytest.raises(StatusError):
        rider.calls()
    assert len(set(rider.used)) == 3


def test_a_token_that_was_fetched_for_the_first_call_is_used_for_the_second(serve: Serve, connect_rider: Any) -> None:
    rider = connect_rider(serve().url)
    rider.calls()
    rider.calls()
    assert rider.used == ["token-1", "token-1"]

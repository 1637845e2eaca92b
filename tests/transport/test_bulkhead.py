"""A hanging processor can hold only a limited number of a process's calls."""

from __future__ import annotations

import threading
import time

import pytest

from enrollment_errors.clock import Clock
from enrollment_errors.exceptions import ProcessorBusy, StatusError
from enrollment_errors.secret import Secret
from enrollment_errors.transport import AccessToken, ProcessorHttp
from enrollment_errors.transport.bulkhead import place
from tests.waiting import wait_until

from .conftest import Connect, Serve
from .upstream import Connection, answering


class Gate:
    """A server that answers no one until the gate is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, connection: Connection) -> None:
        while connection.read_request():
            self.opened.wait(5)
            connection.reply()


def start(http: ProcessorHttp) -> threading.Thread:
    thread = threading.Thread(target=http.request, args=("GET", "x"), kwargs={"idempotent": False})
    thread.start()
    return thread


def wait_for(server, requests: int) -> None:
    wait_until(lambda: len(server.requests) >= requests, "the arrival of the calls")


class Pausing(Clock):
    """Every pause lasts until ``go_on``."""

    def __init__(self) -> None:
        self.pausing = threading.Event()
        self.go_on = threading.Event()

    def sleep(self, seconds: float) -> None:
        self.pausing.set()
        self.go_on.wait(5)


def is_full(account: str, places: int) -> bool:
    try:
        with place(account, places=places, wait=0):
            return False
    except ProcessorBusy:
        return True


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_one_call_too_many_is_told_after_a_short_wait(serve: Serve, connect: Connect, gate: Gate) -> None:
    server = serve(gate)
    http = connect(server.url, max_calls=2, max_calls_wait=0.1)
    threads = [start(http), start(http)]
    wait_for(server, 2)
    started = time.monotonic()
    with pytest.raises(ProcessorBusy) as caught:
        http.request("POST", "x", idempotent=False)
    assert 0.09 < time.monotonic() - started < 4  # it waits 0.1 seconds, not the server's five
    assert not caught.value.may_have_taken_effect
    assert caught.value.route == "POST x"
    gate.opened.set()
    for thread in threads:
        thread.join(5)
    assert len(server.requests) == 2


def test_a_place_that_gets_free_meanwhile_is_taken(serve: Serve, connect: Connect, gate: Gate) -> None:
    server = serve(gate)
    http = connect(server.url, max_calls=1, max_calls_wait=5)
    first = start(http)
    wait_for(server, 1)
    second = start(http)
    gate.opened.set()
    first.join(5)
    second.join(5)
    assert len(server.requests) == 2


def test_no_wait_outlasts_the_budget(serve: Serve, connect: Connect, gate: Gate) -> None:
    server = serve(gate)
    thread = start(connect(server.url, max_calls=1))
    wait_for(server, 1)
    started = time.monotonic()
    with pytest.raises(ProcessorBusy):
        connect(server.url, budget=0.1, max_calls=1, max_calls_wait=30).request("GET", "x", idempotent=False)
    assert time.monotonic() - started < 4
    gate.opened.set()
    thread.join(5)


def test_accounts_do_not_take_each_others_places(serve: Serve, connect: Connect, gate: Gate) -> None:
    hanging, healthy = serve(gate), serve()
    thread = start(connect(hanging.url, max_calls=1))
    wait_for(hanging, 1)
    connect(healthy.url, account="another", max_calls=1).request("GET", "x", idempotent=False)
    gate.opened.set()
    thread.join(5)


def test_a_pause_before_the_next_try_keeps_the_place(serve: Serve, connect: Connect) -> None:
    server = serve(answering(503))
    clock = Pausing()
    http = connect(server.url, max_calls=1, max_calls_wait=0.05, attempts=2, clock=clock)
    thread = threading.Thread(
        target=pytest.raises, args=(StatusError, http.request, "GET", "x"), kwargs={"idempotent": True}
    )
    thread.start()
    wait_until(clock.pausing.is_set, "the pause")
    with pytest.raises(ProcessorBusy):
        connect(server.url, max_calls=1, max_calls_wait=0.05).request("GET", "x", idempotent=False)
    clock.go_on.set()
    thread.join(5)
    assert len(server.requests) == 2


def test_waiting_for_another_riders_token_takes_a_place(
    serve: Serve, connect: Connect, gate: Gate, account: str
) -> None:
    server = serve(gate)

    def use() -> None:
        http = connect(server.url, max_calls=2, max_calls_wait=0.05)

        def fetch() -> AccessToken:
            http.request("POST", "token", idempotent=True)
            return AccessToken(Secret("token"), http.clock.time() + 60)

        http.tokens.use(fetch, lambda token: http.request("GET", "x", idempotent=False), credentials=())

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(server, 1)
    wait_until(lambda: is_full(account, places=2), "the second rider's place")
    with pytest.raises(ProcessorBusy):
        use()
    gate.opened.set()
    for thread in threads:
        thread.join(5)
    assert [received.path for received in server.requests] == ["/base/token", "/base/x", "/base/x"]


def test_whoever_holds_a_place_goes_on_with_it() -> None:
    with place("held", places=1, wait=0), place("held", places=1, wait=0):
        pass
    with place("held", places=1, wait=0):
        pass


def test_a_call_that_fails_gives_its_place_back() -> None:
    for _ in range(3):
        with pytest.raises(RuntimeError), place("failing", places=1, wait=0):
            raise RuntimeError

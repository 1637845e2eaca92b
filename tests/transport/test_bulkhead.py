"""A hanging processor can hold so many calls of a process, and no more."""

from __future__ import annotations

import threading
import time

import pytest

from enrollment_errors.exceptions import ProcessorBusy
from enrollment_errors.transport.bulkhead import place
from enrollment_errors.transport.http import ProcessorHttp

from .conftest import Connect, Serve
from .upstream import Connection


class Gate:
    """A server that answers nobody until it is opened."""

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
    until = time.monotonic() + 5
    while len(server.requests) < requests:
        assert time.monotonic() < until, "the calls did not arrive"
        time.sleep(0.005)


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
    assert 0.09 < time.monotonic() - started < 0.6
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
    assert time.monotonic() - started < 0.6
    gate.opened.set()
    thread.join(5)


def test_accounts_do_not_take_each_others_places(serve: Serve, connect: Connect, gate: Gate) -> None:
    hanging, healthy = serve(gate), serve()
    thread = start(connect(hanging.url, max_calls=1))
    wait_for(hanging, 1)
    connect(healthy.url, account="another", max_calls=1).request("GET", "x", idempotent=False)
    gate.opened.set()
    thread.join(5)


def test_a_call_that_fails_gives_its_place_back() -> None:
    for _ in range(3):
        with pytest.raises(RuntimeError), place("failing", places=1, wait=0):
            raise RuntimeError

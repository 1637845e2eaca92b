"""The rider never waits longer than the budget, even if a server trickles, hangs, does not read, or is not found."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from enrollment_errors.clock import Clock, Deadline
from enrollment_errors.exceptions import DeadlineExceeded, TimedOut

from .certificates import Certificate
from .clocks import FakeClock
from .conftest import Connect, Serve
from .upstream import Connection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def trickle_headers(connection: Connection) -> None:
    connection.read_request()
    connection.trickle(HEAD + b" " * 1000, pause=0.02)


def trickle_body(connection: Connection) -> None:
    connection.read_request()
    connection.send(HEAD)
    connection.trickle(b" " * 1000, pause=0.02)


def hang(connection: Connection) -> None:
    connection.read_request()
    connection.hang()


def never_read(connection: Connection) -> None:
    connection.hang()


class NoPauses(Clock):
    def random(self) -> float:
        return 0.0


@contextmanager
def taking(seconds: float) -> Iterator[None]:
    """Takes at least ``seconds``, and at most two more for a busy machine. Without a timeout, it would take longer.

    A budget must begin inside: on a busy machine, some of it may be over before the request is made.
    """
    started = time.monotonic()
    yield
    assert seconds - 0.01 <= time.monotonic() - started < seconds + 2


@pytest.fixture(params=["http", "https"])
def tls(
    request: pytest.FixtureRequest, certificate: Certificate
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The server's context and the client's."""
    return (None, None) if request.param == "http" else (certificate.server_context(), certificate.client_context())


class TestDeadline:
    def test_tells_what_is_left(self, clock: FakeClock) -> None:
        deadline = Deadline(8, clock)
        clock.sleep(3)
        assert deadline.remaining() == 5

    def test_stops_whoever_begins_too_late(self, clock: FakeClock) -> None:
        deadline = Deadline(8, clock)
        clock.sleep(7.9)
        deadline.check()
        clock.sleep(0.1)
        with pytest.raises(DeadlineExceeded):
            deadline.check()

    def test_keeps_half_back_for_a_while(self, clock: FakeClock) -> None:
        deadline = Deadline(8, clock)
        clock.sleep(2)
        with deadline.keeping_half_back():
            assert deadline.remaining() == 3
        assert deadline.remaining() == 6


@pytest.mark.parametrize("behave", [trickle_headers, trickle_body])
def test_a_trickle_does_not_outlast_the_budget(serve: Serve, connect: Connect, tls, behave) -> None:
    server = serve(behave, tls[0])
    with taking(0.6):
        http = connect(server.url, budget=0.6, tls_context=tls[1])
        with pytest.raises(DeadlineExceeded) as caught:
            http.request("GET", "x", idempotent=True)
    assert caught.value.may_have_taken_effect


@pytest.mark.parametrize("behave", [trickle_headers, trickle_body, hang])
def test_silence_ends_with_the_read_timeout_and_a_trickle_does_not(serve: Serve, connect: Connect, behave) -> None:
    server = serve(behave)
    with taking(0.3 if behave is hang else 0.8):
        http = connect(server.url, budget=0.8, read_timeout=0.3)
        with pytest.raises(TimedOut if behave is hang else DeadlineExceeded):
            http.request("POST", "x", idempotent=False)


def test_a_hang_does_not_outlast_the_budget(serve: Serve, connect: Connect, tls) -> None:
    server = serve(hang, tls[0])
    with taking(0.4):
        http = connect(server.url, budget=0.4, tls_context=tls[1])
        with pytest.raises(DeadlineExceeded):
            http.request("POST", "x", idempotent=False)


def test_a_server_that_does_not_take_what_we_send_does_not_outlast_the_budget(
    serve: Serve, connect: Connect, tls
) -> None:
    server = serve(never_read, tls[0])
    with taking(1.5):
        http = connect(server.url, budget=1.5, tls_context=tls[1])  # enough for a busy machine
        with pytest.raises(DeadlineExceeded) as caught:
            http.request("POST", "x", json="x" * 6_000_000, idempotent=False)
    assert caught.value.may_have_taken_effect


def test_an_answer_that_begins_in_time_and_goes_on_too_late_is_not_waited_for(
    serve: Serve, connect: Connect, clock: FakeClock
) -> None:
    def begin_in_time(connection: Connection) -> None:
        connection.read_request()
        clock.now += 10
        connection.send(b"HTTP/1.1 200 OK\r\n")
        connection.hang()

    http = connect(serve(begin_in_time).url, budget=8, clock=clock)
    with pytest.raises(DeadlineExceeded) as caught:
        http.request("POST", "x", idempotent=False)
    assert caught.value.may_have_taken_effect


def test_a_handshake_that_is_not_answered_ends_with_the_connect_timeout(
    serve: Serve, connect: Connect, certificate: Certificate
) -> None:
    server = serve(never_read)
    http = connect(server.url.replace("http:", "https:"), connect_timeout=0.3, tls_context=certificate.client_context())
    with taking(0.3), pytest.raises(TimedOut) as caught:
        http.request("POST", "x", idempotent=False)
    assert not caught.value.may_have_taken_effect


def test_a_connection_that_is_not_accepted_ends_with_the_connect_timeout(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        http = connect(f"http://127.0.0.1:{address[1]}", connect_timeout=0.3)
        with taking(0.3), pytest.raises(TimedOut) as caught:
            http.request("POST", "x", idempotent=False)
        for filler in fillers:
            filler.close()
    assert not caught.value.may_have_taken_effect


def test_a_name_server_that_is_silent_ends_with_the_connect_timeout(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer.wait(5))
    http = connect("http://processor.test", connect_timeout=0.2)
    with taking(0.2), pytest.raises(TimedOut) as caught:
        http.request("POST", "x", idempotent=False)
    answer.set()
    assert not caught.value.may_have_taken_effect


def test_all_tries_share_one_budget(serve: Serve, connect: Connect) -> None:
    server = serve(hang)
    with taking(0.8):
        http = connect(server.url, budget=0.95, read_timeout=0.4, attempts=10, clock=NoPauses())
        with pytest.raises((TimedOut, DeadlineExceeded)):
            http.request("GET", "x", idempotent=True)
    assert 2 <= server.connections <= 3


def test_nothing_is_called_once_the_budget_is_over(serve: Serve, connect: Connect) -> None:
    server = serve()
    http = connect(server.url, budget=0)
    with pytest.raises(DeadlineExceeded) as caught:
        http.request("POST", "x", idempotent=False)
    assert not caught.value.may_have_taken_effect
    assert server.connections == 0

"""Sockets whose every wait ends with the call's deadline.

``requests`` and urllib3 know a timeout for one read only, which starts anew with every byte: a server that trickles
holds a call as long as it likes. Here each connect, handshake, read and write waits for the shorter of its own timeout
and of what is left of the deadline. What goes wrong is raised as our own exception right here, where it is known
whether a byte of the request has left.
"""

from __future__ import annotations

import io
import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..exceptions import ConnectionFailed, DeadlineExceeded, NameNotResolved, TimedOut, TlsFailed, TransportError
from .deadline import Deadline


@dataclass
class Exchange:
    """One request and its answer, under way in this thread."""

    deadline: Deadline
    connect_timeout: float
    read_timeout: float
    sent: bool = False
    """At least one byte of the request has left."""
    found_dead: bool = False
    """The connection was dead before that: a pooled one that the server had closed."""


current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


@contextmanager
def _bounded(sock: socket.socket, timeout: float) -> Iterator[None]:
    exchange = current_exchange.get()
    left = exchange.deadline.remaining()
    if left <= 0:
        raise DeadlineExceeded("the budget ended during the call", may_have_taken_effect=exchange.sent)
    sock.settimeout(min(left, timeout))
    try:
        yield
    except TimeoutError:
        raise _too_late(left < timeout, exchange.sent) from None


def _too_late(deadline_was_nearer: bool, sent: bool) -> TransportError:
    if deadline_was_nearer:
        return DeadlineExceeded("the budget ended during the call", may_have_taken_effect=sent)
    return TimedOut(
        "no answer within the read timeout" if sent else "no connection in time", may_have_taken_effect=sent
    )


class _AnswerReader(io.BufferedReader):
    """``http.client`` takes the end of the connection for the end of the headers: an answer cut there would pass."""

    _in_head = True

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self._in_head:
            if not line:
                sent = current_exchange.get().sent
                raise ConnectionFailed("the connection was cut before the answer began", may_have_taken_effect=sent)
            self._in_head = line not in (b"\r\n", b"\n")
        return line


class BoundedSocket(socket.socket):
    """``http.client`` writes by ``sendall``, and reads a ``makefile`` that fills itself by ``recv_into``."""

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        return _AnswerReader(super().makefile("rb", buffering=0))

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        with _bounded(self, current_exchange.get().read_timeout):
            try:
                return super().recv_into(*args, **kwargs)
            except ssl.SSLError:
                raise TlsFailed("TLS failed while reading", may_have_taken_effect=True) from None

    def send(self, *args: Any, **kwargs: Any) -> int:
        exchange = current_exchange.get()
        with _bounded(self, exchange.read_timeout):
            try:
                sent = super().send(*args, **kwargs)
            except TimeoutError:
                raise
            except OSError:
                if exchange.sent:
                    raise
                exchange.found_dead = True
                raise ConnectionFailed("the connection was closed before the request was sent") from None
        exchange.sent = True
        return sent

    def sendall(self, data: Any, flags: int = 0) -> None:
        # The timeout of the C version is for the whole, which is right, but it does not tell whether anything has left.
        with memoryview(data) as view, view.cast("B") as rest:
            start = 0
            while start < len(rest):
                start += self.send(rest[start:], flags)


class BoundedTlsSocket(BoundedSocket, ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        try:
            with _bounded(self, current_exchange.get().connect_timeout):
                super().do_handshake(block)
        except ssl.SSLError as error:
            failure: TransportError = TlsFailed(f"TLS handshake: {error.reason or type(error).__name__}")
        except OSError:
            failure = ConnectionFailed("the connection was cut during the TLS handshake")
        except TransportError as error:
            failure = error
        else:
            return
        self.close()  # nobody else has a reference to it yet
        raise failure from None


def open_connection(host: str, port: int, options: Any) -> BoundedSocket:
    """A connected socket. Raises ``TransportError``; tries every address of the host, as far as the time goes."""
    exchange = current_exchange.get()
    failure: TransportError = NameNotResolved("the name has no address")
    for family, kind, protocol, _, address in _resolve(host, port, exchange):
        try:
            return _connected(BoundedSocket(family, kind, protocol), address, options, exchange)
        except TransportError as error:
            failure = error
        except OSError as error:
            failure = ConnectionFailed(f"no connection: {type(error).__name__}")
    raise failure


def _connected(sock: BoundedSocket, address: Any, options: Any, exchange: Exchange) -> BoundedSocket:
    try:
        for option in options:
            sock.setsockopt(*option)
        with _bounded(sock, exchange.connect_timeout):
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, exchange: Exchange) -> list[Any]:
    """``getaddrinfo`` knows no timeout, so a thread waits for it. Only a new connection pays for that."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    left = exchange.deadline.remaining()
    threading.Thread(target=ask, name="enrollment-errors-dns", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0, min(left, exchange.connect_timeout)))
    except queue.Empty:
        raise _too_late(left < exchange.connect_timeout, sent=False) from None
    if isinstance(answer, Exception):
        raise NameNotResolved(f"the name was not resolved: {type(answer).__name__}")
    return answer

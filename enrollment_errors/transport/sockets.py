"""Sockets that never wait beyond the call's deadline.

``requests`` and urllib3 have a timeout for a single read only, which starts again with every byte: a server that
trickles can hold a call forever. Here each connect, handshake, read and write waits for its own timeout or the time
left until the deadline, whichever is shorter. Failures become our own exceptions right here, because only the socket
knows whether a byte of the request has left.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..exceptions import (
    ConnectionFailed,
    DeadlineExceeded,
    NameNotResolved,
    ReplyBroken,
    TimedOut,
    TlsFailed,
    TransportError,
)
from .answer import AnswerReader
from .call import Progress, current_progress
from .failures import failed_handshake


@contextmanager
def _bounded(sock: socket.socket, timeout: float) -> Iterator[None]:
    progress = current_progress.get()
    left = progress.deadline.remaining()
    if left <= 0:
        raise DeadlineExceeded("the budget ended during the call", may_have_taken_effect=progress.sent)
    sock.settimeout(min(left, timeout))
    try:
        yield
    except TimeoutError:
        raise _too_late(left < timeout, progress.sent) from None


def _too_late(deadline_was_nearer: bool, sent: bool) -> TransportError:
    if deadline_was_nearer:
        return DeadlineExceeded("the budget ended during the call", may_have_taken_effect=sent)
    return TimedOut(
        "no answer within the read timeout" if sent else "no connection in time", may_have_taken_effect=sent
    )


class BoundedSocket(socket.socket):
    """``http.client`` writes with ``sendall``, and reads from ``makefile``, which calls ``recv_into``."""

    is_fit = False
    """Whether the socket can take another request: the last answer was read to its end, and nothing came after it."""
    _was_used = False
    _received = 0
    _early = b""

    def makefile(self, *args: Any, **kwargs: Any) -> Any:
        self.is_fit, self._received = False, 0
        return AnswerReader(super().makefile("rb", buffering=0), current_progress.get(), self._end_answer)

    def _end_answer(self, consumed: int, is_in_order: bool) -> None:
        self.is_fit, self._was_used = is_in_order and consumed == self._received, True
        if not self.is_fit:
            self.close()

    def recv_into(self, buffer: Any, *args: Any, **kwargs: Any) -> int:
        if self._early:
            buffer[:1], self._early, received = self._early, b"", 1
        else:
            with _bounded(self, current_progress.get().read_timeout):
                try:
                    received = super().recv_into(buffer, *args, **kwargs)
                except ssl.SSLError:
                    raise TlsFailed("TLS failed while reading", may_have_taken_effect=True) from None
        self._received += received
        return received

    def send(self, *args: Any, **kwargs: Any) -> int:
        progress = current_progress.get()
        self._listen(progress)
        with _bounded(self, progress.read_timeout):
            try:
                sent = super().send(*args, **kwargs)
            except TimeoutError:
                raise
            except OSError:
                if progress.sent:
                    raise
                progress.found_dead = True
                raise ConnectionFailed("the connection was closed before the request was sent") from None
        progress.sent = True
        return sent

    def _listen(self, progress: Progress) -> None:
        """Without waiting: an answer that comes before the whole request has left may answer something else."""
        self.settimeout(0)
        broken: TransportError | None = None
        early = b""
        try:
            early = self._early or super().recv(1)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except ssl.SSLError:
            broken = TlsFailed("TLS failed before the answer", may_have_taken_effect=progress.sent)
        except OSError:
            pass  # the send itself raises it
        if self._was_used and not progress.sent:
            progress.found_dead = True
            raise ConnectionFailed("the connection became unusable before the request was sent")
        if broken is not None:
            raise broken
        if self._was_used and early:
            raise ReplyBroken("an answer that arrived before the request")
        progress.answered_early, self._early = True, early

    def sendall(self, data: Any, flags: int = 0) -> None:
        # The C version rightly applies the timeout to the whole, but does not say whether anything has left.
        with memoryview(data) as view, view.cast("B") as rest:
            start = 0
            while start < len(rest):
                start += self.send(rest[start:], flags)


class BoundedTlsSocket(BoundedSocket, ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        # gevent's version takes no argument. It only matters for a socket without a timeout.
        try:
            with _bounded(self, current_progress.get().connect_timeout):
                super().do_handshake()
        except ssl.SSLError as error:
            failure: TransportError = failed_handshake(error)
        except OSError:
            failure = ConnectionFailed("the connection was cut during the TLS handshake")
        except TransportError as error:
            failure = error
        else:
            return
        self.close()  # no one else has a reference to it yet
        raise failure from None


def open_connection(host: str, port: int, options: Any) -> BoundedSocket:
    """A connected socket. Tries every address of the host while there is time. Raises ``TransportError``."""
    progress = current_progress.get()
    failure: TransportError = NameNotResolved("the name has no address")
    for family, kind, protocol, _, address in _resolve(host, port, progress):
        try:
            return _connected(BoundedSocket(family, kind, protocol), address, options, progress)
        except TransportError as error:
            failure = error
        except OSError as error:
            failure = ConnectionFailed(f"no connection: {type(error).__name__}")
    raise failure


def _connected(sock: BoundedSocket, address: Any, options: Any, progress: Progress) -> BoundedSocket:
    try:
        for option in options:
            sock.setsockopt(*option)
        with _bounded(sock, progress.connect_timeout):
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, progress: Progress) -> list[Any]:
    """``getaddrinfo`` has no timeout, so a thread waits for it. Only a new connection pays for that."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    left = progress.deadline.remaining()
    threading.Thread(target=ask, name="enrollment-errors-dns", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0, min(left, progress.connect_timeout)))
    except queue.Empty:
        raise _too_late(left < progress.connect_timeout, sent=False) from None
    if isinstance(answer, Exception):
        raise NameNotResolved(f"the name was not resolved: {type(answer).__name__}")
    return answer

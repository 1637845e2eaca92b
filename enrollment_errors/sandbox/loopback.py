"""The common base of the sandbox and the telemetry sink: it counts, fails on demand, and stays on loopback."""

from __future__ import annotations

import ssl
import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from itertools import count
from types import TracebackType
from typing import TypeVar

from ..transport.call import is_loopback
from .faults import Faults
from .handler import Handler, Reply, Request
from .listener import THREAD_NAME, Listener

REQUESTS_KEPT = 10_000

Server = TypeVar("Server", bound="LoopbackServer")


class NotLoopback(ValueError):
    """Refused, because other machines could reach an unprotected server."""


class LoopbackServer(ABC):
    """A context manager: listens from ``start`` to ``stop``, on ``port`` or on a free one.

    ``calls`` counts requests by endpoint, and ``connections`` counts their connections. ``requests`` holds the latest
    requests as they arrived. ``faults`` makes calls fail. Raises ``NotLoopback``.
    """

    endpoints: tuple[str, ...]

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        allow_remote: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if not (allow_remote or is_loopback(host)):
            raise NotLoopback(
                f"{host} is not a loopback address. This server has no protection: anyone who reaches it can use it. "
                "Use 127.0.0.1 or, on a network that you trust, allow it with --allow-remote (allow_remote=True)."
            )
        self.host, self.port, self.allow_remote = host, port, allow_remote
        self.faults = Faults(self.endpoints, on_change=self._listen_unless_down)
        self.forget_calls()
        self._tls = ssl_context
        self._numbers = count(1)
        self._counting = threading.Lock()
        self._switching = threading.RLock()
        self._running = False
        self._listener: Listener | None = None
        self._coming_back: threading.Timer | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._netloc(self.port)}"

    def _netloc(self, port: int) -> str:
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    def __enter__(self: Server) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Raises ``OSError`` if the port is taken."""
        self._running = True
        self._listen_unless_down()

    def stop(self) -> None:
        """Ends every connection, even hanging ones, and returns when they are closed."""
        self._running = False
        self._listen_unless_down()

    def forget_calls(self) -> None:
        self.calls: Counter[str] = Counter()
        self.requests: deque[Request] = deque(maxlen=REQUESTS_KEPT)
        self._connections: set[int] = set()

    @property
    def connections(self) -> int:
        return len(self._connections)

    @abstractmethod
    def endpoint_of(self, request: Request) -> str | None:
        """The endpoint name for counting and failing; ``None`` if the request does neither."""

    @abstractmethod
    def reply_to(self, request: Request, handler: Handler) -> Reply:
        """Handle the request."""

    def _answer(self, request: Request, handler: Handler) -> None:
        endpoint = self.endpoint_of(request)
        if endpoint is None:
            handler.send(self.reply_to(request, handler))
            return
        with self._counting:
            self.calls[endpoint] += 1
            self.requests.append(request)
            self._connections.add(request.connection)
        fault = self.faults.draw(endpoint)
        if fault is None:
            handler.send(self.reply_to(request, handler))
        else:
            fault.strike(handler, lambda: self.reply_to(request, handler))

    def _listen(self, port: int, tls: ssl.SSLContext | None) -> Listener:
        return Listener((self.host, port), self._answer, lambda: next(self._numbers), tls)

    def _listen_unless_down(self) -> None:
        with self._switching:
            down = self.faults.down
            if self._coming_back is not None:
                self._coming_back.cancel()
                self._coming_back = None
            if self._running and not down and self._listener is None:
                self._listener = self._listen(self.port, self._tls)
                self.port = self._listener.port
            elif (down or not self._running) and self._listener is not None:
                self._listener.close()
                self._listener = None
            if self._running and down and down.seconds is not None:
                self._coming_back = threading.Timer(down.seconds, self.faults.clear, ["*"])
                self._coming_back.name, self._coming_back.daemon = THREAD_NAME, True
                self._coming_back.start()

"""A threaded HTTP/1.1 server on one port that can vanish, with all its connections, and come back."""

from __future__ import annotations

import selectors
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from .handler import Handler, Request

THREAD_NAME = "enrollment-sandbox"


class Listener(ThreadingHTTPServer):
    """Accepts connections, each in its own thread, until ``close``; ``answer`` gets each request."""

    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Request, Handler], None],
        new_connection: Callable[[], int],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.answer = answer
        self.new_connection = new_connection
        self._tls = tls
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Handler)
        # A client may leave between select and accept. Without this, accept would wait for the next client.
        self.socket.settimeout(1)
        # Not serve_forever, which checks only now and then whether it should end.
        self._closing, self._closed = socket.socketpair()
        self._accepting = _thread(self._accept)
        self._accepting.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        # Not HTTPServer's, which looks up the host's name in DNS.
        TCPServer.server_bind(self)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._closed, selectors.EVENT_READ)
            while not any(key.fileobj is self._closed for key, _ in selector.select()):
                with suppress(OSError):  # the client has already left
                    self.process_request(*self.get_request())

    def get_request(self) -> tuple[Any, Any]:
        connection, client = super().get_request()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, client

    def start_tls(self, connection: socket.socket) -> None:
        """Runs in the connection's own thread, so a client that never completes the handshake blocks no others."""
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = _thread(self.process_request_thread, request, client_address)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        self.release(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that leave or fail the TLS handshake are what this server is for. Any other error is our bug.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def release(self, connection: socket.socket) -> None:
        """From now on, the connection ends by itself: ``close`` leaves it alone."""
        with self._lock:
            self._open.pop(connection, None)

    def close(self) -> None:
        """Refuse new connections, end the open ones, even if they hang, and return when they are closed."""
        self._closing.close()
        self._accepting.join()
        self._closed.close()
        self.socket.close()
        with self._lock:
            ending = dict(self._open)
        for connection in ending:
            with suppress(OSError):  # it has just ended by itself
                # The plain socket's method: an SSLSocket would drop its TLS state while another thread reads from it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in ending.values():
            thread.join()


def _thread(target: Callable[..., None], *args: Any) -> threading.Thread:
    return threading.Thread(target=target, args=args, name=THREAD_NAME, daemon=True)

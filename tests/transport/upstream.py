"""A loopback server that does with each connection what the test says, byte by byte if necessary."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

REPLY = b'{"ok": true}'


@dataclass(frozen=True)
class Received:
    line: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class Connection:
    """The server's end of one connection. It adds the requests that it receives to ``requests``."""

    def __init__(self, sock: socket.socket, stopping: threading.Event, requests: list[Received]) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")
        self._stopping = stopping
        self._requests = requests

    def read_request(self) -> Received | None:
        """Returns ``None`` if the client has closed the connection or the test is over."""
        if not self._wait_for_data():
            return None
        self._sock.settimeout(5)
        line = self._file.readline()
        if not line:
            return None
        headers = {}
        while (header := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get("content-length", 0)))
        received = Received(line.decode("latin-1").strip(), headers, body)
        self._requests.append(received)
        return received

    def read_something(self) -> bytes:
        """Reads from any protocol. Returns nothing if the client has closed the connection."""
        return self._sock.recv(65536)

    def _wait_for_data(self) -> bool:
        self._sock.settimeout(0.05)
        while not self._stopping.is_set():
            try:
                self._file.peek(1)
            except TimeoutError:
                self._file = self._sock.makefile("rb")  # after a timeout, the old file reads no more
            else:
                return True
        return False

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send_in_the_clear(self, data: bytes) -> None:
        """Bypasses TLS."""
        socket.socket.sendall(self._sock, data)

    def reply(self, status: int = 200, body: bytes = REPLY, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def trickle(self, data: bytes, pause: float) -> None:
        for byte in data:
            self.send(bytes([byte]))
            if self._stopping.wait(pause):
                return

    def hang(self) -> None:
        self._stopping.wait(30)

    def reset(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._file.close()
        self._sock.close()


Behaviour = Callable[[Connection], None]


def well(connection: Connection) -> None:
    """Answers every request until the client closes the connection."""
    while connection.read_request():
        connection.reply()


def answering(status: int, body: bytes = REPLY, **headers: str) -> Behaviour:
    def behave(connection: Connection) -> None:
        while connection.read_request():
            connection.reply(status, body, **headers)

    return behave


class Upstream:
    """``with Upstream(well) as server``. A test may change ``behave`` at any time, for new connections."""

    def __init__(self, behave: Behaviour = well, tls: ssl.SSLContext | None = None) -> None:
        self.behave = behave
        self.connections = 0
        self.requests: list[Received] = []
        self._tls = tls
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}/base"

    def __enter__(self) -> Upstream:
        self._threads[0].start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(self._secured(sock)) as secured:
            secured.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.closing(Connection(secured, self._stopping, self.requests)) as connection:
                self.behave(connection)

    def _secured(self, sock: socket.socket) -> socket.socket:
        return sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True)


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port on which nobody listens, reserved so that no other program gets it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def json_of(received: Received) -> object:
    return json.loads(received.body)

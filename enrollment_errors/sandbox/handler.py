"""One HTTP exchange on our own socket, and every way in which a real server leaves a client hanging."""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

JSON = "application/json"
WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it arrived. ``line`` is undecoded; ``connection`` is the connection's number."""

    line: str
    method: str
    target: str
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    connection: int

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path, split first and then percent-decoded once: an encoded slash stays inside its segment."""
        return tuple(unquote(segment) for segment in self.target.partition("?")[0].split("/")[1:])

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def json(self) -> Any:
        """Raises ``ValueError`` if the body is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200) -> Reply:
        return cls(status, json.dumps(value).encode())

    @property
    def raw(self) -> bytes:
        body = b"" if self.status in WITHOUT_BODY else self.body
        return self._head(len(body)) + body

    def cut(self, missing: int) -> bytes:
        """The whole body, announced as ``missing`` bytes longer than it is."""
        return self._head(len(self.body) + missing) + self.body

    def _head(self, length: int) -> bytes:
        phrase = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        if length:
            lines.append(f"Content-Type: {self.content_type}")
        if self.status not in WITHOUT_BODY:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Server(Protocol):
    """What a handler needs from its server."""

    answer: Callable[[Request, Handler], None]
    new_connection: Callable[[], int]

    def start_tls(self, sock: socket.socket) -> None: ...

    def release(self, sock: socket.socket) -> None: ...


class Handler(BaseHTTPRequestHandler):
    """A connection and its requests, one after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server  # type: ignore[assignment]  # the base class knows its own servers only

    def setup(self) -> None:
        self.number = self.server.new_connection()
        self.server.start_tls(self.request)
        super().setup()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        self.server.answer(
            Request(
                line=self.requestline,
                method=self.command,
                # Not self.path, which merges leading slashes.
                target=self.requestline.split(" ")[1],
                headers=self.headers,
                body=body,
                connection=self.number,
            ),
            self,
        )

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: request lines carry card tokens, and ``requests`` has them if you need them."""

    def send(self, reply: Reply) -> None:
        if self.close_connection:
            reply = replace(reply, headers={**reply.headers, "Connection": "close"})
        self.wfile.write(reply.raw)

    def release(self) -> None:
        """Make this the connection's last request, and answer it even while the server shuts down."""
        self.close_connection = True
        self.server.release(self.request)

    def wait(self, seconds: float | None) -> bool:
        """Whether the client stayed and the server ran the whole time. ``None`` waits until either ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.request, selectors.EVENT_READ)
            gone = bool(selector.select(seconds))
        self.close_connection = self.close_connection or gone
        return not gone

    def trickle(self, reply: Reply, interval: float) -> None:
        """Send one byte every ``interval`` seconds, even for the headers."""
        for position in range(len(reply.raw)):
            if not self.wait(interval):
                return
            self.wfile.write(reply.raw[position : position + 1])

    def cut(self, reply: Reply) -> None:
        """Announce more bytes than are sent, and close."""
        self.close_connection = True
        self.wfile.write(reply.cut(missing=4096))

    def reset(self) -> None:
        """Answer with a TCP reset, as a crashed server or an impatient firewall does."""
        self.release()
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Close the descriptor itself: the socket object would first shut down in order, and wait for its files.
        os.close(self.request.detach())

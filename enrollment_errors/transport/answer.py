"""Reads an answer strictly: where it begins, where it ends, and whether the connection is fit for another request.

``http.client`` is lenient. It takes any interim answer except 100 for the final one and the end of the connection for
the end of the headers, and it guesses when a length makes no sense. The next rider would read the bytes it leaves
behind as their own answer. So it reads from here, and gets only what was understood: one final head, unambiguous
framing, and a counted body. An answer that breaks the protocol raises ``ReplyBroken`` right here.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from ..exceptions import ConnectionFailed, ReplyBroken
from .call import Progress

MAX_INTERIM = 20
"""Interim answers (RFC 9110, 15.2) to skip. A server that keeps saying "wait" says nothing else."""
MAX_HEAD = 64 * 1024
"""Bytes of all heads together, and of one line elsewhere."""
MAX_FIELDS = 99
"""Lines of a head; ``http.client`` accepts no more."""
MAX_BODY_LINES = 10_000
"""Chunks and trailers together: 2 MB in chunks of one byte each would take seconds of CPU."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n\0]*)?")
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+):([^\r\n\0]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n\0]*)?")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = (204, 304)


class AnswerReader(io.BufferedReader):
    """The file that ``http.client`` reads one answer from. ``on_end`` gets the bytes read and whether all was in order.

    Raises ``ConnectionFailed`` if the connection ends before the answer does, and ``ReplyBroken``.
    """

    def __init__(self, raw: io.RawIOBase, progress: Progress, on_end: Callable[[int, bool], None]) -> None:
        super().__init__(raw)
        self._progress = progress
        self._on_end = on_end
        self._head: deque[bytes] | None = None
        self._consumed = 0
        self._in_order = True
        self._body_lines = 0
        self._chunked = self._in_trailers = False
        self._left: int | None = None
        """Bytes left in the body, or in the chunk and its line end. ``None``: it lasts until the connection ends."""

    def readline(self, size: int | None = -1, /) -> bytes:
        if self._head is None:
            self._head = deque(self._read_head())
        if self._head:
            return self._head.popleft()
        return self._read_line_of_chunks()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._counted(super().read(size))

    def readinto(self, buffer: Any, /) -> int:
        read = super().readinto(buffer)
        self._counted(memoryview(buffer)[:read].tobytes())
        return read

    def close(self) -> None:
        if not self.closed:
            is_whole = self._left == 0 and not self._chunked
            super().close()
            self._on_end(self._consumed, is_whole and self._in_order and not self._progress.answered_early)

    def _read_head(self) -> list[bytes]:
        """Status line, fields and the empty line of the final answer."""
        for _ in range(MAX_INTERIM + 1):
            version, status, line = self._read_status_line()
            fields = self._read_fields()
            if status == _SWITCHING_PROTOCOLS:
                raise ReplyBroken("the server switched to another protocol")
            if status >= 200:
                return [line, *self._framed(version, status, fields), b"\r\n"]
        raise ReplyBroken("too many interim answers")

    def _read_status_line(self) -> tuple[int, int, bytes]:
        line = self._read_line()
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise ReplyBroken("an answer that does not begin with a status")
        return int(match[1]), int(match[2]), line + b"\r\n"

    def _read_fields(self) -> list[tuple[bytes, bytes]]:
        fields: list[tuple[bytes, bytes]] = []
        for _ in range(MAX_FIELDS):
            line = self._read_line()
            if not line:
                return fields
            match = _FIELD.fullmatch(line)
            if match is not None:
                fields.append((match[1], match[2].strip(b" \t")))
            elif fields and line[:1] in b" \t" and b"\r" not in line and b"\0" not in line:
                fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip(b" \t"))
            else:
                raise ReplyBroken("a malformed header")
        raise ReplyBroken("too many headers")

    def _framed(self, version: int, status: int, fields: list[tuple[bytes, bytes]]) -> list[bytes]:
        """The fields as lines. Those that say where the body ends are rewritten as they were understood here."""
        lengths = [
            part.strip() for name, value in fields if name.lower() == b"content-length" for part in value.split(b",")
        ]
        codings = [value.lower() for name, value in fields if name.lower() == b"transfer-encoding"]
        lines = [
            name + b": " + value + b"\r\n"
            for name, value in fields
            if name.lower() not in (b"content-length", b"transfer-encoding")
        ]
        if len(set(lengths)) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            raise ReplyBroken("an invalid Content-Length")
        if codings not in ([], [b"chunked"]):
            raise ReplyBroken("a transfer encoding that nobody asked for")
        # Both, or chunks in HTTP/1.0: an intermediary may have understood it differently (RFC 9112, 6.1).
        self._in_order = not (codings and (lengths or version == 0))
        if status in _WITHOUT_BODY:
            self._left = 0
            return lines
        if codings:
            self._chunked, self._left = True, 0
            return [*lines, b"Transfer-Encoding: chunked\r\n"]
        if lengths:
            self._left = int(lengths[0])
            return [*lines, b"Content-Length: " + lengths[0] + b"\r\n"]
        return lines

    def _read_line_of_chunks(self) -> bytes:
        """The size of the next chunk, or the empty line that ends the last one's trailers."""
        if not self._in_trailers:
            match = _CHUNK.fullmatch(self._read_body_line())
            if match is None or self._left != 0:
                raise ReplyBroken("a chunk without a size")
            size = int(match[1], 16)
            self._in_trailers = size == 0
            self._left = size + 2 if size else 0
            return match[1] + b"\r\n"
        while self._read_body_line():
            pass
        self._chunked = False
        return b"\r\n"

    def _read_body_line(self) -> bytes:
        self._body_lines += 1
        if self._body_lines > MAX_BODY_LINES:
            raise ReplyBroken("too many chunks")
        return self._read_line()

    def _read_line(self) -> bytes:
        """Without its end."""
        line = super().readline(MAX_HEAD + 1)
        self._consumed += len(line)
        if len(line) > MAX_HEAD or (self._head is None and self._consumed > MAX_HEAD):
            raise ReplyBroken("a line or a set of headers that is too long")
        if not line.endswith(b"\n"):
            raise ConnectionFailed(
                "the connection was cut in the middle of the answer", may_have_taken_effect=self._progress.sent
            )
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]

    def _counted(self, data: bytes) -> bytes:
        self._consumed += len(data)
        if self._left is not None:
            if self._chunked and self._left == 2 and data not in (b"\r\n", b""):
                raise ReplyBroken("a chunk of another length than it said")
            self._left -= len(data)
        return data

"""urllib3 and ``http.client``, and whoever looks over their shoulders, get a request whose secrets are sealed.

A site's tracing tools wrap those libraries, and record addresses, headers and bodies; the address of a card carries its
token. So what passes through them has the templated route in place of the path, a placeholder in place of each header
of the call, and an empty object in place of the body. What the processor gets is put in where the bytes go to the
socket: the request as it is, with no header that the call does not name, such as the site's own trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool

from .call import Call

_BODY = b"{}"


@dataclass(frozen=True, repr=False)
class _Content:
    """What is sealed."""

    target: str
    headers: Mapping[str, str]
    body: bytes | None


_call: ContextVar[Call] = ContextVar("sealed_call")
_content: ContextVar[_Content] = ContextVar("sealed_content")


@contextmanager
def sealing(call: Call) -> Iterator[None]:
    """What a ``SealingPool`` is given in this thread meanwhile is the request of ``call``."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


class SealingPool(HTTPConnectionPool):
    """Its ``urlopen`` stands above the one that tools wrap."""

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any
    ) -> Any:
        call = _call.get()
        token = _content.set(_Content(url, headers, body))
        try:
            return super().urlopen(
                method=method,
                url=call.shown_path,
                body=None if body is None else _BODY,  # its Content-Length stays that of the real one
                headers={**headers, **{name: f"{{{name}}}" for name in call.headers}},
                **options,
            )
        finally:
            _content.reset(token)


def opened(data: bytes) -> bytes:
    """What the processor gets in place of ``data``: the head of the request under way, or its body."""
    content = _content.get()
    if data == _BODY:
        assert content.body is not None
        return content.body
    ours = {name.lower().encode(): value for name, value in content.headers.items()}
    request_line, *lines = data.split(b"\r\n")
    method, _, version = request_line.split(b" ")
    head = [b" ".join((method, content.target.encode(), version))]
    for line in lines:
        name = line.partition(b":")[0]
        if name.lower() in ours:
            head.append(name + b": " + ours[name.lower()].encode("latin-1"))
        elif name.lower() in (b"host", b""):
            head.append(line)
    return b"\r\n".join(head)

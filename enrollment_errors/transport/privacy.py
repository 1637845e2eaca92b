"""What others may see of our calls: the site's tracing tools, Sentry, and the logs of the libraries below.

Tracing tools wrap urllib3 and ``http.client``, and record addresses, headers and bodies; the address of a card carries
its token. So what passes through those libraries is sealed: it has the templated route in place of the path, a
placeholder in place of each header of the call, and an empty object in place of the body. What the processor gets is
put in where the bytes go to the socket: the request as it is, with no header that the call does not name, such as the
site's own trace.

What those libraries would still say of it, urllib3 in its log and sentry-sdk's own integration in breadcrumbs and
spans, is the same once more. So while a call of ours is under way, in this thread and nowhere else, urllib3's loggers
drop their records and Sentry sees a client that has no integrations. Whatever an SDK raises here, the call goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import sentry_sdk
from urllib3.connectionpool import HTTPConnectionPool

from .call import Call

if TYPE_CHECKING:
    from sentry_sdk.tracing import Span

_under_way: ContextVar[bool] = ContextVar("private_call_under_way", default=False)


@contextmanager
def private_call() -> Iterator[None]:
    token = _under_way.set(True)
    deaf = ExitStack()
    with suppress(Exception):
        if sentry_sdk.is_initialized():
            deaf.enter_context(sentry_sdk.new_scope()).set_client(_deaf_client())
    try:
        yield
    finally:
        with suppress(Exception):
            deaf.close()
        _under_way.reset(token)


@cache
def _deaf_client() -> sentry_sdk.Client:
    # No DSN, no integrations, no transport; the release is given because to find one out starts a process.
    return sentry_sdk.Client(
        dsn="", default_integrations=False, auto_enabling_integrations=False, release="", spotlight=False
    )


class UpstreamSpan:
    """The one span of a call, where the site traces. Started and finished outside ``private_call``."""

    def __init__(self, route: str) -> None:
        self._span: Span | None = None
        with suppress(Exception):
            parent = sentry_sdk.get_current_span()
            if parent is not None:
                self._span = parent.start_child(op="http.client", name=route, origin="auto.http.enrollment_errors")

    def finish(self, status: int | None) -> None:
        if self._span is None:
            return
        with suppress(Exception):
            if status is None:
                self._span.set_status("unavailable")
            else:
                self._span.set_http_status(status)
        with suppress(Exception):
            self._span.finish()


class _NotOurCalls(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not _under_way.get()


_not_our_calls = _NotOurCalls()


def silence_libraries() -> None:
    """Once, when Django has started: what the libraries below log of our calls is dropped."""
    # A logger's filters are asked for its own records only, not for those of its children.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("urllib3", "requests"):
            logging.getLogger(name).addFilter(_not_our_calls)


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
    request_line, *lines = data.split(b"\r\n")
    method, _, version = request_line.split(b" ")
    host = next(line for line in lines if line[:5].lower() == b"host:")
    ours = (f"{name}: {value}".encode("latin-1") for name, value in content.headers.items())
    return b"\r\n".join((b" ".join((method, content.target.encode(), version)), host, *ours, b"", b""))

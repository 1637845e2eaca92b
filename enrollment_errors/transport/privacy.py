"""Limits what others see of our calls: the site's tracing tools, Sentry, and the logs of the libraries below.

Tracing tools wrap urllib3 and ``http.client`` and record URLs, headers and bodies; a card's URL carries its token. So
those libraries get a sealed request: it has the templated route instead of the path, a placeholder instead of each of
the call's headers, and an empty object instead of the body. The real request takes its place as the bytes go to the
socket, without any header that the call does not name, such as the site's own trace.

urllib3's log and the breadcrumbs and spans of sentry-sdk's integration would only repeat the sealed request. So during
our call, in its thread alone, urllib3's loggers drop their records and Sentry sees a client without integrations. If an
SDK raises an exception here, the call goes on.
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
    # No DSN, no integrations, no transport. The release is given because the SDK would start a process to find one.
    return sentry_sdk.Client(
        dsn="", default_integrations=False, auto_enabling_integrations=False, release="", spotlight=False
    )


class UpstreamSpan:
    """The one span of a call, if the site traces. Started and finished outside ``private_call``."""

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
    """Drop what the libraries below log about our calls. Called once, when Django has started."""
    # A logger's filters apply to its own records only, not to those of its children.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("urllib3", "requests"):
            logging.getLogger(name).addFilter(_not_our_calls)


_BODY = b"{}"


@dataclass(frozen=True, repr=False)
class _Content:
    """The real request, which the sealed one hides."""

    target: str
    headers: Mapping[str, str]
    body: bytes | None


_call: ContextVar[Call] = ContextVar("sealed_call")
_content: ContextVar[_Content] = ContextVar("sealed_content")


@contextmanager
def sealing(call: Call) -> Iterator[None]:
    """Meanwhile, a ``SealingPool`` in this thread takes each request for that of ``call``."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


class SealingPool(HTTPConnectionPool):
    """Its ``urlopen`` runs before the one that tools wrap."""

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
    """What the processor gets instead of ``data``: the real head of the current request, or its body."""
    content = _content.get()
    if data == _BODY:
        assert content.body is not None
        return content.body
    request_line, *lines = data.split(b"\r\n")
    method, _, version = request_line.split(b" ")
    host = next(line for line in lines if line[:5].lower() == b"host:")
    ours = (f"{name}: {value}".encode("latin-1") for name, value in content.headers.items())
    return b"\r\n".join((b" ".join((method, content.target.encode(), version)), host, *ours, b"", b""))

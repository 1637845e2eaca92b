"""Our calls as Sentry and the log know them: one span each, in place of what the libraries say.

What passes through those libraries is sealed (``sealing``). What they would still say of it, urllib3 in its log and
sentry-sdk's own integration in breadcrumbs and spans, is the same once more. So while a call of ours is under way, in
this thread and nowhere else, urllib3's loggers drop their records and Sentry sees a client that has no integrations.

Whatever an SDK raises here, the call goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

import sentry_sdk
import urllib3  # noqa: F401 - makes its loggers

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


def _guard_loggers() -> None:
    # A logger's filters are asked for its own records only, not for those of its children.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("urllib3", "requests"):
            logging.getLogger(name).addFilter(_NotOurCalls())


_guard_loggers()

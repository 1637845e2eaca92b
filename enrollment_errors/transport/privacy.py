"""Our calls leave no trace of their own in what the site's libraries record.

urllib3 logs every URL, and sentry-sdk's http.client integration records it in breadcrumbs and spans; a by-token URL
carries the card token. While a call of ours is under way, in this thread and nowhere else, urllib3's loggers drop their
records and Sentry sees a client that has no integrations. Instead there is one span of our own, with the templated
route.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import sentry_sdk
import urllib3  # noqa: F401 - makes its loggers

_under_way: ContextVar[bool] = ContextVar("private_call_under_way", default=False)


@contextmanager
def private_call() -> Iterator[None]:
    token = _under_way.set(True)
    try:
        if sentry_sdk.is_initialized():
            with sentry_sdk.new_scope() as scope:
                scope.set_client(_deaf_client())
                yield
        else:
            yield
    finally:
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
        parent = sentry_sdk.get_current_span()
        self._span = parent and parent.start_child(op="http.client", name=route, origin="auto.http.enrollment_errors")

    def finish(self, status: int | None) -> None:
        if self._span is None:
            return
        if status is None:
            self._span.set_status("unavailable")
        else:
            self._span.set_http_status(status)
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

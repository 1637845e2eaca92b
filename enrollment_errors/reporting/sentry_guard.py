"""Nothing secret, and nothing of the rider's, in any Sentry event of a request of ours, the site's own included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import Any
from weakref import ref

import sentry_sdk
from django.http import HttpRequest, QueryDict
from sentry_sdk.utils import iter_event_frames

from ..redaction import Scrubber

_HEADERS = frozenset({"accept", "accept-language", "content-length", "content-type", "host", "origin", "user-agent"})
_ADDRESSES = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


def guard_request(request: HttpRequest) -> None:
    """From here on every event of ``request`` leaves without secrets. Called at the start of each of our views.

    On both scopes: the site's middleware may leave the current one, whose turn comes after the isolation scope's.
    """
    if not sentry_sdk.is_initialized():
        return
    guard = RequestGuard(request)
    for scope in (sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope()):
        # Without Sentry's Django integration a scope may live as long as its thread, and must not collect guards.
        scope._event_processors[:] = [kept for kept in scope._event_processors if not _is_over(kept)]
        if guard not in scope._event_processors:
            scope.add_event_processor(guard)


def _is_over(processor: Any) -> bool:
    return isinstance(processor, RequestGuard) and processor.is_over


class RequestGuard:
    """Takes what is the rider's out of an event: what was posted, cookies, query, address, name; and every secret.

    One without a request is for events from elsewhere.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        # A scope may outlive its request, and must not keep it.
        self._request = ref(request) if request is not None else lambda: None

    @property
    def is_over(self) -> bool:
        """Whether the request that it guards is gone."""
        return self._request() is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestGuard) and self._request() is other._request()

    def __call__(self, event: Any, hint: Any) -> Any:
        with suppress(Exception):
            return self._cleaned(event)
        # After an exception the SDK would send the event as it was.
        return None

    def _cleaned(self, event: Any) -> Any:
        request, user = event.get("request") or {}, event.get("user") or {}
        event["request"] = {
            "method": request.get("method"),
            "url": str(request.get("url") or "").partition("?")[0],
            "headers": {
                name: value for name, value in (request.get("headers") or {}).items() if name.lower() in _HEADERS
            },
        }
        event["user"] = {"id": user.get("id")}
        for frame in iter_event_frames(event):
            if _is_library(frame):
                frame.pop("vars", None)
        if "exception" not in event:
            # Where the site has set attach_stacktrace, the SDK would add the stack, with all locals, after this; an
            # older one to transactions, too.
            event.setdefault("threads", {"values": []})
        cleaned = Scrubber(also=self._brought()).value(event)
        # Frozen, because the Django integration may have its turn after this, and adds form, cookies and name.
        for part in ("request", "user"):
            cleaned[part] = MappingProxyType(cleaned[part])
        return cleaned

    def _brought(self) -> Iterator[str]:
        """What the rider's browser sent and no operator needs, wherever in the event it may turn up."""
        request = self._request()
        if request is None:
            return
        yield from request.COOKIES.values()
        yield from (request.META.get(name, "") for name in ("QUERY_STRING", *_ADDRESSES))
        yield from _values(request.GET)
        with suppress(Exception):  # a form that cannot be read has no values
            yield from _values(request.POST)


def _values(form: QueryDict) -> Iterator[str]:
    for _, values in form.lists():
        yield from values


def _is_library(frame: dict[str, Any]) -> bool:
    """Whether the frame's locals are those of Django, an HTTP library or a server: requests, headers, bodies."""
    path = frame.get("abs_path") or ""
    ours = (frame.get("module") or "").startswith("enrollment_errors")
    return not ours and ("-packages/" in path or "/lib/python" in path)

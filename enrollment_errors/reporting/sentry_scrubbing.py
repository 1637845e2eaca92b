"""Keeps secrets and rider data out of every Sentry event of our requests, even events that the site itself sends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any
from weakref import ref

import sentry_sdk
from django.http import HttpRequest, QueryDict

from ..redaction import Scrubber

logger = logging.getLogger("enrollment_errors")

_HEADERS = frozenset({"accept", "accept-language", "content-length", "content-type", "host", "origin", "user-agent"})
_ADDRESSES = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


_SCRUBBER = "enrollment_errors.scrubber"
"""The key in an event's hint for what its scrubbers share."""
_scrubbed: ContextVar[tuple[tuple[sentry_sdk.Scope, RequestScrubber], ...]] = ContextVar("scrubbed_scopes", default=())


def scrub_request(request: HttpRequest) -> None:
    """Scrub every later event of ``request``. Called at the start of each of our views.

    It covers both scopes: the site's middleware may leave the current one, which runs after the isolation scope.
    """
    try:
        if sentry_sdk.is_initialized():
            scopes = (sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope())
            _scrubbed.set(tuple((scope, _scrubbed_by(scope, request)) for scope in scopes))
    except Exception as error:  # noqa: BLE001  even if an SDK raises, the rider gets the page
        logger.warning("Sentry's events of this request cannot be scrubbed: %s", type(error).__name__)


def _scrubbed_by(scope: sentry_sdk.Scope, request: HttpRequest) -> RequestScrubber:
    """Without Sentry's Django integration, a scope may live as long as its thread, and must not collect scrubbers."""
    for known, scrubber in _scrubbed.get():
        if known is scope:
            scrubber.watch(request)
            return scrubber
    scrubber = RequestScrubber(request)
    scope.add_event_processor(scrubber)
    return scrubber


class RequestScrubber:
    """Removes rider data from an event (posted values, cookies, query, address, name) and every secret.

    A scrubber without a request is for events from elsewhere.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        self._request: Callable[[], HttpRequest | None] = lambda: None
        if request is not None:
            self.watch(request)

    def watch(self, request: HttpRequest) -> None:
        # A scope may outlive its request, and must not keep it.
        self._request = ref(request)

    def __call__(self, event: Any, hint: Any) -> Any:
        with suppress(Exception):
            return self._cleaned(event, hint)
        # If this raised, the SDK would send the event unscrubbed.
        return None

    def _cleaned(self, event: Any, hint: Any) -> Any:
        request, user = event.get("request") or {}, event.get("user") or {}
        event["request"] = {
            "method": request.get("method"),
            "url": str(request.get("url") or "").partition("?")[0],
            "headers": {
                name: value for name, value in (request.get("headers") or {}).items() if name.lower() in _HEADERS
            },
        }
        event["user"] = {"id": user.get("id")}
        for frame in _frames(event):
            if _is_library(frame):
                frame.pop("vars", None)
        if "exception" not in event:
            # If the site has set attach_stacktrace, the SDK would add the stack, with all locals, after this; an older
            # SDK also adds it to transactions.
            event.setdefault("threads", {"values": []})
        cleaned = self._scrubber_of(hint).value(event)
        # Frozen, because the Django integration may run after this, and adds form, cookies and name.
        for part in ("request", "user"):
            cleaned[part] = MappingProxyType(cleaned[part])
        return cleaned

    def _scrubber_of(self, hint: Any) -> Scrubber:
        """One for both scopes: the second pass skips what the first has cleaned, and cleans what was added since."""
        brought = frozenset(self._brought())
        shared: tuple[frozenset[str], Scrubber] | None = hint.get(_SCRUBBER)
        if shared is None or not brought <= shared[0]:
            shared = hint[_SCRUBBER] = brought, Scrubber(also=brought)
        return shared[1]

    def _brought(self) -> Iterator[str]:
        """Values from the rider's browser that no operator needs, wherever they appear in the event."""
        request = self._request()
        if request is None:
            return
        yield from request.COOKIES.values()
        yield from (request.META.get(name, "") for name in ("QUERY_STRING", *_ADDRESSES))
        yield from _values(request.GET)
        with suppress(Exception):  # an unreadable form has no values
            yield from _values(request.POST)


def _values(form: QueryDict) -> Iterator[str]:
    for _, values in form.lists():
        yield from values


def _frames(event: Any) -> Iterator[dict[str, Any]]:
    holders = [event]
    for part in ("exception", "threads"):
        holders += (event.get(part) or {}).get("values") or ()
    for holder in holders:
        stack = holder.get("stacktrace") or {}
        yield from getattr(stack, "value", stack).get("frames") or ()


def _is_library(frame: dict[str, Any]) -> bool:
    """Whether the frame belongs to Django, an HTTP library or a server, whose locals are requests, headers, bodies."""
    path = frame.get("abs_path") or ""
    ours = (frame.get("module") or "").startswith("enrollment_errors")
    return not ours and ("-packages/" in path or "/lib/python" in path)

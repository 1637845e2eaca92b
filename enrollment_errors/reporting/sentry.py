"""Sentry: one event for each fault, and nothing secret in any event of a request of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from weakref import ref

import sentry_sdk
from django.http import HttpRequest
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.utils import iter_event_frames

from ..exceptions import (
    BaseUrlInvalid,
    CardFormFailed,
    EnrollmentError,
    LinkAnswerLost,
    LinkNotConfirmed,
    ProcessorError,
    TokenRequestFailed,
)
from ..redaction import Scrubber
from .report import Report

# Our log's record of a failure would be a second event for it.
ignore_logger("enrollment_errors")

_HEADERS = frozenset({"accept", "accept-language", "content-length", "content-type", "host", "origin", "user-agent"})


def send(report: Report) -> Report | None:
    """Captures ``report.error``, where it is a fault; gives back the report with the event's id."""
    if not report.is_fault:
        return None
    event_id = capture(
        report.error or EnrollmentError(report.code),
        tags=_tags(report),
        context=_context(report),
        fingerprint=_fingerprint(report),
    )
    return replace(report, sentry_event_id=event_id)


def capture(
    error: BaseException, *, tags: dict[str, str], context: dict[str, Any], fingerprint: list[str] | None = None
) -> str | None:
    """One event for ``error``, in a scope of its own. Returns its id; ``None`` where Sentry is not there for it."""
    if not sentry_sdk.is_initialized():
        return None
    with sentry_sdk.new_scope() as scope:
        scope.set_level("error")
        scope.set_tags(tags)
        scope.set_context("enrollment", context)
        scope.fingerprint = fingerprint
        scope.add_event_processor(RequestGuard())
        return scope.capture_exception(error)


def guard_request(request: HttpRequest) -> None:
    """From here on every event of ``request``, the site's own too, leaves without secrets.

    Called at the start of each of our views. On both scopes, because Sentry's Django integration adds the posted form
    to the event from the current one, which comes after the isolation scope; and the site may leave the current one.
    """
    if not sentry_sdk.is_initialized():
        return
    guard = RequestGuard(request)
    for scope in (sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope()):
        if guard not in scope._event_processors:
            scope.add_event_processor(guard)


class RequestGuard:
    """Takes what is the rider's out of an event: what was posted, cookies, query, address, name; and every secret.

    One without a request is for events from elsewhere.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        # A scope may outlive its request, and must not keep it.
        self._request = ref(request) if request is not None else lambda: None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestGuard) and self._request() is other._request()

    def __call__(self, event: Any, hint: Any) -> Any:
        if collected := event.get("request"):
            headers = collected.get("headers") or {}
            event["request"] = {
                "method": collected.get("method"),
                "url": str(collected.get("url") or "").partition("?")[0],
                "headers": {name: value for name, value in headers.items() if name.lower() in _HEADERS},
            }
        if event.get("user"):
            event["user"] = {"id": event["user"].get("id")}
        for frame in iter_event_frames(event):
            if _is_library(frame):
                frame.pop("vars", None)
        if event.get("type") != "transaction" and "exception" not in event:
            # Where the site has set attach_stacktrace, the SDK would add the stack, with all locals, after this.
            event.setdefault("threads", {"values": []})
        return Scrubber(also=self._brought()).value(event)

    def _brought(self) -> Iterator[str]:
        """What the rider's browser sent and no operator needs, wherever in the event it may turn up."""
        request = self._request()
        if request is None:
            return
        for values in (request.GET, request.POST):
            for _, posted in values.lists():
                yield from posted
        yield from request.COOKIES.values()
        for name in ("QUERY_STRING", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP"):
            yield request.META.get(name, "")


def _is_library(frame: dict[str, Any]) -> bool:
    """Whether the frame's locals are those of Django, an HTTP library or a server: requests, headers, bodies."""
    path = frame.get("abs_path") or ""
    ours = (frame.get("module") or "").startswith("enrollment_errors")
    return not ours and ("-packages/" in path or "/lib/python" in path)


def _tags(report: Report) -> dict[str, str]:
    tags = {
        "enrollment.processor": report.processor,
        "enrollment.stage": report.stage.value if report.stage else "",
        "enrollment.outcome": report.outcome.value if report.outcome else "",
        "enrollment.code": report.code,
        "enrollment.reference": report.reference,
        "http.status_code": str(report.upstream_status or ""),
        "side": report.side.value,
        "type": "api_error" if _is_the_processors(report.error) else "error",
    }
    return {name: value for name, value in tags.items() if value}


def _is_the_processors(error: BaseException | None) -> bool:
    return isinstance(error, (ProcessorError, LinkAnswerLost, LinkNotConfirmed, CardFormFailed)) and not isinstance(
        error, (BaseUrlInvalid, TokenRequestFailed)
    )


def _context(report: Report) -> dict[str, Any]:
    context: dict[str, Any] = {"account": report.account, "route": report.route, "seconds": report.seconds}
    if report.enrollment:
        context["agency"] = report.enrollment.agency.slug
        context["flow"] = report.enrollment.flow
        context["method"] = report.enrollment.method.value
    return context


def _fingerprint(report: Report) -> list[str]:
    return [
        "enrollment_errors",
        report.processor,
        report.stage.value if report.stage else "",
        report.code,
        str(report.upstream_status or ""),
    ]

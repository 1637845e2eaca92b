"""Sentry: one event for each fault, and nothing secret in any event of a request of ours."""

from __future__ import annotations

from typing import Any

import sentry_sdk
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
from ..redaction import scrub_event
from .report import Report

# Our log's record of a failure would be a second event for it.
ignore_logger("enrollment_errors")

_HEADERS = frozenset({"accept", "accept-language", "content-length", "content-type", "host", "origin", "user-agent"})


def send(report: Report) -> None:
    """Captures ``report.error`` in a scope of its own, where it is a fault. Does nothing without an initialised SDK."""
    if not report.is_fault or not sentry_sdk.is_initialized():
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_level("error")
        scope.set_tags(_tags(report))
        scope.set_context("enrollment", _context(report))
        scope.fingerprint = _fingerprint(report)
        _guard(scope)
        scope.capture_exception(report.error or EnrollmentError(report.code))


def guard_request() -> None:
    """From here on every event of the request that is under way, the site's own too, leaves without secrets.

    Called at the start of each of our views. On both scopes, because Sentry's Django integration adds the posted form
    to the event from the current one, which comes after the isolation scope; and the site may leave the current one.
    """
    if sentry_sdk.is_initialized():
        _guard(sentry_sdk.get_isolation_scope())
        _guard(sentry_sdk.get_current_scope())


def _guard(scope: sentry_sdk.Scope) -> None:
    if scrub_request_event not in scope._event_processors[-1:]:
        scope.add_event_processor(scrub_request_event)


def scrub_request_event(event: Any, hint: Any) -> Any:
    """An event of one of our requests without what is the rider's: what was posted, cookies, query, address, name."""
    request = event.get("request")
    if request:
        headers = request.get("headers") or {}
        event["request"] = {
            "method": request.get("method"),
            "url": str(request.get("url") or "").partition("?")[0],
            "headers": {name: value for name, value in headers.items() if name.lower() in _HEADERS},
        }
    if event.get("user"):
        event["user"] = {"id": event["user"].get("id")}
    for frame in iter_event_frames(event):
        if _is_library(frame):
            frame.pop("vars", None)
    return scrub_event(event, hint)


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

"""Sentry: one event for each fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger

from ..exceptions import (
    BaseUrlInvalid,
    CardFormFailed,
    EnrollmentError,
    LinkAnswerLost,
    LinkNotConfirmed,
    ProcessorError,
    TokenRequestFailed,
)
from .report import Report
from .sentry_guard import RequestGuard

# Our log's record of a failure would be a second event for it.
ignore_logger("enrollment_errors")


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

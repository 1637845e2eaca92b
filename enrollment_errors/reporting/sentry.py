"""Sentry: one event for each cause, and at most one an hour while it continues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import sentry_sdk
from sentry_sdk.crons import capture_checkin
from sentry_sdk.integrations.logging import ignore_logger

from ..catalogue import explained
from ..exceptions import (
    BaseUrlInvalid,
    CardFormFailed,
    EnrollmentError,
    LinkAnswerLost,
    LinkNeverSettled,
    LinkNotConfirmed,
    LinkNotMade,
    ProcessorError,
    TokenRequestFailed,
)
from .report import Report
from .sentry_scrubbing import RequestScrubber
from .sink import Sink


def connect() -> None:
    """Called once, when Django has started: our log's record of a failure would be a second event for it."""
    ignore_logger("enrollment_errors")


class SentrySink(Sink):
    def send(self, report: Report) -> Report | None:
        """Captures ``report.error`` if it is a fault; returns the report with the event's id.

        Does nothing if operators were told about the cause within the hour.
        """
        if not report.is_fault or not report.is_an_event or report.is_known:
            return None
        event_id = capture(
            report.error or EnrollmentError(report.code),
            tags=_tags(report),
            context=_context(report),
            fingerprint=_fingerprint(report),
            level="warning" if explained(report.code).may_be_the_riders else "error",
        )
        return replace(report, sentry_event_id=event_id)


def capture(
    error: BaseException,
    *,
    tags: dict[str, str],
    context: dict[str, Any],
    fingerprint: list[str] | None = None,
    level: Literal["warning", "error"] = "error",
) -> str | None:
    """Send one event for ``error``, in its own scope. Returns its id, or ``None`` if Sentry did not accept it."""
    if not sentry_sdk.is_initialized():
        return None
    with _own_scope(tags, fingerprint) as scope:
        scope.set_level(level)
        scope.set_context("enrollment", context)
        return scope.capture_exception(error)


def announce(
    text: str, *, level: Literal["info", "warning", "error"], tags: dict[str, str], fingerprint: list[str]
) -> None:
    """Send a message as an event: something has changed, and it is not about a rider's request."""
    if sentry_sdk.is_initialized():
        with _own_scope(tags, fingerprint) as scope:
            scope.capture_message(text, level=level)


@contextmanager
def checked_in(slug: str, *, minutes: int) -> Iterator[None]:
    """Wrap one run of a job that must run every ``minutes``: Sentry monitors it, and alerts if a run fails or is
    missing."""
    if not sentry_sdk.is_initialized():
        yield
        return
    monitor: Any = {
        "schedule": {"type": "interval", "value": minutes, "unit": "minute"},
        "checkin_margin": max(1, minutes // 2),
        "max_runtime": max(1, minutes),
        "failure_issue_threshold": 1,
        "recovery_threshold": 1,
    }
    run = capture_checkin(slug, status="in_progress", monitor_config=monitor)
    status = "error"
    try:
        yield
        status = "ok"
    finally:
        capture_checkin(slug, run, status, monitor_config=monitor)


@contextmanager
def _own_scope(tags: dict[str, str], fingerprint: list[str] | None) -> Iterator[sentry_sdk.Scope]:
    with sentry_sdk.new_scope() as scope:
        scope.set_tags(tags)
        scope.fingerprint = fingerprint
        scope.add_event_processor(RequestScrubber())
        yield scope


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


_PROCESSORS = (ProcessorError, LinkAnswerLost, LinkNotConfirmed, LinkNotMade, LinkNeverSettled, CardFormFailed)


def _is_the_processors(error: BaseException | None) -> bool:
    return isinstance(error, _PROCESSORS) and not isinstance(error, (BaseUrlInvalid, TokenRequestFailed))


def _context(report: Report) -> dict[str, Any]:
    context: dict[str, Any] = {"account": report.account, "route": report.route, "seconds": report.seconds}
    if report.failures > 1:
        context |= {"failures_so_far": report.failures, "riders_so_far": report.riders}
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

"""One record per report in the log ``enrollment_errors``, with the facts in ``extra`` for structured logs.

A record never has ``exc_info``: a formatter prints the texts of the whole exception chain, and those below ours hold
URLs with card tokens; some formatters also print local variables. Instead, the record names the exceptions' types and
the place, which contain no values. Only Sentry gets the whole traceback, after ``redaction``. A mistake in the site's
own setup is told in words: they are ours, and say what to correct.
"""

from __future__ import annotations

import logging
from typing import Any

from ..catalogue import explained
from ..exceptions import ConfigurationError
from ..redaction import raised_at, scrub_text
from .report import Report
from .sink import Sink

logger = logging.getLogger("enrollment_errors")


class LogSink(Sink):
    def send(self, report: Report) -> None:
        fault = logging.WARNING if explained(report.code).may_be_the_riders else logging.ERROR
        level = fault if report.is_fault else logging.INFO
        end = (report.outcome.value if report.outcome else report.status, report.code)
        logger.log(
            level,
            "%s (reference %s)%s",
            ": ".join(filter(None, (report.event.value, ", ".join(filter(None, end))))),
            report.reference,
            f": {scrub_text(str(report.error))}" if isinstance(report.error, ConfigurationError) else "",
            extra=_facts(report),
        )


def sink_failed(sink: str, report: Report, error: Exception) -> None:
    logger.error(
        "%s failed to send %s: %s",
        sink,
        report.reference,
        type(error).__qualname__,
        extra={"reference": report.reference, "sink": sink, **_raised(error)},
    )


def _facts(report: Report) -> dict[str, Any]:
    # No key may be an attribute of LogRecord: logging refuses "name", "module", "process" and the like.
    facts: dict[str, Any] = {
        "event": report.event.value,
        "reference": report.reference,
        "outcome": report.outcome.value if report.outcome else None,
        "code": report.code,
        "side": report.side.value,
        "stage": report.stage.value if report.stage else None,
        "processor": report.processor,
        "account": report.account,
        "status": report.upstream_status,
        "route": report.route,
        "seconds": report.seconds,
    }
    if report.enrollment:
        facts["agency"] = report.enrollment.agency.slug
        facts["flow"] = report.enrollment.flow
        facts["method"] = report.enrollment.method.value
    if report.error:
        facts.update(_raised(report.error))
    return facts


def _raised(error: BaseException) -> dict[str, Any]:
    """The types of ``error`` and its causes, and the line that raised it, if any did."""
    types: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(types) < 10:
        types.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return {"exception": " from ".join(types), "raised_at": raised_at(error.__traceback__)}

"""The incident list: it counts how each enrollment ended, and lists what an operator may have to look up."""

from __future__ import annotations

from typing import Any

from .. import conf
from ..reporting.report import Report
from ..reporting.sink import Sink
from .buffer import End, sender
from .database import Counts, add_to, store
from .models import Incident


class IncidentSink(Sink):
    def send(self, report: Report) -> None:
        """Queues the facts for the database, which may be down. Does nothing if the report has no outcome."""
        if report.outcome is not None:
            sender().put(End(_facts(report, conf.get_settings().RELEASE), report.counted_only, report.kept_as))


def count_at_once(report: Report) -> None:
    """Counts the report in the caller's transaction, without an incident. Raises what the database raises."""
    counts: Counts = {}
    add_to(counts, _facts(report, conf.get_settings().RELEASE))
    store([], counts)


def _facts(report: Report, release: str) -> dict[str, Any]:
    enrollment = report.enrollment
    facts = {
        "reference": report.reference,
        "at": report.at,
        "outcome": report.outcome.value if report.outcome else "",
        "processor": report.processor,
        "account": report.account,
        "agency": enrollment.agency.slug if enrollment else "",
        "flow": enrollment.flow if enrollment else "",
        "method": enrollment.method.value if enrollment else "",
        "verified_by": report.verified_by,
        "stage": report.stage.value if report.stage else "",
        "code": report.code,
        "upstream_status": report.upstream_status,
        "route": report.route or "",
        "exception": type(report.error).__qualname__ if report.error else "",
        "seconds": None if report.seconds is None else round(report.seconds, 3),
        "side": report.side.value,
        "release": release,
        "sentry_event_id": report.sentry_event_id or "",
    }
    return {name: _fitting(name, value) for name, value in facts.items()}


def _fitting(name: str, value: Any) -> Any:
    """``value``, cut to the length of its column: the database would refuse the whole batch if the site's text is too
    long."""
    longest = getattr(Incident._meta.get_field(name), "max_length", None)
    return value if longest is None else value[:longest]

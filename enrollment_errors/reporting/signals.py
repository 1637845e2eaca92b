"""Django signals, for a site's own code. Each carries ``report``, a ``Report``; the sender is the class ``Report``.

There are three because a receiver wants one of three things: to continue after a success, to count rightful refusals,
or to call someone. Every report with an outcome is sent as one of them; ``report.outcome`` says more.

Receivers run within the rider's request. If one raises, Django logs it (``django.dispatch``), and nothing else changes.
"""

from __future__ import annotations

from django.dispatch import Signal

from ..outcomes import Outcome
from .report import Report
from .sink import Sink

enrollment_succeeded = Signal()
enrollment_refused = Signal()
"""Nothing is wrong: the card's details were refused, or it is too early to re-enroll."""
enrollment_failed = Signal()
"""A fault of the processor, the site or this app. Sentry gets these too."""


class SignalSink(Sink):
    def send(self, report: Report) -> None:
        if report.outcome is not None:
            _signal(report.outcome).send_robust(sender=Report, report=report)


def _signal(outcome: Outcome) -> Signal:
    if outcome is Outcome.SUCCESS:
        return enrollment_succeeded
    return enrollment_failed if outcome.is_fault else enrollment_refused

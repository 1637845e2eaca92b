"""Django signals, for a site's own code. Each carries ``report``, a ``Report``; the sender is the class ``Report``.

Three, because a receiver wants one of three things: to go on after a success, to count what riders were rightly
refused, or to call somebody. Every report with an outcome is sent as one of them; ``report.outcome`` tells more.

Receivers run within the rider's request. One that raises is logged by Django (``django.dispatch``) and changes nothing.
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
"""A fault of the processor, the site or ours: what Sentry hears of."""


class SignalSink(Sink):
    def send(self, report: Report) -> None:
        if report.outcome is not None:
            _signal(report.outcome).send_robust(sender=Report, report=report)


def _signal(outcome: Outcome) -> Signal:
    if outcome is Outcome.SUCCESS:
        return enrollment_succeeded
    return enrollment_failed if outcome.is_fault else enrollment_refused

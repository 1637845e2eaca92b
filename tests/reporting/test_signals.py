from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.dispatch import Signal

from enrollment_errors.outcomes import Outcome
from enrollment_errors.reporting import signals
from enrollment_errors.reporting.report import Event, Report

from .reports import new_report, new_success

SIGNALS = {
    "succeeded": signals.enrollment_succeeded,
    "refused": signals.enrollment_refused,
    "failed": signals.enrollment_failed,
}


class Listener:
    def __init__(self, name: str, heard: list[tuple[str, Report]]) -> None:
        self.name, self.heard = name, heard

    def __call__(self, sender: type[Report], report: Report, **kwargs: object) -> None:
        assert sender is Report
        self.heard.append((self.name, report))


def broken(signal: Signal, **kwargs: object) -> None:
    raise LookupError("the site's receiver is broken")


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Report]]]:
    heard: list[tuple[str, Report]] = []
    listeners = [(signal, Listener(name, heard)) for name, signal in SIGNALS.items()]
    for signal, listener in listeners:
        signal.connect(listener)
    yield heard
    for signal, listener in listeners:
        signal.disconnect(listener)


class TestSignals:
    @pytest.mark.parametrize(
        ("outcome", "name"),
        [
            (Outcome.SUCCESS, "succeeded"),
            (Outcome.RETRY, "refused"),
            (Outcome.TOO_EARLY, "refused"),
            (Outcome.NOT_ELIGIBLE, "refused"),
            (Outcome.SYSTEM_ERROR, "failed"),
            (Outcome.SERVER_ERROR, "failed"),
            (Outcome.UNKNOWN, "failed"),
        ],
    )
    def test_every_outcome_is_sent_as_exactly_one_of_them(
        self, heard: list[tuple[str, Report]], outcome: Outcome, name: str
    ) -> None:
        report = new_report(outcome=outcome)

        signals.SignalSink().send(report)

        assert heard == [(name, report)]

    def test_what_is_no_outcome_is_not_sent(self, heard: list[tuple[str, Report]]) -> None:
        signals.SignalSink().send(new_success(event=Event.STARTED_TOKENIZATION, status="", outcome=None, code=""))

        assert heard == []

    def test_a_receiver_that_raises_is_logged_and_the_others_still_hear(self, caplog: pytest.LogCaptureFixture) -> None:
        heard: list[tuple[str, Report]] = []
        listener = Listener("failed", heard)
        signals.enrollment_failed.connect(broken)
        signals.enrollment_failed.connect(listener)

        signals.SignalSink().send(new_report())

        signals.enrollment_failed.disconnect(broken)
        signals.enrollment_failed.disconnect(listener)
        assert len(heard) == 1
        assert "LookupError" in caplog.text

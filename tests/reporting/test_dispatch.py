from __future__ import annotations

import logging
from types import ModuleType

import pytest
from django.conf import LazySettings

from enrollment_errors.reporting import dispatch as dispatching
from enrollment_errors.reporting.dispatch import dispatch
from enrollment_errors.reporting.report import Report
from enrollment_errors.reporting.signals import enrollment_failed
from enrollment_errors.sandbox.sinks import TelemetrySink

from .reports import new_report


class BrokenSink(ModuleType):
    def send(self, report: Report) -> None:
        raise ConnectionError("https://processor.test/api/v1/fundingsources/bytoken/abc123")


class TestDispatch:
    def test_every_sink_hears_of_a_fault_once_under_one_reference(
        self, sentry: TelemetrySink, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[Report] = []
        receiver = lambda sender, report, **kwargs: heard.append(report)  # noqa: E731
        enrollment_failed.connect(receiver)

        with caplog.at_level(logging.DEBUG, "enrollment_errors"):
            dispatch(new_report())

        enrollment_failed.disconnect(receiver)
        sentry.wait_for(sentry=1, amplitude=1)
        assert [event["tags"]["enrollment.reference"] for event in sentry.sentry_events] == ["H7P-2QX-9MR"]
        assert [event["event_properties"]["reference"] for event in sentry.amplitude_events] == ["H7P-2QX-9MR"]
        assert [record.reference for record in caplog.records] == ["H7P-2QX-9MR"]
        assert [report.reference for report in heard] == ["H7P-2QX-9MR"]

    def test_a_sink_that_fails_is_logged_without_what_its_exception_says(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(dispatching, "SINKS", (BrokenSink("incidents"),))

        dispatch(new_report())

        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert record.getMessage() == "incidents failed to send H7P-2QX-9MR: ConnectionError"
        assert "abc123" not in str(vars(record))

    def test_a_sink_that_fails_keeps_no_other_from_hearing(
        self, monkeypatch: pytest.MonkeyPatch, sentry: TelemetrySink
    ) -> None:
        monkeypatch.setattr(dispatching, "SINKS", (BrokenSink("incidents"), *dispatching.SINKS))

        dispatch(new_report())

        sentry.wait_for(sentry=1)
        assert len(sentry.sentry_events) == 1

    def test_settings_that_cannot_be_read_do_not_raise(
        self, settings: LazySettings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.ENROLLMENT_ERRORS = {"HOTS": "a.typo"}

        dispatch(new_report())

        assert "ConfigurationError" in caplog.text

    def test_without_sentry_and_amplitude_nothing_is_sent(
        self, caplog: pytest.LogCaptureFixture, sink: TelemetrySink
    ) -> None:
        dispatch(new_report())

        assert len(caplog.records) == 1
        assert not sink.calls

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

import pytest
import sentry_sdk
from django.conf import LazySettings

from enrollment_errors.reporting.dispatch import dispatch
from enrollment_errors.reporting.report import Report
from enrollment_errors.reporting.signals import enrollment_failed
from enrollment_errors.reporting.sink import Sink
from enrollment_errors.sandbox.sinks import TelemetrySink

from .reports import new_report

SINKS = "tests.reporting.test_dispatch."


class BrokenSink(Sink):
    def send(self, report: Report) -> Report | None:
        raise ConnectionError("https://processor.test/api/v1/fundingsources/bytoken/abc123")


class SinkThatCannotBeMade(Sink):
    def __init__(self) -> None:
        raise ConnectionError("https://processor.test/api/v1/fundingsources/bytoken/abc123")


class AddingSink(Sink):
    def send(self, report: Report) -> Report | None:
        return replace(report, sentry_event_id="added")


class RememberingSink(Sink):
    made: ClassVar[list[RememberingSink]] = []
    heard: ClassVar[list[Report]] = []

    def __init__(self) -> None:
        self.made.append(self)

    def send(self, report: Report) -> None:
        self.heard.append(report)


@pytest.fixture
def told() -> Iterator[list[Report]]:
    """The reports that ``RememberingSink`` received."""
    yield RememberingSink.heard
    RememberingSink.heard.clear()
    RememberingSink.made.clear()


@pytest.fixture
def sinks(settings: LazySettings) -> Callable[..., None]:
    """Sets the site's sinks: this module's by class name, others by their full paths."""

    def name(*names: str) -> None:
        paths = [each if "." in each else SINKS + each for each in names]
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "SINKS": paths}

    return name


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

    @pytest.mark.parametrize("broken", ["BrokenSink", "SinkThatCannotBeMade"])
    def test_a_sink_that_fails_is_logged_without_what_its_exception_says(
        self, sinks: Callable[..., None], caplog: pytest.LogCaptureFixture, broken: str
    ) -> None:
        sinks(broken)

        dispatch(new_report())

        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert record.getMessage() == f"{SINKS}{broken} failed to send H7P-2QX-9MR: ConnectionError"
        assert "abc123" not in str(vars(record))

    @pytest.mark.parametrize("broken", ["BrokenSink", "SinkThatCannotBeMade"])
    def test_a_sink_that_fails_keeps_no_other_from_hearing(
        self, sinks: Callable[..., None], told: list[Report], broken: str
    ) -> None:
        sinks(broken, "RememberingSink")

        dispatch(new_report())

        assert [report.reference for report in told] == ["H7P-2QX-9MR"]

    def test_only_the_sinks_that_a_site_names_hear(
        self, sinks: Callable[..., None], told: list[Report], sentry: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        sinks("RememberingSink")

        dispatch(new_report())

        sentry_sdk.flush(timeout=5)
        assert len(told) == 1
        assert (sentry.sentry_events, caplog.records) == ([], [])

    def test_a_sink_tells_those_after_it_what_it_knows(self, sinks: Callable[..., None], told: list[Report]) -> None:
        sinks("RememberingSink", "AddingSink", "RememberingSink")

        dispatch(new_report())

        assert [report.sentry_event_id for report in told] == [None, "added"]

    def test_a_sink_is_made_once(self, sinks: Callable[..., None], told: list[Report]) -> None:
        sinks("RememberingSink")

        for _ in range(3):
            dispatch(new_report())

        assert (len(RememberingSink.made), len(told)) == (1, 3)

    def test_the_author_of_a_sink_that_says_nothing_hears_about_it(self) -> None:
        with pytest.raises(NotImplementedError):
            Sink().send(new_report())

    def test_log_sentry_and_signals_hear_of_a_failure_where_the_settings_cannot_be_read(
        self, settings: LazySettings, sentry: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.ENROLLMENT_ERRORS = {"HOTS": "a.typo"}
        heard: list[Report] = []
        receiver = lambda sender, report, **kwargs: heard.append(report)  # noqa: E731
        enrollment_failed.connect(receiver)

        dispatch(new_report())

        enrollment_failed.disconnect(receiver)
        sentry.wait_for(sentry=1)
        assert [record.reference for record in caplog.records] == ["H7P-2QX-9MR"]
        assert [report.reference for report in heard] == ["H7P-2QX-9MR"]

    def test_without_sentry_and_amplitude_nothing_is_sent(
        self, caplog: pytest.LogCaptureFixture, sink: TelemetrySink
    ) -> None:
        dispatch(new_report())

        assert len(caplog.records) == 1
        assert not sink.calls

from __future__ import annotations

import json
import logging

import pytest
import requests

from enrollment_errors.exceptions import ConfigurationError, ConnectionFailed
from enrollment_errors.outcomes import Outcome
from enrollment_errors.reporting import log
from enrollment_errors.reporting.report import Event, Report

from .reports import new_refusal, new_report, new_success


def written(caplog: pytest.LogCaptureFixture, report: Report) -> logging.LogRecord:
    with caplog.at_level(logging.DEBUG, "enrollment_errors"):
        log.LogSink().send(report)
    (record,) = caplog.records
    return record


def unreachable() -> Exception:
    below = requests.ConnectionError("GET https://processor.test/api/v1/fundingsources/bytoken/abc123 failed")
    with pytest.raises(ConnectionFailed) as caught:
        raise ConnectionFailed("refused") from below
    return caught.value


class TestLog:
    def test_a_fault_is_one_error_that_says_what_happened(self, caplog: pytest.LogCaptureFixture) -> None:
        record = written(caplog, new_report())

        assert record.name == "enrollment_errors"
        assert record.levelno == logging.ERROR
        assert record.getMessage() == "returned enrollment: system_error, processor_error (reference H7P-2QX-9MR)"

    def test_the_facts_are_fields(self, caplog: pytest.LogCaptureFixture) -> None:
        record = written(caplog, new_report())

        facts = {
            "event": "returned enrollment",
            "reference": "H7P-2QX-9MR",
            "outcome": "system_error",
            "code": "processor_error",
            "side": "backend",
            "stage": "link",
            "processor": "littlepay",
            "account": "littlepay-mountain",
            "agency": "mountain",
            "flow": "senior",
            "method": "self_service",
            "status": 503,
            "route": "POST api/v1/concession_groups/{group_id}/fundingsources",
            "seconds": 0.75,
            "exception": "enrollment_errors.exceptions.StatusError",
        }
        assert facts.items() <= vars(record).items()
        assert json.dumps(facts) == json.dumps({name: vars(record)[name] for name in facts})

    @pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if not outcome.is_fault])
    def test_success_and_expected_refusals_are_no_errors(
        self, caplog: pytest.LogCaptureFixture, outcome: Outcome
    ) -> None:
        assert written(caplog, new_refusal(outcome=outcome)).levelno == logging.INFO

    def test_what_is_no_outcome_is_told_by_its_status(self, caplog: pytest.LogCaptureFixture) -> None:
        report = new_success(event=Event.FINISHED_TOKENIZATION, status="cancel", outcome=None, code="")

        record = written(caplog, report)

        assert record.levelno == logging.INFO
        assert record.getMessage() == "finished card tokenization: cancel (reference H7P-2QX-9MR)"

    def test_where_the_site_could_not_say_who_enrolls_the_rest_is_still_told(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        record = written(caplog, new_report(enrollment=None, processor=""))

        assert record.reference == "H7P-2QX-9MR"
        assert not hasattr(record, "agency")

    def test_an_exception_is_named_by_its_types_and_place_and_never_quoted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        record = written(caplog, new_report(error=unreachable()))

        assert record.exception == (
            "enrollment_errors.exceptions.ConnectionFailed from requests.exceptions.ConnectionError"
        )
        assert record.raised_at.endswith(" in unreachable")
        assert record.exc_info is None
        assert "abc123" not in logging.Formatter("%(message)s").format(record) + repr(vars(record))

    def test_a_mistake_in_the_settings_says_what_to_correct(self, caplog: pytest.LogCaptureFixture) -> None:
        wrong = ConfigurationError('"ALLOWED_REDIRECT_HOSTS" does not name the host. client_secret=abc123')

        record = written(caplog, new_report(error=wrong))

        assert '(reference H7P-2QX-9MR): "ALLOWED_REDIRECT_HOSTS" does not name the host.' in record.getMessage()
        assert "abc123" not in record.getMessage()

    def test_an_exception_that_nobody_raised_has_no_place(self, caplog: pytest.LogCaptureFixture) -> None:
        assert written(caplog, new_report(error=ConnectionFailed("reported by the page"))).raised_at is None

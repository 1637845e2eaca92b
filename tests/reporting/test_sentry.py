"""One event for each fault, as the real SDK sends it over real HTTP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import sentry_sdk
from django.test import RequestFactory

from enrollment_errors import exceptions
from enrollment_errors.outcomes import Outcome, Side, Stage
from enrollment_errors.reporting import log
from enrollment_errors.reporting import sentry as sentry_sink
from enrollment_errors.reporting.report import Report
from enrollment_errors.reporting.sentry_scrubbing import RequestScrubber, scrub_request
from enrollment_errors.sandbox.sinks import TelemetrySink
from enrollment_errors.secret import Secret

from .reports import new_enrollment, new_refusal, new_report, new_success


def captured(sentry: TelemetrySink, *reports: Report) -> list[dict[str, object]]:
    for report in reports:
        sentry_sink.SentrySink().send(report)
    sentry_sdk.flush(timeout=5)
    return sentry.sentry_events


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


class TestTheEvent:
    def test_says_by_tags_what_failed_and_where(self, sentry: TelemetrySink) -> None:
        (event,) = captured(sentry, new_report())

        assert event["level"] == "error"
        assert event["tags"] == {
            "enrollment.processor": "littlepay",
            "enrollment.stage": "link",
            "enrollment.outcome": "system_error",
            "enrollment.code": "processor_error",
            "enrollment.reference": "H7P-2QX-9MR",
            "http.status_code": "503",
            "side": "backend",
            "type": "api_error",
        }
        assert event["contexts"]["enrollment"] == {
            "account": "littlepay-mountain",
            "agency": "mountain",
            "flow": "senior",
            "method": "self_service",
            "route": "POST api/v1/concession_groups/{group_id}/fundingsources",
            "seconds": 0.75,
        }

    def test_is_the_exception_with_its_traceback(self, sentry: TelemetrySink) -> None:
        (event,) = captured(sentry, new_report(error=raised(exceptions.TimedOut("no answer within 3 s"))))

        (exception,) = event["exception"]["values"]
        assert (exception["type"], exception["value"]) == ("TimedOut", "no answer within 3 s")
        assert exception["stacktrace"]["frames"][-1]["function"] == "raised"

    def test_of_what_the_page_reported_is_one_though_nobody_raised_it(self, sentry: TelemetrySink) -> None:
        report = new_report(
            side=Side.FRONTEND,
            stage=Stage.CARD_FORM,
            code="card_form_not_loaded",
            upstream_status=None,
            error=exceptions.CardFormNotLoaded("the script did not load"),
        )

        (event,) = captured(sentry, report)

        assert event["tags"]["side"] == "frontend"
        assert "http.status_code" not in event["tags"]
        assert event["exception"]["values"][0]["value"] == "the script did not load"

    def test_of_a_fault_without_an_exception_is_named_by_its_code(self, sentry: TelemetrySink) -> None:
        (event,) = captured(sentry, new_report(error=None))

        assert event["exception"]["values"][0]["value"] == "processor_error"

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (exceptions.StatusError(401, Secret("")), "api_error"),
            (exceptions.TimedOut(), "api_error"),
            (exceptions.ReplyNotJson(), "api_error"),
            (exceptions.CardFormNotLoaded(), "api_error"),
            (exceptions.LinkNotConfirmed(), "api_error"),
            (exceptions.LinkAnswerLost(None, exceptions.TimedOut()), "api_error"),
            (exceptions.BaseUrlInvalid(), "error"),
            (exceptions.TokenRequestFailed(), "error"),
            (exceptions.CardTokenInvalid(), "error"),
            (exceptions.ConfigurationError("ADAPTER"), "error"),
            (KeyError("site"), "error"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
    )
    def test_tells_the_processors_failures_from_our_own(
        self, sentry: TelemetrySink, error: Exception, kind: str
    ) -> None:
        (event,) = captured(sentry, new_report(error=error))

        assert event["tags"]["type"] == kind

    def test_of_an_unknown_enrollment_is_sent_all_the_same(self, sentry: TelemetrySink) -> None:
        (event,) = captured(sentry, new_report(enrollment=None, processor="", stage=Stage.SITE))

        assert "enrollment.processor" not in event["tags"]
        assert event["tags"]["enrollment.stage"] == "site"


class TestOneIssueACause:
    def test_two_riders_with_one_cause_share_it(self, sentry: TelemetrySink) -> None:
        first, second = captured(
            sentry,
            new_report(reference="H7P-2QX-9MR"),
            new_report(reference="4FW-GXR-2CC", enrollment=new_enrollment(flow="veteran"), error=RuntimeError("other")),
        )

        assert first["fingerprint"] == second["fingerprint"]
        assert first["fingerprint"] == ["enrollment_errors", "littlepay", "link", "processor_error", "503"]

    @pytest.mark.parametrize(
        "change",
        [{"processor": "switchio"}, {"stage": Stage.LOOKUP}, {"code": "processor_timeout"}, {"upstream_status": 500}],
    )
    def test_another_processor_stage_kind_or_status_is_another(
        self, sentry: TelemetrySink, change: dict[str, object]
    ) -> None:
        first, second = captured(sentry, new_report(), new_report(**change))

        assert first["fingerprint"] != second["fingerprint"]


class TestNoEvent:
    @pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if not outcome.is_fault])
    def test_for_what_is_no_fault(self, sentry: TelemetrySink, outcome: Outcome) -> None:
        assert captured(sentry, new_refusal(outcome=outcome, error=exceptions.CardRefused())) == []

    def test_for_what_is_no_outcome(self, sentry: TelemetrySink) -> None:
        assert captured(sentry, new_success(outcome=None, status="cancel")) == []

    def test_where_the_sdk_is_not_initialised(self, sink: TelemetrySink) -> None:
        sentry_sink.SentrySink().send(new_report())
        scrub_request(RequestFactory().get("/"))

        assert not sink.calls


class TestTheScope:
    def test_is_its_own_so_that_later_events_have_nothing_of_it(self, sentry: TelemetrySink) -> None:
        sentry_sink.SentrySink().send(new_report())
        sentry_sdk.capture_message("something else of the site")
        sentry_sdk.flush(timeout=5)

        _, other = sentry.sentry_events
        assert "tags" not in other
        assert "fingerprint" not in other

    def test_keeps_what_the_site_has_put_on_its_own(self, sentry: TelemetrySink) -> None:
        sentry_sdk.set_tag("deployment", "west")

        (event,) = captured(sentry, new_report())

        assert event["tags"]["deployment"] == "west"


class TestNotTwoEvents:
    def test_our_own_log_makes_no_second_one(self, start_sentry: Callable[..., TelemetrySink]) -> None:
        sentry = start_sentry()

        log.LogSink().send(new_report())
        (event,) = captured(sentry, new_report())

        assert event["exception"]

    def test_another_logger_of_the_site_still_makes_its_own(self, sentry: TelemetrySink) -> None:
        logging.getLogger("site").error("something of the site's own")
        sentry_sdk.flush(timeout=5)

        assert [event["logger"] for event in sentry.sentry_events] == ["site"]

    def test_an_exception_that_goes_on_after_it_was_reported_is_one(self, sentry: TelemetrySink) -> None:
        error = raised(RuntimeError("reported, and then raised again"))

        sentry_sink.SentrySink().send(new_report(error=error))
        sentry_sdk.capture_exception(error)
        sentry_sdk.flush(timeout=5)

        (event,) = sentry.sentry_events
        assert event["tags"]["enrollment.reference"] == "H7P-2QX-9MR"


def processors() -> list[int]:
    scopes = (sentry_sdk.get_isolation_scope(), sentry_sdk.get_current_scope())
    return [len(scope._event_processors) for scope in scopes]


class TestGuardRequest:
    def test_lets_no_event_go_that_it_cannot_clean(self) -> None:
        assert RequestScrubber()({"request": {"headers": "not a mapping"}}, {}) is None

    def test_cleans_with_what_it_knew_on_its_first_turn_what_has_come_since(self) -> None:
        request = RequestFactory().get("/", {"card": "of-the-riders-own"})
        hint: dict[str, Any] = {}
        event = RequestScrubber(request)({"extra": {"said": "card_token=abcdefgh of-the-riders-own"}}, hint)
        known = dict(hint)
        event["extra"]["later"] = "client_secret=ijklmnop of-the-riders-own"

        event = RequestScrubber(request)(event, hint)

        assert event["extra"] == {
            "said": "card_token=[Filtered] [Filtered]",
            "later": "client_secret=[Filtered] [Filtered]",
        }
        assert hint == known

    def test_of_another_request_on_its_turn_knows_what_that_one_brought(self) -> None:
        hint: dict[str, Any] = {}
        RequestScrubber()({}, hint)
        request = RequestFactory().get("/?card=of-the-riders-own")
        event = RequestScrubber(request)({"extra": {"said": "of-the-riders-own"}}, hint)
        assert event["extra"] == {"said": "[Filtered]"}

    def test_again_and_again_is_the_same_as_once(self, sentry: TelemetrySink) -> None:
        request = RequestFactory().get("/")

        scrub_request(request)
        once = processors()
        scrub_request(request)

        assert processors() == once

"""What Amplitude gets, and how we handle every quirk that we measured in its SDK. Over real HTTP."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from datetime import date
from typing import Any

import pytest
from amplitude import Amplitude, BaseEvent, Config
from django.conf import LazySettings
from django.utils.translation import gettext_lazy

from enrollment_errors.adapter import Identity, Method
from enrollment_errors.outcomes import Outcome, Stage
from enrollment_errors.reporting import amplitude_sender
from enrollment_errors.reporting.amplitude import AmplitudeSink
from enrollment_errors.reporting.amplitude_sender import TRIES, AmplitudeSender, HandingOver
from enrollment_errors.reporting.report import Event, Report
from enrollment_errors.sandbox.faults import Fault
from enrollment_errors.sandbox.sinks import TelemetrySink
from tests.waiting import wait_until

from .reports import new_enrollment, new_origin, new_report, new_success

SINK = AmplitudeSink()


def references(amplitude: TelemetrySink) -> list[str]:
    return [event["event_properties"]["reference"] for event in amplitude.amplitude_events]


def send_together(number: int) -> None:
    """Sends events in one batch, even if a busy machine takes a while to make them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 2.0)
        for each in range(number):
            SINK.send(new_report(reference=f"number {each}"))


def sent(amplitude: TelemetrySink, report: Report) -> dict[str, Any]:
    SINK.send(report)
    amplitude.wait_for(amplitude=1)
    (event,) = amplitude.amplitude_events
    return event


ABOUT = {
    "transit_agency": "mountain",
    "eligibility_verifier": "login.gov",
    "enrollment_method": "self_service",
    "enrollment_flows": ["senior"],
    "reference": "H7P-2QX-9MR",
}


class TestEventProperties:
    def test_of_a_failed_enrollment(self, amplitude: TelemetrySink) -> None:
        event = sent(amplitude, new_report())

        assert event["event_type"] == "returned enrollment"
        assert event["event_properties"] == {
            **ABOUT,
            "path": "/enrollment/",
            "outcome": "system_error",
            "stage": "link",
            "status": "error",
            "enrollment_group": "group-seniors",
            "transit_processor": "littlepay",
            "error": "processor_error",
        }

    def test_of_a_successful_enrollment(self, amplitude: TelemetrySink) -> None:
        enrollment = new_enrollment(extra_claims=("veteran", "medicare"), method=Method.IN_PERSON)

        event = sent(amplitude, new_success(enrollment=enrollment, origin=new_origin(verified_by="0f6b1c9e")))

        assert "verified_by" not in event["user_properties"]
        assert event["event_properties"] == {
            **ABOUT,
            "enrollment_method": "in_person",
            "verified_by": "0f6b1c9e",
            "path": "/enrollment/",
            "outcome": "success",
            "stage": "link",
            "status": "success",
            "enrollment_group": "group-seniors",
            "transit_processor": "littlepay",
            "card_scheme": "visa",
            "card_category": "debit",
            "extra_claims": ["veteran", "medicare"],
        }

    def test_of_access_to_card_tokenization_that_could_not_be_had(self, amplitude: TelemetrySink) -> None:
        event = sent(amplitude, new_report(event=Event.FAILED_PRETOKENIZATION, stage=Stage.TOKENIZATION))

        assert event["event_type"] == "failed pre-tokenization request"
        assert event["event_properties"] == {
            **ABOUT,
            "path": "/enrollment/",
            "outcome": "system_error",
            "stage": "tokenization",
            "transit_processor": "littlepay",
            "status_code": 503,
            "error": "processor_error",
        }

    def test_of_a_card_form_that_opens(self, amplitude: TelemetrySink) -> None:
        report = new_success(
            event=Event.STARTED_TOKENIZATION,
            status="",
            outcome=None,
            code="",
            stage=Stage.CARD_FORM,
            card_tokenize_url="https://verify.processor.test/assets/js/form.js?key=1",
            card_tokenize_func="openForm",
        )

        event = sent(amplitude, report)

        assert event["event_type"] == "started card tokenization"
        assert event["event_properties"] == {
            **ABOUT,
            "path": "/enrollment/",
            "stage": "card_form",
            "card_tokenize_url": "https://verify.processor.test/assets/js/form.js",
            "card_tokenize_func": "openForm",
        }

    @pytest.mark.parametrize(
        ("status", "outcome", "code", "own"),
        [
            ("success", None, "", {"status": "success"}),
            ("cancel", None, "", {"status": "cancel"}),
            ("error", Outcome.SYSTEM_ERROR, "x", {"status": "error", "error": "x", "outcome": "system_error"}),
        ],
    )
    def test_of_a_card_form_that_closes(
        self, amplitude: TelemetrySink, status: str, outcome: Outcome | None, code: str, own: dict[str, str]
    ) -> None:
        report = new_success(
            event=Event.FINISHED_TOKENIZATION, status=status, outcome=outcome, code=code, stage=Stage.CARD_FORM
        )

        event = sent(amplitude, report)

        assert event["event_type"] == "finished card tokenization"
        assert event["event_properties"] == {**ABOUT, "path": "/enrollment/", "stage": "card_form", **own}

    def test_where_the_site_could_not_say_who_enrolls_are_what_is_known(self, amplitude: TelemetrySink) -> None:
        event = sent(amplitude, new_report(enrollment=None, processor="", stage=Stage.SITE, upstream_status=None))

        assert event["event_properties"] == {
            "path": "/enrollment/",
            "outcome": "system_error",
            "stage": "site",
            "reference": "H7P-2QX-9MR",
            "status": "error",
            "transit_processor": "",
            "error": "processor_error",
        }

    def test_of_a_refused_card_are_two_events_as_sites_chart_it(self, amplitude: TelemetrySink) -> None:
        SINK.send(
            new_report(
                event=Event.FINISHED_TOKENIZATION,
                status="fail",
                outcome=Outcome.RETRY,
                code="card_refused",
                stage=Stage.CARD_FORM,
            )
        )
        amplitude.wait_for(amplitude=2)

        first, second = amplitude.amplitude_events
        assert first["event_type"] == "finished card tokenization"
        assert first["event_properties"] == {
            **ABOUT,
            "path": "/enrollment/",
            "outcome": "retry",
            "stage": "card_form",
            "status": "fail",
            "error": "card_refused",
        }
        assert (second["event_type"], second["event_properties"]["status"]) == ("returned enrollment", "retry")
        assert second["event_properties"]["enrollment_group"] == "group-seniors"
        assert first["insert_id"] != second["insert_id"]

    def test_the_text_of_an_exception_is_never_among_them(self, amplitude: TelemetrySink) -> None:
        sent(amplitude, new_report(error=ValueError("the text of an exception")))

        assert b"the text of an exception" not in b"".join(amplitude.raw)


class TestUserProperties:
    def test_are_the_same_less_the_path_and_where_the_rider_came_from(self, amplitude: TelemetrySink) -> None:
        origin = new_origin(referrer="https://agency.example/apply", user_agent="Mozilla/5.0 (Linux)")

        event = sent(amplitude, new_report(origin=origin))

        assert event["user_properties"] == {
            **{name: value for name, value in ABOUT.items() if name != "reference"},  # it belongs to a single event
            "referrer": "https://agency.example/apply",
            "referring_domain": "agency.example",
            "user_agent": "Mozilla/5.0 (Linux)",
        }

    @pytest.mark.parametrize(
        ("referrer", "kept", "domain"),
        [
            ("https://login.example/cb?code=s3cret#state", "https://login.example/cb", "login.example"),
            ("https://name:s3cret@login.example:8443/", "https://login.example:8443/", "login.example:8443"),
            ("https://[s3cret", "", ""),
            ("", "", ""),
        ],
    )
    def test_a_referrer_is_kept_without_query_fragment_and_credentials(
        self, amplitude: TelemetrySink, referrer: str, kept: str, domain: str
    ) -> None:
        properties = sent(amplitude, new_report(origin=new_origin(referrer=referrer)))["user_properties"]

        assert (properties["referrer"], properties["referring_domain"]) == (kept, domain)


class TestEnvelope:
    def test_names_the_rider_by_random_names_only(self, amplitude: TelemetrySink) -> None:
        event = sent(amplitude, new_report())

        assert event["user_id"] == "user-6fd1"
        assert event["device_id"] == "device-0c1e"
        assert event["session_id"] == 1_795_300_000_123
        assert event["time"] == 1_795_298_730_250
        assert event["language"] == "es"
        assert event["app_version"] == "2026.11.1"

    def test_has_no_address_of_the_rider_and_asks_amplitude_for_none(self, amplitude: TelemetrySink) -> None:
        event = sent(amplitude, new_report())

        # "$remote" would have Amplitude take the address of the connection.
        assert "ip" not in event
        assert b"$remote" not in b"".join(amplitude.raw)
        assert set(event) == {
            *("event_type", "event_properties", "user_properties", "user_id", "device_id", "session_id"),
            *("insert_id", "time", "language", "app_version", "library"),
        }

    def test_a_resend_is_known_as_one_event_and_two_events_of_one_reference_as_two(
        self, amplitude: TelemetrySink
    ) -> None:
        SINK.send(new_report())
        SINK.send(new_report())
        SINK.send(new_report(event=Event.FINISHED_TOKENIZATION))

        amplitude.wait_for(amplitude=3)
        first, again, other = [event["insert_id"] for event in amplitude.amplitude_events]
        assert first == again != other

    def test_a_site_without_a_release_sends_none(self, amplitude: TelemetrySink, settings: LazySettings) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "RELEASE": ""}

        assert "app_version" not in sent(amplitude, new_report())


class TestWhatTheSdkDropsOrRefuses:
    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
            (date(2026, 11, 21), "2026-11-21"),
            (("a", "b"), ["a", "b"]),
            (b"text", "text"),
            (gettext_lazy("Yes"), "Yes"),
            (Outcome.RETRY, "retry"),
            ({"level": (1, None)}, {"level": [1]}),
            ([[1, 2], "a"], ["[1, 2]", "a"]),
            (float("nan"), "nan"),
            (1.5, 1.5),
        ],
    )
    def test_a_value_of_any_type_costs_no_other_property(
        self, amplitude: TelemetrySink, value: object, kept: object
    ) -> None:
        event = sent(amplitude, new_report(enrollment=new_enrollment(verifier=value)))

        assert event["event_properties"]["eligibility_verifier"] == kept
        assert event["user_properties"]["eligibility_verifier"] == kept
        assert event["event_properties"]["reference"] == "H7P-2QX-9MR"

    def test_a_short_id_is_accepted(self, amplitude: TelemetrySink) -> None:
        identity = Identity(user_id="7", device_id="8", session_id=1)

        event = sent(amplitude, new_report(origin=new_origin(identity=identity)))

        assert (event["user_id"], event["device_id"]) == ("7", "8")

    def test_without_a_key_nothing_is_sent(self, amplitude: TelemetrySink, settings: LazySettings) -> None:
        settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "AMPLITUDE_API_KEY": ""}

        SINK.send(new_report())

        assert not our_threads()
        assert not amplitude.calls

    @pytest.mark.parametrize(
        ("fault", "why"),
        [
            (Fault(kind="not_json", times=1), "JSONDecodeError"),
            (Fault(kind="status", status=503, times=1), "status 503"),
            (Fault(kind="status", status=429, times=1), "status 429"),
            (Fault(kind="reset", times=1), "ConnectionError"),
        ],
        ids=lambda given: getattr(given, "kind", None),
    )
    def test_a_server_that_fails_once_gets_the_event_once(
        self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture, fault: Fault, why: str
    ) -> None:
        amplitude.faults.set("amplitude", fault)

        sent(amplitude, new_report())

        wait_until(lambda: not our_threads())
        assert len(amplitude.amplitude_events) == 1
        assert caplog.messages == [
            f"Amplitude's events cannot be delivered ({why}): they wait.",
            "Amplitude's events are delivered again; dropped meanwhile: 0.",
        ]

    def test_an_event_that_amplitude_never_takes_is_given_up_and_said_to_be(
        self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        amplitude.faults.set("amplitude", Fault(kind="status", status=500))

        SINK.send(new_report())

        wait_until(lambda: not our_threads())
        assert amplitude.calls["amplitude"] == TRIES
        assert caplog.messages == [
            "Amplitude's events cannot be delivered (status 500): they wait.",
            "Amplitude's events are dropped: status 500.",
        ]

    def test_an_event_that_amplitude_refuses_costs_no_other(
        self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        refused, taken = Fault(kind="status", status=400, times=1), Fault(kind="delay", seconds=0, times=1)
        # The answers to all ten events, to 0 to 4, 5 to 9, 5 and 6, 5, and 6.
        amplitude.faults.set("amplitude", refused, taken, refused, refused, taken, refused)

        send_together(10)

        wait_until(lambda: not our_threads())
        assert references(amplitude) == [f"number {number}" for number in range(10) if number != 6]
        assert caplog.messages == [
            "Amplitude's events are dropped: refused with the status 400.",
            "Amplitude's events are delivered again; dropped meanwhile: 1.",
        ]

    def test_a_batch_that_is_too_large_goes_in_halves(
        self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        amplitude.faults.set("amplitude", Fault(kind="status", status=413, times=1))

        send_together(5)

        wait_until(lambda: not our_threads())
        assert amplitude.calls["amplitude"] == 3
        assert references(amplitude) == [f"number {number}" for number in range(5)]
        assert caplog.messages == []

    def test_what_is_left_of_a_batch_in_halves_is_sent_once_when_the_server_is_there_again(
        self, amplitude: TelemetrySink
    ) -> None:
        too_large, taken = Fault(kind="status", status=413, times=1), Fault(kind="delay", seconds=0, times=1)
        amplitude.faults.set("amplitude", too_large, too_large, taken, Fault(kind="status", status=503, times=1))

        send_together(5)

        wait_until(lambda: not our_threads())
        assert references(amplitude) == [f"number {number}" for number in range(5)]

    def test_a_redirect_is_not_followed(self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture) -> None:
        amplitude.faults.set("amplitude", Fault(kind="status", status=302, headers={"Location": amplitude.url}))

        SINK.send(new_report())

        wait_until(lambda: not our_threads())
        assert amplitude.calls["amplitude"] == 1
        assert caplog.messages == ["Amplitude's events are dropped: refused with the status 302."]

    def test_a_key_that_amplitude_does_not_know_is_logged_once_and_not_shown(
        self, amplitude: TelemetrySink, caplog: pytest.LogCaptureFixture
    ) -> None:
        refusal = json.dumps({"code": 400, "error": "Invalid API key: tests-amplitude-key"})
        amplitude.faults.set("amplitude", Fault(kind="status", status=400, body=refusal))

        send_together(4)
        wait_until(lambda: not our_threads())
        SINK.send(new_report())

        wait_until(lambda: not our_threads())
        assert amplitude.calls["amplitude"] == 2
        assert caplog.messages == ["Amplitude's events are dropped: refused with the status 401."]
        assert "tests-amplitude-key" not in caplog.text

    def test_no_proxy_of_the_environment_hears_of_it(
        self, amplitude: TelemetrySink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "")

        sent(amplitude, new_report())


class TestTheRiderNeverWaits:
    def test_for_a_server_that_hangs(self, amplitude: TelemetrySink) -> None:
        amplitude.faults.set("amplitude", Fault(kind="hang"))

        started = time.monotonic()
        for _ in range(50):
            SINK.send(new_report())

        # To wait for it even once would take ten.
        assert time.monotonic() - started < 5

    def test_for_a_buffer_that_is_full(
        self, amplitude: TelemetrySink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(amplitude_sender, "MOST_WAITING", 10)
        # Long enough for a busy machine to make all of them before any is sent.
        monkeypatch.setattr("enrollment_errors.reporting.background.BATCH_SECONDS", 2.0)

        started = time.monotonic()
        for number in range(15):
            SINK.send(new_report(reference=f"number {number}"))

        assert time.monotonic() - started < 5
        wait_until(lambda: not our_threads())
        assert len(amplitude.amplitude_events) == 10
        assert caplog.messages == [
            "Amplitude's events are dropped: there is no room for more.",
            "Amplitude's events are delivered again; dropped meanwhile: 5.",
        ]


class TestManyAtOnce:
    def test_go_in_batches(self, amplitude: TelemetrySink, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(amplitude_sender, "MOST_AT_ONCE", 4)

        send_together(10)

        wait_until(lambda: not our_threads())
        assert amplitude.calls["amplitude"] == 3
        assert references(amplitude) == [f"number {number}" for number in range(10)]


class TestTheClient:
    def test_no_thread_runs_before_the_first_event_and_none_after_the_last(self, amplitude: TelemetrySink) -> None:
        assert not our_threads()

        sent(amplitude, new_report())

        wait_until(lambda: not our_threads())

    def test_its_thread_does_not_hold_the_process(self, amplitude: TelemetrySink) -> None:
        SINK.send(new_report())

        assert [thread.daemon for thread in our_threads()] == [True]
        amplitude.wait_for(amplitude=1)

    def test_of_the_sdk_sends_nothing_itself_when_it_is_shut_down(self, amplitude: TelemetrySink) -> None:
        sender = AmplitudeSender("tests-amplitude-key", amplitude.amplitude_url)
        client = Amplitude("tests-amplitude-key", Config(storage_provider=HandingOver(sender)))
        client.track(BaseEvent("started card tokenization", user_id="user-6fd1"))

        client.flush()
        client.shutdown()

        assert HandingOver(sender).pull(10) == []
        assert sender.waiting() == 1
        assert our_threads()
        amplitude.wait_for(amplitude=1)

    def test_is_built_anew_when_the_settings_change(self, amplitude: TelemetrySink, settings: LazySettings) -> None:
        SINK.send(new_report(reference="before"))
        with TelemetrySink() as other:
            settings.ENROLLMENT_ERRORS = {**settings.ENROLLMENT_ERRORS, "AMPLITUDE_SERVER_URL": other.amplitude_url}
            SINK.send(new_report(reference="after"))
            other.wait_for(amplitude=1)
            amplitude.wait_for(amplitude=1)

        assert [event["event_properties"]["reference"] for event in amplitude.amplitude_events] == ["before"]
        assert [event["event_properties"]["reference"] for event in other.amplitude_events] == ["after"]


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == AmplitudeSender.thread_name]


@pytest.fixture(autouse=True)
def quiet_threads(caplog: pytest.LogCaptureFixture) -> Any:
    """No thread lives on into the next test."""
    caplog.set_level(logging.WARNING)
    yield
    wait_until(lambda: not our_threads())

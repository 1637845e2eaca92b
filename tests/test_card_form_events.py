"""What the page's script reports about the card form reaches Amplitude under the names that sites chart."""

from __future__ import annotations

import pytest

pytest_plugins = ["enrollment_errors.testing.plugin"]


@pytest.mark.parametrize(
    ("event", "status", "name", "properties"),
    [
        ("started", None, "started card tokenization", {}),
        ("tokenized", None, "finished card tokenization", {"status": "success"}),
        ("cancelled", None, "finished card tokenization", {"status": "cancel"}),
        ("refused", None, "finished card tokenization", {"status": "fail", "error": "card_refused"}),
        ("failed", 500, "finished card tokenization", {"status": "error", "error": "card_form_error"}),
        ("failed", 401, "finished card tokenization", {"status": "error", "error": "card_form_refused"}),
        ("form_not_loaded", None, "finished card tokenization", {"status": "error", "error": "card_form_not_loaded"}),
        ("token_failed", 502, "failed pre-tokenization request", {"status_code": 502, "error": "token_request_failed"}),
    ],
)
def test_each_event_is_one_amplitude_event(rider, telemetry, event, status, name, properties):
    rider.tells(event, status)
    of_a_refusal = ["returned enrollment"] if event == "refused" else []  # sites chart both
    telemetry.settle(amplitude=1 + len(of_a_refusal))
    sent = telemetry.amplitude[0]
    assert [event["event_type"] for event in telemetry.amplitude] == [name, *of_a_refusal]
    assert {key: sent["event_properties"].get(key) for key in properties} == properties


def test_the_start_says_which_card_form_it_was(rider, sandbox, telemetry):
    rider.tells("started")
    telemetry.settle(amplitude=1)
    [sent] = telemetry.amplitude
    assert sent["event_properties"]["card_tokenize_url"] == f"{sandbox.url}/assets/js/littlepay.min.js"
    assert sent["event_properties"]["card_tokenize_func"] == "littlepay"


@pytest.mark.parametrize(
    ("event", "status", "level"),
    [("token_failed", None, "warning"), ("token_failed", 403, "error"), ("failed", None, "error")],
)
def test_what_may_be_the_riders_own_connection_is_a_warning(rider, telemetry, event, status, level):
    rider.tells(event, status)
    telemetry.settle(amplitude=1)
    assert [sent["level"] for sent in telemetry.sentry] == [level]
    assert [record.levelname for record in telemetry.records] == [level.upper()]


@pytest.mark.parametrize(("event", "events"), [("failed", 1), ("form_not_loaded", 1), ("refused", 0), ("cancelled", 0)])
def test_sentry_hears_of_faults_in_the_browser_and_of_nothing_else(rider, telemetry, event, events):
    rider.tells(event)
    telemetry.settle(amplitude=1)
    assert [sent["tags"]["side"] for sent in telemetry.sentry] == ["frontend"] * events


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("expired card", "the card form refused the card's details (expired card)"),
        ("card 4111111111111111", "the card form refused the card's details"),
        ("x" * 41, "the card form refused the card's details"),
        (["expired"], "the card form refused the card's details"),
        (None, "the card form refused the card's details"),
    ],
)
def test_a_refusal_has_the_processors_word_for_why_and_nothing_that_may_be_a_card(
    rider, sandbox, enrollment_reports, reason, text
):
    rider.opens_the_page()
    rider.posts_as_the_script("/enrollment/card-form/", {"event": "refused", "status": None, "reason": reason})
    assert [str(report.error) for report in enrollment_reports] == [text]

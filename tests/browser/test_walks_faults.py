"""Riders walk through the running example while the processor fails in each of its ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from .walks import FINISHED, NO_ACCESS, RETURNED, STARTED, Walk, in_english, status, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

BREAKER_FAILURES = 3


# Which of the two depends on how much of the budget is left when the last attempt begins.
SILENCE = "processor_timeout|deadline_exceeded"


@contextmanager
def another_rider(walk: Walk) -> Iterator[Walk]:
    """A rider with another session: each session counts once toward the circuit."""
    browser = walk.page.context.browser
    assert browser
    with browser.new_context(locale=f"{walk.language}-US") as context:
        yield Walk(context.new_page(), walk.demo, walk.language)


BEFORE_THE_CARD_FORM: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "authorization 500": ({"authorization": status(500)}, "system-error", "processor_error"),
    "authorization 401": ({"authorization": status(401)}, "server-error", "credentials_refused"),
    "authorization hangs": ({"authorization": {"kind": "hang"}}, "system-error", SILENCE),
    "authorization without a token": (
        {"authorization": {"kind": "missing_fields", "fields": ["access_token"]}},
        "server-error",
        "reply_incomplete",
    ),
    "tokenization 502 with a gateway's page": (
        {"tokenization": status(502, "<h1>Bad gateway</h1>", content_type="text/html")},
        "system-error",
        "processor_error",
    ),
    "tokenization hangs": ({"tokenization": {"kind": "hang"}}, "system-error", SILENCE),
    "tokenization cut": ({"tokenization": {"kind": "cut"}}, "system-error", "processor_unreachable"),
    "tokenization 400": ({"tokenization": status(400)}, "server-error", "request_refused"),
    "tokenization 403": ({"tokenization": status(403)}, "server-error", "permission_refused"),
    "tokenization 409": ({"tokenization": status(409)}, "server-error", "request_refused"),
    "tokenization 429": ({"tokenization": status(429)}, "server-error", "too_many_requests"),
    "tokenization not JSON": ({"tokenization": {"kind": "not_json"}}, "server-error", "reply_not_json"),
    "tokenization without a token": (
        {"tokenization": {"kind": "missing_fields", "fields": ["access_token"]}},
        "server-error",
        "reply_incomplete",
    ),
    "a token type that is not supported": (
        {"tokenization": status(200, '{"access_token": "a", "token_type": "mac", "expires_in": 60}')},
        "server-error",
        "token_type_unsupported",
    ),
}


@in_english
@pytest.mark.parametrize("row", BEFORE_THE_CARD_FORM)
def test_a_failure_before_the_card_form_ends_on_its_page(walk: Walk, row: str) -> None:
    faults, end, code = BEFORE_THE_CARD_FORM[row]
    walk.demo.break_processor(**faults)
    walk.qualify()
    walk.expect_end(end)
    walk.expect_told(NO_ACCESS, sentry=code)


AFTER_THE_CARD_FORM: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "lookup 500": ({"lookup": status(500)}, "system-error", "processor_error"),
    "lookup hangs": ({"lookup": {"kind": "hang"}}, "system-error", SILENCE),
    "lookup trickles": ({"lookup": {"kind": "trickle", "seconds": 0.1}}, "system-error", "deadline_exceeded"),
    "lookup reset": ({"lookup": {"kind": "reset"}}, "system-error", "processor_unreachable"),
    "lookup 404": ({"lookup": status(404)}, "server-error", "request_refused"),
    "lookup 408": ({"lookup": status(408)}, "server-error", "request_refused"),
    "lookup not JSON": ({"lookup": {"kind": "not_json"}}, "server-error", "reply_not_json"),
    "lookup empty": ({"lookup": {"kind": "empty"}}, "server-error", "reply_not_json"),
    "lookup without an id": (
        {"lookup": {"kind": "missing_fields", "fields": ["id"]}},
        "server-error",
        "reply_incomplete",
    ),
    "link 503": ({"link": status(503, "<h1>Unavailable</h1>")}, "system-error", "processor_error"),
    "link hangs": ({"link": {"kind": "hang"}}, "still-checking", "link_answer_lost"),
    "link 422": ({"link": status(422)}, "server-error", "request_refused"),
    "link answered by a gateway": ({"link": {"kind": "not_json"}}, "still-checking", "link_answer_lost"),
    "link 409 while the card is not in the group": (
        {"link": status(409, '{"errors": [{"detail": "Conflict"}]}')},
        "server-error",
        "link_not_confirmed",
    ),
}


@in_english
@pytest.mark.parametrize("row", AFTER_THE_CARD_FORM)
def test_a_failure_after_the_card_form_ends_on_its_page(walk: Walk, row: str) -> None:
    faults, end, code = AFTER_THE_CARD_FORM[row]
    walk.qualify()
    walk.demo.break_processor(**faults)
    walk.use_card("visa")
    walk.expect_end(end)
    walk.expect_told(STARTED, FINISHED, RETURNED, sentry=code)


def test_a_rider_is_told_before_entering_a_card_that_the_processor_is_down(walk: Walk) -> None:
    walk.demo.break_processor(authorization=status(503))
    for _ in range(BREAKER_FAILURES):
        with another_rider(walk) as other:
            other.qualify()
            other.expect_end("system-error")
    walk.qualify()
    expect(walk.page.locator("h1")).to_have_text(words("You cannot enroll right now", walk.language))
    expect(walk.page.locator("#enrollment-open")).to_have_count(0)


@in_english
def test_a_rider_at_the_card_form_does_not_wait_for_a_processor_that_has_gone_down_since(walk: Walk) -> None:
    walk.qualify()
    walk.demo.break_processor(lookup=status(503))
    for _ in range(BREAKER_FAILURES):
        with another_rider(walk) as other:
            other.qualify()
            other.use_card("visa")
            other.expect_end("system-error")
    walk.use_card("visa")
    walk.expect_end("system-error")
    [error], ends = walk.demo.events(sentry=1, amplitude=3 * BREAKER_FAILURES + 3)
    assert error["tags"]["enrollment.code"] == "processor_error"  # one event for all of them
    [end] = [end for end in ends if end["event_properties"].get("reference") == walk.reference]
    assert end["event_properties"]["error"] == "circuit_open"

"""Riders walk through the running example to every end that a browser can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Route, expect

from tests.example.running import RunningDemo, run_demo

from .walks import LANGUAGES, Walk, words

pytestmark = [pytest.mark.browser]

STARTED, FINISHED = "started card tokenization", "finished card tokenization"
RETURNED, NO_ACCESS = "returned enrollment", "failed pre-tokenization request"

demo = pytest.fixture(scope="session", name="demo")(run_demo)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """That of the rider's browser. (The page at the end of a walk is always read in both.)"""
    return str(request.param)


@pytest.fixture
def walk(language: str, browser: Browser, demo: RunningDemo) -> Iterator[Walk]:
    """A rider whom nobody knows, at a processor that works.

    The demo's strict Content-Security-Policy must have stopped nothing on the way.
    """
    demo.choose("healthy")
    stopped: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            stopped.append(message.text)

    with browser.new_context(locale=f"{language}-US") as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", listen)
        yield Walk(page, demo, language)
    assert stopped == []


BREAKER_FAILURES = 3

# Which of the two depends on what is left of the budget when the last attempt begins.
SILENCE = "processor_timeout|deadline_exceeded"

in_english = pytest.mark.parametrize("language", ["en"])


@contextmanager
def another_rider(walk: Walk) -> Iterator[Walk]:
    """With another session: each counts once toward the circuit."""
    browser = walk.page.context.browser
    assert browser
    with browser.new_context(locale=f"{walk.language}-US") as context:
        yield Walk(context.new_page(), walk.demo, walk.language)


def status(code: int, body: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": code, "body": body, **more}


def test_a_rider_enrolls(walk: Walk) -> None:
    walk.qualify()
    walk.use_card("visa")
    walk.expect_end("success")
    walk.expect_told(STARTED, FINISHED, RETURNED)


def test_a_rider_who_is_enrolled_already_sees_success(walk: Walk) -> None:
    walk.qualify()
    walk.use_card("enrolled")
    walk.expect_end("success")
    walk.expect_told(STARTED, FINISHED, RETURNED)


def test_words_of_a_409_that_nobody_knows_are_success_where_the_card_is_in_the_group(walk: Walk) -> None:
    walk.demo.choose("unknown-conflict")
    walk.qualify()
    walk.use_card("enrolled")
    walk.expect_end("success")
    walk.expect_told(STARTED, FINISHED, RETURNED)


def test_a_signed_in_rider_signs_out_of_a_system_error_and_is_back_on_the_agencys_page(walk: Walk) -> None:
    walk.demo.choose("down")
    walk.qualify("older-adult")
    walk.expect_end("system-error")
    expect(walk.main_button).to_have_text(words("Sign out of %(provider)s", walk.language) % {"provider": "Example ID"})
    walk.main_button.click()
    expect(walk.page).to_have_url(f"{walk.demo.url}/agencies/mountain/")
    walk.page.goto(f"{walk.demo.url}/agencies/mountain/older-adult/")
    walk.page.locator("main a.button").click()
    # Signed out of the provider too: it asks again.
    expect(walk.page.locator("button[value=qualifies]")).to_be_visible()


def test_a_rider_who_is_not_signed_in_returns_from_a_system_error_to_the_agencys_page(walk: Walk) -> None:
    walk.demo.choose("down")
    walk.qualify("agency-card")
    walk.expect_end("system-error")
    expect(walk.main_button).to_have_text(words("Return home", walk.language))
    walk.main_button.click()
    expect(walk.page).to_have_url(f"{walk.demo.url}/agencies/mountain/")


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
    errors, ends = walk.demo.events(sentry=BREAKER_FAILURES + 1, amplitude=3 * BREAKER_FAILURES + 3)
    # The failures that opened the circuit, and one event for all riders who meet it open.
    codes = sorted(error["tags"].get("enrollment.code", "") for error in errors)
    assert codes == ["", *["processor_error"] * BREAKER_FAILURES]
    [end] = [end for end in ends if end["event_properties"].get("reference") == walk.reference]
    assert end["event_properties"]["error"] == "circuit_open"


IN_THE_CARD_FORM: dict[str, tuple[str, str | None]] = {
    "refused": ("check-card", None),
    "error-500": ("system-error", "card_form_error"),
    "error": ("system-error", "card_form_error"),
    "error-401": ("server-error", "card_form_refused"),
}


@in_english
@pytest.mark.parametrize("card", IN_THE_CARD_FORM)
def test_what_the_card_form_says_ends_on_its_page(walk: Walk, card: str) -> None:
    end, code = IN_THE_CARD_FORM[card]
    walk.qualify()
    walk.use_card(card)
    walk.expect_end(end)
    walk.expect_told(STARTED, FINISHED, sentry=code)


def test_a_rider_whose_card_was_refused_tries_again_and_enrolls(walk: Walk) -> None:
    walk.qualify()
    walk.use_card("refused")
    walk.expect_end("check-card")
    walk.main_button.click()
    walk.use_card("visa")
    walk.expect_end("success")


def test_a_rider_who_closes_the_card_form_stays_and_can_open_it_again(walk: Walk) -> None:
    walk.qualify()
    walk.open_card_form()
    walk.page.locator("dialog button[type=button]").click()
    expect(walk.page.get_by_role("status")).to_have_text(
        words("You closed the card form. Your card is not enrolled yet.", walk.language)
    )
    walk.expect_told(STARTED, FINISHED)
    walk.use_card("visa")
    walk.expect_end("success")


@in_english
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(503), id="503"),
        pytest.param({"kind": "reset"}, id="reset"),
        pytest.param(status(200, "", content_type="text/javascript"), id="defines nothing"),
    ],
)
def test_a_card_form_that_does_not_load_ends_on_the_system_error_page(walk: Walk, fault: dict[str, Any]) -> None:
    walk.demo.break_processor(card_form_script=fault)
    walk.qualify()
    walk.expect_end("system-error")
    walk.expect_told(FINISHED, sentry="card_form_not_loaded")


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


def test_a_lost_answer_that_asking_settles_is_success(walk: Walk) -> None:
    walk.demo.choose("answer-lost")
    walk.qualify()
    walk.use_card("visa")
    walk.expect_end("success")
    walk.expect_told(STARTED, FINISHED, RETURNED)


def test_a_lost_answer_that_nobody_can_settle_is_checked_again_until_it_is(walk: Walk) -> None:
    walk.stop_the_clock()  # the page asks by itself after a while
    walk.demo.break_processor(link={"kind": "reset", "after_effect": True, "times": 1}, groups=status(503))
    walk.qualify()
    walk.use_card("visa")
    walk.expect_end("still-checking")
    walk.expect_told(STARTED, FINISHED, RETURNED, sentry="link_answer_lost")
    walk.demo.mend_processor()
    expect(walk.main_button).to_have_text(words("Check again", walk.language))
    walk.main_button.click()
    walk.expect_end("success")


def test_a_lost_answer_is_checked_again_while_the_rider_waits(walk: Walk) -> None:
    walk.stop_the_clock()  # the page asks by itself after a while
    walk.demo.break_processor(link={"kind": "reset", "after_effect": True, "times": 1}, groups=status(503))
    walk.qualify()
    walk.use_card("visa")
    walk.expect_end("still-checking")
    walk.demo.mend_processor()
    walk.page.clock.run_for(6_000)
    walk.expect_end("success")


def test_too_early_to_enroll_again_shows_both_dates(walk: Walk) -> None:
    walk.qualify("low-income")
    walk.use_card("too-early")
    walk.expect_end("too-early")
    expect(walk.page.locator("dl time")).to_have_count(2)
    walk.expect_told(STARTED, FINISHED, RETURNED)


@in_english
@pytest.mark.parametrize("card", ["in-window", "expired", "enrolled", "visa"])
def test_a_benefit_that_expires_shows_its_last_day(walk: Walk, card: str) -> None:
    walk.qualify("low-income")
    walk.use_card(card)
    walk.expect_end("success")
    expect(walk.page.locator("dl time")).to_have_count(1)
    walk.expect_told(STARTED, FINISHED, RETURNED)


def test_a_renewal_that_fails_ends_on_the_system_error_page(walk: Walk) -> None:
    walk.demo.break_processor(expiry=status(500))
    walk.qualify("low-income")
    walk.use_card("expired")
    walk.expect_end("system-error")
    walk.expect_told(STARTED, FINISHED, RETURNED, sentry="processor_error")


def test_a_link_that_expires_where_the_benefit_does_not_is_for_somebody_to_mend(walk: Walk) -> None:
    walk.qualify("older-adult")
    walk.use_card("too-early")
    walk.expect_end("server-error")
    walk.expect_told(STARTED, FINISHED, RETURNED, sentry="expiry_not_clearable")


def _abort(route: Route) -> None:
    route.abort()


def _login_page(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<h1>Who are you?</h1>")


def _blocked(route: Route) -> None:
    route.fulfill(status=418, content_type="text/html", body="<h1>Blocked</h1>")


@pytest.mark.parametrize(
    "answer", [pytest.param(_abort, id="no answer"), pytest.param(_login_page, id="somebody's page")]
)
def test_a_rider_whose_page_gets_no_token_from_our_own_view_tries_again_and_enrolls(walk: Walk, answer: Any) -> None:
    walk.page.route("**/enrollment/token/", answer)
    walk.qualify()
    heading = walk.page.get_by_role("alert").get_by_role("heading")
    expect(heading).to_have_text(words("Check your internet connection", walk.language))
    walk.expect_told(NO_ACCESS, sentry="token_request_failed")
    walk.page.unroute("**/enrollment/token/")
    walk.page.get_by_role("alert").get_by_role("button").click()
    walk.use_card("visa")
    walk.expect_end("success")


@in_english
def test_a_firewalls_refusal_in_place_of_a_token_ends_on_the_generic_page(walk: Walk) -> None:
    walk.page.route("**/enrollment/token/", _blocked)
    walk.qualify()
    walk.expect_end("server-error")
    walk.expect_told(NO_ACCESS, sentry="token_request_refused")


def test_a_rider_without_a_session_is_told_to_start_again(walk: Walk) -> None:
    response = walk.page.goto(f"{walk.demo.url}/enrollment/")
    assert response
    assert response.status == 403
    expect(walk.page.locator("h1")).to_have_text(words("Start again to enroll", walk.language))
    walk.main_button.click()
    expect(walk.page).to_have_url(f"{walk.demo.url}/")

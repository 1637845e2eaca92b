"""Riders walk through the running example, and the card form or the way to it fails."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from .walks import FINISHED, NO_ACCESS, RETURNED, STARTED, Walk, in_english, status, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

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
    returned = (RETURNED,) if card == "refused" else ()  # sites chart a refusal as a returned enrollment, too
    walk.expect_told(STARTED, *returned, FINISHED, sentry=code)


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

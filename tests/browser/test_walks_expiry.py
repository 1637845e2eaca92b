"""Riders walk through the running example, with lost answers and with benefits that expire."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .walks import FINISHED, RETURNED, STARTED, Walk, in_english, status, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


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
    last_day = walk.page.locator("dl > div").filter(has_text="Last day of the reduced fare")
    expect(last_day.locator("time")).to_have_count(1)
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

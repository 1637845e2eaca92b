"""Riders walk through the running example: they enroll, get a system error, or have to start again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .walks import FINISHED, RETURNED, STARTED, Walk, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


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
    # The rider is signed out of the provider, too, so it asks again.
    expect(walk.page.locator("button[value=qualifies]")).to_be_visible()


def test_a_rider_who_is_not_signed_in_returns_from_a_system_error_to_the_agencys_page(walk: Walk) -> None:
    walk.demo.choose("down")
    walk.qualify("agency-card")
    walk.expect_end("system-error")
    expect(walk.main_button).to_have_text(words("Return home", walk.language))
    walk.main_button.click()
    expect(walk.page).to_have_url(f"{walk.demo.url}/agencies/mountain/")


def test_a_rider_without_a_session_is_told_to_start_again(walk: Walk) -> None:
    response = walk.page.goto(f"{walk.demo.url}/enrollment/")
    assert response
    assert response.status == 403
    expect(walk.page.locator("h1")).to_have_text(words("Start again to enroll", walk.language))
    walk.main_button.click()
    expect(walk.page).to_have_url(f"{walk.demo.url}/")

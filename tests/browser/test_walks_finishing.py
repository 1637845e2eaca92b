"""A rider whose card was read while the processor was down closes the browser, and later returns to the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from .walks import FINISHED, RETURNED, STARTED, Walk, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

GROUP = "mountain-agency-card"


def is_promised(walk: Walk) -> str:
    """Returns the address of the page that promises to finish."""
    walk.demo.choose("finished-later")
    walk.qualify("agency-card")
    walk.use_card("visa")
    walk.expect_end("finishing")
    return walk.page.url


def members(walk: Walk) -> int:
    """How many cards are in the group at the processor."""
    state = requests.get(f"{walk.demo.sandbox_url}/sandbox/state", timeout=5).json()
    return int(state["groups"][GROUP]["members"])


@contextmanager
def another_browser(browser: Browser, walk: Walk) -> Iterator[Page]:
    """Closes the first browser, and opens another that shares no session, cookie or anything else with it."""
    walk.page.context.close()
    with browser.new_context(locale=f"{walk.language}-US") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


def expect_heading(page: Page, walk: Walk, english: str) -> None:
    expect(page.locator("h1")).to_have_text(words(english, walk.language))


def test_the_page_says_enrolled_after_the_recovery_though_the_browser_was_closed(walk: Walk, browser: Browser) -> None:
    address, reference = is_promised(walk), walk.reference
    walk.expect_told(STARTED, FINISHED, RETURNED, sentry="processor_error")
    assert members(walk) == 0

    with another_browser(browser, walk) as page:
        page.goto(address)
        expect_heading(page, walk, "We will finish this for you")
        walk.demo.settle()
        page.get_by_role("link", name=words("Check again", walk.language)).click()
        expect_heading(page, walk, "Your card is enrolled")
        expect(page.locator(".enrollment-reference [aria-hidden]")).to_have_text(reference or "")
        assert page.url == address
    assert members(walk) == 1


def test_a_rider_who_cancels_there_is_not_enrolled(walk: Walk, browser: Browser) -> None:
    address = is_promised(walk)

    with another_browser(browser, walk) as page:
        page.goto(address)
        page.get_by_role("link", name=words("Cancel this enrollment", walk.language)).click()
        expect_heading(page, walk, "Do you want to cancel this enrollment?")
        page.get_by_role("link", name=words("Go back", walk.language), exact=True).click()
        expect_heading(page, walk, "We will finish this for you")
        page.get_by_role("link", name=words("Cancel this enrollment", walk.language)).click()
        page.get_by_role("button", name=words("Cancel this enrollment", walk.language)).click()
        expect_heading(page, walk, "Your enrollment is canceled")
        walk.demo.settle()
        page.reload()
        expect_heading(page, walk, "Your enrollment is canceled")
    assert members(walk) == 0

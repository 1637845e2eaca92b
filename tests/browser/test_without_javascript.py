"""With JavaScript off every page is complete, and the enroll page says what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages import gallery

from .gallery_site import address, serve

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

NEEDS_NO_SCRIPT = [name for name, picture in gallery.PICTURES.items() if "page_data" not in picture.context]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


@pytest.mark.parametrize("name", NEEDS_NO_SCRIPT)
def test_a_page_is_the_same(browser: Browser, page: Page, site: str, name: str) -> None:
    page.goto(address(site, name, signed_in=True))
    without = page.locator("body").aria_snapshot()
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(address(site, name, signed_in=True))
        for status in other.get_by_role("status").all():
            status.evaluate("(status) => status.replaceChildren()")  # the script reports its progress here
        assert other.locator("body").aria_snapshot() == without


@pytest.mark.parametrize("name", ["enroll", "enroll-redirect"])
def test_the_enroll_page_says_what_to_do_instead(page: Page, site: str, name: str) -> None:
    page.goto(address(site, name))
    advice = page.locator("noscript p")  # by element, because Playwright's text locators skip noscript
    expect(advice).to_have_text([re.compile("JavaScript is off in your browser"), re.compile("Turn on JavaScript")])
    assert [paragraph.is_visible() for paragraph in advice.all()] == [True, True]
    expect(page.get_by_role("link", name="Return home")).to_be_visible()
    expect(page.get_by_role("link", name="Call (555) 010-0199")).to_be_visible()


@pytest.mark.parametrize("name", ["enroll", "enroll-redirect"])
def test_the_enroll_page_shows_no_dead_button(page: Page, site: str, name: str) -> None:
    page.goto(address(site, name))
    assert page.get_by_role("button").count() == 0
    expect(page.locator(".enrollment-late")).to_have_css("display", "none")

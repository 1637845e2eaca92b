"""The in-person pages in Django's admin are accessible, legible in dark mode, and work under a strict policy."""

from __future__ import annotations

from collections.abc import Iterator

import django
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.pages import gallery

from .gallery_site import address, serve
from .test_accessibility import TOO_SMALL, TOO_WIDE, open_whole, violations
from .test_policy import django_itself

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture(scope="module", params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    with browser.new_context(reduced_motion="reduce", color_scheme=request.param) as context:
        yield context.new_page()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", gallery.IN_PERSON)
def test_a_page_is_accessible_and_fits(page: Page, site: str, name: str, language: str) -> None:
    open_whole(page, address(site, name, language, in_admin=True))
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert (width, violations(page)) == (width, [])
        assert (width, page.evaluate(TOO_WIDE.replace('"main *', '".enrollment *'))) == (width, [])
        assert (width, page.evaluate(TOO_SMALL)) == (width, [])


def test_the_admins_own_switch_makes_a_page_dark(browser: Browser, site: str) -> None:
    with browser.new_context(color_scheme="light") as context:
        page = context.new_page()
        page.goto(address(site, "in-person-success", in_admin=True))
        color = "getComputedStyle(document.querySelector('.enrollment')).color"
        light = page.evaluate(color)
        page.locator("#user-tools .theme-toggle").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.evaluate(color) != light


@pytest.mark.skipif(django.VERSION < (6, 1), reason="Before Django 6.1 the admin's own scripts have no nonce")
def test_a_strict_policy_stops_nothing(browser: Browser) -> None:
    stopped: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            stopped.append(message.text)

    settings = django_itself()
    settings["SECURE_CSP"] = {**settings["SECURE_CSP"], "img-src": ["'self'"]}  # for the admin's icons
    with serve(**settings) as base, browser.new_context() as context:
        page = context.new_page()
        page.on("console", listen)
        for name in gallery.IN_PERSON:
            response = page.goto(address(base, name, in_admin=True))
            assert response
            assert "unsafe" not in response.headers["content-security-policy"]
    assert stopped == []

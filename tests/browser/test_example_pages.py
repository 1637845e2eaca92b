"""The example site's own pages, and the demo's, are accessible and fit a small phone, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.example.running import RunningDemo, run_demo

from .walks import LANGUAGES, Walk

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

PAGES = (
    "/",
    "/agencies/mountain/",
    "/agencies/mountain/older-adult/",
    "/agencies/mountain/agency-card/",
    "/sign-in/",
    "/staff/sign-in/",
    "/no-such-page/",
    "/demo/",
    "/demo/operator/",
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}

demo = pytest.fixture(scope="session", name="demo")(run_demo)


@pytest.fixture(params=LANGUAGES)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    small_phone = {"width": 320, "height": 640}
    with browser.new_context(locale=f"{request.param}-US", viewport=small_phone, reduced_motion="reduce") as context:
        yield context.new_page()


def expect_accessible(page: Page) -> None:
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("(rules) => axe.run(document, rules)", RULES)["violations"]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_page_of_the_example_is_accessible_and_fits(demo: RunningDemo, page: Page) -> None:
    for address in PAGES:
        page.goto(demo.url + address)
        expect_accessible(page)


def test_the_operators_page_is_accessible_with_events_on_it(demo: RunningDemo, page: Page) -> None:
    demo.choose("wrong-credentials")
    walk = Walk(page, demo, "en")
    walk.qualify()
    page.wait_for_url("**/server-error/**")
    demo.events(sentry=1, amplitude=1)
    page.goto(f"{demo.url}/demo/operator/")
    page.locator("summary").first.click()
    expect_accessible(page)


def test_the_operators_page_shows_events_that_come_while_it_is_open(demo: RunningDemo, page: Page) -> None:
    demo.choose("wrong-credentials")
    page.goto(f"{demo.url}/demo/operator/")
    assert page.locator("article").count() == 0
    walk = Walk(page.context.new_page(), demo, "en")
    walk.qualify()
    page.locator("article").nth(1).wait_for(timeout=10_000)


def test_staff_enroll_a_rider_in_the_browser(demo: RunningDemo, page: Page) -> None:
    page.goto(f"{demo.url}/demo/")
    page.locator("form[action$='/healthy/'] button[name=in_person]").click()
    expect_accessible(page)
    page.locator("main select").select_option("harbor/older-adult")
    page.locator("main input[type=checkbox]").check()
    page.locator("main form .button").click()
    page.locator("dialog select").select_option("visa")  # the card form has opened by itself
    page.locator("dialog button[type=submit]").click()
    page.wait_for_url("**/staff/enrollment/success/**")
    expect_accessible(page)
    page.locator(".enrollment-button").click()
    page.wait_for_url(f"{demo.url}/staff/")

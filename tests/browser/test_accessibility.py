"""axe-core finds nothing on any page, in any language, signed in or out, at any width, and everything fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.pages import gallery

from . import arabic
from .gallery_site import LANGUAGES, address, serve, variants

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

WIDTHS = (320, 768, 1280)
EACH_WIDTH = ("en", "ar")
"""Languages in which axe looks at every width, one for each direction. The others change words and nothing else, so one
width is enough, and everything must fit at every width."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}

# Checks for every page at every width, in addition to axe. Each returns a list of what is wrong.
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll("main *:not(.enrollment-hidden, svg *)")]
  .filter((element) => getComputedStyle(element).display != "inline")
  .filter((element) => element.scrollWidth > Math.max(element.clientWidth, 1))
  .map((element) => element.outerHTML.slice(0, 80))"""
TOO_SMALL = """() => [...document.querySelectorAll("main a, main button")]
  .filter((element) => element.checkVisibility() && !element.closest("p"))
  .map((element) => [element.textContent, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(LOCALE_PATHS=[arabic.write_catalog(tmp_path_factory.mktemp("locale"))]) as base:
        yield base


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(reduced_motion="reduce") as context:
        yield context.new_page()


@pytest.fixture
def page(shared_page: Page) -> Iterator[Page]:
    """All tests here share one page, because there are many of them and each opens its own address."""
    yield shared_page
    shared_page.unroute_all(behavior="ignoreErrors")


def violations(page: Page) -> list[tuple[str, Any]]:
    found = page.evaluate("(rules) => axe.run(document, rules)", RULES)["violations"]
    return [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in found]


def open_whole(page: Page, url: str) -> None:
    """Opens a page. On the enroll page, waits until the button is ready."""
    page.goto(url)
    if page.locator("#enrollment-open").count():
        page.wait_for_selector("#enrollment-open:enabled")


@pytest.mark.parametrize("language", [*LANGUAGES, "ar"])
@pytest.mark.parametrize(("name", "signed_in"), variants())
def test_a_page_is_accessible_and_fits(page: Page, site: str, name: str, signed_in: bool, language: str) -> None:
    open_whole(page, address(site, name, language, signed_in=signed_in))
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if language in EACH_WIDTH or width == WIDTHS[0]:
            assert (width, violations(page)) == (width, [])
        assert (width, page.evaluate(TOO_WIDE)) == (width, [])
        assert (width, page.evaluate(TOO_SMALL)) == (width, [])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("broken", ["**/token/", "**/card-form.js"])
def test_an_error_in_the_enroll_page_is_accessible(page: Page, site: str, broken: str, width: int) -> None:
    page.route(broken, lambda route: route.abort())
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address(site, "enroll"))
    page.wait_for_selector("[role=alert]:not([hidden])")
    page.evaluate(AXE_SCRIPT)
    assert violations(page) == []
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", gallery.ALL)
def test_text_at_200_percent_fits(page: Page, site: str, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_whole(page, address(site, name, "es", signed_in=True))
    page.add_style_tag(content="html { font-size: 200% }")
    assert page.evaluate(TOO_WIDE) == []


def test_the_checks_see_what_is_wrong(page: Page, site: str) -> None:
    page.goto(address(site, "success"))
    page.evaluate(AXE_SCRIPT)
    page.evaluate(
        """() => {
          const wrong = "<a href=x></a><div>" + "m".repeat(999) + "</div><div><a href=x>.</a></div>";
          document.querySelector("main").insertAdjacentHTML("beforeend", wrong);
        }"""
    )
    assert [rule for rule, _ in violations(page)] == ["link-name"]
    assert page.evaluate(TOO_WIDE) != []
    assert page.evaluate(TOO_SMALL) == ["", "."]

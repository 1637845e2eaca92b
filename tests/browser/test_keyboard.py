"""Riders reach everything with the keyboard alone, and always see where the focus is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages import gallery

from .gallery_site import address, serve

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

REACHABLE = """() => [...document.querySelectorAll("a[href], button, iframe")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.disabled)
  .map((element) => element.title || element.textContent.trim())"""
FOCUSED = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  // What is in a frame shows by itself where it is: no style of ours reaches it, and none of ours sees its focus.
  const isFramed = element.tagName == "IFRAME";
  const ringed = isFramed || (style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2);
  const seen = box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
  return [element.title || element.textContent.trim(), ringed && seen];
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 320, "height": 640}) as context:
        yield context.new_page()


@pytest.mark.parametrize("name", gallery.ALL)
def test_tab_visits_all_that_can_be_used_in_order_and_shows_it(page: Page, site: str, name: str) -> None:
    page.goto(address(site, name, signed_in=True))
    if page.locator("#enrollment-open").count():
        page.wait_for_selector("#enrollment-open:enabled")
    reachable = page.evaluate(REACHABLE)
    visited = []
    for _ in reachable:
        page.keyboard.press("Tab")
        visited.append(page.evaluate(FOCUSED))
    assert visited == [[text, True] for text in reachable]


@pytest.mark.parametrize("name", gallery.ALL)
def test_the_skip_link_comes_first_and_moves_the_focus(page: Page, site: str, name: str) -> None:
    page.goto(address(site, name))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_the_card_form_opens_with_the_keyboard(page: Page, site: str) -> None:
    page.goto(address(site, "enroll-redirect"))
    page.wait_for_selector("#enrollment-open:enabled")
    page.locator("#enrollment-open").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("gateway")

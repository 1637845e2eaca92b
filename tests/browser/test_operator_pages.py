"""Every page that operators have in the admin is accessible in both themes and both languages, and fits the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.example.rider import Rider
from tests.example.running import RunningDemo, run_demo
from tests.waiting import wait_until

from .test_accessibility import RULES

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

WIDTHS = (390, 1280, 1600)
OURS = {
    "include": "#content",
    "exclude": ["#changelist-filter", ".object-tools", ".paginator"],  # Django's own
}
WRAPPED = """() => [...document.querySelectorAll("#result_list :is(.field-reference, .field-shown_reference) a")]
  .filter((link) => link.getClientRects().length > 1).map((link) => link.textContent)"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

SCENARIOS = ("error-503", "wrong-credentials", "conflict-elsewhere", "healthy", "still-checking")
"""One rider goes through each. The last one's link is still open."""

LISTS = {
    "overview": "enrollment_incidents/ending/",
    "overview-of-a-week": "enrollment_incidents/ending/?days=7",
    "incidents": "enrollment_incidents/incident/",
    "no-incidents": "enrollment_incidents/incident/?code=none",
    "misheard": "enrollment_incidents/incident/?q=VVV-VVV-VVV",
    "ledger": "enrollment_ledger/entry/",
    "sums": "enrollment_ledger/entry/sums/",
    "reference": "enrollment_ledger/entry/reference/",
    "unlinks": "enrollment_ledger/unlink/",
    "unlink": "enrollment_ledger/unlink/add/",
    "links": "enrollment_settling/sentlink/",
    "accounts": "enrollment_accounts/account/",
    "new-account": "enrollment_accounts/account/add/",
    "watch": "enrollment_watch/watched/",
    "switches": "enrollment_watch/switch/",
    "new-switch": "enrollment_watch/switch/add/",
}
"""The fixed addresses under the admin's, by the name of the page."""
FIRST_OF = {
    "incident": "enrollment_incidents/incident/",
    "entry": "enrollment_ledger/entry/",
    "link": "enrollment_settling/sentlink/",
    "account": "enrollment_accounts/account/",
    "watched": "enrollment_watch/watched/",
}
"""For each page, the list whose first row leads to it."""


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """A demo where a rider has gone through each scenario and the watch has run."""
    for demo in run_demo(budget=8):
        for scenario in SCENARIOS:
            demo.choose(scenario)
            with Rider(demo.url) as rider:
                rider.qualify()
                rider.enroll()
        demo.watch()
        yield demo


@pytest.fixture(scope="module", params=["en", "es"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["light", "dark"])
def operator(browser: Browser, demo: RunningDemo, language: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An operator who is signed in, with a browser in that language and theme."""
    with browser.new_context(locale=language, color_scheme=request.param, reduced_motion="reduce") as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(f"{demo.url}/demo/operator/")
        page.locator("form[action$='sign-in/'] button").first.click()
        page.wait_for_url("**/admin/")
        yield page


def check(page: Page, name: str) -> None:
    """Checks the page at each width, and saves pictures if ENROLLMENT_ERRORS_PICTURES names a folder."""
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if folder := os.environ.get("ENROLLMENT_ERRORS_PICTURES"):
            look = page.evaluate("[document.documentElement.lang, matchMedia('(prefers-color-scheme: dark)').matches]")
            Path(folder, f"{name}-{width}-{look}.png").write_bytes(page.screenshot(full_page=True))
        assert page.evaluate(TOO_WIDE) <= 0, (name, width)
        assert page.evaluate(WRAPPED) == [], (name, width)
        if width == WIDTHS[-1]:
            continue  # for axe, nothing differs from the width before
        found = page.evaluate("([where, rules]) => axe.run(where, rules)", [OURS, RULES])["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], (name, width)


@pytest.mark.parametrize("name", LISTS)
def test_a_page_is_accessible_and_fits(operator: Page, demo: RunningDemo, language: str, name: str) -> None:
    response = operator.goto(f"{demo.url}/admin/{LISTS[name]}")
    assert response
    assert response.ok
    assert operator.locator("html").get_attribute("lang") == language
    check(operator, name)


@pytest.mark.parametrize("name", FIRST_OF)
def test_what_a_list_leads_to_is_accessible_and_fits(operator: Page, demo: RunningDemo, name: str) -> None:
    def row() -> str | None:
        operator.goto(f"{demo.url}/admin/{FIRST_OF[name]}")
        first = operator.locator("#result_list tbody a[href*='/change/']").first
        return first.get_attribute("href") if first.count() else None

    operator.goto(f"{demo.url}{wait_until(row, 'the first row')}")
    check(operator, name)

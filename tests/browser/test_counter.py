"""At the example's counter, alone and in the admin's frame, staff enroll one rider after another and need only the
keyboard, and nobody else gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from enrollment_errors.in_person_urls import urlpatterns
from tests.example.running import RunningDemo

from .test_accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

COUNTERS = {"by itself": "/staff/", "in the admin": "/admin/in-person/"}
ADDRESSES = [str(pattern.pattern) for pattern in urlpatterns]
REFERENCE = re.compile(r"\b[2-9A-Z]{3}-[2-9A-Z]{3}-[2-9A-Z]{3}\b")


class Counter:
    """A staff member's browser. ``start`` is the page where staff confirm a rider's proof."""

    def __init__(self, page: Page, demo: RunningDemo, start: str) -> None:
        self.page, self.demo, self.start = page, demo, demo.url + start

    def signs_in(self) -> Counter:
        self.page.goto(f"{self.demo.url}/demo/")
        self.page.locator("form[action$='/healthy/'] button[name=in_person]").click()
        self.page.wait_for_url("**/staff/")
        self.page.goto(self.start)
        return self

    def confirms(self, benefit: str = "mountain/older-adult") -> Counter:
        self.page.locator("main select").select_option(benefit)
        self.page.locator("main input[type=checkbox]").check()
        self.page.locator("main [type=submit], main form .button").last.click()
        return self

    def uses(self, card: str, end: str) -> Counter:
        """Chooses a card in the card form, which has opened by itself."""
        self.page.locator("dialog select").select_option(card)
        self.page.locator("dialog button[type=submit]").click()
        self.page.wait_for_url(re.compile(f"/{end}/"))
        self.page.evaluate(AXE_SCRIPT)
        assert violations(self.page) == []
        return self

    def calls_the_next(self) -> Counter:
        self.page.get_by_role("button", name="Next rider").click()
        self.page.wait_for_url(self.start)
        return self

    @property
    def text(self) -> str:
        """Everything in the page, including what only the script may show."""
        return str(self.page.evaluate("document.documentElement.outerHTML"))


@pytest.fixture(params=COUNTERS)
def counter(request: pytest.FixtureRequest, browser: Browser, demo: RunningDemo) -> Iterator[Counter]:
    demo.choose("healthy")
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(10_000)
        yield Counter(context.new_page(), demo, COUNTERS[request.param]).signs_in()


def test_three_riders_in_a_row_leave_nothing_to_the_next(counter: Counter) -> None:
    page, ends = counter.page, {}

    counter.confirms("mountain/low-income").uses("visa", "success")
    assert "The rider’s card is enrolled" in counter.text
    assert "Last day of the reduced fare" in counter.text
    (digits,) = re.findall(r"ending in <bdi[^>]*>(\w+)<", counter.text) or ["Last day of the reduced fare"]
    ends["success"], of_the_first = page.url, {digits, "Last day of the reduced fare"}
    counter.calls_the_next()

    counter.confirms().uses("refused", "check-card")
    assert [trace for trace in of_the_first if trace in counter.text] == []
    ends["check-card"], of_the_second = page.url, {*REFERENCE.findall(counter.text), "card_refused"}
    assert len(of_the_second) == 2
    counter.calls_the_next()

    counter.demo.break_processor(
        link={"kind": "reset", "after_effect": True, "times": 1}, groups={"kind": "status", "status": 503}
    )
    counter.confirms().uses("visa", "still-checking")
    assert [trace for trace in of_the_first | of_the_second if trace in counter.text] == []
    ends["still-checking"], of_the_third = page.url, {*REFERENCE.findall(counter.text), "link_answer_lost"}
    counter.demo.mend_processor()
    counter.calls_the_next()

    # The fourth rider is at the counter, and the staff member goes back as far as the browser allows.
    counter.confirms("harbor/older-adult")
    expect(page.locator("dialog select")).to_be_visible()
    seen = of_the_first | of_the_second | of_the_third
    assert [trace for trace in seen if trace in counter.text] == []
    assert not REFERENCE.search(page.url)
    assert not page.evaluate("document.cookie").replace("csrftoken", "").count("enrollment")
    for address in (ends["success"], ends["check-card"]):
        page.goto(address)
        assert [trace for trace in seen if trace in counter.text] == []
        assert urlsplit(page.url).query == ""
    for _ in range(page.evaluate("history.length") - 1):
        page.go_back()
        if "/still-checking/" in page.url:
            assert "This page is about an earlier rider" in counter.text
            assert [trace for trace in of_the_first | of_the_second if trace in counter.text] == []
        else:
            assert [trace for trace in seen if trace in counter.text] == []
        if page.url.endswith("/demo/"):
            break

    # While the fourth rider waits, the staff member returns to the third rider's page and settles the lost answer.
    page.goto(ends["still-checking"])
    expect(page.get_by_text("This page is about an earlier rider")).to_be_visible()
    page.get_by_role("button", name="Check again").click()
    page.wait_for_url(re.compile("/success/"))
    expect(page.get_by_text("This page is about an earlier rider")).to_be_visible()


def test_an_enrollment_needs_no_mouse(counter: Counter) -> None:
    keyboard, page = counter.page.keyboard, counter.page

    page.locator("main select").focus()
    keyboard.type("Mountain")
    keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Enter")  # sends the form from a field; a scanner ends its input with Enter, too

    # The card form opens by itself, with the focus on the field for the card.
    page.wait_for_url(re.compile("/enrollment/"))
    expect(page.locator("dialog select")).to_be_focused()
    keyboard.type("Card details refused")
    keyboard.press("Tab")
    keyboard.press("Enter")
    page.wait_for_url(re.compile("/check-card/"))

    _tabs_to(page, "Try again")
    keyboard.press("Enter")
    expect(page.locator("dialog select")).to_be_focused()
    keyboard.press("Escape")
    expect(page.get_by_role("button", name="Enroll the card")).to_be_focused()
    keyboard.press("Enter")
    expect(page.locator("dialog select")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    page.wait_for_url(re.compile("/success/"))

    _tabs_to(page, "Next rider")
    keyboard.press("Enter")
    page.wait_for_url(counter.start)


def _tabs_to(page: Page, name: str) -> None:
    """After the skip link, the first control in the page is the one that staff want."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == name


def rider(page: Page, demo: RunningDemo) -> None:
    """Qualifies as riders do online."""
    page.goto(f"{demo.url}/agencies/mountain/agency-card/")
    page.locator("input[name=card_number]").fill("123456")
    page.locator("main form .button").click()
    page.wait_for_url("**/enrollment/")


def staff_for_other_things(page: Page, demo: RunningDemo) -> None:
    page.goto(f"{demo.url}/demo/operator/")
    page.locator("form[action$='/sign-in/'] button").first.click()
    page.wait_for_url("**/admin/**")


@pytest.mark.parametrize("counter_at", COUNTERS)
@pytest.mark.parametrize("who", [None, rider, staff_for_other_things])
def test_nobody_else_gets_in_at_any_address(browser: Browser, demo: RunningDemo, who: object, counter_at: str) -> None:
    demo.choose("healthy")
    start = COUNTERS[counter_at]
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        if callable(who):
            who(page, demo)
        for address in ADDRESSES:
            response = page.goto(f"{demo.url}{start}enrollment/{address}")
            assert response
            if address in ("token/", "card-form/"):
                assert response.status == 403
                assert "You may not enroll riders" in response.text()
            elif who is staff_for_other_things:
                assert response.status == 403
                expect(page.locator("h1")).to_have_text("You may not enroll riders")
            else:
                assert urlsplit(page.url).path == "/staff/sign-in/"
                expect(page.locator("h1")).to_have_text("Staff sign-in")

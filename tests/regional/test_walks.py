"""In Chromium, riders of three processors reach every outcome: with a dialog, on the processor's own site, and with
fields in the page."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from enrollment_errors.sandbox.faults import Fault
from tests.inline.fields import fill_in

from .serving import GROUPS, Region

pytest_plugins = ["enrollment_errors.testing.plugin"]
pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


class Littlepay:
    """The rider chooses a card in a dialog."""

    agency, processor = "coast", "littlepay"

    def enters(self, page: Page, region: Region, end: str) -> None:
        page.click("#enrollment-open:enabled")
        if end == "cancelled":
            page.click("dialog button[type=button]")
            return
        card = {"already enrolled": "enrolled", "refused": "refused", "failed": "error-500"}.get(end, "visa")
        page.locator("dialog select").select_option(card)
        page.click("dialog button[type=submit]")

    def lets_the_visit_expire(self, page: Page, region: Region) -> None:
        """The page's access to card tokenization ends before the rider opens the form."""
        page.wait_for_selector("#enrollment-open:enabled")
        region.sandboxes["littlepay"].state.revoke_form_tokens()
        page.click("#enrollment-open:enabled")


class Switchio:
    """The rider chooses a card on the processor's own site."""

    agency, processor = "valley", "switchio"

    def enters(self, page: Page, region: Region, end: str) -> None:
        page.click("#enrollment-open:enabled")
        page.wait_for_url("**/gateway/**")
        if end == "cancelled":
            page.click("button[value=cancel]")
            return
        card = {"already enrolled": "enrolled", "refused": "refused", "failed": "error"}.get(end, "visa")
        page.locator("select").select_option(card)
        page.click("button[value='']")

    def lets_the_visit_expire(self, page: Page, region: Region) -> None:
        page.click("#enrollment-open:enabled")
        page.click("button[value=expire]")


class Inline:
    """The rider enters the card number in a gateway's fields within the page."""

    agency, processor = "harbor", "inline"

    def enters(self, page: Page, region: Region, end: str) -> None:
        digits = str(1000 + secrets.randbelow(9000))
        if end == "already enrolled":
            state = region.sandboxes["inline"].state
            state.link(state.add_card(f"{digits}-before"), GROUPS["inline"])
        if end == "cancelled":
            # There is nothing to cancel: a rider who changes their mind leaves the page, and may come back.
            page.goto(f"{region.url}/")
            page.go_back()
        elif end == "refused":
            fill_in(page, "tokenized", digits="0000")
        else:
            fill_in(page, "failed" if end == "failed" else "tokenized", digits=digits)

    def lets_the_visit_expire(self, page: Page, region: Region) -> None:
        """The gateway has no visit that expires. Its script says that the rider took too long."""
        fill_in(page, "failed")


WAYS = [Littlepay(), Switchio(), Inline()]


class Walk:
    def __init__(self, page: Page, region: Region, way: Any) -> None:
        self.page, self.region, self.way = page, region, way
        self.sandbox = region.sandboxes[way.processor]

    def qualifies(self) -> None:
        self.page.goto(self.region.qualifies_at(self.way.agency))

    def enrolls(self, end: str = "success") -> None:
        self.qualifies()
        self.way.enters(self.page, self.region, end)

    def ends_on(self, name: str, heading: str) -> None:
        self.page.wait_for_url(re.compile(f"/enrollment/{name}/"))
        expect(self.page.locator("h1")).to_have_text(heading)

    @property
    def links(self) -> int:
        return len(self.region.links(self.way.processor))


@pytest.fixture(params=WAYS, ids=lambda way: way.processor)
def walk(request: pytest.FixtureRequest, region: Region, enrollment_browser: Any) -> Iterator[Walk]:
    with enrollment_browser.new_context() as context:
        context.set_default_timeout(15_000)
        yield Walk(context.new_page(), region, request.param)


def test_success(walk: Walk) -> None:
    walk.enrolls()
    walk.ends_on("success", "Your card is enrolled")
    assert walk.links == 1


def test_already_enrolled(walk: Walk) -> None:
    walk.enrolls("already enrolled")
    walk.ends_on("success", "Your card is enrolled")
    assert walk.links == 1


def test_refused_and_then_another_card(walk: Walk) -> None:
    walk.enrolls("refused")
    walk.ends_on("check-card", "Check your card details")
    assert walk.links == 0
    walk.page.locator(".enrollment-actions .enrollment-button").first.click()
    walk.way.enters(walk.page, walk.region, "success")
    walk.ends_on("success", "Your card is enrolled")


def test_cancelled_and_then_continued(walk: Walk) -> None:
    walk.enrolls("cancelled")
    expect(walk.page.locator("#enrollment-open")).to_be_enabled()
    assert walk.links == 0
    walk.way.enters(walk.page, walk.region, "success")
    walk.ends_on("success", "Your card is enrolled")


def test_failed(walk: Walk) -> None:
    walk.enrolls("failed")
    walk.ends_on("system-error", "We cannot enroll your card right now")
    assert walk.links == 0


EXPIRED = {
    "littlepay": ("server-error", "Something went wrong on our side"),
    "inline": ("system-error", "We cannot enroll your card right now"),
}


def test_a_visit_that_expires(walk: Walk) -> None:
    walk.qualifies()
    walk.way.lets_the_visit_expire(walk.page, walk.region)
    if walk.way.processor in EXPIRED:
        walk.ends_on(*EXPIRED[walk.way.processor])
        walk.qualifies()
    else:
        status = walk.page.get_by_role("status")
        expect(status).to_contain_text("Your card is not enrolled yet")
    walk.way.enters(walk.page, walk.region, "success")
    walk.ends_on("success", "Your card is enrolled")


def test_down(walk: Walk) -> None:
    walk.sandbox.faults.set("*", Fault(kind="down"))
    walk.qualifies()
    walk.ends_on("system-error", "We cannot enroll your card right now")


def test_a_lost_answer_that_asking_settles(walk: Walk) -> None:
    walk.sandbox.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
    walk.enrolls()
    walk.ends_on("success", "Your card is enrolled")
    assert walk.links == walk.sandbox.calls["link"] == 1


def test_a_lost_answer_that_is_settled_later(walk: Walk) -> None:
    walk.sandbox.faults.set("link", Fault(kind="reset", after_effect=True, times=1))
    before = [Fault(kind="delay", seconds=0, times=1)] if walk.way.processor == "switchio" else []
    walk.sandbox.faults.set("groups", *before, Fault(kind="status", status=503))
    walk.enrolls()
    walk.ends_on("still-checking", "We are still checking")
    walk.sandbox.faults.clear()
    walk.page.locator("[data-enrollment=check] button").click()
    walk.ends_on("success", "Your card is enrolled")
    assert walk.links == walk.sandbox.calls["link"] == 1

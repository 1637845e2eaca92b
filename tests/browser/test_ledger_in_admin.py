"""Operators find, read, download and use the ledger's pages in the running demo's admin, on a phone and on a desktop.
The pages are accessible and have no script of their own."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
import requests
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.example.rider import Rider
from tests.example.running import RunningDemo, run_demo

from .test_accessibility import RULES

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

WIDTHS = (390, 1280)
OURS = {"include": "#content-main", "exclude": "#changelist-filter"}  # a list's filters are Django's own
GROUP = "mountain-older-adult"

demo = pytest.fixture(scope="module", name="demo")(run_demo)


@pytest.fixture
def stopped() -> list[str]:
    """What the demo's strict Content-Security-Policy has blocked."""
    return []


@pytest.fixture
def operator(browser: Browser, demo: RunningDemo, stopped: list[str]) -> Iterator[Page]:
    """An operator who is signed in, on the admin's first page, after one rider has enrolled."""

    def listen(message: ConsoleMessage) -> None:
        # Before Django 6.1, the admin's own pages have scripts and styles that such a policy blocks.
        if "Content Security Policy" in message.text and django.VERSION >= (6, 1):
            stopped.append(message.text)

    demo.choose("healthy")
    with Rider(demo.url) as rider:
        rider.qualify("older-adult", "mountain")
        assert "/enrollment/success/" in rider.enroll().url
    with browser.new_context(locale="en-US") as context:
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", listen)
        page.goto(f"{demo.url}/demo/operator/")
        page.get_by_role("button", name="Sign in to the admin as an operator").click()
        yield page


def check(page: Page, name: str) -> None:
    """Checks our part of the page at each width, and saves pictures if ENROLLMENT_ERRORS_PICTURES names a folder.

    Wait for something that only this page has before you call it: a click returns before the next page is there.
    """
    page.wait_for_load_state()
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate("([where, rules]) => axe.run(where, rules)", [OURS, RULES])["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], (name, width)
        too_wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, (name, width)
        if folder := os.environ.get("ENROLLMENT_ERRORS_PICTURES"):
            Path(folder, f"{name}-{width}.png").write_bytes(page.screenshot(full_page=True))


def add_card(demo: RunningDemo, token: str) -> str:
    """Adds a card to the group. Returns its funding source id, which operators find in the processor's back office."""

    def post(name: str, body: dict[str, Any]) -> Any:
        response = requests.post(f"{demo.sandbox_url}/sandbox/{name}", json=body, timeout=5)
        response.raise_for_status()
        return response

    source: str = post("cards", {"token": token}).json()["id"]
    post("links", {"card_token": token, "group": GROUP})
    return source


def test_from_the_admins_first_page_to_what_is_known_of_an_enrollment(operator: Page, stopped: list[str]) -> None:
    operator.get_by_role("link", name="Enrollments", exact=True).first.click()
    operator.locator("#result_list tbody th a").first.click()
    expect(operator.locator("#content-main")).to_contain_text("The card was linked to the concession group.")
    reference = operator.locator(".field-reference .readonly").inner_text()
    operator.get_by_role("link", name="All that is known of this reference").click()

    expect(operator.get_by_role("heading", name=reference)).to_be_visible()
    expect(operator.locator(".state")).to_contain_text("Enrolled")
    check(operator, "reference")

    operator.locator("#content-main").get_by_label("Reference").fill("Lopez")
    operator.get_by_role("button", name="Look up").click()
    expect(operator.locator("#content-main")).to_contain_text("“Lopez” is no reference")
    assert stopped == []


def test_the_list_and_its_export(operator: Page, demo: RunningDemo, stopped: list[str]) -> None:
    operator.get_by_role("link", name="Enrollments", exact=True).first.click()
    expect(operator.get_by_role("link", name="Export this list as CSV")).to_be_visible()
    check(operator, "list")
    operator.set_viewport_size({"width": 1280, "height": 900})
    operator.locator("#changelist-filter").get_by_role("link", name="mountain").first.click()
    operator.wait_for_url("**/entry/?*=mountain")

    link = operator.get_by_role("link", name="Export this list as CSV")
    export = operator.request.get(f"{demo.url}{link.get_attribute('href')}")

    assert export.headers["content-disposition"] == 'attachment; filename="enrollments.csv"'
    rows = list(csv.DictReader(export.body().decode("utf-8-sig").splitlines()))
    assert {row["agency"] for row in rows} == {"mountain"}
    assert rows[0]["group_id"] == GROUP
    assert stopped == []


def test_the_sums(operator: Page, stopped: list[str]) -> None:
    operator.get_by_role("link", name="Enrollments", exact=True).first.click()
    operator.get_by_role("link", name="Sums by month and day").click()
    expect(operator.get_by_role("columnheader", name="Month")).to_be_visible()
    check(operator, "sums")

    operator.get_by_label("By", exact=True).select_option("day")
    operator.get_by_role("button", name="Show", exact=True).click()
    expect(operator.get_by_role("columnheader", name="Day")).to_be_visible()
    export = operator.request.get(f"{operator.url}&as=csv")
    assert export.text().startswith("\ufeffday,agency,flow")
    assert stopped == []


def test_a_card_is_taken_out_of_its_group_in_two_steps(operator: Page, demo: RunningDemo, stopped: list[str]) -> None:
    card = add_card(demo, "the-card-of-somebody")
    operator.get_by_role("link", name="Enrollments", exact=True).first.click()
    operator.locator("#result_list tbody th a").first.click()
    operator.get_by_role("link", name="Remove the card from the group").click()
    form = operator.locator("#content-main")
    expect(form.get_by_label("Group")).to_have_value(GROUP)
    check(operator, "unlink")
    form.get_by_label("Card").fill("source-of-nobody")
    form.get_by_role("button", name="Look at this card").click()
    expect(form).to_contain_text("This field is required.")
    check(operator, "unlink-mistakes")
    form.get_by_label("Card").fill(card)
    form.get_by_label("Reason").fill("The rider asked for it at the counter.")

    form.get_by_role("button", name="Look at this card").click()
    expect(form).to_contain_text("The processor says that the card is in this group")
    check(operator, "confirm")
    form.get_by_role("button", name="Remove the card from the group").click()

    expect(operator.locator(".messagelist")).to_contain_text("removed")
    expect(form).to_contain_text("The rider asked for it at the counter.")
    operator.get_by_role("link", name="All that is known of this reference").click()
    expect(operator.locator(".state")).to_contain_text("the card was taken out of the group.")
    check(operator, "reference-unlinked")
    state = requests.get(f"{demo.sandbox_url}/sandbox/state", timeout=5).json()
    assert state["groups"][GROUP]["members"] == 1  # the other card, which the rider enrolled
    assert stopped == []

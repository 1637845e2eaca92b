"""How a rider walks through the example site, in either language, from the eligibility page to the end."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import translation
from playwright.sync_api import Page, expect

from tests.example.running import RunningDemo
from tests.pages.catalogs import said

LANGUAGES = ("en", "es")
AGENCY = "Mountain Valley Transit"

HEADINGS = {
    "success": "Your card is enrolled",
    "check-card": "Check your card details",
    "too-early": "It is too early to enroll again",
    "still-checking": "We are still checking",
    "system-error": "We cannot enroll your card right now",
    "server-error": "Something went wrong on our side",
    "cannot-enroll": "Start again to enroll",
    "finishing": "We will finish this for you",
}
STATUSES = {"system-error": 503, "server-error": 500}

STARTED, FINISHED = "started card tokenization", "finished card tokenization"
RETURNED, NO_ACCESS = "returned enrollment", "failed pre-tokenization request"

in_english = pytest.mark.parametrize("language", ["en"])


def status(code: int, body: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": code, "body": body, **more}


def words(english: str, language: str) -> str:
    with translation.override(language):
        return said(english)


class Walk:
    def __init__(self, page: Page, demo: RunningDemo, language: str) -> None:
        self.page, self.demo, self.language = page, demo, language

    def qualify(self, benefit: str = "older-adult", agency: str = "mountain") -> None:
        """Goes through the agency's page and eligibility to the page with the card form."""
        self.page.goto(f"{self.demo.url}/agencies/{agency}/")
        self.page.locator(f"main a[href$='/{benefit}/']").click()
        if benefit == "agency-card":
            self.page.locator("input[name=card_number]").fill("123456")
        else:
            self.page.locator("main a.button").click()
            self.page.locator("button[value=qualifies]").click()
        self.page.locator("main form .button").click()
        self.page.wait_for_url(re.compile("/enrollment/"))

    def stop_the_clock(self) -> None:
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1_000_000)

    def open_enroll_page(self) -> None:
        self.page.goto(f"{self.demo.url}/enrollment/")

    def open_card_form(self) -> None:
        self.page.locator("#enrollment-open:enabled").click()

    def use_card(self, card: str) -> None:
        self.open_card_form()
        self.page.locator("dialog select").select_option(card)
        self.page.locator("dialog button[type=submit]").click()

    def expect_end(self, name: str) -> None:
        """Waits for the page of that name, and checks its status, and its words in both languages."""
        self.page.wait_for_url(re.compile(f"/{name}/"))
        assert self.page.request.get(self.page.url).status == STATUSES.get(name, 200), self.page.url
        self._expect_words(name, self.language)
        other = next(language for language in LANGUAGES if language != self.language)
        reference = self.reference
        self._switch_to(other)
        self._expect_words(name, other)
        assert self.reference == reference
        self._switch_to(self.language)

    def _expect_words(self, name: str, language: str) -> None:
        heading = words(HEADINGS[name], language)
        expect(self.page.locator("html")).to_have_attribute("lang", language)
        expect(self.page.locator("h1")).to_have_text(heading)
        expect(self.page).to_have_title(f"{heading}, {AGENCY}")

    def _switch_to(self, language: str) -> None:
        self.page.locator(f"button[name=language][value={language}]").click()
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    @property
    def reference(self) -> str | None:
        """The reference on the page, if it shows one."""
        shown = self.page.locator(".enrollment-reference [aria-hidden]")
        return shown.inner_text() if shown.count() else None

    @property
    def main_button(self) -> Any:
        return self.page.locator(".enrollment-actions .enrollment-button").first

    def expect_told(self, *amplitude: str, sentry: str | None = None) -> None:
        """Expects exactly these Amplitude events, and one Sentry event with a code that ``sentry`` matches, or none.

        The last name is the event that reports the end. It must have the reference on the page, and so must Sentry's
        event. (The page reports on its form while it submits it, so events may arrive in a different order.)
        """
        errors, events = self.demo.events(sentry=0 if sentry is None else 1, amplitude=len(amplitude))
        assert sorted(event["event_type"] for event in events) == sorted(amplitude)
        assert len(errors) == (0 if sentry is None else 1)
        assert all(re.fullmatch(sentry or "", error["tags"]["enrollment.code"]) for error in errors)
        told = [event["event_properties"]["reference"] for event in events if event["event_type"] == amplitude[-1]]
        told += [error["tags"]["enrollment.reference"] for error in errors]
        assert set(told) == {self.reference or told[0]}

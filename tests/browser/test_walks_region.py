"""One card for three agencies: riders enter it in a dialog for two of them, and on another site for the third."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

from .walks import Walk, in_english, words

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

HERE, HARBOR, DESERT = "Mountain Valley Transit", "Harbor Bus Lines", "Valley Desert Transit"


class RegionalWalk:
    def __init__(self, walk: Walk) -> None:
        self.page, self.language = walk.page, walk.language
        self.walk = walk

    def begin(self, scenario: str) -> None:
        self.walk.demo.choose(scenario)
        self.walk.qualify("regional")
        self.walk.use_card("visa")

    def enter_the_card_at_the_third(self) -> None:
        self.walk.open_card_form()
        self.page.wait_for_url("**/gateway/**")
        self.page.locator("select").select_option("visa")
        self.page.click("button[value='']")

    def expect_states(self, heading: str, states: Mapping[str, str]) -> None:
        expect(self.page.locator("h1")).to_have_text(words(heading, self.language))
        shown: Any = self.page.locator(".enrollment-dates").last.locator("> div")
        told = [(row.locator("dt").inner_text(), row.locator("dd").first.inner_text()) for row in shown.all()]
        assert dict(told) == {agency: words(state, self.language) for agency, state in states.items()}

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=words(button, self.language)).click()


@pytest.fixture
def regional(walk: Walk) -> RegionalWalk:
    return RegionalWalk(walk)


def test_all_are_linked(regional: RegionalWalk) -> None:
    regional.begin("regional")
    regional.expect_states("Enter your card again", {HERE: "Enrolled", HARBOR: "Enrolled", DESERT: "Card needed"})
    regional.enter_the_card_at_the_third()
    regional.page.wait_for_url(re.compile("/success/"))
    regional.expect_states("Your card is enrolled", {HERE: "Enrolled", HARBOR: "Enrolled", DESERT: "Enrolled"})


def test_the_second_is_down_and_tried_again(regional: RegionalWalk) -> None:
    regional.begin("regional-one-fails")
    regional.page.wait_for_url(re.compile("/partial/"))
    some = "Your card is enrolled with some agencies"
    regional.expect_states(some, {HERE: "Enrolled", HARBOR: "Not enrolled yet", DESERT: "Card needed"})
    regional.press("Try again")
    regional.expect_states("Enter your card again", {HERE: "Enrolled", HARBOR: "Enrolled", DESERT: "Card needed"})
    regional.enter_the_card_at_the_third()
    regional.page.wait_for_url(re.compile("/success/"))


def test_an_unknown_one_is_settled(regional: RegionalWalk) -> None:
    regional.begin("regional-answer-lost")
    regional.page.wait_for_url(re.compile("/partial/"))
    regional.expect_states("We are still checking", {HERE: "Enrolled", HARBOR: "Still checking", DESERT: "Card needed"})
    regional.press("Check again")
    regional.expect_states("Enter your card again", {HERE: "Enrolled", HARBOR: "Enrolled", DESERT: "Card needed"})


@in_english
def test_cancelling_at_the_third_hides_nothing(regional: RegionalWalk) -> None:
    regional.begin("regional")
    regional.walk.open_card_form()
    regional.page.wait_for_url("**/gateway/**")
    regional.page.click("button[value=cancel]")
    regional.page.wait_for_url(re.compile("/enrollment/"))
    regional.expect_states("Enter your card again", {HERE: "Enrolled", HARBOR: "Enrolled", DESERT: "Card needed"})
    expect(regional.page.get_by_role("status")).to_contain_text("What is enrolled stays enrolled.")

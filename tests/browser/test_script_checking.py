"""The still-checking page's script asks again, both when the rider presses the button and by itself."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .enroll_page import SILENT, Checking

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

WAITING = "No answer yet. You can wait here. We will check again for you."


class TestCheckAgain:
    def test_waiting_says_so(self, checking: Checking) -> None:
        checking.answers(status=204)  # the browser stays where it is
        checking.button.click()
        expect(checking.status).to_have_text("Checking…")
        checking.waits(10)
        expect(checking.status).to_have_text("Still checking. You can wait or return home.")
        expect(checking.page.get_by_role("link", name="Return home")).to_be_visible()

    def test_the_button_works_again_after_an_answer_that_never_came(self, checking: Checking) -> None:
        checking.answers(status=204)
        for times in (1, 2):
            checking.button.click()
            checking.has_asked(times)
            checking.waits(2)

    def test_a_double_click_asks_once(self, checking: Checking) -> None:
        checking.answers(status=204)
        checking.button.click()
        checking.has_asked(1)
        checking.button.click()
        checking.waits(2)
        checking.button.click()
        checking.has_asked(2)

    def test_offline_is_told_in_the_page(self, checking: Checking) -> None:
        checking.page.context.set_offline(True)
        checking.button.click()
        expect(checking.status).to_have_text("Check your internet connection, then try again.")
        checking.page.context.set_offline(False)
        checking.button.click()
        checking.has_asked(1)


class TestCheckingByItself:
    def test_it_asks_a_few_times_and_leaves_the_rest_to_the_button(self, checking: Checking) -> None:
        expect(checking.status).to_have_text(WAITING)
        for asked, seconds in enumerate((5, 15, 45, 90, 180)):
            expect(checking.status).to_have_text(WAITING)
            checking.waits(seconds - 1)
            checking.has_asked(asked)
            checking.waits(seconds / 5 + 2)
            checking.has_asked(asked + 1)
        expect(checking.status).to_have_text("There is still no answer. You can check again or return home.")
        checking.waits(3600)
        checking.has_asked(5)
        expect(checking.button).to_be_enabled()

    def test_it_asks_with_what_the_form_has(self, checking: Checking) -> None:
        checking.waits(6)
        checking.has_asked(1)
        assert checking.asked == ["csrfmiddlewaretoken=a-csrf-token"]

    def test_an_end_leads_to_its_page_and_back_does_not_lead_to_the_old_one(self, checking: Checking) -> None:
        checking.ends_on("success")
        checking.waits(6)
        checking.is_on("success")
        assert len(checking.asked) == 1
        checking.page.go_back()
        checking.is_on("before")

    @pytest.mark.parametrize("answer", ["silence", "abort", 502, 429, 403])
    def test_what_is_no_end_is_asked_for_again(self, checking: Checking, answer: Any) -> None:
        if answer == "silence":
            checking.page.route(checking.url, SILENT)
        elif answer == "abort":
            checking.page.route(checking.url, lambda route: route.abort())
        else:
            checking.answers(status=answer, body="<h1>Not now</h1>", content_type="text/html")
        checking.waits(6)
        if answer == "silence":
            expect(checking.status).to_have_text("Checking…")
            checking.waits(10)
            expect(checking.status).to_have_text("Still checking. You can wait or return home.")
            checking.waits(10)
        expect(checking.status).to_have_text(WAITING)
        checking.page.unroute(checking.url)
        checking.ends_on("success")
        checking.waits(18)
        checking.is_on("success")

    def test_out_of_sight_it_does_not_ask(self, checking: Checking) -> None:
        checking.is_out_of_sight(True)
        checking.waits(3600)
        checking.has_asked(0)
        checking.is_out_of_sight(False)
        checking.waits(0)
        checking.has_asked(1)
        expect(checking.status).to_have_text(WAITING)

    def test_a_press_meanwhile_gets_the_answer_that_is_under_way(self, checking: Checking) -> None:
        held = checking.holds_its_answer()
        checking.waits(6)
        checking.has_asked(1)
        checking.button.click()
        checking.button.click()
        held.pop().fulfill(status=200, body="<title>still checking</title>")
        expect(checking.status).to_have_text(WAITING)
        checking.has_asked(1)

    def test_a_press_meanwhile_shows_what_answers_in_our_place(self, checking: Checking) -> None:
        held = checking.holds_its_answer()
        checking.waits(6)
        checking.has_asked(1)
        checking.button.click()
        checking.page.unroute(checking.url)
        checking.answers(status=403, body="<title>cannot-enroll</title>", content_type="text/html")
        held.pop().fulfill(status=403, body="<title>cannot-enroll</title>")
        checking.is_on("cannot-enroll")
        checking.has_asked(2)

    def test_after_a_press_it_does_not_ask(self, checking: Checking) -> None:
        checking.answers(status=204)
        checking.button.click()
        checking.waits(3600)
        checking.is_out_of_sight(True)
        checking.is_out_of_sight(False)
        checking.waits(3600)
        checking.has_asked(1)

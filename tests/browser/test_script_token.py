"""The enroll page's script: every way in which the token view can answer, and what the script reports to the site."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .enroll_page import SILENT, Enroll
from .gallery_site import address

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]

LOG_IN = {"status": 200, "body": "<!doctype html><h1>Log in</h1>", "content_type": "text/html"}
TOKEN = {"json": {"token": "tokenization-access"}}


class TestATokenThatExpires:
    def test_is_replaced_while_the_page_is_open(self, enroll: Enroll) -> None:
        enroll.token_answers(json={"token": "tokenization-access", "expires_in": 1})
        enroll.opens().is_ready()
        with enroll.page.expect_navigation():
            pass

    def test_in_months_leaves_the_page_alone(self, enroll: Enroll) -> None:
        enroll.token_answers(json={"token": "tokenization-access", "expires_in": 90 * 24 * 3600})
        enroll.opens().is_ready()
        enroll.page.evaluate("window.isTheSame = true")
        enroll.page.wait_for_timeout(300)
        assert enroll.page.evaluate("window.isTheSame") is True

    def test_behind_the_card_form_is_replaced_after_a_cancel(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.token_answers(json={"token": "tokenization-access", "expires_in": 60})
        enroll.opens().is_ready()
        enroll.button.click()
        enroll.page.evaluate("window.isTheSame = true")
        enroll.waits(61)
        assert enroll.page.evaluate("window.isTheSame") is True
        with enroll.page.expect_navigation():
            enroll.card_form("onCancel")
        enroll.is_ready()

    def test_out_of_sight_is_replaced_only_when_the_rider_is_back(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.token_answers(json={"token": "tokenization-access", "expires_in": 60})
        enroll.opens().is_ready()
        enroll.page.evaluate("window.isTheSame = true")
        enroll.is_out_of_sight(True)
        enroll.waits(3600)
        assert enroll.page.evaluate("window.isTheSame") is True
        with enroll.page.expect_navigation():
            enroll.is_out_of_sight(False)
        enroll.is_ready()


class TestTheTokenRequest:
    def test_an_error_envelope_leads_where_it_says_and_is_not_reported_again(self, enroll: Enroll) -> None:
        enroll.token_answers(status=503, json={"errors": [{"status": "503"}], "redirect": "/pages/system-error/"})
        enroll.opens()
        enroll.is_on("system-error")
        assert enroll.reports == []

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (LOG_IN, 200),
            ({"status": 502, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"}, 502),
            ({"status": 511, "body": "<h1>Sign in to the bus</h1>", "content_type": "text/html"}, 511),
            ({"status": 200, "body": ""}, 200),
            ({"status": 200, "json": None}, 200),
            ({"status": 200, "json": ["token"]}, 200),
            ({"status": 200, "json": {"token": None}}, 200),
            ({"status": 200, "json": {"token": ""}}, 200),
            ({"status": 200, "json": {"redirect": "/pages/gateway/"}}, 200),
            ({"status": 503, "json": {"errors": [], "redirect": "https://elsewhere.example/"}}, 503),
            ({"status": 503, "json": {"errors": [], "redirect": "//elsewhere.example/"}}, 503),
            ({"status": 503, "json": {"errors": [], "redirect": "/\\elsewhere.example/"}}, 503),
        ],
    )
    def test_an_answer_that_is_not_ours_is_reported_and_the_rider_can_try_again(
        self, enroll: Enroll, answer: Any, status: int
    ) -> None:
        enroll.token_answers(**answer)
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", status))

    def test_no_answer_is_reported_and_the_rider_can_try_again(self, enroll: Enroll) -> None:
        enroll.page.route("**/token/", lambda route: route.abort())
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", None))

    def test_a_refusal_that_is_not_ours_leads_where_the_report_says(self, enroll: Enroll) -> None:
        enroll.token_answers(status=403, json={"detail": "no"})
        enroll.reports_lead_to("/pages/server-error/")
        enroll.opens()
        enroll.is_on("server-error")
        assert enroll.reports == [("token_failed", 403)]

    def test_waiting_says_so_offers_a_way_out_and_ends(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.page.route("**/token/", SILENT)
        enroll.opens()
        expect(enroll.status).to_have_text("Getting the card form ready…")
        expect(enroll.button).to_be_disabled()
        enroll.waits(10)
        expect(enroll.status).to_have_text("Still trying. You can wait, try again, or return home.")
        expect(enroll.page.get_by_role("link", name="Try again")).to_be_visible()
        expect(enroll.page.get_by_role("link", name="Return home")).to_be_visible()
        enroll.waits(10)
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", None))


class TestTryingAgain:
    def test_gets_the_card_form_without_a_new_page(self, enroll: Enroll) -> None:
        enroll.answers_in_turn(LOG_IN, TOKEN)
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.page.evaluate("window.isTheSame = true")
        enroll.tries_again()
        enroll.is_ready()
        expect(enroll.alert).to_be_hidden()
        expect(enroll.button).to_be_focused()
        assert enroll.page.evaluate("window.isTheSame") is True
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")

    def test_gets_the_way_to_the_processor(self, enroll: Enroll) -> None:
        enroll.answers_in_turn(LOG_IN, {"json": {"redirect": f"{enroll.site}/pages/gateway/"}})
        enroll.opens("enroll-redirect")
        enroll.tries_again()
        enroll.is_ready()
        enroll.button.click()
        enroll.is_on("gateway")

    def test_with_the_keyboard_keeps_the_focus_where_the_news_are(self, enroll: Enroll) -> None:
        enroll.answers_in_turn({"status": 502}, None)
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.page.keyboard.press("Tab")
        enroll.page.keyboard.press("Enter")
        expect(enroll.status).to_be_focused()
        expect(enroll.status).to_have_text("Getting the card form ready…")

    def test_loads_the_card_form_again_where_it_did_not_come_either(self, enroll: Enroll) -> None:
        enroll.page.context.set_offline(True)  # cuts off the token and the card form, but not the page itself
        enroll.page.route(address(enroll.site, "enroll"), lambda route: route.fulfill(response=route.fetch()))
        enroll.page.route("**/static/**", lambda route: route.fulfill(response=route.fetch()))
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.page.context.set_offline(False)
        enroll.tries_again()
        enroll.is_ready()
        assert enroll.page.locator("script[src='/card-form.js']").count() == 2

    def test_loads_the_card_form_once_where_it_came(self, enroll: Enroll) -> None:
        enroll.answers_in_turn({"status": 502}, TOKEN)
        with enroll.page.expect_response("**/card-form.js"):
            enroll.opens()
        enroll.tries_again()
        enroll.is_ready()
        assert enroll.page.locator("script[src='/card-form.js']").count() == 1

    def test_as_often_as_the_rider_likes_stays_in_place_while_nobody_answers(self, enroll: Enroll) -> None:
        enroll.page.route("**/token/", lambda route: route.abort())
        enroll.opens()
        enroll.page.evaluate("window.isTheSame = true")
        for _ in range(3):
            enroll.is_asked_to_try_again()
            enroll.tries_again()
        enroll.is_asked_to_try_again()
        assert enroll.page.evaluate("window.isTheSame") is True

    def test_a_second_time_shows_the_page_of_those_who_answer_in_our_place(self, enroll: Enroll) -> None:
        enroll.answers_in_turn(LOG_IN, LOG_IN, TOKEN)
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.tries_again()
        enroll.is_asked_to_try_again()
        with enroll.page.expect_navigation():
            enroll.tries_again()
        enroll.is_ready()

    def test_can_end_on_the_page_that_the_token_view_names(self, enroll: Enroll) -> None:
        enroll.answers_in_turn({"status": 502}, {"status": 409, "json": {"errors": [], "redirect": "/pages/changed/"}})
        enroll.opens()
        enroll.tries_again()
        enroll.is_on("changed")


class TestTellingOfATokenThatDidNotCome:
    def test_is_made_up_for_when_the_rider_tries_again_with_success(self, enroll: Enroll) -> None:
        enroll.answers_in_turn(LOG_IN, TOKEN)
        enroll.report_answer = LOG_IN
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", 200))
        enroll.reports_lead_to(None)
        enroll.tries_again()
        enroll.is_ready()
        enroll.has_reported(("token_failed", 200), ("token_failed", 200))

    def test_is_made_up_for_when_the_connection_is_back(self, enroll: Enroll) -> None:
        enroll.page.route("**/token/", lambda route: route.abort())
        enroll.report_answer = {"status": 502}
        enroll.opens()
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", None))
        enroll.reports_lead_to(None)
        for reports in (2, 2):  # the second time, there is nothing left to report
            enroll.page.evaluate("window.dispatchEvent(new Event('online'))")
            enroll.has_reported(*[("token_failed", None)] * reports)
        enroll.is_asked_to_try_again()

    def test_moves_the_rider_where_the_answer_says_so(self, enroll: Enroll) -> None:
        enroll.page.route("**/token/", lambda route: route.abort())
        enroll.report_answer = {"status": 403, "json": {"errors": [], "redirect": "/pages/cannot-enroll/"}}
        enroll.opens()
        enroll.is_on("cannot-enroll")


class TestTheReport:
    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 500, "body": "<h1>Server error</h1>", "content_type": "text/html"},
            {"json": {"redirect": None}},
            {"json": {"redirect": "https://elsewhere.example/"}},
            {"json": {"redirect": "javascript:alert(1)"}},
        ],
    )
    def test_one_that_names_no_page_is_told_in_the_page(self, enroll: Enroll, answer: Any) -> None:
        enroll.report_answer = answer
        enroll.opens().is_ready()
        enroll.card_form("onError", {"status": 500})
        enroll.is_told_in_the_page()

    def test_offline_asks_the_rider_to_check_the_connection(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.page.unroute("**/report/")
        enroll.page.context.set_offline(True)
        enroll.card_form("onError", {})
        enroll.is_asked_to_try_again()
        enroll.page.context.set_offline(False)
        enroll.tries_again()
        enroll.is_ready()

    def test_one_that_never_answers_asks_the_rider_to_check_the_connection(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.opens().is_ready()
        enroll.page.unroute("**/report/")
        enroll.page.route("**/report/", SILENT)
        enroll.card_form("onError", {})
        expect(enroll.status).to_have_text("One moment…")
        enroll.waits(10)
        enroll.is_asked_to_try_again()

    def test_an_error_envelope_leads_where_it_says(self, enroll: Enroll) -> None:
        enroll.report_answer = {"status": 403, "json": {"errors": [], "redirect": "/pages/cannot-enroll/"}}
        enroll.opens().is_ready()
        enroll.card_form("onVerificationFailure")
        enroll.is_on("cannot-enroll")

"""The enroll page's script: the card form, the way to the processor, and coming back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from .enroll_page import SILENT, Enroll
from .gallery_site import address

pytestmark = [pytest.mark.browser, pytest.mark.ci_only]


class TestTheCardForm:
    def test_it_gets_what_the_processor_needs(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        given = enroll.page.evaluate("Object.assign({}, window.cardForm)")
        assert given["authorization"] == "tokenization-access"
        assert given["element"] == "#enrollment-open"
        assert given["color"] == "#fff"

    def test_opening_it_is_reported_once(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.button.click()
        enroll.button.click()
        with enroll.page.expect_response(lambda response: "cancelled" in (response.request.post_data or "")):
            enroll.card_form("onCancel")
        assert [event for event, _ in enroll.reports] == ["started", "cancelled"]

    def test_reports_carry_the_csrf_token(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        with enroll.page.expect_request("**/report/") as report:
            enroll.button.click()
        assert report.value.headers["x-csrftoken"] == "a-csrf-token"

    def test_all_that_the_page_asks_and_tells_says_what_the_page_was_made_for(self, enroll: Enroll) -> None:
        with enroll.page.expect_request("**/token/") as asked:
            enroll.opens().is_ready()
        assert asked.value.post_data_json == {"made_for": "a-signature"}
        enroll.button.click()
        enroll.card_form("onCancel")
        enroll.has_reported(("started", None), ("cancelled", None))
        assert enroll.made_for == ["a-signature"] * 2

    def test_opening_it_can_end_where_the_rider_may_not_enroll_any_more(self, enroll: Enroll) -> None:
        enroll.note_answer = {"status": 409, "json": {"errors": [], "redirect": "/pages/changed/"}}
        enroll.opens().is_ready()
        enroll.button.click()
        enroll.is_on("changed")

    def test_a_card_token_is_posted_whatever_the_reports_say(self, enroll: Enroll) -> None:
        enroll.note_answer = {"status": 409, "json": {"errors": [], "redirect": "/pages/changed/"}}
        enroll.opens().is_ready()
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")

    def test_one_that_never_calls_back_leaves_a_way_on(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.opens().is_ready()
        enroll.button.click()
        expect(enroll.status).to_have_text("Enter your card details in the card form.")
        expect(enroll.page.get_by_role("link", name="Try again")).to_be_hidden()
        enroll.waits(10)
        expect(enroll.status).to_contain_text("If you do not see it, try again.")
        with enroll.page.expect_navigation():
            enroll.page.get_by_role("link", name="Try again").click()
        enroll.is_ready()

    def test_a_card_token_is_posted(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")
        assert ["card_token=a-card" in body for body in enroll.posted] == [True]
        assert ("tokenized", None) in enroll.reports

    def test_a_card_token_waits_for_the_connection(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.page.unroute("**/report/")
        enroll.page.context.set_offline(True)
        enroll.card_form("onTokenize", {"token": "a-card"})
        expect(enroll.status).to_have_text("Check your internet connection, then try again.")
        assert enroll.posted == []
        enroll.page.context.set_offline(False)
        enroll.is_on("posted")
        assert ["card_token=a-card" in body for body in enroll.posted] == [True]

    def test_a_card_token_does_not_wait_for_a_browser_that_is_wrong_about_its_connection(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => false })")
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")

    def test_a_second_card_token_is_not_posted(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.page.evaluate("() => { for (const token of ['one', 'two']) window.cardForm.onTokenize({ token }); }")
        enroll.is_on("posted")
        assert ["card_token=one" in body for body in enroll.posted] == [True]

    def test_an_error_after_the_card_token_is_no_news(self, enroll: Enroll) -> None:
        enroll.reports_lead_to("/pages/system-error/")
        enroll.opens().is_ready()
        enroll.page.evaluate(
            "() => { window.cardForm.onTokenize({ token: 'one' }); window.cardForm.onError({ status: 500 }); }"
        )
        enroll.is_on("posted")
        assert enroll.reports == [("tokenized", None)]

    @pytest.mark.parametrize("answer", [None, {}, {"token": ""}, {"token": 7}])
    def test_a_card_token_that_is_none_is_a_failure(self, enroll: Enroll, answer: Any) -> None:
        enroll.reports_lead_to("/pages/system-error/")
        enroll.opens().is_ready()
        enroll.card_form("onTokenize", answer)
        enroll.is_on("system-error")
        assert enroll.reports == [("failed", None)]

    def test_refused_details_lead_where_the_report_says(self, enroll: Enroll) -> None:
        enroll.reports_lead_to("/pages/check-card/")
        enroll.opens().is_ready()
        enroll.card_form("onVerificationFailure", {"status": 200})
        enroll.is_on("check-card")
        assert enroll.reports == [("refused", 200)]

    @pytest.mark.parametrize(
        ("answer", "status"),
        [({"status": 401}, 401), ({"status": 500}, 500), ({}, None), (None, None), ({"status": "broken"}, None)],
    )
    def test_an_error_is_reported_with_its_status(self, enroll: Enroll, answer: Any, status: int | None) -> None:
        enroll.reports_lead_to("/pages/server-error/")
        enroll.opens().is_ready()
        enroll.card_form("onError", answer)
        enroll.is_on("server-error")
        assert enroll.reports == [("failed", status)]

    def test_back_from_a_failure_does_not_come_to_the_spent_page(self, enroll: Enroll) -> None:
        enroll.page.goto(f"{enroll.site}/pages/before/")
        enroll.reports_lead_to("/pages/system-error/")
        enroll.opens().is_ready()
        enroll.card_form("onError", {"status": 503})
        enroll.is_on("system-error")
        enroll.page.go_back()
        enroll.is_on("before")

    def test_after_a_cancel_the_button_works_again(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.button.click()
        enroll.card_form("onCancel")
        expect(enroll.status).to_have_text("You closed the card form. Your card is not enrolled yet.")
        enroll.button.click()
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")
        assert [event for event, _ in enroll.reports] == ["started", "cancelled", "started", "tokenized"]

    def test_one_that_does_not_load_is_reported(self, enroll: Enroll) -> None:
        enroll.page.route("**/card-form.js", lambda route: route.abort())
        enroll.reports_lead_to("/pages/system-error/")
        enroll.opens()
        enroll.is_on("system-error")
        assert enroll.reports == [("form_not_loaded", None)]

    @pytest.mark.parametrize(
        "script",
        [
            "",
            "syntax error",
            "window.littlepay = () => { throw new Error('no'); };",
            "window.littlepay = async () => { throw new Error('no'); };",
        ],
    )
    def test_one_that_is_none_is_reported(self, enroll: Enroll, script: str) -> None:
        enroll.page.route("**/card-form.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
        enroll.reports_lead_to("/pages/system-error/")
        enroll.opens()
        enroll.is_on("system-error")
        assert enroll.reports == [("form_not_loaded", None)]

    def test_one_that_never_comes_is_given_up(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.page.route("**/card-form.js", SILENT)
        enroll.reports_lead_to("/pages/system-error/")
        with enroll.page.expect_response("**/token/"):
            enroll.page.goto(address(enroll.site, "enroll"), wait_until="commit")
        expect(enroll.status).to_have_text("Getting the card form ready…")
        enroll.waits(20)
        enroll.is_on("system-error")
        assert enroll.reports == [("form_not_loaded", None)]


class TestTheRedirectFlow:
    def test_the_button_leads_to_the_processor(self, enroll: Enroll) -> None:
        enroll.opens("enroll-redirect").is_ready()
        enroll.button.click()
        enroll.is_on("gateway")
        assert enroll.reports == [("started", None)]

    def test_an_address_that_is_none_is_reported(self, enroll: Enroll) -> None:
        enroll.token_answers(json={"redirect": "javascript:alert(1)"})
        enroll.opens("enroll-redirect")
        enroll.is_asked_to_try_again()
        enroll.has_reported(("token_failed", 200))

    def test_a_rider_who_came_back_is_enrolled_at_once(self, enroll: Enroll) -> None:
        enroll.opens("enroll-redirect", "?returned")
        enroll.is_on("posted")
        assert ["card_token=&" in body for body in enroll.posted] == [True]
        assert enroll.reports == []


class TestEnrolling:
    def test_waiting_says_so_and_offers_a_way_out(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.opens().is_ready()
        enroll.page.unroute("**/pictures/**")
        enroll.page.route("**/pictures/**", lambda route: route.fulfill(status=204))  # the browser stays where it is
        enroll.card_form("onTokenize", {"token": "a-card"})
        expect(enroll.status).to_have_text("Enrolling your card…")
        expect(enroll.button).to_be_disabled()
        enroll.waits(10)
        expect(enroll.status).to_contain_text("Still trying.")
        expect(enroll.page.get_by_role("link", name="Return home")).to_be_visible()


class TestComingBack:
    def test_a_page_from_the_back_forward_cache_starts_anew(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.card_form("onCancel")
        with enroll.page.expect_navigation():
            enroll.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        enroll.is_ready()

    def test_back_from_the_result_the_button_works_again(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.card_form("onTokenize", {"token": "a-card"})
        enroll.is_on("posted")
        enroll.page.go_back()
        enroll.is_ready()
        assert enroll.page.locator("[name=card_token]").input_value() == ""


class TestWithoutTheScript:
    def test_a_script_that_never_comes_leaves_a_way_on(self, enroll: Enroll) -> None:
        enroll.page.route("**/enrollment.js", lambda route: route.abort())
        enroll.opens()
        late = enroll.page.get_by_text("The card form is taking too long to open.")
        expect(late).to_be_hidden()
        enroll.page.evaluate("for (const animation of document.getAnimations()) animation.finish()")
        expect(late).to_be_visible()
        expect(enroll.button).to_be_hidden()

    def test_the_script_takes_that_away(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        assert enroll.page.get_by_text("The card form is taking too long to open.").count() == 0

"""The enroll page's script, in each way that the token view, the card form and the report view can behave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from .gallery_site import address, serve

pytestmark = pytest.mark.browser

SILENT: Callable[[Route], None] = lambda route: None  # noqa: E731  never answers


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve() as base:
        yield base


class Enroll:
    """A rider on the enroll page, what the page asks of the site, and a card form that does as it is told."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.reports: list[tuple[str, int | None]] = []
        self.made_for: list[Any] = []
        self.posted: list[str] = []
        self.report_answer: dict[str, Any] = {"json": {"redirect": None}}
        self.note_answer = self.report_answer
        page.route("**/report/", self._report)
        page.route("**/pictures/**", self._picture)
        self.button = page.get_by_role("button", name="Enroll")
        self.status = page.get_by_role("status")
        self.alert = page.get_by_role("alert")

    def _report(self, route: Route) -> None:
        told = json.loads(route.request.post_data or "")
        self.reports.append((told["event"], told["status"]))
        self.made_for.append(told.get("made_for"))
        final = told["event"] not in ("started", "tokenized")
        route.fulfill(**(self.report_answer if final else self.note_answer))

    def _picture(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posted.append(route.request.post_data or "")
        route.continue_()

    def token_answers(self, **answer: Any) -> None:
        self.page.route("**/token/*", lambda route: route.fulfill(**answer))

    def answers_in_turn(self, *answers: Any) -> None:
        """The token view's answers, one after another; ``None`` is silence."""
        left = iter(answers)

        def answer(route: Route) -> None:
            if now := next(left):
                route.fulfill(**now)

        self.page.route("**/token/*", answer)

    def is_out_of_sight(self, hidden: bool) -> None:
        self.page.evaluate(
            """(hidden) => {
              const state = hidden ? "hidden" : "visible";
              Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
              document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    def reports_lead_to(self, redirect: Any) -> None:
        self.report_answer = {"json": {"redirect": redirect}}

    def opens(self, name: str = "enroll", query: str = "") -> Enroll:
        self.page.goto(address(self.site, name) + query)
        return self

    def is_ready(self) -> Enroll:
        expect(self.button).to_be_enabled()
        expect(self.status).to_have_text("Ready. Select Enroll to go on.")
        return self

    def card_form(self, callback: str, answer: Any = None) -> None:
        self.page.evaluate("([callback, answer]) => window.cardForm[callback](answer)", [callback, answer])

    def is_on(self, name: str) -> None:
        expect(self.page).to_have_title(name)

    def is_told_in_the_page(self) -> None:
        expect(self.alert).to_contain_text("Your card is not enrolled yet.")
        expect(self.alert.get_by_role("heading")).to_be_focused()
        expect(self.alert.get_by_role("link", name="Try again")).to_be_visible()
        expect(self.page.get_by_role("link", name="Return home")).to_be_visible()
        expect(self.page.get_by_role("link", name="Call (555) 010-0199")).to_be_visible()
        expect(self.button).to_be_hidden()

    def is_asked_to_try_again(self) -> None:
        expect(self.alert.get_by_role("heading", name="Check your internet connection")).to_be_focused()
        expect(self.alert).to_contain_text("Your card is not enrolled yet.")
        expect(self.page.get_by_role("link", name="Return home")).to_be_visible()
        expect(self.page.get_by_role("link", name="Call (555) 010-0199")).to_be_visible()
        expect(self.button).to_be_hidden()
        expect(self.status).to_be_hidden()

    def tries_again(self) -> None:
        self.alert.get_by_role("button", name="Try again").click()

    def has_reported(self, *reports: tuple[str, int | None]) -> None:
        """Exactly these, in the time that it takes the page to send them."""
        for _ in range(200):
            if len(self.reports) >= len(reports):
                break
            self.page.wait_for_timeout(25)
        assert self.reports == list(reports)

    def waits(self, seconds: int) -> None:
        self.page.clock.fast_forward(seconds * 1000)


WAITING = "No answer yet. You can wait here. We will check again for you."


class Checking(Enroll):
    """A rider on the still-checking page, with its clock in the test's hands, whose answer is not there yet."""

    def __init__(self, page: Page, site: str) -> None:
        super().__init__(page, site)
        self.url = address(site, "still-checking")
        self.asked: list[str] = []
        self.button = page.get_by_role("button", name="Check again")
        page.unroute("**/pictures/**")
        page.on("request", self._count)
        page.goto(f"{site}/pages/before/")
        page.clock.install(time=0)
        page.clock.pause_at(1_000_000)
        page.goto(self.url)

    def _count(self, request: Request) -> None:
        if request.method == "POST":
            self.asked.append(request.post_data or "")

    def answers(self, **answer: Any) -> None:
        self.page.route(self.url, lambda route: route.fulfill(**answer))

    def ends_on(self, name: str) -> None:
        """Over a redirect, as the site's own view ends."""
        self.page.route(self.url, lambda route: route.continue_(url=f"{self.site}/ends/{name}/"))

    def holds_its_answer(self) -> list[Route]:
        held: list[Route] = []
        self.page.route(self.url, lambda route: held.append(route))
        return held

    def has_asked(self, times: int) -> None:
        for _ in range(200):
            if len(self.asked) >= times:
                break
            self.page.wait_for_timeout(25)
        assert len(self.asked) == times

    def waits(self, seconds: float) -> None:
        self.page.clock.run_for(int(seconds * 1000))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        yield page
        page.unroute_all(behavior="ignoreErrors")  # what was never answered


@pytest.fixture
def enroll(page: Page, site: str) -> Enroll:
    return Enroll(page, site)


@pytest.fixture
def checking(page: Page, site: str) -> Checking:
    return Checking(page, site)


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


LOG_IN = {"status": 200, "body": "<!doctype html><h1>Log in</h1>", "content_type": "text/html"}
TOKEN = {"json": {"token": "tokenization-access"}}


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
        enroll.page.context.set_offline(True)  # what the page asks from now on
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
        for reports in (2, 2):  # the second time there is nothing left to tell
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

    def test_offline_is_told_in_the_page(self, enroll: Enroll) -> None:
        enroll.opens().is_ready()
        enroll.page.unroute("**/report/")
        enroll.page.context.set_offline(True)
        enroll.card_form("onError", {})
        enroll.is_told_in_the_page()

    def test_one_that_never_answers_is_told_in_the_page(self, enroll: Enroll) -> None:
        enroll.page.clock.install()
        enroll.opens().is_ready()
        enroll.page.unroute("**/report/")
        enroll.page.route("**/report/", SILENT)
        enroll.card_form("onError", {})
        expect(enroll.status).to_have_text("One moment…")
        enroll.waits(10)
        enroll.is_told_in_the_page()

    def test_an_error_envelope_leads_where_it_says(self, enroll: Enroll) -> None:
        enroll.report_answer = {"status": 403, "json": {"errors": [], "redirect": "/pages/cannot-enroll/"}}
        enroll.opens().is_ready()
        enroll.card_form("onVerificationFailure")
        enroll.is_on("cannot-enroll")


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

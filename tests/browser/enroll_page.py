"""A rider on the enroll page or the still-checking page, in a browser, at a site whose answers the test chooses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from .gallery_site import address

SILENT: Callable[[Route], None] = lambda route: None  # noqa: E731  never answers


class Enroll:
    """A rider on the enroll page, the requests of the page, and a card form that the test controls."""

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
        """Sets the token view's answers, in order. ``None`` means no answer."""
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
        """Waits for these reports, and fails if there are others."""
        for _ in range(200):
            if len(self.reports) >= len(reports):
                break
            self.page.wait_for_timeout(25)
        assert self.reports == list(reports)

    def waits(self, seconds: int) -> None:
        self.page.clock.fast_forward(seconds * 1000)


class Checking(Enroll):
    """A rider on the still-checking page, before the answer is there. The test controls the page's clock."""

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
        """Answers with a redirect to that page, as the site's own view does at the end."""
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

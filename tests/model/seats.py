"""Which riders use which browser, and how a tab opens a page, posts its form and waits for the answer."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from enrollment_errors.sandbox.faults import Fault
from tests.servers import RedisServer, wait_until

from .browser import Browser, Page, new_name
from .fates import Fate
from .processor import WatchedSandbox, Work
from .serving import Served
from .site.benefits import BENEFITS
from .truth import Attempt, Truth, benefit_of

FIRST_TAB, SECOND_TAB, DESK = range(3)
_FORMS_KEPT = 4


@dataclass(eq=False)
class Rider:
    """Has two cards, and a third that is already enrolled, for five more days, in each benefit that expires."""

    cards: list[str]


@dataclass(eq=False)
class Seat:
    """``chosen`` is what the site last wrote into the session."""

    browser: Browser
    rider: Rider
    chosen: str | None = None


@dataclass(eq=False)
class Tab:
    """``forms`` are the enroll pages that Back leads to, the newest first. ``gateway`` is where the page's script
    would send the rider. ``attempt`` is the one that the current page is about, and ``posted`` its form with the
    rider's input. ``answers`` are still to come, one for the request of each name in ``names``."""

    seat: Seat
    page: Page | None = None
    forms: list[Page] = field(default_factory=list)
    gateway: str = ""
    attempt: Attempt | None = None
    answers: list[Future[Page | None]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    posted: tuple[Page, dict[str, str]] | None = None
    kills: int = 0


class Seats:
    """A rider at home with two tabs, and a staff desk that serves one rider after another."""

    def __init__(self, sandbox: WatchedSandbox, site: Served, redis: RedisServer | None = None) -> None:
        self.sandbox = sandbox
        self.site = site
        self.truth = Truth(sandbox, site)
        self._redis = redis
        self._kills = 0
        self._pool = ThreadPoolExecutor(max_workers=16)
        self._late: list[tuple[Tab, Page, Future[Any], Work | None]] = []
        self._lost_at, self._was_quiet = 0.0, False
        self.home = Seat(Browser(site.url, "/enrollment/"), self._new_rider())
        self.desk = Seat(Browser(site.url, "/staff/"), self._new_rider())
        self.tabs = [Tab(self.home), Tab(self.home), Tab(self.desk)]

    def answer_arrives(self, tab: int) -> None:
        """Waits as long as it takes. If the processor is slow, the site has lost its answer by then."""
        at = self.tabs[tab]
        if not at.answers:
            return
        pages = [answer.result() for answer in at.answers]
        at.answers = []
        self.sandbox.faults.clear()
        self._lost_at = time.monotonic()
        assert at.attempt is not None
        page = pages[-1]  # after a second click, the browser drops the answer to the first
        if page is None:
            if at.kills == self._kills:
                raise self.truth.broken(f"{self._who(tab)} got no answer, and nobody killed the worker.")
            self.truth.tell(f"{self._who(tab)} gets no answer")
            return
        at.page = page
        self.truth.shows(at.attempt, page)

    def _step(self, what: str) -> None:
        self.truth.tell(what)

    def _who(self, tab: int) -> str:
        return ("the rider in the first tab", "the rider in the second tab", "the rider at the desk")[tab]

    def _new_rider(self) -> Rider:
        cards = [self.sandbox.state.add_card(new_name()) for _ in range(3)]
        soon = datetime.now(timezone.utc) + timedelta(days=5)
        for benefit in BENEFITS.values():
            if benefit.expiry:
                self.sandbox.state.link(cards[-1], benefit.group, soon)
        for card in cards:
            self.truth.has_card(card)
        return Rider(cards)

    def _opens(self, tab: Tab) -> Page:
        page = tab.seat.browser.opens(tab.seat.browser.base)
        assert page is not None, "the site does not answer"
        if not page.name:
            raise self.truth.broken(f"The enroll page is a bare answer {page.status}.")
        tab.page, tab.gateway = page, ""
        if page.name == "enroll" and page.data and page.benefit:
            tab.forms = [page, *tab.forms][:_FORMS_KEPT]
        return page

    def _form(self, tab: Tab, back: int) -> Page | None:
        """The current enroll page, or one that Back leads to."""
        if not tab.forms or (back == 0 and tab.page is not tab.forms[0]):
            self._opens(tab)
        if back == 0:
            return tab.page if tab.forms and tab.page is tab.forms[0] else None
        if not tab.forms:
            return None
        tab.page, tab.gateway = tab.forms[min(back, len(tab.forms) - 1)], ""
        return tab.page

    def _asks_for_token(self, tab: Tab, page: Page, *, slow: bool = False) -> None:
        endpoint = "registration" if benefit_of(page).processor == "gateway" else "tokenization"
        held_before = list(self.sandbox.held)
        if slow:
            self.sandbox.hold_next(endpoint)
        future = self._pool.submit(tab.seat.browser.asks, page, page.data["tokenUrl"])
        work = None
        if slow:
            work = self._held_or_done(held_before, future)
            self.sandbox.hold_nothing(endpoint)
        if work is None:
            self._token_answered(tab, page, future.result())
        else:
            self._late.append((tab, page, future, work))

    def _held_or_done(self, before: list[Work], *futures: Future[Any]) -> Work | None:
        def held() -> list[Work]:
            return [work for work in self.sandbox.held if work not in before]

        wait_until(lambda: held() or all(future.done() for future in futures), "a request of the processor")
        return next(iter(held()), None)

    def _token_answered(self, tab: Tab, page: Page, answer: dict[str, Any] | None) -> None:
        if answer is None or tab.page is not page or tab.answers:
            return  # nobody looks at this page anymore
        if "errors" in answer:
            tab.page = tab.seat.browser.opens(answer["redirect"])
            self.truth.tell(f"and is led to {tab.page and tab.page.name}")
        elif "redirect" in answer:
            tab.gateway = answer["redirect"]

    def _enters_card(self, tab: Tab, card: int) -> str:
        """Returns the card that the rider believes they entered. A gateway accepts only one card per visit."""
        registration = self.sandbox.registration_at(tab.gateway)
        source = tab.seat.rider.cards[card]
        if not registration.card_token:
            registration.card_token, registration.entered_by = self.sandbox.add_token(source), (tab.seat.rider, source)
        rider, entered = registration.entered_by  # type: ignore[misc]
        return entered if rider is tab.seat.rider else source

    def _comes_back_from_gateway(self, tab: Tab, page: Page, card: int) -> tuple[Page, str] | None:
        """Returns the page that the rider comes back to, whose script posts its form at once, and the card."""
        if not tab.gateway:
            self._asks_for_token(tab, page)
        if not tab.gateway:
            return None
        source = self._enters_card(tab, card)
        returned = tab.seat.browser.opens(self.sandbox.registration_at(tab.gateway).return_url)
        tab.page, tab.gateway = returned, ""
        if returned is None or not returned.data.get("returned"):
            self.truth.tell(f"and comes back to {returned and returned.name}, which offers to begin")
            return None
        return returned, source

    def _posts(self, tab: Tab, attempt: Attempt, page: Page, fate: Fate, clicks: int, **inputs: str) -> None:
        self._arm(fate)
        self.truth.begins(attempt)
        held_before = list(self.sandbox.held)
        tab.attempt, tab.posted = attempt, (page, inputs)
        tab.answers, tab.names, tab.kills = [], [], self._kills
        for click in range(clicks):
            tab.names.append(new_name())
            tab.answers.append(self._pool.submit(tab.seat.browser.posts, page, tab.names[-1], **inputs))
            if fate.held and click == 0:
                self._held_or_done(held_before, *tab.answers)
        self.sandbox.hold_nothing("link")
        if not fate.held or fate.answers:
            self.answer_arrives(self.tabs.index(tab))

    def _arm(self, fate: Fate) -> None:
        self.sandbox.faults.clear()
        if fate.held:
            self.sandbox.hold_next("link", answers=fate.answers)
        if fate.link:
            self.sandbox.faults.set("link", fate.link)
        for endpoint, is_down in (("groups", fate.groups_down), ("lookup", fate.lookup_down)):
            if is_down:
                self.sandbox.faults.set(endpoint, Fault(kind="status", status=503))
        if fate.expiry_lost:
            self.sandbox.faults.set("expiry", Fault(kind="cut", after_effect=True))

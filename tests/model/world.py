"""Two seats in front of browsers: a rider at home with two tabs, and a staff desk with riders one after another."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from enrollment_errors.sandbox.faults import Fault
from tests.servers import RedisServer, wait_until

from .browser import Browser, Page, new_name
from .processor import WatchedSandbox, Work
from .serving import QUIET, Served
from .site.benefits import BENEFITS
from .truth import Attempt, Truth, benefit_of

FIRST_TAB, SECOND_TAB, DESK = range(3)
_FORMS_KEPT = 4


@dataclass(frozen=True)
class Fate:
    """What becomes of an enrollment at the processor. Where ``held``, the back end does its work later; where
    ``answers`` too, a gateway has answered 504 by then, or ``link`` strikes."""

    name: str
    link: Fault | None = None
    held: bool = False
    answers: bool = False
    groups_down: bool = False
    lookup_down: bool = False
    expiry_lost: bool = False

    def __str__(self) -> str:
        return self.name


_CUT = Fault(kind="cut", after_effect=True, times=1)
FATES = {
    fate.name: fate
    for fate in (
        Fate("all is well"),
        Fate("the link is slow", held=True),
        Fate("the link is slow, and nobody can be asked", held=True, groups_down=True),
        Fate("504, and the back end goes on", held=True, answers=True),
        Fate("504, the back end goes on, and nobody can be asked", held=True, answers=True, groups_down=True),
        Fate("cut, and the back end goes on", link=_CUT, held=True, answers=True),
        Fate("linked, and the answer is cut", link=_CUT),
        Fate("linked, the answer is cut, and nobody can be asked", link=_CUT, groups_down=True),
        Fate("not linked, and reset", link=Fault(kind="reset", times=1)),
        Fate("not linked: 503", link=Fault(kind="status", status=503, times=1)),
        Fate("not linked: 500", link=Fault(kind="status", status=500, times=1)),
        Fate("a gateway's page in place of an answer", link=Fault(kind="not_json", after_effect=True, times=1)),
        Fate("nobody can be asked", groups_down=True),
        Fate("a changed expiry is not answered", expiry_lost=True),
        Fate("the look-up is down", lookup_down=True),
    )
}
_STRUCK = ("link", "groups", "lookup", "expiry")


@dataclass(eq=False)
class Rider:
    """Has two cards, and a third one whose enrollment ends in five days where it can end."""

    cards: list[str]


@dataclass(eq=False)
class Seat:
    """``chosen`` is what the site last wrote into the session."""

    browser: Browser
    rider: Rider
    chosen: str | None = None


@dataclass(eq=False)
class Tab:
    """``forms`` are the enroll pages that Back leads to, the newest first; ``gateway`` is where the page's script would
    send the rider to; ``attempt`` is what the page in front is about, and ``answers`` what is being waited for."""

    seat: Seat
    page: Page | None = None
    forms: list[Page] = field(default_factory=list)
    gateway: str = ""
    attempt: Attempt | None = None
    answers: list[Future[Page | None]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    kills: int = 0


class World:
    """Every method is a step that somebody or something takes. After each, ``truth.holds``."""

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

    def ends(self) -> None:
        """All work is done and all answers come; what was said must still be true."""
        for work in list(self.sandbox.held):
            self.sandbox.finish(work)
        try:
            for _, _, future, _ in self._late:
                future.result()
            for tab in self.tabs:
                for answer in tab.answers:
                    answer.result()
            if not self.truth.is_broken:
                self.truth.holds()
        finally:
            self.sandbox.faults.clear()
            self._pool.shutdown()
            for seat in (self.home, self.desk):
                seat.browser.close()

    # What riders and staff do.

    def chooses(self, tab: int, benefit: str) -> None:
        self.answer_arrives(tab)
        self._step(f"{self._who(tab)} chooses {benefit}")
        seat = self.tabs[tab].seat
        seat.browser.does(f"/choose/{benefit}/")
        seat.chosen = benefit
        self._opens(self.tabs[tab])

    def asks_for_token(self, tab: int, *, back: int = 0, slow: bool = False) -> None:
        """The page's script does so by itself."""
        self.answer_arrives(tab)
        page = self._form(self.tabs[tab], back)
        if page is None:
            return
        self._step(f"the page of {self._who(tab)}, for {page.benefit}, asks for a token" + ", slowly" * slow)
        self._asks_for_token(self.tabs[tab], page, slow=slow)

    def late_token_arrives(self) -> None:
        """The oldest of those that are slow."""
        if not self._late:
            return
        tab, page, future, work = self._late.pop(0)
        self._step(f"the slow answer to the token request of the page for {page.benefit} arrives")
        if work is not None:
            self.sandbox.finish(work)
        self._token_answered(tab, page, future.result())

    def leaves_card_at_gateway(self, tab: int, card: int = 0) -> None:
        """Goes there, enters a card, and does not come back."""
        at = self.tabs[tab]
        if at.seat.chosen != "low-income":
            self.chooses(tab, "low-income")
        if not at.gateway:
            self.asks_for_token(tab)
        if at.gateway:
            self._step(f"{self._who(tab)} enters card {card} at the gateway, and does not come back")
            self._enters_card(at, card)

    def enrolls(self, tab: int, *, card: int = 0, fate: str = "all is well", back: int = 0, clicks: int = 1) -> None:
        self.answer_arrives(tab)
        at = self.tabs[tab]
        page = self._form(at, back)
        if page is None:
            return
        if benefit_of(page).processor == "gateway":
            self._step(f"{self._who(tab)} goes to the gateway with card {card}")
            returned = self._comes_back_from_gateway(at, page, card)
            if returned is None:
                return
            page, source, token = (*returned, "")
        else:
            source = at.seat.rider.cards[card]
            token = self.sandbox.add_token(source)
        attempt = Attempt(source, benefit_of(page), token)
        if FATES[fate].lookup_down and not self.truth.can_be_known(attempt.key):
            fate = "all is well"
        times = "twice" if clicks == 2 else "once"
        self._step(f"{self._who(tab)} enrolls card {card} on a page for {page.benefit}, {times}: {fate}")
        self._posts(at, attempt, page, FATES[fate], clicks, card_token=token)

    def checks_again(self, tab: int, *, fate: str = "all is well", clicks: int = 1) -> None:
        self.answer_arrives(tab)
        at = self.tabs[tab]
        if at.page is None or at.page.name != "still_checking" or at.attempt is None:
            return
        self._step(f"{self._who(tab)} checks again: {fate}")
        attempt = Attempt(at.attempt.source, at.attempt.benefit, at.attempt.card_token)
        self._posts(at, attempt, at.page, FATES[fate], clicks)

    def answer_arrives(self, tab: int) -> None:
        """However long it takes: where the processor is slow, its answer is lost to the site meanwhile."""
        at = self.tabs[tab]
        if not at.answers:
            return
        pages = [answer.result() for answer in at.answers]
        at.answers = []
        self.sandbox.faults.clear()
        self._lost_at = time.monotonic()
        assert at.attempt is not None
        page = pages[-1]  # a second click ends the wait for what the first one brings
        if page is None:
            if at.kills == self._kills:
                raise self.truth.broken(f"{self._who(tab)} got no answer, and nobody killed the worker.")
            self.truth.tell(f"{self._who(tab)} gets no answer")
            return
        at.page = page
        self.truth.shows(at.attempt, page)

    def signs_out(self, tab: int) -> None:
        self._step(f"{self._who(tab)} signs out")
        seat = self.tabs[tab].seat
        seat.browser.does("/sign-out/")
        seat.chosen = None

    def next_rider_comes(self) -> None:
        self._step("the next rider comes to the desk")
        self.desk.browser.does("/next-rider/")
        self.desk.rider, self.desk.chosen = self._new_rider(), None

    # What goes wrong.

    def back_end_finishes(self, *, does_it: bool = True) -> None:
        """The oldest of what is held back."""
        links = [work for work in self.sandbox.held if work in self.sandbox.links]
        if links:
            self._step("the back end links the card that it was asked to" if does_it else "the back end gives up")
            self.sandbox.finish(links[0], does_it=does_it)

    def session_is_deleted(self, tab: int) -> None:
        seat = self.tabs[tab].seat
        key = seat.browser.cookie("sessionid")
        if key and self.site.keeps_sessions_in_the_database:
            self._step(f"the session of {self._who(tab)} is deleted")
            self.site.delete_session(key)
            seat.chosen = None

    def database_is_locked_until_the_answer(self, tab: int) -> None:
        """While the processor answers, and until the rider has the answer."""
        if self.tabs[tab].answers and self.site.keeps_sessions_in_the_database:
            self._step("the database is locked")
            with self.site.locked_database():
                self.back_end_finishes()
                self.answer_arrives(tab)
            self.truth.tell("the database is free again")

    def worker_is_killed(self, tab: int) -> None:
        """In the middle of the enrollment of this tab."""
        at = self.tabs[tab]
        if at.answers and not at.answers[0].done():
            self._step(f"the worker that serves {self._who(tab)} is killed")
            self._kills += 1
            self.site.kill_the_worker_of(at.names[0])
            self.answer_arrives(tab)

    def cache_restarts(self, tab: int = FIRST_TAB) -> None:
        """Whoever is enrolling."""
        if self._redis is not None:
            self._step("the cache restarts, empty")
            self._redis.stop()
            self.truth.the_cache_has_forgotten()
            self._redis.start()

    def quiet_time_passes(self) -> None:
        """Until a link whose answer was lost is surely over. Once: it takes real time."""
        if self._was_quiet or not any(tab.page and tab.page.name == "still_checking" for tab in self.tabs):
            return
        self._was_quiet = True
        self._step("the quiet time passes")
        time.sleep(max(0.0, self._lost_at + QUIET - time.monotonic()))

    # What holds.

    def holds(self) -> None:
        self.truth.holds()
        for seat in (self.home, self.desk):
            eligible = seat.browser.reads("/session/")["eligible"]
            self.truth.session_is(eligible and eligible["benefit"], seat.chosen)

    # How.

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

    def _opens(self, tab: Tab) -> None:
        page = tab.seat.browser.opens(tab.seat.browser.base)
        assert page is not None, "the site does not answer"
        if not page.name:
            raise self.truth.broken(f"The enroll page is a bare answer {page.status}.")
        tab.page, tab.gateway = page, ""
        self._remember(tab, page)

    def _remember(self, tab: Tab, page: Page) -> None:
        if page.name == "enroll" and page.data and page.benefit:
            tab.forms = [page, *tab.forms][:_FORMS_KEPT]

    def _form(self, tab: Tab, back: int) -> Page | None:
        """The enroll page in front, or one that Back leads to."""
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
            return  # nobody looks at this page any more
        if "errors" in answer:
            tab.page = tab.seat.browser.opens(answer["redirect"])
            self.truth.tell(f"and is led to {tab.page and tab.page.name}")
        elif "redirect" in answer:
            tab.gateway = answer["redirect"]

    def _enters_card(self, tab: Tab, card: int) -> str:
        """The card that the rider believes to be at the gateway: where a visit is over, it lets nobody enter another
        one."""
        registration = self.sandbox.registration_at(tab.gateway)
        source = tab.seat.rider.cards[card]
        if not registration.card_token:
            registration.card_token, registration.entered_by = self.sandbox.add_token(source), (tab.seat.rider, source)
        rider, entered = registration.entered_by  # type: ignore[misc]
        return entered if rider is tab.seat.rider else source

    def _comes_back_from_gateway(self, tab: Tab, page: Page, card: int) -> tuple[Page, str] | None:
        """The page of the return, whose script posts its form at once, and the card."""
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
        tab.attempt, tab.answers, tab.names, tab.kills = attempt, [], [], self._kills
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

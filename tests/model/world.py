"""Everything that riders and staff do, and everything that goes wrong, step by step."""

from __future__ import annotations

import time

from .fates import FATES
from .seats import DESK, FIRST_TAB, SECOND_TAB, Seats
from .serving import QUIET
from .truth import Attempt, benefit_of

__all__ = ["DESK", "FATES", "FIRST_TAB", "SECOND_TAB", "World"]


class World(Seats):
    """Every method is a step that someone or something takes. ``truth.holds`` must pass after each."""

    def ends(self) -> None:
        """Finishes all work and waits for all answers. What the pages said must still be true."""
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
        page = self._opens(self.tabs[tab])
        if page.name != "enroll":
            raise self.truth.broken(f"A rider who has just chosen a benefit sees {page.name}.")

    def asks_for_token(self, tab: int, *, back: int = 0, slow: bool = False) -> None:
        """The page's script does so by itself."""
        self.answer_arrives(tab)
        page = self._form(self.tabs[tab], back)
        if page is None:
            return
        self._step(f"the page of {self._who(tab)}, for {page.benefit}, asks for a token" + ", slowly" * slow)
        self._asks_for_token(self.tabs[tab], page, slow=slow)

    def late_token_arrives(self) -> None:
        """The oldest of the slow ones arrives."""
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

    def posts_again(self, tab: int) -> None:
        """Posts the same form with the same card, as a reload or a late click does."""
        self.answer_arrives(tab)
        at = self.tabs[tab]
        if at.posted is None or at.attempt is None:
            return
        self._step(f"{self._who(tab)} posts the same form again")
        attempt = Attempt(at.attempt.source, at.attempt.benefit, at.attempt.card_token)
        page, inputs = at.posted
        self._posts(at, attempt, page, FATES["all is well"], 1, **inputs)

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
        """Finishes the oldest link that is held back."""
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
        """Kills it in the middle of this tab's enrollment."""
        at = self.tabs[tab]
        if at.answers and not at.answers[0].done():
            self._step(f"the worker that serves {self._who(tab)} is killed")
            self._kills += 1
            self.site.kill_the_worker_of(at.names[0])
            self.answer_arrives(tab)

    def cache_restarts(self, tab: int = FIRST_TAB) -> None:
        """Affects every rider, so ``tab`` does not matter."""
        if self._redis is not None:
            self._step("the cache restarts, empty")
            self._redis.stop()
            self.truth.the_cache_has_forgotten()
            self._redis.start()

    def quiet_time_passes(self) -> None:
        """Waits until a link whose answer was lost must be over. Only once, because it takes real time."""
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

"""What must hold, whatever riders, staff, servers and the network do."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone

from django.utils.timezone import now

from .browser import Page
from .processor import Key, WatchedSandbox, Work
from .serving import Served
from .site.benefits import BENEFITS, Benefit

SAYS_NOT_ENROLLED = ("system_error", "server_error", "check_card")


class Untrue(AssertionError):
    """Something that must hold does not."""


@dataclass(eq=False)
class Attempt:
    """A rider posts a form for one of their cards, once or twice, or asks again what became of it.

    ``benefit`` is the one that the page with the form named. ``alone`` is false if another attempt with the same card
    and benefit was under way at the same time.
    """

    source: str
    benefit: Benefit
    card_token: str
    alone: bool = True
    answered: bool = False
    began: float = field(default_factory=time.monotonic)
    expiries: set[str | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.note_expiry()

    @property
    def key(self) -> Key:
        return self.source, self.benefit.group

    def note_expiry(self) -> None:
        """Notes the right expiry, which changes at midnight."""
        policy = self.benefit.expiry
        self.expiries.add(None if policy is None else _second(policy.expires_at(now())))


@dataclass(frozen=True)
class Denial:
    """A page said that the card is not enrolled."""

    attempt: Attempt
    page: Page
    at: float = field(default_factory=time.monotonic)


class Truth:
    """Raises ``Untrue`` with everything that has happened."""

    def __init__(self, sandbox: WatchedSandbox, site: Served) -> None:
        self._sandbox = sandbox
        self._site = site
        self._attempts: list[Attempt] = []
        self._denials: list[Denial] = []
        self._forgotten: set[Work] = set()
        self._first = len(sandbox.at_once)
        self._enrolled_before: set[Key] = set()
        self._cards: set[str] = set()
        self.story: list[str] = []
        self.seen: Counter[str] = Counter()
        self.is_broken = False

    def tell(self, what: str) -> None:
        self.story.append(what)

    def broken(self, what: str) -> Untrue:
        self.is_broken = True
        return Untrue("\n".join([what, *(f"  {number}. {line}" for number, line in enumerate(self.story, 1))]))

    def has_card(self, source: str) -> None:
        """Watches the card from now on. It may already be in some groups."""
        self._cards.add(source)
        self._enrolled_before |= {(source, group) for group in self._sandbox.groups_of(source)}

    def begins(self, attempt: Attempt) -> None:
        for other in self._attempts:
            if not other.answered and other.key == attempt.key:
                other.alone = attempt.alone = False
        self._attempts.append(attempt)

    def the_cache_has_forgotten(self) -> None:
        """The site can no longer know of the links that are under way now."""
        self._forgotten |= {work for work in self._sandbox.links if not work.done}

    def can_be_known(self, key: Key) -> bool:
        """Whether the site can tell the truth even if the look-up fails, and it does not know which card this is."""
        unanswered = any(attempt.key == key and not attempt.answered for attempt in self._attempts)
        return not unanswered and not self.is_linked(key)

    def is_linked(self, key: Key) -> bool:
        return key[1] in self._sandbox.groups_of(key[0])

    def shows(self, attempt: Attempt, page: Page) -> None:
        """The rider sees what became of the attempt."""
        attempt.answered = True
        self.seen[page.name] += 1
        attempt.note_expiry()
        self.tell(f"the rider sees {page.name or 'a bare answer'} ({page.status}) {page.reference}")
        if not page.name:
            raise self.broken(f"A rider got a bare answer {page.status} and no page.")
        if page.name == "success":
            self._is_enrolled(attempt)
        elif page.name in SAYS_NOT_ENROLLED:
            self._denials.append(Denial(attempt, page))
            if self.is_linked(attempt.key) and self._sandbox.made(attempt.key) not in self._forgotten:
                raise self.broken(f"The page {page.name} says that the card is not enrolled, and it is.")
        elif page.name == "too_early":
            self._was_enrolled_before(attempt)
        if page.name not in ("success", "still_checking") and attempt.alone and self._linked_by(attempt):
            raise self.broken(f"The card was linked, and its rider sees the page {page.name}.")
        self._is_reported(page)

    def holds(self) -> None:
        """Checks what must hold at any time."""
        named = self._enrolled_before | {attempt.key for attempt in self._attempts}
        for source in self._cards:
            for group in self._sandbox.groups_of(source):
                if (source, group) not in named:
                    raise self.broken(f"A card is in {group}, which no page of its rider named.")
        for first, second in self._sandbox.at_once[self._first :]:
            if first.key[0] in self._cards and first not in self._forgotten:
                raise self.broken(
                    f"A second link of the same card was asked for {second.began - first.began:.2f} s after the first, "
                    "which was still under way."
                )
        for denial in self._denials:
            self._stays_true(denial)
        for reference, times in Counter(self._site.ends).items():
            if times > 1:
                raise self.broken(f"The end {reference} was reported {times} times.")

    def session_is(self, found: str | None, wanted: str | None) -> None:
        if found != wanted:
            raise self.broken(f"The site's session says {found}, and what the site wrote last is {wanted}.")

    def _is_reported(self, page: Page) -> None:
        told = [("reported", self._site.ends)] if page.reference else []
        if page.name == "success":
            told.append(("told to the site", self._site.successes))
        for how, references in told:
            times = references.count(page.reference)
            if times != 1:
                raise self.broken(f"The page {page.name} shows {page.reference}, which was {how} {times} times.")

    def _is_enrolled(self, attempt: Attempt) -> None:
        with self._sandbox.state.lock:
            links = self._sandbox.state.groups[attempt.benefit.group].links
            link = links.get(attempt.source)
        if link is None:
            raise self.broken(f"The page says success, and the card is not in {attempt.benefit.group}.")
        expiry = None if link.expiry is None else _second(link.expiry)
        if expiry not in attempt.expiries:
            raise self.broken(f"The page says success, and the link expires {expiry}, not {attempt.expiries}.")

    def _was_enrolled_before(self, attempt: Attempt) -> None:
        if not self.is_linked(attempt.key):
            raise self.broken("The page says that the card is enrolled already, and it is not.")
        made = self._sandbox.made(attempt.key)
        if made is not None and made.began >= attempt.began and attempt.alone:
            raise self.broken("The page says that it is too early, of a link that this very rider has just made.")

    def _linked_by(self, attempt: Attempt) -> bool:
        made = self._sandbox.made(attempt.key)
        return made is not None and made.began >= attempt.began

    def _stays_true(self, denial: Denial) -> None:
        key = denial.attempt.key
        made = self._sandbox.made(key)
        if made is None or made in self._forgotten:
            return
        tried_since = any(attempt.key == key and attempt.began > denial.at for attempt in self._attempts)
        if made.began < denial.at or not tried_since:
            raise self.broken(
                f"The page {denial.page.name} said that the card is not enrolled, and then it was, by itself."
            )


def benefit_of(page: Page) -> Benefit:
    return BENEFITS[page.benefit]


def _second(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat(timespec="seconds")

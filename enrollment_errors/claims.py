"""At most one link under way for a card and a group, and one success told, in the whole fleet.

A claim stands in the shared cache from before the link is sent until it is known how it ended. Where the answer is
lost it stays until the link can be at work no longer: a worker that is killed, a rider who hangs up, a second tab and a
second click all meet it. Cache down: everybody gets the claim, and the rider's own cookie is what is left to know by.

Most enrollments are nobody's second, and ask the cache twice: one operation claims, one tells of the success. The claim
of a success that has been told is left to lapse, and whoever comes meanwhile takes it away: one of them, who claims by
``cache.add`` to be the one, so that nobody takes away the next claim.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from .clock import Clock
from .encryption import keyed_digest
from .results import PendingLink
from .shared_cache import CLOCKS_APART, CacheDown, SharedCache, is_recent

POLL = 0.05
"""Seconds between two looks at another request's claim."""
TOLD = 60 * 60.0
"""Seconds for which a success is known to have been told."""


@dataclass(frozen=True)
class Told:
    """A success that one rider has been told of: its reference."""

    reference: str


class LinkClaim:
    """The claim to link one card to one group, made by one rider's request.

    ``quiet`` is in seconds: for how long a link whose answer was lost may still take effect.
    """

    def __init__(self, wanted: PendingLink, *, rider: str, cache: str, quiet: float, clock: Clock) -> None:
        self._digest = keyed_digest("claim", wanted.account, wanted.group_id, wanted.funding_source.id)
        self._rider = keyed_digest("rider", rider)
        self._key = f"link.{self._digest}"
        self._made_at: float | None = None
        self._cache = SharedCache(cache)
        self._quiet = quiet
        self._clock = clock

    def make(self) -> bool:
        """Whether it is ours, for ``quiet`` seconds from now."""
        try:
            return self._add() or (self._takes_away_what_is_over() and self._add())
        except CacheDown:
            return True

    def _add(self) -> bool:
        made_at = self._clock.time()
        # A little longer than it holds: it shall not lapse, and another stand in its place, while it is taken away.
        is_ours = self._cache.add(self._key, ["under way", made_at, self._rider], self._quiet + 2 * CLOCKS_APART)
        self._made_at = made_at if is_ours else None
        return is_ours

    def _takes_away_what_is_over(self) -> bool:
        """Whether the claim was that of a success that has been told, and it was for us to take it away."""
        match self._cache.get(self._key):
            case ["under way", float(made_at), str(rider)] if is_recent(made_at, self._quiet, self._clock.time()):
                if self._is_told(rider, made_at) and self._cache.add(f"{self._key}.{made_at}", True, 2 * self._quiet):
                    self._cache.delete(self._key)
                    return True
        return False

    def _is_told(self, rider: str, made_at: float) -> bool:
        match self._cache.get(self._told_key(rider)):
            case [str(), float(claimed_at)]:
                return claimed_at == made_at
        return False

    def _told_key(self, rider: str) -> str:
        return f"linked.{self._digest}.{rider}"

    def wait(self, seconds: float) -> float | None:
        """Until whoever has the claim knows how the link ended: ``None`` where that is settled.

        Else when the link was sent, in epoch seconds: it may still be at work, and its sender does not know more.
        """
        until = self._clock.monotonic() + seconds
        while True:
            with suppress(CacheDown):
                if self._takes_away_what_is_over():
                    return None
            state, sent_at = self._read()
            if state is None or state == "lost" or self._clock.monotonic() >= until:
                return sent_at
            self._clock.sleep(POLL)

    def _read(self) -> tuple[str | None, float | None]:
        try:
            match self._cache.get(self._key):
                case [str(state), float(sent_at), *_] if -CLOCKS_APART <= self._clock.time() - sent_at < self._quiet:
                    return state, sent_at
                case None:
                    return None, None
            # It is over, though the cache still has it; or it comes from a host whose clock is wrong.
            self._cache.delete(self._key)
        except CacheDown:
            pass
        return None, None

    def keep(self, sent_at: float) -> None:
        """The answer is lost: the claim stays until ``quiet`` seconds after the link was sent."""
        left = self._quiet - (self._clock.time() - sent_at)
        if left <= 0:
            self.free()
            return
        with suppress(CacheDown):
            self._cache.set(self._key, ["lost", sent_at], left)

    def free(self) -> None:
        """It is known how the link ended, and no success is told."""
        with suppress(CacheDown):
            self._cache.delete(self._key)

    def told(self) -> Told | None:
        """The success that this rider has been told of, for this card and group, in the last hour."""
        with suppress(CacheDown):
            match self._cache.get(self._told_key(self._rider)):
                case [str(reference), _]:
                    return Told(reference)
        return None

    def tell(self, reference: str) -> Told | None:
        """The link is there. ``None`` where this request is the first to tell; else what was told."""
        try:
            is_first = self._cache.add(self._told_key(self._rider), [reference, self._made_at], TOLD)
        except CacheDown:
            return None
        if not is_first or self._made_at is None:
            self.free()
        return None if is_first else self.told()

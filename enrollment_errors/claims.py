"""Across all processes, allows one link in progress for a card and a group, and one report of its success.

A claim is in the shared cache from before the link is sent until its outcome is known. If the answer is lost, the claim
stays until the link can no longer take effect. So it also holds if a worker is killed or a rider hangs up, and against
a second tab or a second click. If the cache is down, every request gets the claim, and only the rider's own cookie
guards against a second link.

Most enrollments have no competitor and use the cache twice: once to claim, once to tell the success. The claim of a
success that was told is left to lapse. If another request comes before then, it removes the claim. ``cache.add`` picks
a single request to do so, because a second one could remove the next claim.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from .clock import Clock
from .encryption import keyed_digest
from .results import PendingLink
from .shared_cache import CLOCKS_APART, CacheDown, SharedCache, is_recent

POLL = 0.05
"""Seconds between two checks of another request's claim."""
TOLD = 60 * 60.0
"""Seconds for which the cache remembers that a success was told."""


@dataclass(frozen=True)
class Told:
    """The reference under which a rider learned about a success."""

    reference: str


class LinkClaim:
    """The claim to link one card to one group, made by one rider's request.

    ``quiet`` is how long, in seconds, a link may still take effect after its answer was lost.
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
        """Whether this request gets the claim, for ``quiet`` seconds from now."""
        try:
            return self._add() or (self._takes_away_what_is_over() and self._add())
        except CacheDown:
            return True

    def _add(self) -> bool:
        made_at = self._clock.time()
        # Kept a little longer than it holds: otherwise it could lapse during its removal, which would then remove the
        # next claim instead.
        is_ours = self._cache.add(self._key, ["under way", made_at, self._rider], self._quiet + 2 * CLOCKS_APART)
        self._made_at = made_at if is_ours else None
        return is_ours

    def _takes_away_what_is_over(self) -> bool:
        """Whether the claim's success was already told, and this request removed the claim."""
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
        """Wait until the request that has the claim knows how the link ended. Returns ``None`` once that is settled.

        Otherwise returns when the link was sent, in epoch seconds: it may still take effect.
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
            # The claim has ended but is still in the cache, or it comes from a host whose clock is wrong.
            self._cache.delete(self._key)
        except CacheDown:
            pass
        return None, None

    def keep(self, sent_at: float) -> None:
        """After a lost answer, keep the claim until ``quiet`` seconds after the link was sent."""
        left = self._quiet - (self._clock.time() - sent_at)
        if left <= 0:
            self.free()
            return
        with suppress(CacheDown):
            self._cache.set(self._key, ["lost", sent_at], left)

    def free(self) -> None:
        """Give up the claim once the outcome of the link is known and there is no success to tell."""
        with suppress(CacheDown):
            self._cache.delete(self._key)

    def told(self) -> Told | None:
        """The success that this rider learned about in the last hour, for this card and group."""
        with suppress(CacheDown):
            match self._cache.get(self._told_key(self._rider)):
                case [str(reference), _]:
                    return Told(reference)
        return None

    def tell(self, reference: str) -> Told | None:
        """Record the success. Returns ``None`` if this request is the first to tell it, otherwise what was told."""
        try:
            is_first = self._cache.add(self._told_key(self._rider), [reference, self._made_at], TOLD)
        except CacheDown:
            return None
        if not is_first or self._made_at is None:
            self.free()
        return None if is_first else self.told()

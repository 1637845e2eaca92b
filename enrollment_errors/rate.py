"""Limits the requests of one session: far above what a rider needs, and far below what a script would send.

The shared cache counts the requests, but not for riders who send only one or two: each process counts the first tenth
of the limit by itself. So the limit for the whole site is a little higher, by two tenths for each process, because a
process starts a new count once per window.
"""

from __future__ import annotations

from itertools import count
from math import ceil

from . import conf
from .clock import SYSTEM_CLOCK, Clock
from .encryption import keyed_digest
from .processes import PerProcess
from .shared_cache import CacheDown, SharedCache, Slots

SHARE_OF_A_PROCESS = 10
"""One process allows a tenth of a session's requests without asking the cache."""


class _Counts:
    """Uses no lock, because a fork could leave it held. ``setdefault`` and ``next`` are atomic, and missing a request
    while a window ends does no harm."""

    def __init__(self) -> None:
        self._began = 0.0
        self._counts: dict[tuple[str, str], count[int]] = {}

    def number_before(self, key: tuple[str, str], window: float, clock: Clock) -> int:
        """The number of requests under ``key`` before this one, since the window began."""
        now = clock.monotonic()
        if not 0 <= now - self._began < window:
            self._began, self._counts = now, {}
        return next(self._counts.setdefault(key, count()))


_counts: PerProcess[_Counts] = PerProcess()


def seconds_until_allowed(kind: str, session_id: str, clock: Clock = SYSTEM_CLOCK) -> int:
    """Count a request. Returns the seconds that the rider's session must wait before the next one: 0 if it may go on.

    ``kind`` names the kind of request (``enroll``, ``token``, ``report``); each has its own limit. A request that must
    wait does not count. While the cache is down, every request is allowed.
    """
    settings = conf.get_settings()
    window = settings.RIDER_WINDOW
    counts = _counts.get("sessions", _Counts)
    if counts.number_before((kind, session_id), window, clock) < settings.RIDER_REQUESTS // SHARE_OF_A_PROCESS:
        return 0
    slots = Slots(
        SharedCache(settings.CACHE),
        f"rate.{kind}.{keyed_digest('rate', session_id)}",
        settings.RIDER_REQUESTS,
        window,
    )
    now = clock.time()
    try:
        if slots.take_first(now):
            return 0
        taken = slots.take(now)
    except CacheDown:
        return 0
    if taken.is_ours:
        return 0
    return min(max(1, ceil(taken.oldest + window - now)), ceil(window))

"""How often one session may ask: a bound far above what a rider does, and far below what a script does."""

from __future__ import annotations

from math import ceil

from . import conf
from .clock import SYSTEM_CLOCK, Clock
from .encryption import keyed_digest
from .shared_cache import CacheDown, SharedCache, Slots


def seconds_until_allowed(kind: str, session_id: str, clock: Clock = SYSTEM_CLOCK) -> int:
    """Count a request, and say how long the rider's session must wait before it may make one: 0 if it may now.

    ``kind`` names what is asked (``enroll``, ``token``, ``report``); each has a bound of its own. A request that must
    wait does not count. While the cache is down, every request is allowed.
    """
    settings = conf.get_settings()
    slots = Slots(
        SharedCache(settings.CACHE),
        f"rate.{kind}.{keyed_digest('rate', session_id)}",
        settings.RIDER_REQUESTS,
        settings.RIDER_WINDOW,
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
    return min(max(1, ceil(taken.oldest + settings.RIDER_WINDOW - now)), ceil(settings.RIDER_WINDOW))

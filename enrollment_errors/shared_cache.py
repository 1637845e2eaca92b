"""Wraps Django's cache. While it is down, calls to the processor continue without it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache

from .processes import PerProcess

logger = logging.getLogger("enrollment_errors")

PREFIX = "enrollment_errors."
REST = 2.0
"""Seconds to leave a failed cache alone: a cache that hangs must not delay every step for every rider."""
LONGEST = 86_400.0
"""Maximum seconds that we keep an entry with a timeout. Caches fail if the number is too large for them."""
CLOCKS_APART = 5.0
"""Seconds by which the clocks of two hosts may differ. A time further ahead comes from a wrong clock and is ignored: an
hour ahead, the entry would hold an hour too long."""

T = TypeVar("T")


class CacheDown(Exception):
    """The cache failed, or is being left alone after a failure."""


class _Health:
    def __init__(self) -> None:
        self.is_down = False
        self.asked_again_at = 0.0


_healths: PerProcess[_Health] = PerProcess()


class SharedCache:
    """A Django cache under our prefix. Every method raises ``CacheDown`` if the cache fails, and logs once per outage.

    Timeouts are rounded up to whole seconds, because Redis and memcached accept no fractions.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias

    @property
    def is_of_one_process(self) -> bool:
        """Whether the cache is not shared: each process sees only its own entries."""
        return isinstance(self._ask(lambda: caches[self._alias]), LocMemCache)

    def get(self, key: str) -> Any:
        return self._ask(lambda: caches[self._alias].get(PREFIX + key))

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        names = {PREFIX + key: key for key in keys}
        found = self._ask(lambda: caches[self._alias].get_many(list(names)))
        return {names[name]: value for name, value in found.items()}

    def add(self, key: str, value: Any, seconds: float) -> bool:
        """Add the entry, and return whether it was new. Only this operation succeeds for exactly one caller."""
        timeout = _whole(seconds)
        return bool(self._ask(lambda: caches[self._alias].add(PREFIX + key, value, timeout=timeout)))

    def claim(self, key: str, seconds: float, now: float) -> bool:
        """Claim ``key`` for ``seconds``, and return whether nobody else had. ``now`` is this host's time.

        Caches in files and databases expire entries by the clock of the host that wrote them. A claim from a host whose
        clock is ahead would hold too long, so a claim contains its time, and one with an impossible time is replaced.
        """
        if self.add(key, now, seconds):
            return True
        if is_recent(self.get(key), seconds, now):
            return False
        self.delete(key)
        return self.add(key, now, seconds)

    def set(self, key: str, value: Any, seconds: float | None) -> None:
        """If ``seconds`` is ``None``, the entry never expires."""
        timeout = None if seconds is None else _whole(seconds)
        self._ask(lambda: caches[self._alias].set(PREFIX + key, value, timeout=timeout))

    def delete(self, key: str) -> None:
        self._ask(lambda: caches[self._alias].delete(PREFIX + key))

    def _ask(self, operation: Callable[[], T]) -> T:
        health = _healths.get(self._alias, _Health)
        if health.is_down and time.monotonic() < health.asked_again_at:
            raise CacheDown
        try:
            answer = operation()
        except Exception as error:  # noqa: BLE001 - a cache back end may raise any error of its client library
            self._failed(health, type(error).__name__)
        else:
            if health.is_down:
                health.is_down = False
                logger.warning("The cache %r answers again.", self._alias)
            return answer
        raise CacheDown

    def _failed(self, health: _Health, error: str) -> None:
        health.asked_again_at = time.monotonic() + REST
        if not health.is_down:
            health.is_down = True
            # The exception's text is not logged: it may contain the cache's address and password.
            logger.error(
                "The cache %r failed (%s). Calls to the processor go on without a circuit breaker and a shared token.",
                self._alias,
                error,
            )


def is_recent(made_at: object, seconds: float, now: float) -> bool:
    """Whether a claim for ``seconds`` that was made at ``made_at`` (epoch seconds) may still hold."""
    return isinstance(made_at, float) and -CLOCKS_APART <= now - made_at <= seconds + CLOCKS_APART


def _whole(seconds: float) -> int:
    return ceil(min(seconds, LONGEST))


@dataclass(frozen=True)
class Slots:
    """Counts events within a window: each takes one of ``number`` slots under ``name`` for ``window`` seconds.

    It uses slots because ``cache.incr`` is not atomic in the database and file caches, but ``cache.add`` is.
    """

    cache: SharedCache
    name: str
    number: int
    window: float

    def take_first(self, now: float) -> bool:
        """Take the first slot, if it is free, in one operation. Raises ``CacheDown``."""
        return self.cache.add(self._key(0), now, self.window)

    def take(self, now: float) -> Taken:
        """Take a slot, if one is free. Raises ``CacheDown``."""
        keys = [self._key(number) for number in range(self.number)]
        found = self.cache.get_many(keys).items()
        taken = {key: made_at for key, made_at in found if is_recent(made_at, self.window, now)}
        for key in keys:
            if key not in taken:
                taken[key] = now  # by us, or by another process since the lookup
                if self.cache.claim(key, self.window, now):
                    return Taken(True, len(taken), min(taken.values()))
        return Taken(False, len(taken), min(taken.values()))

    def _key(self, number: int) -> str:
        return f"{self.name}.{number}"


@dataclass(frozen=True)
class Taken:
    """Whether a slot was free, how many are taken now, and when the oldest of them was taken."""

    is_ours: bool
    number: int
    oldest: float

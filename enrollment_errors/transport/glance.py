"""What the calls of one request need to know of the shared cache, read in one go: the account's circuit and its token.

What was read holds for the request's next calls for ``HOLDS_FOR`` seconds, so that an enrollment, which is two calls,
reads once. After a call that failed everything is read anew. Given up: where others open the circuit during the first
call of an enrollment, its second one is made all the same, if it begins within that time.
"""

from __future__ import annotations

from typing import Any

from ..clock import Clock
from ..shared_cache import SharedCache

HOLDS_FOR = 1.0
"""Seconds. Far below the time for which a circuit is open, and as long as a processor that is well takes."""


class Glance:
    def __init__(self, cache: SharedCache, clock: Clock, *, holds_for: float = HOLDS_FOR) -> None:
        self._cache = cache
        self._clock = clock
        self._holds_for = holds_for
        self._keys: set[str] = set()
        self._found: dict[str, Any] = {}
        self._read_at: float | None = None

    def include(self, key: str) -> None:
        """What is under ``key`` will be needed beside what is asked for first."""
        self._keys.add(key)

    def get(self, key: str) -> Any:
        """What the cache has, or had ``holds_for`` seconds ago at most, under ``key``. Raises ``CacheDown``."""
        now = self._clock.monotonic()
        is_fresh = self._read_at is not None and 0 <= now - self._read_at < self._holds_for
        if not is_fresh or key not in self._keys:
            self.include(key)
            self._found = self._cache.get_many(self._keys)
            self._read_at = now
        return self._found.get(key)

    def forget(self) -> None:
        """Whatever comes next is read anew."""
        self._read_at = None

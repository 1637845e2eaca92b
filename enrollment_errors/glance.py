"""Reads at once what one request needs from the shared cache: the switches, the account's circuits and API access
token, and what is wrong with it at the moment.

The values stay valid for ``HOLDS_FOR`` seconds, so an enrollment, which is two calls, reads once. After a failed call,
everything is read again. The tradeoff: if others open the circuit during an enrollment's first call, its second call is
still made if it begins within that time.
"""

from __future__ import annotations

from typing import Any

from .clock import Clock
from .shared_cache import SharedCache

HOLDS_FOR = 1.0
"""Seconds. Far shorter than a circuit stays open, and as long as a healthy processor takes."""


class Glance:
    def __init__(self, cache: SharedCache, clock: Clock, *, holds_for: float = HOLDS_FOR) -> None:
        self._cache = cache
        self._clock = clock
        self._holds_for = holds_for
        self._keys: set[str] = set()
        self._found: dict[str, Any] = {}
        self._read_at: float | None = None

    def include(self, *keys: str) -> None:
        """Read ``keys`` too when another key is read."""
        self._keys.update(keys)

    def get(self, key: str) -> Any:
        """The cache's value for ``key``, at most ``holds_for`` seconds old. Raises ``CacheDown``."""
        now = self._clock.monotonic()
        is_fresh = self._read_at is not None and 0 <= now - self._read_at < self._holds_for
        if not is_fresh or key not in self._keys:
            self.include(key)
            self._found = self._cache.get_many(self._keys)
            self._read_at = now
        return self._found.get(key)

    def forget(self) -> None:
        """Make the next ``get`` read the cache again."""
        self._read_at = None

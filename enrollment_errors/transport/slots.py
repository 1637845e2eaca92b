"""Counting what happened within a window, in the shared cache: each event takes one of so many slots.

Slots, because ``cache.add`` is atomic where ``cache.incr`` is not: in the database and the file cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from .shared_cache import SharedCache, is_recent


@dataclass(frozen=True)
class Slots:
    """``number`` slots under ``name``, each free again ``window`` seconds after it was taken."""

    cache: SharedCache
    name: str
    number: int
    window: float

    def take(self, now: float) -> Taken:
        """Take a slot, if one is free. Raises ``CacheDown``."""
        keys = [f"{self.name}.{number}" for number in range(self.number)]
        found = self.cache.get_many(keys).items()
        taken = {key: made_at for key, made_at in found if is_recent(made_at, self.window, now)}
        for key in keys:
            if key not in taken:
                taken[key] = now  # by us, or by somebody else since we looked
                if self.cache.claim(key, self.window, now):
                    return Taken(True, len(taken), min(taken.values()))
        return Taken(False, len(taken), min(taken.values()))


@dataclass(frozen=True)
class Taken:
    """Whether a slot was free, how many are taken now, and when the one that is the next to be free was taken."""

    is_ours: bool
    number: int
    oldest: float

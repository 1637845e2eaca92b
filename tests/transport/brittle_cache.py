"""A cache that fails when a test says so, as Django's own backends do when their server is gone."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache


class BrittleCache(LocMemCache):
    is_down = False
    asked = 0

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> float | None:
        """Rounds down to whole seconds, like Redis and memcached."""
        return super().get_backend_timeout(int(timeout) if isinstance(timeout, float) else timeout)

    def _ask(self) -> None:
        type(self).asked += 1
        if type(self).is_down:
            raise ConnectionError("redis://:password-1@cache.test refused")

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self._ask()
        return super().get(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        self._ask()
        return super().add(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._ask()
        super().set(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        self._ask()
        return super().delete(*args, **kwargs)

"""A site's cache that records how it is used."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.cache.backends.locmem import LocMemCache


class CautiousCache(LocMemCache):
    """``emptied`` counts the calls that clear everything; ``touched`` has the keys of all other calls."""

    emptied: ClassVar[int] = 0
    touched: ClassVar[set[str]] = set()

    @classmethod
    def begin(cls) -> None:
        cls.emptied = 0
        cls.touched = set()

    def make_and_validate_key(self, key: Any, version: Any = None) -> Any:
        self.touched.add(key)
        return super().make_and_validate_key(key, version)

    def clear(self) -> None:
        type(self).emptied += 1
        super().clear()

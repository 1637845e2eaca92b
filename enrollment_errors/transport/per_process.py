"""Things of which each process has its own: connections, locks, semaphores.

A pooled connection that crosses a fork hands one child's answers to another, and a lock that was held at the moment of
the fork is held for ever in the child. So everything is made when it is first asked for, and forgotten once the process
id is another one; that holds for servers too that fork without running Python's own hooks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    def __init__(self) -> None:
        self._items: dict[int, dict[Hashable, T]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The item of this process under ``key``. Where two threads make it at once, both get the same one."""
        pid = os.getpid()
        items = self._items.get(pid)
        if items is None:
            # No lock, which a fork could leave held: setdefault gives all threads the same, right after a fork too.
            items = self._items.setdefault(pid, {})
            for other in list(self._items):
                if other != pid:
                    self._items.pop(other, None)
        found = items.get(key)
        return found if found is not None else items.setdefault(key, make())

"""Objects that each process has for itself, and a lock that the processes of a host share without a cache.

A pooled connection that crosses a fork hands one child's answers to another, and a lock held during the fork stays
locked forever in the child. So each item is made on first use and forgotten once the process id changes. That also
works for servers that fork without running Python's own hooks.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from django.core.files import locks
from django.utils.crypto import salted_hmac

logger = logging.getLogger("enrollment_errors")

T = TypeVar("T")


class PerProcess(Generic[T]):
    def __init__(self) -> None:
        self._items: dict[int, dict[Hashable, T]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The item of this process under ``key``. If two threads make it at once, both get the same one."""
        pid = os.getpid()
        items = self._items.get(pid)
        if items is None:
            # No lock, because a fork could leave it held. setdefault gives all threads the same dict, even right after
            # a fork.
            items = self._items.setdefault(pid, {})
            for other in list(self._items):
                if other != pid:
                    self._items.pop(other, None)
        found = items.get(key)
        return found if found is not None else items.setdefault(key, make())


@contextmanager
def host_lock(name: str) -> Iterator[bool]:
    """Take the lock ``name``, if no other process of this site on this host holds it. Yields whether it is ours. Does
    not wait.

    The lock is an empty file that stays in the directory for temporary files. If it cannot be created or locked, every
    process gets the lock, and a warning is logged.
    """
    with ExitStack() as held:
        yield _is_ours(name, held)


def _is_ours(name: str, held: ExitStack) -> bool:
    try:
        file = held.enter_context(_opened(name))
        if not locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            return False
        held.callback(locks.unlock, file)  # closing does not if a forked child has the file open
    except OSError as error:
        logger.warning(
            "The processes of this host cannot share a lock (%s), so each goes ahead on its own.", error.strerror
        )
    return True


def _opened(name: str) -> BinaryIO:
    """Anyone may write to the directory, so the name is unguessable: nobody else can create the file first."""
    digest = salted_hmac("enrollment_errors.host-lock", name, algorithm="sha256").hexdigest()
    path = Path(tempfile.gettempdir(), f"enrollment_errors-{digest}.lock")
    return open(path, "ab", opener=lambda path, flags: os.open(path, flags, mode=0o600))

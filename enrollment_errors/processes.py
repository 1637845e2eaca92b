"""What each process has for itself, and the one thing that the processes of a host share without a cache: a lock.

A pooled connection that crosses a fork hands one child's answers to another, and a lock that was held at the moment of
the fork is held for ever in the child. So everything is made when it is first asked for, and forgotten once the process
id is another one; that holds for servers too that fork without running Python's own hooks.
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


@contextmanager
def host_lock(name: str) -> Iterator[bool]:
    """Whether nobody else of this site, on this host, holds the lock of that name. Does not wait.

    It is an empty file in the folder for temporary files, which stays there. Where it cannot be made or locked,
    everybody gets the lock, and a warning is logged.
    """
    with ExitStack() as held:
        yield _is_ours(name, held)


def _is_ours(name: str, held: ExitStack) -> bool:
    try:
        file = held.enter_context(_opened(name))
        if not locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            return False
        held.callback(locks.unlock, file)  # closing does not, while a child forked meanwhile has the file open too
    except OSError as error:
        logger.warning("No lock between the processes of this host (%s): each goes by itself.", error.strerror)
    return True


def _opened(name: str) -> BinaryIO:
    """Everybody may write into the folder: that the name cannot be guessed keeps others from being there before us."""
    digest = salted_hmac("enrollment_errors.host-lock", name, algorithm="sha256").hexdigest()
    path = Path(tempfile.gettempdir(), f"enrollment_errors-{digest}.lock")
    return open(path, "ab", opener=lambda path, flags: os.open(path, flags, mode=0o600))

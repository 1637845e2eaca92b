"""A lock between the processes of a host that have no cache in common. The kernel frees it when its holder dies."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from django.core.files import locks
from django.utils.crypto import salted_hmac

logger = logging.getLogger("enrollment_errors")


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

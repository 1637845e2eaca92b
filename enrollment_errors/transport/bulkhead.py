"""A bound on the simultaneous calls of one process to one processor account.

While a processor hangs, it can hold that many of the process's threads and no more; the rest goes on with other pages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import ProcessorBusy
from .per_process import PerProcess

_places: PerProcess[threading.BoundedSemaphore] = PerProcess()


@contextmanager
def place(account: str, *, places: int, wait: float) -> Iterator[None]:
    """One of the account's ``places``. Raises ``ProcessorBusy`` where none gets free within ``wait`` seconds."""
    semaphore = _places.get((account, places), lambda: threading.BoundedSemaphore(places))
    if not semaphore.acquire(timeout=max(0.0, wait)):
        raise ProcessorBusy(f"{places} calls of this process are under way already")
    try:
        yield
    finally:
        semaphore.release()
